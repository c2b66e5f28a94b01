//! One value of one field of a policy, as the Envoy matcher that istiod makes of it.
//!
//! facts/istio-ambient.md §7.3; facts/envoy.md; istio/istio:pilot/pkg/security/authz/{model,matcher}.

use super::facts::{Facts, Line};
use super::path::PathPattern;
use crate::simulate::identity::Peer;
use crate::simulate::matcher::{Glob, IpBlock, wild};

/// A test that holds for a request or not. What reads the identity alone can be answered for
/// every identity once.
#[derive(Clone, Debug)]
pub enum Test {
    Identity(IdentityTest),
    /// Of the direct peer; unknown at a waypoint, where none ever holds (facts/envoy.md).
    SourceIp(IpBlock),
    /// Of the client: [`Facts::client_ip`].
    RemoteIp(IpBlock),
    DestinationIp(IpBlock),
    DestinationPort(u32),
    /// Envoy lower-cases the name, the policy's value stays as it is (facts/envoy.md).
    Sni(Glob),
    Host(Glob),
    Method(Glob),
    Path(PathPattern),
    /// Name in lower case. `*` holds for an empty value too (facts/envoy.md).
    Header(String, Glob),
    RequestPrincipal(RequestPrincipal),
    Claim(Vec<String>, Glob),
    /// Metadata of filters that nobody here sets.
    Never,
}

/// A test of the peer's certificate.
#[derive(Clone, Debug)]
pub enum IdentityTest {
    Principal(Glob),
    /// Matched against `/ns/<namespace>/` in the identity; an inner star works.
    Namespace(String),
    ServiceAccount {
        namespace: String,
        name: String,
    },
    TrustDomain(String),
}

impl Test {
    pub fn holds(&self, facts: &Facts<'_>) -> bool {
        let inside = |block: &IpBlock, ip: Option<_>| ip.is_some_and(|ip| block.contains(ip));
        match self {
            Test::Identity(test) => test.holds(facts.peer),
            Test::SourceIp(block) => inside(block, facts.source_ip),
            Test::RemoteIp(block) => inside(block, facts.client_ip()),
            Test::DestinationIp(block) => inside(block, facts.destination_ip),
            Test::DestinationPort(port) => u32::from(facts.destination_port) == *port,
            Test::Sni(glob) => glob.holds(facts.sni),
            Test::Host(glob) => facts.http.is_some_and(|h| holds_or_present(glob, h.folded_host())),
            Test::Method(glob) => facts.http.is_some_and(|h| holds_or_present(glob, h.method())),
            Test::Path(pattern) => facts.http.is_some_and(|h| pattern.holds(h.path())),
            Test::Header(name, glob) => facts.header(name).any(|line| match line {
                Line::Text(text) => holds_or_present(glob, &text),
                Line::Unknown => *glob == Glob::Presence,
            }),
            Test::RequestPrincipal(test) => facts.claims.is_some_and(|c| test.holds(c)),
            Test::Claim(path, glob) => {
                facts.claims.is_some_and(|c| claim_holds(c, facts.space_delimited, path, glob))
            }
            Test::Never => false,
        }
    }

    /// What it is about, in the words of a policy.
    pub fn field(&self) -> String {
        match self {
            Test::Identity(IdentityTest::Principal(_)) => "principals".into(),
            Test::Identity(IdentityTest::Namespace(_)) => "namespaces".into(),
            Test::Identity(IdentityTest::ServiceAccount { .. }) => "serviceAccounts".into(),
            Test::Identity(IdentityTest::TrustDomain(_)) => "source.trustDomain".into(),
            Test::SourceIp(_) => "ipBlocks".into(),
            Test::RemoteIp(_) => "remoteIpBlocks".into(),
            Test::DestinationIp(_) => "destination.ip".into(),
            Test::DestinationPort(_) => "ports".into(),
            Test::Sni(_) => "connection.sni".into(),
            Test::Host(_) => "hosts".into(),
            Test::Method(_) => "methods".into(),
            Test::Path(_) => "paths".into(),
            Test::Header(name, _) => format!("request.headers[{name}]"),
            Test::RequestPrincipal(_) => "requestPrincipals".into(),
            Test::Claim(path, _) => format!("request.auth.claims[{}]", path.join("][")),
            Test::Never => "an attribute that is never set".into(),
        }
    }

