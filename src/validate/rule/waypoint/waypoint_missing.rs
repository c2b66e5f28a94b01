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
use super::super::input::{RuleInput, USE_WAYPOINT, USE_WAYPOINT_NAMESPACE, label_span};
use super::{bindings, waypoints};
use crate::diagnostic::{Diagnostic, Severity, nearest};
use crate::simulate::Binding;

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
    for bound in bindings(input) {
        let is_missing = matches!(*bound.binding, Binding::Missing { .. });
        // a Gateway of another class may be one: whoever made it knows
        if !is_missing || input.gateway(bound.home, bound.name).is_some() {
            continue;
        }
        let here: Vec<&str> = known
            .iter()
            .filter(|g| g.namespace.as_deref() == Some(bound.home))
            .map(|g| g.name.as_str())
            .collect();
        let diagnostic = Diagnostic::error(
            RULE.code,
            format!(
                "{} uses waypoint `{}/{}`, which is not there",
                bound.object.reference(),
                bound.home,
                bound.name
            ),
        )
        .at(label_span(bound.object, USE_WAYPOINT), "traffic flows as if there were no waypoint");
        found.push(if bound.name.eq_ignore_ascii_case("none") {
            diagnostic.help("write `none` to use no waypoint")
        } else if let Some((namespace, name)) = bound.name.split_once('/') {
            diagnostic.help(format!(
                "write `{USE_WAYPOINT}: {name}` and `{USE_WAYPOINT_NAMESPACE}: {namespace}`"
            ))
        } else {
            match nearest(bound.name, here.iter().copied()).or(here.first().copied()) {
                Some(name) => diagnostic.help(format!("did you mean `{name}`?")),
                None => diagnostic.help(format!(
                    "add the Gateway, or name its namespace with `{USE_WAYPOINT_NAMESPACE}`"
                )),
            }
        });
    }
}
