//! What rules ask of identities, taken apart: most ask for whole names of trust domain, namespace or
//! service account. What they tell apart is then found by looking names up, not by running patterns.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::change::StandsFor;
use super::field::{identity, ztunnel_identities};
use super::language::{Pattern, Signature, signature, witnesses};
use super::universe::Universe;
use crate::simulate::envoy::IdentityTest;
use crate::simulate::identity::Peer;
use crate::simulate::matcher::Glob;
use crate::simulate::ztunnel::Match;

/// Combinations of names that are looked at, at most.
const MAX_COMBINATIONS: usize = 200_000;

/// What is asked of an identity of Istio's form.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Who {
    /// Whole names; `None` is any.
    Names {
        /// The trust domain.
        domain: Option<String>,
        /// The namespace.
        namespace: Option<String>,
        /// The service account.
        account: Option<String>,
    },
    /// Anything else.
    Pattern(Pattern),
}

/// The names of an identity.
type Names<'u> = (&'u str, &'u str, &'u str);

impl Who {
    fn names(domain: Option<&str>, namespace: Option<&str>, account: Option<&str>) -> Self {
        let own = |name: Option<&str>| name.map(str::to_owned);
        Who::Names { domain: own(domain), namespace: own(namespace), account: own(account) }
    }

    /// What Envoy's test asks.
    pub fn of(test: &IdentityTest) -> Self {
        let simple = match test {
            IdentityTest::Principal(glob) => Self::of_principal(glob),
            IdentityTest::Namespace(value) if !value.contains(['*', '/']) => {
                Some(Self::names(None, Some(value), None))
            }
            IdentityTest::ServiceAccount { namespace, name } if !name.contains('/') => {
                Some(Self::names(None, Some(namespace), Some(name)))
            }
            IdentityTest::TrustDomain(value) if value == "*" => Some(Self::names(None, None, None)),
            IdentityTest::TrustDomain(value) if !value.contains(['*', '/']) => {
                Some(Self::names(Some(value), None, None))
            }
            _ => None,
        };
        simple.unwrap_or_else(|| Who::Pattern(identity(test)))
    }

    /// What a match of ztunnel asks, field by field: each list by itself.
    pub fn of_match(of: &Match) -> Vec<Vec<Self>> {
        let principals = |globs: &[Glob]| -> Vec<Self> {
            let own = |glob: &Glob| {
                Self::of_principal(glob).unwrap_or_else(|| {
                    let only = Match { principals: vec![glob.clone()], ..Match::default() };
                    Self::pattern_of(&only)
                })
            };
            globs.iter().map(own).collect()
        };
        let namespaces = |globs: &[Glob]| -> Vec<Self> {
            let own = |glob: &Glob| match glob {
                Glob::Exact(name) => Self::names(None, Some(name), None),
                glob => {
                    let only = Match { namespaces: vec![glob.clone()], ..Match::default() };
                    Self::pattern_of(&only)
                }
            };
            globs.iter().map(own).collect()
        };
        let accounts = |all: &[crate::simulate::ztunnel::ServiceAccount]| -> Vec<Self> {
            all.iter().map(|a| Self::names(None, Some(&a.namespace), Some(&a.name))).collect()
        };
        vec![
            principals(&of.principals),
            principals(&of.not_principals),
            namespaces(&of.namespaces),
            namespaces(&of.not_namespaces),
            accounts(&of.service_accounts),
            accounts(&of.not_service_accounts),
        ]
    }

    fn pattern_of(of: &Match) -> Self {
        let mut patterns = BTreeSet::new();
        ztunnel_identities(of, &mut patterns);
        Who::Pattern(patterns.into_iter().next().unwrap_or_default())
    }

