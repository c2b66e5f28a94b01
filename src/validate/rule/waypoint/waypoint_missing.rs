//! A binding to a waypoint that is not there leaves traffic without one.
//!
//! ## What
//!
//! `istio.io/use-waypoint` of a namespace, Service, ServiceEntry or WorkloadEntry names a Gateway
//! that is not among the objects, while other waypoints are; or one that serves nobody
//! (`istio.io/waypoint-for: none`).
//!
//! ## Why
//!
//! Istio does not stop such traffic: it flows as if there were no waypoint, and HTTP policies are
//! not enforced. A Service's label that names a missing waypoint does not even fall back to the
//! namespace's.
//!
//! ## Example
//!
//! ```yaml
//! apiVersion: v1
//! kind: Namespace
//! metadata:
//!   name: httpbin
//!   labels: {istio.io/dataplane-mode: ambient, istio.io/use-waypoint: waypiont}
//! ---
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
//! ```
//!
//! ## Source
//!
//! facts/istio-ambient.md §2.1, §2.2, §2.3; the live condition is `WaypointBound`:
//! `WaypointIsNotReady` (IST0171).

use super::super::Rule;
use super::super::input::{RuleInput, USE_WAYPOINT, label_span};
use super::{bindings, waypoints};
use crate::diagnostic::{Diagnostic, Severity, nearest};

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "waypoint-missing",
    severity: Severity::Error,
    summary: "a binding names a waypoint that is not there",
    istio: Some("IST0171"),
    source: include_str!("waypoint_missing.rs"),
    check,
};

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    let known: Vec<_> = waypoints(input).collect();
    // with no waypoint among the objects somebody else makes them
    if known.is_empty() {
        return;
    }
    for binding in bindings(input) {
        let place = label_span(binding.object, USE_WAYPOINT);
        let who = binding.object.reference();
        match input.gateway(binding.home, binding.name) {
            Some(gateway) => {
                if gateway.labels.get("istio.io/waypoint-for").is_some_and(|f| f == "none") {
                    found.push(
                        Diagnostic::error(
                            RULE.code,
                            format!("{who} uses waypoint `{}`, which serves nobody", binding.name),
                        )
                        .at(place, "")
                        .also(gateway.name_span(), "`istio.io/waypoint-for` is `none` here")
                        .help("set `istio.io/waypoint-for` to `service`, `workload` or `all`"),
                    );
                }
            }
            None => {
                let here: Vec<&str> = known
                    .iter()
                    .filter(|g| g.namespace.as_deref() == Some(binding.home))
                    .map(|g| g.name.as_str())
                    .collect();
                let diagnostic = Diagnostic::error(
                    RULE.code,
                    format!(
                        "{who} uses waypoint `{}/{}`, which is not there",
                        binding.home, binding.name
                    ),
                )
                .at(place, "traffic flows as if there were no waypoint");
                found.push(match nearest(binding.name, here.iter().copied()).or(here.first().copied()) {
                    Some(name) => diagnostic.help(format!("did you mean `{name}`?")),
                    None => diagnostic.help("add the Gateway, or name its namespace with `istio.io/use-waypoint-namespace`"),
                });
            }
        }
    }
}
