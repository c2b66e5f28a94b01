//! A waypoint that rolls when its own metadata change.
//!
//! ## What
//!
//! A Gateway of class `istio-waypoint` lacks `spec.infrastructure.labels` or `.annotations`, or
//! its listener does not say `allowedRoutes`.
//!
//! ## Why
//!
//! Where one of them is absent istiod copies the Gateway's own to the pods: a new annotation, also one that Argo CD or Flux puts there when it adopts the object, restarts the
//! waypoint. And the API server fills `allowedRoutes` in, which GitOps tools show as drift.
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
//!   infrastructure:
//!     labels: {app.kubernetes.io/name: waypoint}
//!     annotations: {waypost.dev/owner: gitops}
//!   listeners:
//!   - {name: mesh, port: 15008, protocol: HBONE, allowedRoutes: {namespaces: {from: Same}}}
//! ```
//!
//! ## Source
//!
//! facts/gitops-delivery.md 1.4; facts/istio-ambient.md §3.3, §3.6. Seen on a real istiod: with
//! `infrastructure.labels` alone, Argo CD's tracking annotation on the Gateway went to the Deployment
//! and its pods, and rolled them.

use super::super::Rule;
use super::super::input::{RuleInput, at, items};
use super::waypoints;
use crate::diagnostic::{Diagnostic, Severity};

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "gateway-drift",
    severity: Severity::Note,
    summary: "a waypoint rolls when its own metadata change, or shows as drifted",
    istio: None,
    source: include_str!("gateway_drift.rs"),
    check,
};

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    for gateway in waypoints(input) {
        let infrastructure = at(&gateway.body, &["spec", "infrastructure"]);
        let has = |key: &str| infrastructure.is_some_and(|i| at(i, &[key]).is_some());
        let copied: Vec<&str> =
            ["labels", "annotations"].into_iter().filter(|key| !has(key)).collect();
        if !copied.is_empty() {
            let what = copied.join(" or ");
            found.push(
                Diagnostic::note(
                    RULE.code,
                    format!("waypoint `{}` restarts when its {what} change", gateway.name),
                )
                .at(gateway.name_span(), "istiod copies them to its pods")
                .help(format!(
                    "set {}: what it holds is copied instead",
                    copied
                        .iter()
                        .map(|key| format!("`spec.infrastructure.{key}`"))
                        .collect::<Vec<_>>()
                        .join(" and ")
                )),
            );
        }
        for listener in items(&gateway.body, &["spec", "listeners"]) {
            if at(listener, &["allowedRoutes"]).is_none() {
                found.push(
                    Diagnostic::note(
                        RULE.code,
                        format!("waypoint `{}` shows as drifted once it is applied", gateway.name),
                    )
                    .at(listener.span, "the API server adds `allowedRoutes` here")
                    .help("write `allowedRoutes: {namespaces: {from: Same}}`"),
                );
            }
        }
    }
}