    /// A principal with one star at most; `None` where names are cut by it.
    fn of_principal(glob: &Glob) -> Option<Self> {
        match glob {
            Glob::Presence => Some(Self::names(None, None, None)),
            Glob::Exact(whole) => {
                let (domain, namespace, account) = names_of(whole)?;
                Some(Self::names(Some(domain), Some(namespace), Some(account)))
            }
            Glob::Prefix(start) => {
                let parts: Vec<&str> = start.split('/').collect();
                match parts.as_slice() {
                    [domain, ""] | [domain, "ns", ""] => {
                        Some(Self::names(Some(domain), None, None))
                    }
                    [domain, "ns", namespace, ""] | [domain, "ns", namespace, "sa", ""] => {
                        Some(Self::names(Some(domain), Some(namespace), None))
                    }
                    _ => None,
                }
            }
            Glob::Suffix(end) => {
                let parts: Vec<&str> = end.split('/').collect();
                match parts.as_slice() {
                    ["", "sa", account] | ["", account] => {
                        Some(Self::names(None, None, Some(account)))
                    }
                    ["", "ns", namespace, "sa", account] => {
                        Some(Self::names(None, Some(namespace), Some(account)))
                    }
                    _ => None,
                }
            }
        }
    }

    fn holds(&self, uri: &str, (domain, namespace, account): Names<'_>) -> bool {
        let is = |wanted: &Option<String>, name: &str| wanted.as_ref().is_none_or(|w| w == name);
        match self {
            Who::Names { domain: d, namespace: n, account: a } => {
                is(d, domain) && is(n, namespace) && is(a, account)
            }
            Who::Pattern(pattern) => {
                signature(std::slice::from_ref(pattern), uri) != Signature::default()
            }
        }
    }

    fn pattern(&self) -> Pattern {
        let start = Pattern::new().text("spiffe://");
        match self {
            Who::Pattern(pattern) => pattern.clone(),
            Who::Names { domain, namespace, account } => {
                let part = |pattern: Pattern, name: &Option<String>| match name {
                    Some(name) => pattern.text(name),
                    None => pattern.segment(),
                };
                let pattern = part(start, domain).text("/ns/");
                let pattern = part(pattern, namespace).text("/sa/");
                part(pattern, account)
            }
        }
    }

    /// It names one identity.
    fn is_whole(&self) -> bool {
        matches!(self, Who::Names { domain: Some(_), namespace: Some(_), account: Some(_) })
    }

    /// It asks for nothing but the trust domain, which is told apart anyway.
    fn is_about_domain(&self) -> bool {
        matches!(self, Who::Names { namespace: None, account: None, .. })
    }
}

fn names_of(principal: &str) -> Option<Names<'_>> {
    let mut parts = principal.split('/');
    let names = (parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let (domain, "ns", namespace, "sa", account) = names else { return None };
    parts.next().is_none().then_some((domain, namespace, account))
}

/// The identities of workloads on both sides, by number.
#[derive(Debug, Default)]
pub struct KnownIdentities<'m> {
    uris: Vec<&'m str>,
    numbers: HashMap<&'m str, u32>,
    by_namespace: HashMap<&'m str, Vec<u32>>,
    by_account: HashMap<&'m str, Vec<u32>>,
    by_domain: HashMap<&'m str, Vec<u32>>,
    /// Those that an application's proxy shows.
    shown: HashSet<u32>,
    /// How many of those each trust domain has.
    shown_of: HashMap<&'m str, usize>,
    asked: HashMap<Who, Vec<u32>>,
}

impl<'m> KnownIdentities<'m> {
    /// The number of an identity, new or known.
    pub fn number(&mut self, peer: Peer<'m>, is_shown: bool) -> u32 {
        let uri = peer.uri();
        let next = self.uris.len() as u32;
        let number = *self.numbers.entry(uri).or_insert(next);
        if number == next {
            self.uris.push(uri);
            if let Some((domain, namespace, account)) = peer.parts() {
                self.by_namespace.entry(namespace).or_default().push(number);
                self.by_account.entry(account).or_default().push(number);
                self.by_domain.entry(domain).or_default().push(number);
            }
        }
        if is_shown && self.shown.insert(number) {
            *self.shown_of.entry(peer.trust_domain()).or_default() += 1;
        }
        number
    }

