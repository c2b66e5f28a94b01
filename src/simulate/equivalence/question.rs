//! The requests that the Envoys on a client's ways can tell apart.
//!
//! Not the product of all fields: a field is only varied where some rule still hangs on it. With a
//! path decided, rules about other paths are out, and so is what only they read. That keeps the number
//! of requests near to what the policies really say, and misses none.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json};

use super::field::{Atom, Cache, FORWARDED_FOR, Field, Value, atoms, claim};
use super::language::Pattern;
use crate::simulate::envoy::{ChainKind, Clause, Conjunction, Facts, Http, Policies, Rule, Test};
use crate::simulate::matcher::Glob;
use crate::simulate::mesh::Mesh;
use crate::simulate::options::PathNormalization;
use crate::simulate::path::Met;
use crate::simulate::point::request_authentications;
use crate::simulate::request::HttpRequest;
use crate::simulate::request_authentication::{RequestAuthentication, Token, Verified, verify};

/// Requests for one pair of client and destination, at most.
pub const MAX_REQUESTS: usize = 4096;

/// Methods that people know, for where any will do.
const METHODS: [&str; 7] = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"];

/// The Envoys that requests meet on the way to one endpoint in one mesh.
#[derive(Clone, Debug)]
pub struct Road<'a> {
    /// The mesh.
    pub mesh: &'a Mesh,
    /// The Envoys, in order.
    pub met: Vec<Met<'a>>,
}

/// What is the same for all requests to a destination.
#[derive(Clone, Debug)]
pub struct Setting {
    /// `:authority` where a request says nothing else; `None` where the two meshes do not agree on
    /// it.
    pub host: Option<String>,
    /// What becomes of paths.
    pub paths: PathNormalization,
}

/// Requests, one of every class.
#[derive(Clone, Debug)]
pub struct Questions {
    /// The requests.
    pub all: Vec<HttpRequest>,
    /// False when there may be more classes.
    pub complete: bool,
}