    /// True for what a TCP connection does not have.
    pub fn is_http(&self) -> bool {
        matches!(
            self,
            Test::Host(_)
                | Test::Method(_)
                | Test::Path(_)
                | Test::Header(..)
                | Test::RequestPrincipal(_)
                | Test::Claim(..)
        )
    }

    /// True for what another request of the same client may have otherwise.
    pub fn is_of_request(&self) -> bool {
        self.is_http() || matches!(self, Test::Sni(_))
    }

    /// True for what depends on an address that manifests may not tell.
    pub fn is_address(&self) -> bool {
        matches!(self, Test::SourceIp(_) | Test::RemoteIp(_) | Test::DestinationIp(_))
    }
}

/// Header matchers of `*` are presence: an empty value will do.
fn holds_or_present(glob: &Glob, text: &str) -> bool {
    *glob == Glob::Presence || glob.holds(text)
}

impl IdentityTest {
    /// Nothing positive holds for a peer without identity.
    pub fn holds(&self, peer: Option<Peer<'_>>) -> bool {
        let Some(peer) = peer else { return false };
        let uri = peer.uri();
        match self {
            // "spiffe://" is put before every value; `*x` becomes a regex after it
            IdentityTest::Principal(glob) => match glob {
                Glob::Presence => !uri.is_empty(),
                Glob::Suffix(end) => {
                    uri.strip_prefix("spiffe://").is_some_and(|rest| rest.ends_with(end.as_str()))
                }
                Glob::Prefix(start) => {
                    peer.principal().is_some_and(|p| p.starts_with(start.as_str()))
                }
                Glob::Exact(whole) => peer.principal().is_some_and(|p| p == whole),
            },
            // .*/ns/<value>/.*
            IdentityTest::Namespace(value) if value.contains('*') => {
                wild(&format!("*/ns/{value}/*"), uri)
            }
            IdentityTest::Namespace(value) => names_namespace(uri, value),
            // spiffe://.+/ns/<namespace>/(.+/|)sa/<name>(/.+)?
            IdentityTest::ServiceAccount { namespace, name } => {
                service_account_holds(uri, namespace, name)
            }
            IdentityTest::TrustDomain(value) => trust_domain_holds(uri, value),
        }
    }
}

/// The expression looks at the whole URI: `sa` is found in `td/ns/ns/sa/x` too.
fn names_namespace(uri: &str, value: &str) -> bool {
    let mut rest = uri;
    while let Some(at) = rest.find("/ns/") {
        if rest[at + 4..].strip_prefix(value).is_some_and(|tail| tail.starts_with('/')) {
            return true;
        }
        rest = &rest[at + 1..];
    }
    false
}

fn service_account_holds(uri: &str, namespace: &str, name: &str) -> bool {
    let Some(rest) = uri.strip_prefix("spiffe://") else { return false };
    let start = format!("/ns/{namespace}/");
    let wanted = format!("sa/{name}");
    rest.match_indices(&start).filter(|(at, _)| *at > 0).any(|(at, _)| {
        let tail = &rest[at + start.len()..];
        tail.match_indices(&wanted).any(|(at, _)| {
            let (before, after) = (&tail[..at], &tail[at + wanted.len()..]);
            (before.is_empty() || (before.len() > 1 && before.ends_with('/')))
                && (after.is_empty() || (after.len() > 1 && after.starts_with('/')))
        })
    })
}

/// `x` is the prefix `spiffe://x/`, `*` the prefix `spiffe://`, a star elsewhere `[^/]*`.
fn trust_domain_holds(uri: &str, value: &str) -> bool {
    let Some(rest) = uri.strip_prefix("spiffe://") else { return false };
    if value == "*" {
        return true;
    }
    match value.split_once('*') {
        None => rest.strip_prefix(value).is_some_and(|r| r.starts_with('/')),
        Some((start, end)) => rest
            .split_once('/')
            .is_some_and(|(trust_domain, _)| wild(&format!("{start}*{end}"), trust_domain)),
    }
}

/// `requestPrincipals`: issuer and subject, split at the last slash of the value.
#[derive(Clone, Debug)]
pub struct RequestPrincipal {
    /// Of the claim `iss`.
    pub issuer: Glob,
    /// Of the claim `sub`.
    pub subject: Glob,
}