    /// The identities for which something holds.
    fn holding(&mut self, who: &Who) -> &[u32] {
        if !self.asked.contains_key(who) {
            let none = Vec::new();
            let all: Vec<u32> = (0..self.uris.len() as u32).collect();
            let candidates = match who {
                Who::Names { namespace: Some(name), .. } => {
                    self.by_namespace.get(name.as_str()).unwrap_or(&none)
                }
                Who::Names { account: Some(name), .. } => {
                    self.by_account.get(name.as_str()).unwrap_or(&none)
                }
                Who::Names { domain: Some(name), .. } => {
                    self.by_domain.get(name.as_str()).unwrap_or(&none)
                }
                _ => &all,
            };
            let holds = |number: &&u32| {
                let uri = self.uris[**number as usize];
                Peer::from_uri(uri).parts().is_some_and(|names| who.holds(uri, names))
            };
            let holding: Vec<u32> = candidates.iter().filter(holds).copied().collect();
            self.asked.insert(who.clone(), holding);
        }
        self.asked.get(who).map_or(&[], Vec::as_slice)
    }
}

/// What the rules of a place ask of identities: lists, one of which must hold, by number.
#[derive(Debug, Default)]
pub struct Lists {
    numbers: HashMap<Vec<Who>, u32>,
}

impl Lists {
    /// One list of a rule. What only asks for trust domains is left out: those are told apart anyway.
    pub fn add(&mut self, mut list: Vec<Who>) {
        list.sort_unstable();
        list.dedup();
        if list.iter().any(|who| !who.is_about_domain()) {
            let next = self.numbers.len() as u32;
            self.numbers.entry(list).or_insert(next);
        }
    }

    /// What is asked, in order, with the lists that each is in.
    fn asked(&self) -> Vec<(&Who, Vec<u32>)> {
        let mut all: BTreeMap<&Who, Vec<u32>> = BTreeMap::new();
        for (list, number) in &self.numbers {
            for who in list {
                all.entry(who).or_default().push(*number);
            }
        }
        all.into_iter().collect()
    }
}

/// The lists that some of what is asked is in.
fn lists_of(asked: &[(&Who, Vec<u32>)], holding: &[u32]) -> Vec<u32> {
    let own = holding.iter().filter_map(|at| asked.get(*at as usize));
    let mut lists: Vec<u32> = own.flat_map(|(_, lists)| lists).copied().collect();
    lists.sort_unstable();
    lists.dedup();
    lists
}

/// An identity that no workload has, and stands for all of whom the same holds.
#[derive(Clone, Debug)]
pub struct Stranger {
    /// The identity.
    pub uri: String,
    /// Whom it stands for.
    pub stands_for: StandsFor,
    /// The lists that hold for it.
    pub lists: Vec<u32>,
}

/// Which lists hold for whom.
#[derive(Debug, Default)]
pub struct Classes {
    /// By the number of a known identity: the lists that hold for it, where any does.
    pub known: HashMap<u32, Vec<u32>>,
    /// One identity for every other combination.
    pub strangers: Vec<Stranger>,
    /// False when there may be more combinations.
    pub complete: bool,
}

/// Works out which lists hold for whom, of the identities of these trust domains.
pub fn classes(
    lists: &Lists,
    identities: &mut KnownIdentities<'_>,
    domains: &BTreeSet<String>,
) -> Classes {
    let asked = lists.asked();
    let mut holding: HashMap<u32, Vec<u32>> = HashMap::new();
    for (at, (who, _)) in asked.iter().enumerate() {
        for number in identities.holding(who) {
            holding.entry(*number).or_default().push(at as u32);
        }
    }
    let mut seen = seen(&holding, identities);
    let known = holding.iter().map(|(number, own)| (*number, lists_of(&asked, own))).collect();
    let whos: Vec<&Who> = asked.iter().map(|(who, _)| *who).collect();
    let is_regular = whos.iter().all(|who| matches!(who, Who::Names { .. }));
    let found =
        if is_regular { combinations(&whos, domains) } else { by_automaton(&whos, domains) };
    let mut classes = Classes { known, strangers: Vec::new(), complete: found.complete };
    for (uri, own, is_named) in found.all {
        let lists = lists_of(&asked, &own);
        let is_told = own.iter().any(|at| !whos[*at as usize].is_about_domain());
        let domain = Peer::from_uri(&uri).trust_domain().to_owned();
        if !domains.contains(&domain) || !seen.insert((domain, own)) {
            continue;
        }
        let stands_for = match (is_named, !is_told) {
            (true, _) => StandsFor::Itself,
            (false, true) => StandsFor::AllOthers,
            (false, false) => StandsFor::ItsLike,
        };
        classes.strangers.push(Stranger { uri, stands_for, lists });
    }
    classes
}

