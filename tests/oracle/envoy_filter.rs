//! A small reader of Envoy's RBAC filters: what they say of a request, by their own matchers. It
//! shares nothing with the simulator.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may fail this way"
)]

use std::net::IpAddr;

use serde_json::{Value, json};

use crate::Case;

/// What Envoy knows of a request.
pub struct Facts<'a> {
    pub peer: Option<&'a str>,
    pub source_ip: IpAddr,
    pub remote_ip: IpAddr,
    pub destination_ip: IpAddr,
    pub destination_port: u16,
    pub sni: &'a str,
    pub method: &'a str,
    pub path: &'a str,
    pub host: &'a str,
    pub headers: &'a [(String, String)],
    pub claims: Option<&'a Value>,
}

/// What a row of filters says.
#[derive(Debug, PartialEq)]
pub enum Said {
    Allow { by: Option<String>, asks: bool },
    Deny(String),
}

/// Runs the filters in their order.
pub fn run(filters: &[Value], facts: &Facts<'_>) -> Said {
    let mut by = None;
    let mut asks = false;
    let mut custom: Option<String> = None;
    for filter in filters {
        let config = &filter["typedConfig"];
        match filter["name"].as_str().unwrap() {
            "envoy.filters.http.rbac" => {
                if config["shadowRulesStatPrefix"] == "istio_ext_authz_" {
                    custom = matching(&config["shadowRules"], facts);
                }
                let Some(rules) = config.get("rules") else { continue };
                let hit = matching(rules, facts);
                match (rules.get("action").and_then(Value::as_str), hit) {
                    (Some("LOG"), _) | (Some("DENY"), None) => {}
                    (Some("DENY"), Some(id)) => return Said::Deny(id),
                    (None | Some("ALLOW"), Some(id)) => by = Some(id),
                    (None | Some("ALLOW"), None) => return Said::Deny("none".into()),
                    (Some(other), _) => panic!("action {other}"),
                }
            }
            "envoy.filters.http.ext_authz" => {
                let wanted = &config["filterEnabledMetadata"]["value"]["stringMatch"];
                asks |= custom.as_deref().is_some_and(|id| string(wanted, id));
            }
            other => panic!("filter {other}"),
        }
    }
    Said::Allow { by, asks }
}

/// One matcher of a rule.
#[derive(Clone, Copy)]
pub struct Part<'a> {
    matcher: &'a Value,
    negated: bool,
    of: fn(&Value, &Facts<'_>) -> bool,
}

impl<'a> Part<'a> {
    pub fn holds(&self, facts: &Facts<'_>) -> bool {
        (self.of)(self.matcher, facts) != self.negated
    }

    /// The matchers that a list below the part joins; the part where there is no such list.
    fn joined(self, kinds: [&str; 2], list: &str) -> Vec<Self> {
        let joined = kinds.iter().find_map(|kind| self.matcher.get(kind)?.get(list)?.as_array());
        let part = |matcher: &'a Value| Self { matcher, ..self };
        joined.map_or_else(|| vec![self], |all| all.iter().map(part).collect())
    }

    fn positive(self) -> Self {
        match self.matcher.get("notRule").or_else(|| self.matcher.get("notId")) {
            Some(matcher) => Self { matcher, negated: !self.negated, ..self },
            None => self,
        }
    }
}

impl std::fmt::Display for Part<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", if self.negated { "not " } else { "" }, self.matcher)
    }
}

