//! A policy whose action ztunnel does not know disappears.
//!
//! ## What
//!
//! A CUSTOM or AUDIT policy without a target is bound to a workload that ztunnel captures.
//!
//! ## Why
//!
//! ztunnel knows ALLOW and DENY. istiod does not send it the policy: an external authoriser is no
//! longer asked, and everything that it refused passes; an audit is no longer written.
//!
//! A policy of the root namespace is not reported where copies of its rules are bound to the
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
//! metadata: {name: ask-opa, namespace: httpbin}
//! spec:
//!   action: CUSTOM
//!   provider: {name: opa}
//!   rules: [{}]
//! ```
//!
//! ## Fix
//!
//! ```yaml
//! apiVersion: security.istio.io/v1
//! kind: AuthorizationPolicy
//! metadata: {name: ask-opa, namespace: httpbin}
//! spec:
//!   action: CUSTOM
//!   targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: waypoint}]
//!   provider: {name: opa}
//!   rules: [{}]
//! ```
//!
//! ## Source
//!
//! facts/istio-ambient.md §4.3 (4), §4.6 (E11).

use super::super::input::at;
use super::super::{Rule, RuleInput};
use super::reading::{action, policies, rules, stands_at_waypoints};
use crate::diagnostic::{Diagnostic, Severity};
use crate::simulate::ztunnel::NotSent;
use crate::simulate::{RuleAt, RuleEffect};

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "action-lost",
    severity: Severity::Error,
    summary: "a policy whose action ztunnel does not know disappears",
    istio: None,
    source: include_str!("action_lost.rs"),
    check,
};

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    for policy in policies(input) {
        let lost = RuleEffect::NotSent(NotSent::Action);
        let is_lost = |rules: Vec<RuleAt>| rules.iter().any(|rule| rule.effect == lost);
        if !input.at_ztunnel(policy).is_some_and(is_lost) {
            continue;
        }
        let own = rules(policy);
        if !own.is_empty() && own.iter().all(|rule| stands_at_waypoints(input, policy, rule)) {
            continue;
        }
        let name = policy.reference();
        let diagnostic = match action(policy) {
            "CUSTOM" => Diagnostic::error(
                RULE.code,
                format!("{name} asks an external authorizer, and ztunnel never does"),
            ),
            _ => {
                Diagnostic::warning(RULE.code, format!("{name} audits, and ztunnel writes nothing"))
            }
        };
        let span = at(&policy.body, &["spec", "action"]).map_or(policy.name_span(), |n| n.span);
        found.push(
            diagnostic
                .at(span, "ztunnel knows ALLOW and DENY")
                .help("bind the policy to the waypoint with `targetRefs`"),
        );
    }
}