/// The combinations that workloads stand for, by trust domain.
fn seen(
    known: &HashMap<u32, Vec<u32>>,
    identities: &KnownIdentities<'_>,
) -> HashSet<(String, Vec<u32>)> {
    let mut seen = HashSet::new();
    let mut touched: HashMap<&str, usize> = HashMap::new();
    for (number, own) in known.iter().filter(|(number, _)| identities.shown.contains(number)) {
        let domain = Peer::from_uri(identities.uris[*number as usize]).trust_domain();
        *touched.entry(domain).or_default() += 1;
        seen.insert((domain.to_owned(), own.clone()));
    }
    for (domain, count) in &identities.shown_of {
        if *count > touched.get(domain).copied().unwrap_or_default() {
            seen.insert(((*domain).to_owned(), Vec::new()));
        }
    }
    seen
}

/// Identities, what holds of each by number, and whether a rule names it whole.
struct Found {
    all: Vec<(String, Vec<u32>, bool)>,
    complete: bool,
}

/// One identity for every combination of whole names: each namespace that is asked for and another one, in
/// each the accounts that are asked for there and another one.
fn combinations(whos: &[&Who], domains: &BTreeSet<String>) -> Found {
    let mut found = Found { all: Vec::new(), complete: true };
    let mut anywhere = Vec::new();
    let mut by_namespace: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
    let mut accounts = BTreeSet::new();
    for (at, who) in whos.iter().enumerate() {
        let Who::Names { namespace, account, .. } = who else { continue };
        accounts.extend(account.as_deref());
        match namespace {
            Some(name) => by_namespace.entry(name).or_default().push(at as u32),
            None => anywhere.push(at as u32),
        }
    }
    let other_namespace = unused("other", |name| by_namespace.contains_key(name));
    let other_account = unused("x", |name| accounts.contains(name));
    let none = Vec::new();
    let namespaces = std::iter::once((other_namespace.as_str(), &none));
    for (namespace, own) in namespaces.chain(by_namespace.iter().map(|(name, own)| (*name, own))) {
        let mut here: Vec<u32> = own.iter().chain(&anywhere).copied().collect();
        here.sort_unstable();
        let own: BTreeSet<&str> = here
            .iter()
            .filter_map(|at| match whos[*at as usize] {
                Who::Names { account, .. } => account.as_deref(),
                Who::Pattern(_) => None,
            })
            .collect();
        let wish = if namespace == other_namespace { "other" } else { other_account.as_str() };
        let other = unused(wish, |name| own.contains(name));
        for account in std::iter::once(other.as_str()).chain(own) {
            for domain in domains {
                if found.all.len() >= MAX_COMBINATIONS {
                    found.complete = false;
                    return found;
                }
                found.all.push(combination(whos, &here, (domain, namespace, account)));
            }
        }
    }
    found
}

fn combination(whos: &[&Who], here: &[u32], names: Names<'_>) -> (String, Vec<u32>, bool) {
    let (domain, namespace, account) = names;
    let uri = format!("spiffe://{domain}/ns/{namespace}/sa/{account}");
    let holds = |at: &&u32| whos[**at as usize].holds(&uri, names);
    let holding: Vec<u32> = here.iter().filter(holds).copied().collect();
    let is_named = holding.iter().any(|at| whos[*at as usize].is_whole());
    (uri, holding, is_named)
}

/// A name that is not taken: this one, else a letter, else this one with a number.
fn unused(wish: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let letters = ('x'..='z').chain('a'..='w').map(String::from);
    let numbered = (2..).map(|n: u32| format!("{wish}-{n}"));
    let mut names = std::iter::once(wish.to_owned()).chain(letters).chain(numbered);
    names.find(|name| !is_taken(name)).unwrap_or_else(|| wish.to_owned())
}

