//! "Only the waypoint may call" protects nothing when the waypoint itself is to enforce it.
//!
//! ## What
//!
//! An ALLOW policy with a target admits nobody but a waypoint of its own namespace.
//!
//! ## Why
//!
//! Such a policy is meant for the destination: whoever goes past the waypoint shall be denied. A
//! policy with a target never reaches ztunnel; the waypoint applies it to the original callers,
//! denies them all, and direct calls stay open.
//!
//! ## Example
//!
//! ```yaml
//! apiVersion: gateway.networking.k8s.io/v1
//! kind: Gateway
//! metadata: {name: waypoint, namespace: httpbin}
//! spec:
//!   gatewayClassName: istio-waypoint
//!   listeners: [{name: mesh, port: 15008, protocol: HBONE}]
//! ---
//! apiVersion: v1
//! kind: Service
//! metadata: {name: httpbin, namespace: httpbin}
//! spec:
//!   ports: [{name: http, port: 8000}]
//! ---
//! apiVersion: security.istio.io/v1
//! kind: AuthorizationPolicy
//! metadata: {name: only-waypoint, namespace: httpbin}
//! spec:
//!   targetRefs: [{group: "", kind: Service, name: httpbin}]
//!   rules:
//!   - from:
//!     - source: {principals: [cp-1.tsb.local/ns/httpbin/sa/waypoint]}
//! ```
//!
//! ## Fix
//!
//! Leave the target out, so that ztunnel enforces it:
//!
//! ```yaml
//! apiVersion: gateway.networking.k8s.io/v1
//! kind: Gateway
//! metadata: {name: waypoint, namespace: httpbin}
//! spec:
//!   gatewayClassName: istio-waypoint
//!   listeners: [{name: mesh, port: 15008, protocol: HBONE}]
//! ---
//! apiVersion: security.istio.io/v1
//! kind: AuthorizationPolicy
//! metadata: {name: only-waypoint, namespace: httpbin}
//! spec:
//!   selector: {matchLabels: {app: httpbin}}
//!   rules:
//!   - from:
//!     - source: {principals: [cp-1.tsb.local/ns/httpbin/sa/waypoint]}
//! ```
//!
//! ## Source
//!
//! facts/istio-ambient.md §10.4, §4.1 (A6); istio-ecosystem/sail-operator
//! `docs/migrate-from-sidecar-to-ambient/migration.adoc`.

use super::super::{Rule, RuleInput};
use super::reading::{action, policies, principals, rules, targets};
use crate::diagnostic::{Diagnostic, Severity};
use crate::yaml::Node;

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "bypass-policy-misplaced",
    severity: Severity::Error,
    summary: "a policy that admits the waypoint alone is bound where the waypoint enforces it",
    istio: None,
    source: include_str!("bypass_policy_misplaced.rs"),
    check,
};

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    for policy in policies(input).filter(|p| action(p) == "ALLOW" && !rules(p).is_empty()) {
        let Some(target) = targets(policy).next() else { continue };
        let namespace = policy.namespace_or_default();
        let Some(id) = input.pods.namespace(namespace) else { continue };
        let admits_only = |account: &str| {
            rules(policy).iter().all(|rule| {
                let mut values = principals(rule).filter_map(Node::as_str).peekable();
                values.peek().is_some() && values.all(|p| is_account(p, namespace, account))
            })
        };
        let mut waypoints = input
            .mesh
            .gateways()
            .filter(|(gateway, g)| g.namespace == id && input.mesh.is_waypoint(*gateway))
            .map(|(_, g)| input.mesh.workload(g.workload).service_account.as_str());
        if waypoints.any(admits_only) {
            found.push(
                Diagnostic::error(
                    RULE.code,
                    format!(
                        "{} admits the waypoint alone, and the waypoint enforces it",
                        policy.reference()
                    ),
                )
                .at(target.span, "with this target the policy never reaches ztunnel")
                .help("remove the target: a selector, or none, binds it to the workloads"),
            );
        }
    }
}

/// Does a principal name one account, in whatever trust domain?
fn is_account(principal: &str, namespace: &str, account: &str) -> bool {
    let (_, rest) = principal.split_once('/').unwrap_or_default();
    rest == format!("ns/{namespace}/sa/{account}")
}
