//! An ALLOW policy that does not admit the waypoint stops everything that comes through it.
//!
//! ## What
//!
//! Pods behind a waypoint are ambient, and the policies without a target that hold for them do not
//! admit the waypoint's identity, though they admit others: no ALLOW policy names it, or a DENY
//! policy does.
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

use std::collections::BTreeSet;

use super::super::{Rule, RuleInput};
use crate::diagnostic::{Diagnostic, Severity};
use crate::simulate::{Admission, GatewayId, PolicyId};

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "waypoint-not-admitted",
    severity: Severity::Error,
    summary: "an ALLOW policy that does not admit the waypoint stops everything that comes through it",
    istio: None,
    source: include_str!("waypoint_not_admitted.rs"),
    check,
};

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    let mut kept: BTreeSet<(PolicyId, GatewayId, bool)> = BTreeSet::new();
    for behind in input.behind_waypoints() {
        for port in behind.ports {
            let knows = input.knows_trust_domain();
            match input.pods.admits_waypoint(behind.pod, behind.waypoint, port, knows) {
                Admission::Admitted | Admission::Closed => {}
                Admission::Denied(policy) => {
                    kept.insert((policy, behind.waypoint, true));
                }
                Admission::NoneMatched(policies) => {
                    kept.extend(policies.into_iter().map(|p| (p, behind.waypoint, false)));
                }
            }
        }
    }
    for (policy, waypoint, denies) in kept {
        let policy = input.mesh.policy(policy);
        let (home, name, account) = input.waypoint_names(waypoint);
        let what = if denies { "denies" } else { "does not admit" };
        let help = format!("<trust domain>/ns/{home}/sa/{account}");
        let diagnostic = Diagnostic::error(
            RULE.code,
            format!(
                "AuthorizationPolicy {}/{} {what} the waypoint `{home}/{name}`, through which the callers come",
                policy.namespace, policy.name
            ),
        )
        .at(policy.span, "ztunnel denies what the waypoint lets through")
        .also(input.mesh.gateway(waypoint).span, "the waypoint");
        found.push(diagnostic.help(if denies {
            format!("except the principal `{help}` from the rule")
        } else {
            format!("add the principal `{help}`, here or in a policy of its own")
        }));
    }
}
