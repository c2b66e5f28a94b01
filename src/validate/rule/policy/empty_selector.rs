//! A selector that selects nothing in particular selects nothing in ambient mode.
//!
//! ## What
//!
//! An AuthorizationPolicy has a `selector` without labels.
//!
//! ## Why
//!
//! A sidecar takes it for "all workloads of the namespace". istiod marks the policy as bound by
//! labels and then binds it to no workload of ztunnel's, while its status says that it is attached:
//! a DENY of that form is gone once the namespace is ambient.
//!
//! ## Example
//!
//! ```yaml
//! apiVersion: security.istio.io/v1
//! kind: AuthorizationPolicy
//! metadata: {name: deny-client, namespace: httpbin}
//! spec:
//!   selector: {}
//!   action: DENY
//!   rules:
//!   - from:
//!     - source: {namespaces: [client]}
//! ```
//!
//! ## Fix
//!
//! ```yaml
//! apiVersion: security.istio.io/v1
//! kind: AuthorizationPolicy
//! metadata: {name: deny-client, namespace: httpbin}
//! spec:
//!   action: DENY
//!   rules:
//!   - from:
//!     - source: {namespaces: [client]}
//! ```
//!
//! ## Source
//!
//! facts/istio-ambient.md §4.2: seen on a real istiod (`GetSelector() == nil` in
//! `authorization.go`, `GetLabelSelector() != nil` in `workloads.go`).

use super::super::input::at;
use super::super::{Rule, RuleInput};
use super::reading::policies;
use crate::diagnostic::{Diagnostic, Severity};

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "empty-selector",
    severity: Severity::Error,
    summary: "a selector without labels binds a policy to nothing in ambient mode",
    istio: None,
    source: include_str!("empty_selector.rs"),
    check,
};

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    for policy in policies(input) {
        let Some(selector) = at(&policy.body, &["spec", "selector"]) else { continue };
        if !input.policy(policy).is_some_and(|id| input.mesh.is_listed_nowhere(id)) {
            continue;
        }
        found.push(
            Diagnostic::error(
                RULE.code,
                format!(
                    "{} selects without labels: ztunnel enforces it nowhere",
                    policy.reference()
                ),
            )
            .at(selector.span, "a sidecar takes this for every workload, ztunnel for none")
            .help("remove `selector` to mean every workload of the namespace"),
        );
    }
}
