//! What policies read of a request or of an identity, field by field, and the values of each field
//! that the policies of one place can tell apart.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

use super::address;
use super::language::{Pattern, Signature, Witnesses, witnesses};
use super::universe::Universe;
use crate::simulate::envoy::{IdentityTest, Test};
use crate::simulate::matcher::{Glob, IpBlock};
use crate::simulate::options::PathNormalization;
use crate::simulate::ztunnel::Match;

/// A part of a request that varies by itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// Is there a token, and does it verify?
    Token,
    /// A claim of a token that verifies, by its path.
    Claim(Vec<String>),
    /// The path.
    Path,
    /// The method.
    Method,
    /// `:authority`.
    Host,
    /// A header, by its name in lower case.
    Header(String),
}

/// A value of a field: lines of a header or texts of a claim, of which there may be none.
pub type Value = Vec<String>;

/// The header that tells Envoy the client's address.
pub const FORWARDED_FOR: &str = "x-forwarded-for";

/// Lines of a header, or texts of a claim, that are looked at together, at most.
const MAX_SETS: usize = 128;

/// A value of a policy about one field.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Atom {
    /// About its text.
    Text(Pattern),
    /// About the address in it.
    Address(IpBlock),
}

/// What an Envoy test reads of the request: each field, with what it asks of it.
pub fn atoms(test: &Test) -> Vec<(Field, Atom)> {
    let text = |field, pattern| vec![(field, Atom::Text(pattern))];
    match test {
        Test::Identity(_)
        | Test::SourceIp(_)
        | Test::DestinationIp(_)
        | Test::DestinationPort(_)
        | Test::Sni(_)
        | Test::Never => Vec::new(),
        Test::RemoteIp(block) => {
            vec![(Field::Header(FORWARDED_FOR.into()), Atom::Address(*block))]
        }
        Test::Host(glob) => text(Field::Host, Pattern::header(glob).folded()),
        Test::Method(glob) => text(Field::Method, Pattern::header(glob)),
        Test::Path(path) => text(Field::Path, Pattern::path(path)),
        Test::Header(name, glob) => text(header(name), Pattern::header(glob)),
        Test::RequestPrincipal(principal) => vec![
            (claim("iss"), Atom::Text(Pattern::new().glob(&principal.issuer))),
            (claim("sub"), Atom::Text(Pattern::new().glob(&principal.subject))),
        ],
        Test::Claim(path, glob) => text(Field::Claim(path.clone()), Pattern::new().glob(glob)),
    }
}

/// The claim of this name.
pub fn claim(name: &str) -> Field {
    Field::Claim(vec![name.to_owned()])
}

fn header(name: &str) -> Field {
    match name {
        ":authority" | "host" => Field::Host,
        ":method" => Field::Method,
        ":path" => Field::Path,
        name => Field::Header(name.to_owned()),
    }
}

/// What a test asks of an identity; `None` for what it does not ask.
pub fn identity(test: &IdentityTest) -> Pattern {
    let scheme = || Pattern::new().text("spiffe://");
    match test {
        IdentityTest::Principal(Glob::Presence) => Pattern::new().anything(),
        IdentityTest::Principal(glob) => scheme().glob(glob),
        IdentityTest::Namespace(value) if value.contains('*') => {
            Pattern::new().anything().text("/ns/").wild(value, false).text("/").anything()
        }
        IdentityTest::Namespace(value) => {
            Pattern::new().anything().text("/ns/").text(value).text("/").anything()
        }
        IdentityTest::ServiceAccount { namespace, name } => account(namespace, name),
        IdentityTest::TrustDomain(value) if value == "*" => Pattern::new().anything(),
        IdentityTest::TrustDomain(value) => scheme().wild(value, true).text("/").anything(),
    }
}

fn account(namespace: &str, name: &str) -> Pattern {
    let of = Pattern::new().text("spiffe://").segment();
    of.text(&format!("/ns/{namespace}/sa/{name}"))
}

fn namespace(glob: &Glob) -> Pattern {
    let of = Pattern::new().text("spiffe://").segment().text("/ns/");
    match glob {
        Glob::Presence => Pattern::new().anything(),
        Glob::Exact(whole) => of.text(whole).text("/").anything(),
        Glob::Prefix(start) => of.text(start).wild("*", true).text("/").anything(),
        Glob::Suffix(end) => of.wild("*", true).text(end).text("/").anything(),
    }
}

/// What one match of ztunnel asks of an identity.
pub fn ztunnel_identities(of: &Match, into: &mut BTreeSet<Pattern>) {
    let scheme = || Pattern::new().text("spiffe://");
    for glob in of.principals.iter().chain(&of.not_principals) {
        into.insert(scheme().glob(glob));
    }
    for glob in of.namespaces.iter().chain(&of.not_namespaces) {
        into.insert(namespace(glob));
    }
    for own in of.service_accounts.iter().chain(&of.not_service_accounts) {
        into.insert(account(&own.namespace, &own.name));
    }
}

/// The values that some atoms tell apart.
#[derive(Clone, Debug)]
pub struct Values {
    /// The values, the most ordinary first.
    pub all: Vec<Value>,
    /// False when there may be more.
    pub complete: bool,
}

/// The values of fields, kept: places often read the same.
#[derive(Debug, Default)]
pub struct Cache(HashMap<Asked, Values>);

/// A field, what becomes of paths, the texts that are preferred, and what is asked.
type Asked = (Field, Option<PathNormalization>, Vec<String>, Vec<Atom>);