/// The same where names are cut: by the automaton of all patterns.
fn by_automaton(whos: &[&Who], domains: &BTreeSet<String>) -> Found {
    let mut patterns: Vec<Pattern> = whos.iter().map(|who| who.pattern()).collect();
    // TLS tells trust domains apart before any rule does
    let of_domain =
        |domain: &String| Pattern::new().text(&format!("spiffe://{domain}/")).anything();
    patterns.extend(domains.iter().map(of_domain));
    let others = domains.iter().map(|domain| format!("spiffe://{domain}/ns/other/sa/other"));
    let mut named = BTreeSet::new();
    for who in whos {
        if let Who::Names { domain: Some(d), namespace: Some(n), account: Some(a) } = who {
            named.insert(format!("spiffe://{d}/ns/{n}/sa/{a}"));
        }
    }
    let preferred: Vec<String> = others.chain(named.iter().cloned()).collect();
    let found = witnesses(&patterns, Universe::Identity, &preferred);
    let all = found.all.into_iter().map(|witness| {
        let own = witness.signature.bits().filter(|bit| *bit < whos.len());
        let own: Vec<u32> = own.map(|bit| bit as u32).collect();
        let is_named = named.contains(&witness.text);
        (witness.text, own, is_named)
    });
    Found { all: all.collect(), complete: found.complete }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_patterns_ask_the_same() {
        let tests = [
            IdentityTest::Principal(Glob::parse("td/ns/a/sa/b")),
            IdentityTest::Principal(Glob::parse("td/ns/a/*")),
            IdentityTest::Principal(Glob::parse("td/*")),
            IdentityTest::Principal(Glob::parse("*/sa/b")),
            IdentityTest::Principal(Glob::parse("*/b")),
            IdentityTest::Principal(Glob::parse("*/ns/a/sa/b")),
            IdentityTest::Principal(Glob::parse("td/ns/a*")),
            IdentityTest::Principal(Glob::Presence),
            IdentityTest::Namespace("a".into()),
            IdentityTest::Namespace("a*".into()),
            IdentityTest::ServiceAccount { namespace: "a".into(), name: "b".into() },
            IdentityTest::TrustDomain("td".into()),
            IdentityTest::TrustDomain("*".into()),
        ];
        let uris =
            ["td/ns/a/sa/b", "td/ns/ab/sa/b", "td2/ns/a/sa/b", "td/ns/b/sa/a", "x/ns/c/sa/bb"];
        for test in &tests {
            let who = Who::of(test);
            for principal in uris {
                let uri = format!("spiffe://{principal}");
                let peer = Peer::from_uri(&uri);
                let holds = who.holds(&uri, peer.parts().unwrap_or_default());
                assert_eq!(holds, test.holds(Some(peer)), "{test:?} {uri}");
                let by_pattern = signature(&[who.pattern()], &uri) != Signature::default();
                assert_eq!(by_pattern, holds, "{test:?} {uri}");
            }
        }
    }

    #[test]
    fn ten_thousand_names_are_told_apart_at_once() {
        let mut lists = Lists::default();
        let name =
            |n: usize| Who::of(&IdentityTest::Principal(Glob::Exact(format!("td/ns/n{n}/sa/s"))));
        lists.add((0..10_000).map(name).collect());
        lists.add(vec![Who::of(&IdentityTest::Namespace("n7".into()))]);
        let domains = BTreeSet::from(["td".to_owned()]);
        let found = classes(&lists, &mut KnownIdentities::default(), &domains);
        assert!(found.complete);
        let uris: Vec<&str> = found.strangers.iter().map(|s| s.uri.as_str()).collect();
        // those that are named, one of n7 that is not, and whoever is in none
        assert_eq!(uris.len(), 10_002, "{:?}", &uris[..4]);
        let lists: BTreeSet<&Vec<u32>> = found.strangers.iter().map(|s| &s.lists).collect();
        assert_eq!(lists.len(), 4);
    }
}
