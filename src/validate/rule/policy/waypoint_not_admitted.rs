//! An ALLOW policy that does not admit the waypoint stops everything that comes through it.
//!
//! ## What
//!
//! A namespace is ambient and bound to a waypoint, ALLOW policies without a target are bound to its
//! workloads, and none of them admits the waypoint's identity.
//!
//! ## Why
//!
//! Behind a waypoint the destination's ztunnel sees the waypoint as the caller. Callers that the
//! policy names are let in by the waypoint and denied behind it: every request fails with 503.
//!
//! ## Example
//!
//! ```yaml
//! apiVersion: v1
//! kind: Namespace
//! metadata:
//!   name: httpbin
//!   labels: {istio.io/dataplane-mode: ambient, istio.io/use-waypoint: waypoint}
//! ---
//! apiVersion: gateway.networking.k8s.io/v1
//! kind: Gateway
//! metadata: {name: waypoint, namespace: httpbin}
//! spec:
//!   gatewayClassName: istio-waypoint
//!   listeners: [{name: mesh, port: 15008, protocol: HBONE}]
//! ---
//! apiVersion: security.istio.io/v1
//! kind: AuthorizationPolicy
//! metadata: {name: allow, namespace: httpbin}
//! spec:
//!   rules:
//!   - from:
//!     - source: {principals: [cp-1.tsb.local/ns/client/*]}
//! ```
//!
//! ## Fix
//!
//! ```yaml
//! apiVersion: v1
//! kind: Namespace
//! metadata:
//!   name: httpbin
//!   labels: {istio.io/dataplane-mode: ambient, istio.io/use-waypoint: waypoint}
//! ---
//! apiVersion: gateway.networking.k8s.io/v1
//! kind: Gateway
//! metadata: {name: waypoint, namespace: httpbin}
//! spec:
//!   gatewayClassName: istio-waypoint
//!   listeners: [{name: mesh, port: 15008, protocol: HBONE}]
//! ---
//! apiVersion: security.istio.io/v1
//! kind: AuthorizationPolicy
//! metadata: {name: allow, namespace: httpbin}
//! spec:
//!   rules:
//!   - from:
//!     - source:
//!         principals: [cp-1.tsb.local/ns/client/*, cp-1.tsb.local/ns/httpbin/sa/waypoint]
//! ```
//!
//! ## Source
//!
//! facts/istio-ambient.md §6.1, §6.2, §3.5; siutsin/otaru#3129 (facts/field.md 12.36).

use super::super::Rule;
use super::super::input::{Fronted, RuleInput, items};
use super::reading::{Kept, action, is_at_ztunnel, rules};
use crate::diagnostic::{Diagnostic, Severity};
use crate::yaml::Node;

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "waypoint-not-admitted",
    severity: Severity::Error,
    summary: "an ALLOW policy that does not admit the waypoint stops everything that comes through it",
    istio: None,
    source: include_str!("waypoint_not_admitted.rs"),
    check,
};

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    for Fronted { namespace, home, waypoint: gateway, account } in input.fronted() {
        let name = &gateway.name;
        let allowing: Vec<_> = input
            .of_namespace("security.istio.io", "AuthorizationPolicy", &namespace.name)
            .filter(|p| action(p) == "ALLOW" && is_at_ztunnel(input, p))
            .collect();
        // what denies everybody means to
        let admits_somebody = allowing.iter().any(|p| !rules(p).is_empty());
        let admits_waypoint = allowing
            .iter()
            .flat_map(|p| rules(p))
            .any(|rule| admits(rule, home, account, &namespace.name));
        if !admits_somebody || admits_waypoint {
            continue;
        }
        for policy in allowing.iter().filter(|p| !rules(p).is_empty()) {
            found.push(
                Diagnostic::error(
                    RULE.code,
                    format!(
                        "{} does not admit the waypoint `{home}/{name}`, through which the callers come",
                        policy.reference()
                    ),
                )
                .at(policy.name_span(), "ztunnel denies what the waypoint lets through")
                .also(gateway.name_span(), "the waypoint")
                .help(format!(
                    "add the principal `<trust domain>/ns/{home}/sa/{account}`, here or in a policy of its own"
                )),
            );
        }
    }
}

/// True when ztunnel keeps the rule and it may admit the account.
fn admits(rule: &Node, namespace: &str, account: &str, home: &str) -> bool {
    if !Kept::of(rule).l7.is_empty() {
        return false;
    }
    let from = items(rule, &["from"]);
    if from.is_empty() {
        return true;
    }
    from.iter().filter_map(|f| f.get("source")).any(|source| {
        let values = |key: &'static str| items(source, &[key]).iter().filter_map(Node::as_str);
        let named = ["principals", "namespaces", "serviceAccounts"]
            .iter()
            .any(|key| !items(source, &[key]).is_empty());
        // addresses say nothing of who: it may be
        !named
            || values("principals").any(|p| is_principal_of(p, namespace, account))
            || values("namespaces").any(|n| matches(n, namespace))
            || values("serviceAccounts").any(|s| {
                s == format!("{namespace}/{account}") || (namespace == home && s == account)
            })
    })
}

/// Whether a pattern of principals covers an account, whatever its trust domain.
pub(super) fn is_principal_of(pattern: &str, namespace: &str, account: &str) -> bool {
    let domain = match pattern.split_once('/') {
        Some((domain, _)) if !domain.contains('*') => domain,
        _ => "any",
    };
    matches(pattern, &format!("{domain}/ns/{namespace}/sa/{account}"))
}

/// Istio's four forms: `*`, `x*`, `*x`, `x`.
fn matches(pattern: &str, value: &str) -> bool {
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(""), _) => true,
        (Some(suffix), _) => value.ends_with(suffix),
        (None, Some(prefix)) => value.starts_with(prefix),
        (None, None) => pattern == value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_that_cover_a_waypoint() {
        for pattern in ["*", "td/*", "td/ns/a/*", "td/ns/a/sa/w", "*/ns/a/sa/w", "*/sa/w"] {
            let covers = is_principal_of(pattern, "a", "w");
            assert!(covers, "{pattern}");
        }
        for pattern in ["td/ns/b/*", "td/ns/a/sa/x", "*/ns/b/sa/w"] {
            assert!(!is_principal_of(pattern, "a", "w"), "{pattern}");
        }
    }
}