impl Cache {
    /// The values of a field that atoms tell apart, `preferred` ones where they serve.
    pub fn values(
        &mut self,
        field: &Field,
        paths: PathNormalization,
        preferred: &[String],
        atoms: &BTreeSet<Atom>,
    ) -> &Values {
        let paths_matter = (*field == Field::Path).then_some(paths);
        let list: Vec<Atom> = atoms.iter().cloned().collect();
        let key = (field.clone(), paths_matter, preferred.to_vec(), list);
        self.0.entry(key).or_insert_with_key(|(field, _, preferred, atoms)| {
            values(field, paths, preferred, atoms)
        })
    }
}

fn values(field: &Field, paths: PathNormalization, preferred: &[String], atoms: &[Atom]) -> Values {
    let texts: Vec<Pattern> = atoms
        .iter()
        .filter_map(|atom| match atom {
            Atom::Text(pattern) => Some(pattern.clone()),
            Atom::Address(_) => None,
        })
        .collect();
    let blocks: Vec<IpBlock> = atoms
        .iter()
        .filter_map(|atom| match atom {
            Atom::Address(block) => Some(*block),
            Atom::Text(_) => None,
        })
        .collect();
    let one = |universe| {
        let Witnesses { all, complete } = witnesses(&texts, universe, preferred);
        Values { all: all.into_iter().map(|w| vec![w.text]).collect(), complete }
    };
    match field {
        // decided by hand: there are three
        Field::Token => Values { all: Vec::new(), complete: true },
        Field::Method => one(Universe::Method),
        Field::Host => one(Universe::Host),
        Field::Path => one(Universe::Path(paths)),
        Field::Header(name) if name == FORWARDED_FOR && !blocks.is_empty() => {
            let lines = address::witnesses(&blocks).into_iter().map(|ip| ip.to_string());
            let mut found = several(&witnesses(&texts, Universe::Header, preferred));
            // what a line's text and the address in it say together is not worked out
            found.complete &= texts.is_empty();
            let forwarded: Vec<Value> = lines.map(|line| vec![line]).collect();
            found.all.extend(forwarded);
            found
        }
        Field::Header(_) => several(&witnesses(&texts, Universe::Header, preferred)),
        Field::Claim(_) => several(&witnesses(&texts, Universe::Claim, preferred)),
    }
}

/// None, one, or several texts at once: as many as it takes for every set of patterns that can hold
/// together.
fn several(found: &Witnesses) -> Values {
    // absence first, which holds for nothing: a text that no pattern takes adds nothing to it
    let mut sets: Vec<(Signature, Value)> = vec![(Signature::default(), Vec::new())];
    let mut seen: BTreeSet<Signature> = sets.iter().map(|(s, _)| s.clone()).collect();
    let mut complete = found.complete;
    let mut at = 0;
    while at < sets.len() {
        let (held, texts) = sets[at].clone();
        for witness in &found.all {
            let both = held.or(&witness.signature);
            if seen.contains(&both) {
                continue;
            }
            if sets.len() >= MAX_SETS {
                complete = false;
                continue;
            }
            seen.insert(both.clone());
            let mut texts = texts.clone();
            texts.push(witness.text.clone());
            sets.push((both, texts));
        }
        at += 1;
    }
    Values { all: sets.into_iter().map(|(_, texts)| texts).collect(), complete }
}

/// Addresses that some blocks tell apart.
pub fn addresses(blocks: &BTreeSet<IpBlock>) -> Vec<IpAddr> {
    address::witnesses(&blocks.iter().copied().collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::super::language::signature;
    use super::*;
    use crate::simulate::identity::Peer;

    #[test]
    fn patterns_of_identities_agree_with_the_tests() {
        let tests = [
            IdentityTest::Principal(Glob::parse("td/ns/a/sa/b")),
            IdentityTest::Principal(Glob::parse("td/ns/a/*")),
            IdentityTest::Principal(Glob::parse("*/sa/b")),
            IdentityTest::Principal(Glob::Presence),
            IdentityTest::Namespace("a".into()),
            IdentityTest::Namespace("a*".into()),
            IdentityTest::Namespace("*b*c".into()),
            IdentityTest::ServiceAccount { namespace: "a".into(), name: "b".into() },
            IdentityTest::TrustDomain("td".into()),
            IdentityTest::TrustDomain("t*".into()),
            IdentityTest::TrustDomain("*".into()),
        ];
        let patterns: Vec<Pattern> = tests.iter().map(identity).collect();
        let found = witnesses(&patterns, Universe::Identity, &[]);
        assert!(found.complete && found.all.len() > tests.len(), "{found:?}");
        for witness in &found.all {
            for (index, test) in tests.iter().enumerate() {
                let holds =
                    signature(&patterns[index..=index], &witness.text) != Signature::default();
                let says = test.holds(Some(Peer::from_uri(&witness.text)));
                assert_eq!(holds, says, "{test:?} {}", witness.text);
            }
        }
    }

    #[test]
    fn a_header_may_have_two_lines() {
        let atoms = ["admin", "guest"]
            .map(|v| Atom::Text(Pattern::header(&Glob::parse(v))))
            .into_iter()
            .collect();
        let mut cache = Cache::default();
        let field = Field::Header("x-role".into());
        let found = cache.values(&field, PathNormalization::Base, &[], &atoms);
        assert!(found.complete);
        let both: Vec<&Value> = found.all.iter().filter(|v| v.len() == 2).collect();
        assert_eq!(both.len(), 1, "{found:?}");
        assert_eq!(found.all[0], Value::new());
    }
}