/// One request for every class that the roads tell apart.
pub fn questions(roads: &[Road<'_>], setting: &Setting, cache: &mut Cache) -> Questions {
    let mut asking =
        Asking { roads, setting, cache, found: Questions { all: Vec::new(), complete: true } };
    asking.branch(&Draft::default(), &Undecided::of(roads));
    asking.found
}

/// The rules of a chain, for one kind of chain: also those that are only logged.
pub fn rules(mesh: &Mesh, point: usize, kind: ChainKind) -> impl Iterator<Item = &Rule> {
    let fixed = &*mesh.fixed;
    fixed.points.envoy[point]
        .policies
        .iter()
        .flat_map(move |id| &fixed.compiled(*id).of(kind).rules)
}

/// A request of which some fields are decided.
#[derive(Clone, Debug, Default)]
struct Draft {
    token: Option<TokenDraft>,
    claims: BTreeMap<Vec<String>, Value>,
    method: Option<String>,
    path: Option<String>,
    host: Option<String>,
    headers: BTreeMap<String, Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TokenDraft {
    None,
    Valid,
    Invalid,
}

impl Draft {
    /// Is everything decided that the test reads, its token apart?
    fn decides(&self, test: &Test) -> bool {
        match test {
            Test::Identity(_)
            | Test::SourceIp(_)
            | Test::DestinationIp(_)
            | Test::DestinationPort(_)
            | Test::Sni(_)
            | Test::Never => true,
            Test::RemoteIp(_) => self.headers.contains_key(FORWARDED_FOR),
            Test::Host(_) => self.host.is_some(),
            Test::Method(_) => self.method.is_some(),
            Test::Path(_) => self.path.is_some(),
            Test::Header(name, _) => match name.as_str() {
                ":authority" | "host" => self.host.is_some(),
                ":method" => self.method.is_some(),
                ":path" => self.path.is_some(),
                name => self.headers.contains_key(name),
            },
            Test::RequestPrincipal(_) => self.has_claim("iss") && self.has_claim("sub"),
            Test::Claim(path, _) => self.claims.contains_key(path),
        }
    }

    fn has_claim(&self, name: &str) -> bool {
        self.claims.contains_key([name.to_owned()].as_slice())
    }

    fn decide(&mut self, field: &Field, value: Value) {
        let first = || value.first().cloned().unwrap_or_default();
        match field {
            Field::Token => {}
            Field::Claim(path) => {
                self.claims.insert(path.clone(), value);
            }
            Field::Method => self.method = Some(first()),
            Field::Path => self.path = Some(first()),
            Field::Host => self.host = Some(first()),
            Field::Header(name) => {
                self.headers.insert(name.clone(), value);
            }
        }
    }

    /// The claims of a token that verifies; `None` when one of them would have to be a text and a
    /// mapping at once: there is no such token.
    fn claims(&self) -> Option<Json> {
        let mut all = Map::new();
        for (path, texts) in self.claims.iter().filter(|(_, texts)| !texts.is_empty()) {
            let (last, before) = path.split_last()?;
            let mut into = &mut all;
            for key in before {
                let next = into.entry(key.clone()).or_insert_with(|| Json::Object(Map::new()));
                into = next.as_object_mut()?;
            }
            // a text of some claims is taken apart at blanks, a list is not (facts/envoy.md, `claim:*`);
            // these two are read as texts alone
            let whole = before.is_empty() && matches!(last.as_str(), "iss" | "sub");
            let value = match texts.as_slice() {
                [only] if whole || !only.contains(' ') => Json::String(only.clone()),
                texts => Json::Array(texts.iter().cloned().map(Json::String).collect()),
            };
            if into.insert(last.clone(), value).is_some() {
                return None;
            }
        }
        Some(Json::Object(all))
    }

    fn token(&self) -> Option<Token> {
        Some(match self.token {
            None | Some(TokenDraft::None) => Token::None,
            Some(TokenDraft::Invalid) => Token::Invalid,
            Some(TokenDraft::Valid) => Token::Valid(self.claims()?),
        })
    }

    /// The request, what is not decided as it is ordinarily.
    fn request(&self, setting: &Setting) -> Option<HttpRequest> {
        let ordinary = HttpRequest::default();
        let headers = self
            .headers
            .iter()
            .flat_map(|(name, lines)| lines.iter().map(move |line| (name.clone(), line.clone())));
        Some(HttpRequest {
            method: self.method.clone().unwrap_or(ordinary.method),
            path: self.path.clone().unwrap_or(ordinary.path),
            host: self.host.clone().filter(|host| Some(host) != setting.host.as_ref()),
            headers: headers.collect(),
            token: self.token()?,
            sni: None,
            edge_port: None,
        })
    }
}

/// The claims that a point knows, as far as a draft decides it.
#[derive(Clone, Copy)]
enum Claims<'t> {
    Open,
    Known(Option<&'t Json>),
}

struct Asking<'q, 'a> {
    roads: &'q [Road<'a>],
    setting: &'q Setting,
    cache: &'q mut Cache,
    found: Questions,
}

/// Fields that something still hangs on, with what is asked of them.
type Open = BTreeMap<Field, BTreeSet<Atom>>;

/// The rules that are not decided yet: by road, and by Envoy on it.
struct Undecided<'a>(Vec<Vec<Vec<&'a Rule>>>);

impl<'a> Undecided<'a> {
    /// Those of whole roads: whoever hangs on a request at all.
    fn of(roads: &[Road<'a>]) -> Self {
        let all = roads.iter().map(|road| {
            let own = road.met.iter().map(|met| {
                let hangs = |rule: &&Rule| rule.reads_http || rule.reads_addresses;
                let own = rules(road.mesh, met.point, met.kind).filter(hangs);
                own.filter(|rule| rule.is_candidate(met.facts.peer)).collect()
            });
            own.collect()
        });
        Self(all.collect())
    }
}

/// Once it is decided, does it stay so whatever else is decided? Not where a test reads what another part of
/// the request has a say in: headers that Envoy writes anew, and claims, which a preflight has not.
fn stays_decided(rule: &Rule) -> bool {
    rule.tests().all(|test| match test {
        Test::Identity(_)
        | Test::SourceIp(_)
        | Test::DestinationIp(_)
        | Test::DestinationPort(_)
        | Test::Sni(_)
        | Test::Never
        | Test::Host(_)
        | Test::Method(_)
        | Test::Path(_) => true,
        Test::RemoteIp(_) | Test::Header(..) | Test::RequestPrincipal(_) | Test::Claim(..) => false,
    })
}

impl<'a> Asking<'_, 'a> {
    fn branch(&mut self, draft: &Draft, undecided: &Undecided<'a>) {
        // two claims that no token can have together
        let Some(request) = draft.request(self.setting) else { return };
        if self.found.all.len() >= MAX_REQUESTS {
            self.found.complete = false;
            return;
        }
        let (open, undecided) = &self.open(draft, &request, undecided);
        let Some((field, atoms)) = open.iter().next() else {
            self.found.all.push(request);
            return;
        };
        if *field == Field::Token {
            for token in [TokenDraft::None, TokenDraft::Valid, TokenDraft::Invalid] {
                self.branch(&Draft { token: Some(token), ..draft.clone() }, undecided);
            }
            return;
        }
        let preferred: Vec<String> = match field {
            Field::Method => METHODS.iter().map(|m| (*m).to_owned()).collect(),
            Field::Path => vec!["/".to_owned()],
            Field::Host => self.setting.host.iter().cloned().collect(),
            _ => Vec::new(),
        };
        let values = self.cache.values(field, self.setting.paths, &preferred, atoms);
        let (all, complete) = (values.all.clone(), values.complete);
        self.found.complete &= complete;
        for value in all {
            let mut draft = draft.clone();
            draft.decide(field, value);
            self.branch(&draft, undecided);
        }
    }