/// The matchers that a filter's rules join by "and", or each of their alternatives, without those
/// that hold of anything or of nothing.
pub fn parts(filter: &Value, alternatives: bool) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    for rules in ["rules", "shadowRules"] {
        let policies = filter["typedConfig"][rules]["policies"].as_object();
        for policy in policies.into_iter().flat_map(serde_json::Map::values) {
            for (place, list, of) in [
                ("permissions", "rules", permission as fn(&Value, &Facts<'_>) -> bool),
                ("principals", "ids", principal),
            ] {
                for matcher in policy[place].as_array().unwrap() {
                    let whole = Part { matcher, negated: false, of };
                    let all = whole.joined(["andRules", "andIds"], list);
                    let all = all.into_iter().map(Part::positive);
                    let all = all.filter(|part| part.matcher.get("any").is_none());
                    if alternatives {
                        parts.extend(all.flat_map(|part| part.joined(["orRules", "orIds"], list)));
                    } else {
                        parts.extend(all);
                    }
                }
            }
        }
    }
    parts
}

/// The smallest id of those that match.
fn matching(rules: &Value, facts: &Facts<'_>) -> Option<String> {
    let policies = rules.get("policies")?.as_object()?;
    let mut ids: Vec<&String> = policies
        .iter()
        .filter(|(_, policy)| {
            any(&policy["permissions"], |p| permission(p, facts))
                && any(&policy["principals"], |p| principal(p, facts))
        })
        .map(|(id, _)| id)
        .collect();
    ids.sort();
    ids.first().map(|id| (*id).clone())
}

fn any(list: &Value, holds: impl Fn(&Value) -> bool) -> bool {
    list.as_array().unwrap().iter().any(holds)
}

fn all(list: &Value, holds: impl Fn(&Value) -> bool) -> bool {
    list.as_array().unwrap().iter().all(holds)
}

fn only(value: &Value) -> (&str, &Value) {
    let map = value.as_object().unwrap();
    assert_eq!(map.len(), 1, "{value}");
    let (key, value) = map.iter().next().unwrap();
    (key, value)
}

fn permission(value: &Value, facts: &Facts<'_>) -> bool {
    let (kind, v) = only(value);
    match kind {
        "any" => true,
        "andRules" => all(&v["rules"], |p| permission(p, facts)),
        "orRules" => any(&v["rules"], |p| permission(p, facts)),
        "notRule" => !permission(v, facts),
        "header" => header(v, facts),
        "urlPath" => string(&v["path"], facts.path),
        "uriTemplate" => template(v["typedConfig"]["pathTemplate"].as_str().unwrap(), facts.path),
        "destinationPort" => v.as_u64() == Some(facts.destination_port.into()),
        "destinationIp" => cidr(v, facts.destination_ip),
        "requestedServerName" => string(v, facts.sni),
        "metadata" => metadata(v, facts),
        other => panic!("permission {other}"),
    }
}

fn principal(value: &Value, facts: &Facts<'_>) -> bool {
    let (kind, v) = only(value);
    match kind {
        "any" => true,
        "andIds" => all(&v["ids"], |p| principal(p, facts)),
        "orIds" => any(&v["ids"], |p| principal(p, facts)),
        "notId" => !principal(v, facts),
        "authenticated" => facts.peer.is_some_and(|peer| string(&v["principalName"], peer)),
        "directRemoteIp" => cidr(v, facts.source_ip),
        "remoteIp" => cidr(v, facts.remote_ip),
        "header" => header(v, facts),
        "metadata" => metadata(v, facts),
        other => panic!("principal {other}"),
    }
}

fn header(v: &Value, facts: &Facts<'_>) -> bool {
    let name = v["name"].as_str().unwrap();
    let line = match name {
        ":authority" => Some(facts.host),
        ":method" => Some(facts.method),
        _ => facts
            .headers
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str()),
    };
    let Some(line) = line else { return false };
    // the second is how filters for proxies before 1.11 say it
    match v.get("stringMatch").or_else(|| v.get("safeRegexMatch")) {
        Some(matcher) => string(matcher, line),
        None => {
            assert_eq!(v["presentMatch"], true);
            true
        }
    }
}

fn metadata(v: &Value, facts: &Facts<'_>) -> bool {
    if v["filter"] != "envoy.filters.http.jwt_authn" {
        return false;
    }
    let keys: Vec<&str> =
        v["path"].as_array().unwrap().iter().map(|k| k["key"].as_str().unwrap()).collect();
    assert_eq!(keys[0], "payload");
    let found =
        keys[1..].iter().try_fold(facts.claims.unwrap_or(&Value::Null), |v, key| v.get(key));
    found.is_some_and(|found| value_matches(&v["value"], found))
}

fn value_matches(matcher: &Value, found: &Value) -> bool {
    let (kind, m) = only(matcher);
    match kind {
        "stringMatch" => found.as_str().is_some_and(|text| string(m, text)),
        "orMatch" => any(&m["valueMatchers"], |one| value_matches(one, found)),
        "listMatch" => {
            found.as_array().is_some_and(|l| l.iter().any(|x| value_matches(&m["oneOf"], x)))
        }
        other => panic!("value {other}"),
    }
}

fn cidr(v: &Value, ip: IpAddr) -> bool {
    let network: IpAddr = v["addressPrefix"].as_str().unwrap().parse().unwrap();
    let length = v["prefixLen"].as_u64().unwrap();
    match (network, ip) {
        (IpAddr::V4(a), IpAddr::V4(b)) => {
            length == 0 || (u32::from(a) ^ u32::from(b)) >> (32 - length) == 0
        }
        _ => false,
    }
}

