//! A selector that picks a waypoint's pods: waypoints read targets only.
//!
//! ## What
//!
//! A policy without a target selects the pods of a waypoint by
//! `gateway.networking.k8s.io/gateway-name`.
//!
//! ## Why
//!
//! A waypoint enforces what names it, or a Service behind it, in `targetRefs`. It never sees a
//! policy that selects its pods, and its pods are not captured by ztunnel either: the policy is
//! enforced nowhere.
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
//! apiVersion: security.istio.io/v1
//! kind: AuthorizationPolicy
//! metadata: {name: deny-admin, namespace: httpbin}
//! spec:
//!   selector: {matchLabels: {gateway.networking.k8s.io/gateway-name: waypoint}}
//!   action: DENY
//!   rules:
//!   - to:
//!     - operation: {paths: ["/admin*"]}
//! ```
//!
//! ## Fix
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
//! metadata: {name: deny-admin, namespace: httpbin}
//! spec:
//!   targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: waypoint}]
//!   action: DENY
//!   rules:
//!   - to:
//!     - operation: {paths: ["/admin*"]}
//! ```
//!
//! ## Source
//!
//! facts/istio-ambient.md §4.1 (a waypoint never sees a policy without a target), §11 (IST0166).

use super::super::Rule;
use super::super::input::RuleInput;
use super::reading::{ATTACHED, selected, selector_span, targets};
use crate::diagnostic::{Diagnostic, Severity};
use crate::simulate::{Pod, Role};

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "selector-on-waypoint",
    severity: Severity::Error,
    summary: "a policy selects the pods of a waypoint, which reads targets only",
    istio: Some("IST0166"),
    source: include_str!("selector_on_waypoint.rs"),
    check,
};

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    for policy in ATTACHED.into_iter().flat_map(|(group, kind)| input.of(group, kind)) {
        if targets(policy).next().is_some() {
            continue;
        }
        let Some(labels) = selected(policy).filter(|l| !l.is_empty()) else { continue };
        let namespace = policy.namespace_or_default();
        let pods = input.pods.namespace(namespace).map(|n| input.pods.in_namespace(n));
        let hit: Vec<&Pod<'_>> = pods
            .unwrap_or_default()
            .iter()
            .filter(|p| labels.iter().all(|(key, value)| p.labels.get(key) == Some(value)))
            .collect();
        // pods of others that have the labels too are selected as well
        if !hit.iter().all(|p| p.role == Role::Waypoint) {
            continue;
        }
        let Some(id) = hit.first().and_then(|p| p.workload) else { continue };
        let gateway = input.mesh.workload(id);
        found.push(
            Diagnostic::error(
                RULE.code,
                format!(
                    "{} is enforced nowhere: waypoint `{}` reads no selectors",
                    policy.reference(),
                    gateway.name
                ),
            )
            .at(selector_span(policy), "these are the waypoint's own pods")
            .also(gateway.span, "the waypoint")
            .help("bind the policy with `targetRefs` to the Gateway, or to a Service behind it"),
        );
    }
}