    /// What is still open with this draft, of the rules that were before, and which rules those are now.
    fn open(
        &self,
        draft: &Draft,
        request: &HttpRequest,
        before: &Undecided<'a>,
    ) -> (Open, Undecided<'a>) {
        let mut open = Open::new();
        let mut undecided = Vec::with_capacity(before.0.len());
        let host = request.host.as_ref().or(self.setting.host.as_ref());
        let host = host.map_or("", String::as_str);
        let paths = self.setting.paths;
        let http = Http::new(&request.method, host, &request.path, &request.headers, paths);
        for (road, before) in self.roads.iter().zip(&before.0) {
            let mut token = &request.token;
            let mut left: Vec<Vec<&Rule>> = Vec::with_capacity(before.len());
            for (met, before) in road.met.iter().zip(before) {
                if met.kind != ChainKind::Http {
                    left.push(Vec::new());
                    continue;
                }
                let fixed = &*road.mesh.fixed;
                let here = || request_authentications(fixed, &fixed.points.envoy[met.point]);
                let mut facts = Facts { http: Some(&http), ..met.facts };
                let claims = match known_claims(here, draft, token, &mut open) {
                    Claims::Open => Claims::Open,
                    Claims::Known(_) if http.is_cors_preflight() => Claims::Known(None),
                    Claims::Known(_) => match verify(here(), token) {
                        Verified::Nothing => Claims::Known(None),
                        // 401 or 403: nothing after it is asked
                        Verified::Refused | Verified::OtherAudience => break,
                        Verified::Claims { claims, space_delimited, forwarded } => {
                            facts.space_delimited = space_delimited;
                            if !forwarded {
                                token = &Token::None;
                            }
                            Claims::Known(Some(claims))
                        }
                    },
                };
                let view = View { draft, facts, claims };
                let mut own = before.clone();
                own.retain(|rule| {
                    let mut hangs_on = Vec::new();
                    if view.rule(rule, &mut hangs_on).is_some() {
                        return !stays_decided(rule);
                    }
                    for (field, atom) in hangs_on.into_iter().flat_map(atoms) {
                        let decided = draft.decides_field(&field);
                        if !decided {
                            open.entry(field).or_default().insert(atom);
                        }
                    }
                    true
                });
                left.push(own);
            }
            // behind a refusal nothing is asked, with this token
            left.extend(before[left.len()..].iter().cloned());
            undecided.push(left);
        }
        (open, Undecided(undecided))
    }
}

impl Draft {
    fn decides_field(&self, field: &Field) -> bool {
        match field {
            Field::Token => self.token.is_some(),
            Field::Claim(path) => self.claims.contains_key(path),
            Field::Method => self.method.is_some(),
            Field::Path => self.path.is_some(),
            Field::Host => self.host.is_some(),
            Field::Header(name) => self.headers.contains_key(name),
        }
    }
}

