//! An ALLOW rule that reads HTTP admits nobody at ztunnel.
//!
//! ## What
//!
//! An ALLOW rule of a policy without a target is bound to a workload that ztunnel captures, and
//! holds something that only an HTTP proxy can see.
//!
//! ## Why
//!
//! ztunnel does not get the rule at all, but the policy stays: what no other rule admits is denied.
//! Callers that the sidecar let in see their connections reset.
//!
//! ## Example
//!
//! ```yaml
//! apiVersion: v1
//! kind: Namespace
//! metadata: {name: httpbin, labels: {istio.io/dataplane-mode: ambient}}
//! ---
//! apiVersion: security.istio.io/v1
//! kind: AuthorizationPolicy
//! metadata: {name: readers, namespace: httpbin}
//! spec:
//!   rules:
//!   - from:
//!     - source: {principals: [cp-1.tsb.local/ns/client/*]}
//!     to:
//!     - operation: {methods: [GET]}
//! ```
//!
//! ## Fix
//!
//! Let the waypoint decide on HTTP and ztunnel admit the waypoint:
//!
//! ```yaml
//! apiVersion: security.istio.io/v1
//! kind: AuthorizationPolicy
//! metadata: {name: readers, namespace: httpbin}
//! spec:
//!   targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: waypoint}]
//!   rules:
//!   - from:
//!     - source: {principals: [cp-1.tsb.local/ns/client/*]}
//!     to:
//!     - operation: {methods: [GET]}
//! ---
//! apiVersion: security.istio.io/v1
//! kind: AuthorizationPolicy
//! metadata: {name: allow-waypoint, namespace: httpbin}
//! spec:
//!   rules:
//!   - from:
//!     - source: {principals: [cp-1.tsb.local/ns/httpbin/sa/waypoint]}
//! ```
//!
//! ## Source
//!
//! facts/istio-ambient.md §4.4, §4.6 (E1, E2);
//! istio/istio `pilot/pkg/serviceregistry/ambient/authorization.go` `handleRule`.

use super::super::{Rule, RuleInput};
use super::attributes::Unseen;
use super::reading::{action, policies, rules};
use crate::diagnostic::{Diagnostic, Severity};
use crate::simulate::{RuleAt, RuleEffect};

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "l7-allow-dropped",
    severity: Severity::Warning,
    summary: "an ALLOW rule that reads HTTP admits nobody at ztunnel",
    istio: None,
    source: include_str!("l7_allow_dropped.rs"),
    check,
};

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    for policy in policies(input).filter(|p| action(p) == "ALLOW") {
        let dropped = input.at_ztunnel(policy).unwrap_or_default().into_iter();
        for RuleAt { rule, .. } in dropped.filter(|r| r.effect == RuleEffect::Dropped) {
            let Some(unseen) = rules(policy).get(rule).map(Unseen::of) else { continue };
            let Some(first) = unseen.http.first() else { continue };
            found.push(
                Diagnostic::warning(
                    RULE.code,
                    format!(
                        "a rule of {} allows by {} and admits nobody in ambient mode",
                        policy.reference(),
                        unseen.names()
                    ),
                )
                .at(first.span, "ztunnel does not see this, and drops the rule")
                .also(policy.name_span(), "bound to workloads, not to a waypoint")
                .help("bind the policy to the waypoint with `targetRefs`, and admit the waypoint's identity here"),
            );
        }
    }
}