fn string(matcher: &Value, text: &str) -> bool {
    let fold = matcher.get("ignoreCase").is_some_and(|v| v == true);
    let change = |t: &str| if fold { t.to_lowercase() } else { t.to_owned() };
    let text = change(text);
    let value = |key: &str| matcher.get(key).and_then(Value::as_str).map(change);
    if let Some(exact) = value("exact") {
        text == exact
    } else if let Some(prefix) = value("prefix") {
        text.starts_with(&prefix)
    } else if let Some(suffix) = value("suffix") {
        text.ends_with(&suffix)
    } else {
        let regex = matcher.get("safeRegex").unwrap_or(matcher)["regex"].as_str();
        let regex = regex.unwrap_or_else(|| panic!("{matcher}"));
        match regex.strip_prefix("(?i)") {
            Some(regex) => full_match(&regex.to_lowercase(), &text.to_lowercase()),
            None => full_match(regex, &text),
        }
    }
}

/// `*` is a segment, `**` is any rest.
fn template(template: &str, path: &str) -> bool {
    full_match(&template.replace("**", "\u{1}").replace('*', "[^/]+").replace('\u{1}', ".*"), path)
}

/// The few regular expressions that istiod writes: characters, `.`, `[^/]`, groups of alternatives,
/// and `*`, `+`, `?` behind any of them.
fn full_match(regex: &str, text: &str) -> bool {
    let chars: Vec<char> = regex.chars().collect();
    let (alternatives, end) = parse(&chars, 0);
    assert_eq!(end, chars.len(), "{regex}");
    let text: Vec<char> = text.chars().collect();
    alternatives.iter().any(|a| walk(a, &text, &mut |rest| rest.is_empty()))
}

enum Atom {
    Char(char),
    Any,
    NoSlash,
    Group(Vec<Vec<(Atom, char)>>),
}

fn parse(regex: &[char], mut at: usize) -> (Vec<Vec<(Atom, char)>>, usize) {
    let mut alternatives = vec![vec![]];
    while at < regex.len() && regex[at] != ')' {
        let atom = match regex[at] {
            '|' => {
                alternatives.push(vec![]);
                at += 1;
                continue;
            }
            '(' => {
                let (inner, end) = parse(regex, at + 1);
                at = end;
                Atom::Group(inner)
            }
            '[' => {
                assert_eq!(regex[at..at + 4], ['[', '^', '/', ']']);
                at += 3;
                Atom::NoSlash
            }
            '.' => Atom::Any,
            '\\' => {
                at += 1;
                Atom::Char(regex[at])
            }
            c => Atom::Char(c),
        };
        at += 1;
        let times = regex.get(at).copied().filter(|c| "*+?".contains(*c));
        at += usize::from(times.is_some());
        alternatives.last_mut().unwrap().push((atom, times.unwrap_or('1')));
    }
    (alternatives, at)
}

fn walk(atoms: &[(Atom, char)], text: &[char], done: &mut dyn FnMut(&[char]) -> bool) -> bool {
    let Some(((atom, times), rest)) = atoms.split_first() else { return done(text) };
    let once = |again: bool, done: &mut dyn FnMut(&[char]) -> bool| match atom {
        Atom::Group(alternatives) => {
            assert!(!again);
            alternatives.iter().any(|a| walk(a, text, &mut |left| walk(rest, left, done)))
        }
        single => {
            let hit = |c: char| match single {
                Atom::Char(wanted) => *wanted == c,
                Atom::Any => true,
                _ => c != '/',
            };
            let longest = if again {
                text.iter().take_while(|c| hit(**c)).count()
            } else {
                usize::from(text.first().is_some_and(|c| hit(*c)))
            };
            (1..=longest).rev().any(|n| walk(rest, &text[n..], done))
        }
    };
    match times {
        '1' => once(false, done),
        '+' => once(true, done),
        '?' => once(false, done) || walk(rest, text, done),
        _ => once(true, done) || walk(rest, text, done),
    }
}

fn regular_expressions() {
    assert!(full_match(".*/ns/a/.*", "spiffe://t/ns/a/sa/b"));
    assert!(full_match("spiffe://.+/ns/a/(.+/|)sa/b(/.+)?", "spiffe://t/ns/a/sa/b"));
    assert!(full_match("spiffe://.+/ns/a/(.+/|)sa/b(/.+)?", "spiffe://t/ns/a/x/sa/b/c"));
    assert!(!full_match("spiffe://.+/ns/a/(.+/|)sa/b(/.+)?", "spiffe://t/ns/a/sa/bc"));
    assert!(!full_match("spiffe://bad[^/]*/.*", "spiffe://good/bad"));
    assert!(template("/**/b", "/a/x/b") && !template("/a/*", "/a/"));
    assert!(string(&json!({"regex": "(?i)A\\.b"}), "a.B"));
    assert!(!string(&json!({"safeRegex": {"regex": "a\\.b"}}), "a.B"));
}

/// What the reader itself must know.
pub fn cases() -> Result<Vec<Case>, String> {
    Ok(vec![Case::new("regular-expressions".to_owned(), regular_expressions)])
}