/// Does a draft decide what a point makes of its token? Where not, what must be decided first is
/// added to `open`.
fn known_claims<'r, I>(
    here: impl Fn() -> I,
    draft: &Draft,
    token: &Token,
    open: &mut Open,
) -> Claims<'static>
where
    I: Iterator<Item = &'r RequestAuthentication> + Clone,
{
    let rules: Vec<_> = here().flat_map(|r| &r.spec.jwt_rules).collect();
    if rules.is_empty() {
        return Claims::Known(None);
    }
    if draft.token.is_none() {
        open.entry(Field::Token).or_default();
        return Claims::Open;
    }
    if !matches!(token, Token::Valid(_)) {
        return Claims::Known(None);
    }
    let exact = |text: &str| Atom::Text(Pattern::new().glob(&Glob::Exact(text.to_owned())));
    let mut needs = |name: &str, values: Vec<&String>| {
        let missing = !values.is_empty() && !draft.has_claim(name);
        if missing {
            let atoms = open.entry(claim(name)).or_default();
            atoms.extend(values.iter().map(|value| exact(value)));
        }
        missing
    };
    let issuer = needs("iss", rules.iter().map(|r| &r.issuer).collect());
    let audience = needs("aud", rules.iter().flat_map(|r| &r.audiences).collect());
    if issuer || audience { Claims::Open } else { Claims::Known(None) }
}

/// Rules seen through a draft: true, false, or not known yet.
struct View<'v> {
    draft: &'v Draft,
    facts: Facts<'v>,
    claims: Claims<'v>,
}

impl View<'_> {
    /// What a rule says; where that is open, the tests it hangs on are noted.
    fn rule<'r>(&self, rule: &'r Rule, hangs_on: &mut Vec<&'r Test>) -> Option<bool> {
        let any = |of: &'r [Conjunction], hangs_on: &mut Vec<&'r Test>| {
            if of.is_empty() {
                return Some(true);
            }
            or(of.iter(), hangs_on, |c, hangs_on| self.conjunction(c, hangs_on))
        };
        let parts = [0, 1, 2];
        and(parts.iter(), hangs_on, |part, hangs_on| match part {
            0 => self.conjunction(&rule.conditions, hangs_on),
            1 => any(&rule.sources, hangs_on),
            _ => any(&rule.operations, hangs_on),
        })
    }

    fn conjunction<'r>(&self, of: &'r Conjunction, hangs_on: &mut Vec<&'r Test>) -> Option<bool> {
        and(of.0.iter(), hangs_on, |clause, hangs_on| self.clause(clause, hangs_on))
    }

    fn clause<'r>(&self, clause: &'r Clause, hangs_on: &mut Vec<&'r Test>) -> Option<bool> {
        let parts = [true, false];
        and(parts.iter(), hangs_on, |positive, hangs_on| {
            let tests = if *positive { &clause.any } else { &clause.none };
            if *positive && tests.is_empty() {
                return Some(true);
            }
            let some = or(tests.iter(), hangs_on, |test, hangs_on| self.test(test, hangs_on));
            if *positive { some } else { some.map(|holds| !holds) }
        })
    }

    fn test<'r>(&self, test: &'r Test, hangs_on: &mut Vec<&'r Test>) -> Option<bool> {
        let reads_claims = matches!(test, Test::RequestPrincipal(_) | Test::Claim(..));
        let claims = match self.claims {
            Claims::Known(claims) => claims,
            // what to decide first is on the list already
            Claims::Open if reads_claims => {
                hangs_on.push(test);
                return None;
            }
            Claims::Open => None,
        };
        let decided =
            if reads_claims && claims.is_none() { true } else { self.draft.decides(test) };
        if !decided {
            hangs_on.push(test);
            return None;
        }
        Some(test.holds(&Facts { claims, ..self.facts }))
    }
}

/// All of them: false as soon as one is, and then it hangs on nothing.
fn and<'r, T>(
    of: impl Iterator<Item = T>,
    hangs_on: &mut Vec<&'r Test>,
    holds: impl Fn(T, &mut Vec<&'r Test>) -> Option<bool>,
) -> Option<bool> {
    until(of, hangs_on, holds, false)
}

/// Any of them.
fn or<'r, T>(
    of: impl Iterator<Item = T>,
    hangs_on: &mut Vec<&'r Test>,
    holds: impl Fn(T, &mut Vec<&'r Test>) -> Option<bool>,
) -> Option<bool> {
    until(of, hangs_on, holds, true)
}

fn until<'r, T>(
    of: impl Iterator<Item = T>,
    hangs_on: &mut Vec<&'r Test>,
    holds: impl Fn(T, &mut Vec<&'r Test>) -> Option<bool>,
    decides: bool,
) -> Option<bool> {
    let before = hangs_on.len();
    let mut open = false;
    for one in of {
        match holds(one, hangs_on) {
            Some(value) if value == decides => {
                hangs_on.truncate(before);
                return Some(decides);
            }
            Some(_) => {}
            None => open = true,
        }
    }
    if open { None } else { Some(!decides) }
}
