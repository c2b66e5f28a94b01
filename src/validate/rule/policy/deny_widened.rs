//! A DENY rule denies more at ztunnel than it says.
//!
//! ## What
//!
//! A DENY rule of a policy without a target is bound to a workload that ztunnel captures, and one
//! of its alternatives joins what ztunnel sees with what only an HTTP proxy can see.
//!
//! ## Why
//!
//! ztunnel gets the alternative without its HTTP part: "these callers, with POST" becomes "these
//! callers", and "port 80, path /admin" becomes "port 80". Requests that passed are reset.
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
//!     - operation: {ports: ["80"], paths: ["/admin*"]}
//! ```
//!
//! ## Fix
//!
//! ```yaml
//! apiVersion: security.istio.io/v1
//! kind: AuthorizationPolicy
//! metadata: {name: deny-admin, namespace: httpbin}
//! spec:
//!   action: DENY
//!   targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: waypoint}]
//!   rules:
//!   - to:
//!     - operation: {ports: ["80"], paths: ["/admin*"]}
//! ```
//!
//! ## Source
//!
//! facts/istio-ambient.md §4.6 (E6, E7).

use super::super::{Rule, RuleInput};
use super::attributes::Unseen;
use super::reading::{action, policies, rules};
use crate::diagnostic::{Diagnostic, Severity};
use crate::simulate::{RuleAt, RuleEffect};

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "deny-widened",
    severity: Severity::Warning,
    summary: "a DENY rule denies more at ztunnel than it says",
    istio: None,
    source: include_str!("deny_widened.rs"),
    check,
};

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    for policy in policies(input).filter(|p| action(p) == "DENY") {
        for RuleAt { rule, effect, .. } in input.at_ztunnel(policy).unwrap_or_default() {
            if !matches!(effect, RuleEffect::Widened | RuleEffect::WidenedAndNarrowed) {
                continue;
            }
            let Some(rule) = rules(policy).get(rule) else { continue };
            for attribute in Unseen::of(rule).widened {
                found.push(
                    Diagnostic::warning(
                        RULE.code,
                        format!(
                            "{} denies without regard to `{}` in ambient mode",
                            policy.reference(),
                            attribute.name
                        ),
                    )
                    .at(attribute.span, "ztunnel does not see this, and denies whatever it says")
                    .also(policy.name_span(), "bound to workloads, not to a waypoint")
                    .help("bind the policy to the waypoint with `targetRefs`"),
                );
            }
        }
    }
}
