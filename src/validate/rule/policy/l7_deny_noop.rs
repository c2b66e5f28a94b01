//! A DENY rule that ztunnel cannot evaluate denies nothing.
//!
//! ## What
//!
//! A DENY rule of a policy without a target is bound to a workload that ztunnel captures, and a
//! clause of it (`from`, `to`, one entry of `when`), or one alternative of a clause, holds nothing
//! but what only an HTTP proxy can see.
//!
//! ## Why
//!
//! ztunnel gets the rule with those parts left out. A clause that is left with nothing to match
//! never does, and so the rule never denies. A sidecar enforced it: the migration opens what it
//! closed. Istio says of it "more restrictive" before 1.31, and in every release as long as another
//! rule of the same policy still works.
//!
//! A policy of the root namespace is not reported where copies of the rule are bound to the
//! waypoints: it stays for sidecars.
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
//! metadata: {name: deny-admin, namespace: httpbin}
//! spec:
//!   action: DENY
//!   rules:
//!   - to:
//!     - operation: {paths: ["/admin*"]}
//! ```
//!
//! ## Fix
//!
//! Bind it to the waypoint, which sees HTTP:
//!
//! ```yaml
//! apiVersion: v1
//! kind: Namespace
//! metadata: {name: httpbin, labels: {istio.io/dataplane-mode: ambient}}
//! ---
//! apiVersion: security.istio.io/v1
//! kind: AuthorizationPolicy
//! metadata: {name: deny-admin, namespace: httpbin}
//! spec:
//!   action: DENY
//!   targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: waypoint}]
//!   rules:
//!   - to:
//!     - operation: {paths: ["/admin*"]}
//! ```
//!
//! ## Source
//!
//! facts/istio-ambient.md §4.4–§4.7 (E3–E5, E8); istio/istio#61126;
//! istio/istio `pilot/pkg/serviceregistry/ambient/authorization.go`.

use super::super::{Rule, RuleInput};
use super::attributes::Unseen;
use super::reading::{action, policies, rules, stands_at_waypoints};
use crate::diagnostic::{Diagnostic, Severity};
use crate::simulate::{RuleAt, RuleEffect};

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "l7-deny-noop",
    severity: Severity::Error,
    summary: "a DENY rule that ztunnel cannot evaluate denies nothing",
    istio: None,
    source: include_str!("l7_deny_noop.rs"),
    check,
};

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    for policy in policies(input).filter(|p| action(p) == "DENY") {
        let name = policy.reference();
        for RuleAt { rule, effect, .. } in input.at_ztunnel(policy).unwrap_or_default() {
            let Some(rule) = rules(policy).get(rule) else { continue };
            if stands_at_waypoints(input, policy, rule) {
                continue;
            }
            let unseen = Unseen::of(rule);
            // what ignores trust domains has a rule of its own
            let Some(first) = unseen.http.first() else { continue };
            match effect {
                RuleEffect::Inert => found.push(
                    Diagnostic::error(
                        RULE.code,
                        format!(
                            "a rule of {name} denies by {} and denies nothing in ambient mode",
                            unseen.names()
                        ),
                    )
                    .at(
                        first.span,
                        "ztunnel does not see this, and a clause is left without anything to match",
                    )
                    .also(policy.name_span(), "bound to workloads, not to a waypoint")
                    .help("bind the policy to the waypoint with `targetRefs`"),
                ),
                RuleEffect::Narrowed | RuleEffect::WidenedAndNarrowed => {
                    found.extend(unseen.lost_alternatives.into_iter().map(|span| {
                        Diagnostic::error(
                            RULE.code,
                            format!(
                                "an alternative of a rule of {name} denies nothing in ambient mode"
                            ),
                        )
                        .at(
                            span,
                            "ztunnel does not see this, and matches the other alternatives only",
                        )
                        .also(policy.name_span(), "bound to workloads, not to a waypoint")
                        .help("bind the policy to the waypoint with `targetRefs`")
                    }));
                }
                _ => {}
            }
        }
    }
}
