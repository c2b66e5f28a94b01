//! A namespace with sidecars that is bound to a waypoint: callers change their identity.
//!
//! ## What
//!
//! A Namespace that still injects sidecars and is not ambient is bound to a waypoint, and a policy
//! of its sidecars names who may call, or who may not.
//!
//! ## Why
//!
//! Callers in ambient mode are sent through the waypoint, also toward a pod with a sidecar, and the
//! sidecar sees the waypoint as the caller. A DENY rule for a caller does not match any more: it
//! passes. An ALLOW rule does not either: it is refused.
//!
//! ## Example
//!
//! ```yaml
//! apiVersion: v1
//! kind: Namespace
//! metadata:
//!   name: httpbin
//!   labels: {istio-injection: enabled, istio.io/use-waypoint: waypoint}
//! ---
//! apiVersion: security.istio.io/v1
//! kind: AuthorizationPolicy
//! metadata: {name: deny-client, namespace: httpbin}
//! spec:
//!   action: DENY
//!   rules:
//!   - from:
//!     - source: {principals: [cp-1.tsb.local/ns/client/*]}
//! ```
//!
//! ## Fix
//!
//! Bind the namespace with the same change that makes it ambient:
//!
//! ```yaml
//! apiVersion: v1
//! kind: Namespace
//! metadata: {name: httpbin, labels: {istio-injection: enabled}}
//! ---
//! apiVersion: security.istio.io/v1
//! kind: AuthorizationPolicy
//! metadata: {name: deny-client, namespace: httpbin}
//! spec:
//!   action: DENY
//!   rules:
//!   - from:
//!     - source: {principals: [cp-1.tsb.local/ns/client/*]}
//! ```
//!
//! ## Source
//!
//! facts/istio-ambient.md §6.3 (P3), §10.3, §0.3.

use super::super::Rule;
use super::super::input::{RuleInput, USE_WAYPOINT, items, label_span};
use super::reading::{action, rules};
use crate::diagnostic::{Diagnostic, Severity, Span};
use crate::k8s::Object;
use crate::simulate::{Pod, PodState, Role};

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "use-waypoint-early",
    severity: Severity::Warning,
    summary: "sidecars that name their callers see a waypoint instead of them",
    istio: None,
    source: include_str!("use_waypoint_early.rs"),
    check,
};

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    for namespace in input.namespaces() {
        let Some(waypoint) = namespace.labels.get(USE_WAYPOINT).filter(|w| *w != "none") else {
            continue;
        };
        let Some(id) = input.pods.namespace(&namespace.name) else { continue };
        if input.pods.new_in(id) == PodState::Ambient {
            continue;
        }
        let has_sidecar = |pod: &Pod<'_>| {
            pod.role == Role::Application && pod.namespace == id && pod.state.has_sidecar()
        };
        for policy in
            input.of_namespace("security.istio.io", "AuthorizationPolicy", &namespace.name)
        {
            let Some(named) = caller(policy) else { continue };
            let policy_id = input.policy(policy);
            if !policy_id.is_some_and(|p| input.pods.selected(p).any(has_sidecar)) {
                continue;
            }
            let effect = match action(policy) {
                "DENY" => "callers in ambient mode that it denies pass",
                _ => "callers in ambient mode that it names are taken for others",
            };
            found.push(
                Diagnostic::warning(
                    RULE.code,
                    format!(
                        "the sidecars of namespace `{}` see waypoint `{waypoint}` where {} names the caller",
                        namespace.name,
                        policy.reference()
                    ),
                )
                .at(label_span(namespace, USE_WAYPOINT), effect)
                .also(named, "a caller is named here")
                .help("bind the namespace with the change that makes it ambient, not before"),
            );
        }
    }
}

/// Where a policy names a caller first.
fn caller(policy: &Object) -> Option<Span> {
    const NAMES: [&str; 6] = [
        "principals",
        "notPrincipals",
        "namespaces",
        "notNamespaces",
        "serviceAccounts",
        "notServiceAccounts",
    ];
    rules(policy).iter().find_map(|rule| {
        let sources = items(rule, &["from"]).iter();
        let of_source =
            |from| NAMES.iter().flat_map(move |key| items(from, &["source", key])).next();
        sources.filter_map(of_source).next().map(|node| node.span)
    })
}
