//! A NetworkPolicy that does not admit port 15008 cuts the mesh.
//!
//! ## What
//!
//! In a namespace that is ambient, a NetworkPolicy limits inbound ports and TCP 15008 is not among
//! them.
//!
//! ## Why
//!
//! Between ztunnels everything travels through HBONE, port 15008, whatever port the application
//! listens on. A policy that admits port 8080 alone admits plain text only: calls from the mesh
//! time out.
//!
//! ## Example
//!
//! ```yaml
//! apiVersion: v1
//! kind: Namespace
//! metadata: {name: httpbin, labels: {istio.io/dataplane-mode: ambient}}
//! ---
//! apiVersion: networking.k8s.io/v1
//! kind: NetworkPolicy
//! metadata: {name: http-only, namespace: httpbin}
//! spec:
//!   podSelector: {}
//!   ingress:
//!   - ports: [{port: 8080, protocol: TCP}]
//! ```
//!
//! ## Fix
//!
//! ```yaml
//! apiVersion: v1
//! kind: Namespace
//! metadata: {name: httpbin, labels: {istio.io/dataplane-mode: ambient}}
//! ---
//! apiVersion: networking.k8s.io/v1
//! kind: NetworkPolicy
//! metadata: {name: http-only, namespace: httpbin}
//! spec:
//!   podSelector: {}
//!   ingress:
//!   - ports: [{port: 8080, protocol: TCP}, {port: 15008, protocol: TCP}]
//! ```
//!
//! ## Source
//!
//! facts/istio-ambient.md §6.5. Probes come from 169.254.7.127, which a policy that names its
//! callers must admit too.

use super::super::Rule;
use super::super::input::{RuleInput, items};
use crate::diagnostic::{Diagnostic, Severity};
use crate::yaml::{Node, Value};

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "network-policy",
    severity: Severity::Warning,
    summary: "a NetworkPolicy does not admit port 15008",
    istio: None,
    source: include_str!("network_policy.rs"),
    check,
};

const HBONE: u64 = 15008;

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    for policy in input.of("networking.k8s.io", "NetworkPolicy") {
        let namespace = policy.namespace.as_deref().unwrap_or_default();
        let rules = items(&policy.body, &["spec", "ingress"]);
        // a rule without ports admits all of them
        let limits: Vec<&[Node]> = rules.iter().map(|r| items(r, &["ports"])).collect();
        if !input.is_ambient(namespace) || rules.is_empty() || limits.iter().any(|p| p.is_empty()) {
            continue;
        }
        if limits.iter().copied().flatten().any(admits_hbone) {
            continue;
        }
        let at = rules.first().map_or(policy.name_span(), |r| r.span);
        found.push(
            Diagnostic::warning(
                RULE.code,
                format!("{} keeps calls from the mesh out", policy.reference()),
            )
            .at(at, "no rule admits TCP port 15008")
            .help("add port 15008 to the ports that mesh callers may use"),
        );
    }
}

fn admits_hbone(port: &Node) -> bool {
    let number = |key: &str| match port.get(key).map(|n| &n.value) {
        Some(Value::Number(n)) => n.as_u64(),
        _ => None,
    };
    let is_tcp = port.get("protocol").and_then(Node::as_str).is_none_or(|p| p == "TCP");
    let first = number("port");
    is_tcp
        && match (first, number("endPort")) {
            (Some(first), Some(last)) => (first..=last).contains(&HBONE),
            (Some(first), None) => first == HBONE,
            // no port is every port; a named one is some other
            (None, _) => port.get("port").is_none_or(Node::is_null),
        }
}