impl RequestPrincipal {
    pub fn parse(value: &str) -> Self {
        let exact = |t: &str| Glob::Exact(t.to_owned());
        let present_or = |t: &str| Glob::parse(t);
        let parts = value.rsplit_once('/');
        let (issuer, subject) = if value == "*" {
            (Glob::Presence, Glob::Presence)
        } else if let Some(rest) = value.strip_prefix('*') {
            match parts {
                Some((issuer, subject)) => (present_or(issuer), exact(subject)),
                None => (Glob::Presence, Glob::Suffix(rest.to_owned())),
            }
        } else if let Some(rest) = value.strip_suffix('*') {
            match parts {
                Some((issuer, subject)) => (exact(issuer), present_or(subject)),
                None => (Glob::Prefix(rest.to_owned()), Glob::Presence),
            }
        } else {
            let (issuer, subject) = parts.unwrap_or((value, ""));
            (exact(issuer), exact(subject))
        };
        Self { issuer, subject }
    }

    fn holds(&self, claims: &serde_json::Value) -> bool {
        let text = |name: &str| claims.get(name).and_then(serde_json::Value::as_str);
        text("iss").is_some_and(|t| self.issuer.holds(t))
            && text("sub").is_some_and(|t| self.subject.holds(t))
    }
}

/// Only strings and lists of strings match; `scope` and `permission`, and what `spaceDelimitedClaims`
/// names, are split at blanks (facts/envoy.md, `claim:*`).
fn claim_holds(
    claims: &serde_json::Value,
    space_delimited: &[String],
    path: &[String],
    glob: &Glob,
) -> bool {
    let Some(value) = path.iter().try_fold(claims, |v, key| v.as_object()?.get(key)) else {
        return false;
    };
    let split = matches!(path, [only] if only == "scope" || only == "permission"
        || space_delimited.contains(only));
    match value {
        serde_json::Value::String(text) if split => text.split(' ').any(|word| glob.holds(word)),
        serde_json::Value::String(text) => glob.holds(text),
        serde_json::Value::Array(items) => {
            items.iter().filter_map(serde_json::Value::as_str).any(|t| glob.holds(t))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(uri: &str) -> Option<Peer<'_>> {
        Some(Peer::from_uri(uri))
    }

    #[test]
    fn service_account_is_the_regex_of_istiod() {
        let test = IdentityTest::ServiceAccount { namespace: "a".into(), name: "b".into() };
        for (uri, holds) in [
            ("spiffe://td/ns/a/sa/b", true),
            ("spiffe://td/ns/a/sa/b/more", true),
            ("spiffe://td/ns/a/x/sa/b", true),
            ("spiffe://td/ns/a/sa/bc", false),
            ("spiffe://td/ns/a/sa/b/", false),
            ("spiffe:///ns/a/sa/b", false),
            ("spiffe://td/ns/b/sa/b", false),
        ] {
            assert_eq!(test.holds(peer(uri)), holds, "{uri}");
        }
    }

    #[test]
    fn a_namespace_is_looked_for_in_the_whole_identity() {
        for (value, uri, holds) in [
            ("a", "spiffe://td/ns/a/sa/b", true),
            ("a", "spiffe://td/ns/b/sa/a", false),
            ("sa", "spiffe://td/ns/sa/sa/x", true),
            ("sa", "spiffe://td/ns/ns/sa/x", true),
            ("sa", "spiffe://td/ns/x/sa/x", false),
            ("ns", "spiffe://td/ns/ns/sa/x", true),
            ("x", "spiffe://td/ns/ns/sa/x", false),
        ] {
            let test = IdentityTest::Namespace(value.into());
            assert_eq!(test.holds(peer(uri)), holds, "{value} {uri}");
        }
    }

    #[test]
    fn trust_domains_end_at_the_slash() {
        for (value, uri, holds) in [
            ("td", "spiffe://td/ns/a/sa/b", true),
            ("td", "spiffe://td1/ns/a/sa/b", false),
            ("td*", "spiffe://td1/ns/a/sa/b", true),
            ("*.local", "spiffe://x.local/ns/a/sa/b", true),
            ("*.local", "spiffe://x/ns/a.local/sa/b", false),
            ("*", "spiffe://x/y", true),
        ] {
            assert_eq!(
                IdentityTest::TrustDomain(value.into()).holds(peer(uri)),
                holds,
                "{value} {uri}"
            );
        }
    }

    #[test]
    fn ztunnel_1901_a_principal_with_the_scheme_matches_nobody() {
        let test = IdentityTest::Principal(Glob::parse("spiffe://td/ns/a/sa/b"));
        assert!(!test.holds(peer("spiffe://td/ns/a/sa/b")));
    }
}
