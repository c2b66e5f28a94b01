//! A binding to a waypoint that does not serve this kind of traffic.
//!
//! ## What
//!
//! A Service, ServiceEntry, WorkloadEntry or pod names a waypoint whose `istio.io/waypoint-for` is for
//! something else: pods a waypoint for services, Services a waypoint for workloads, or anything one that
//! serves `none`.
//!
//! ## Why
//!
//! Traffic addressed to a Service passes a waypoint for services, traffic addressed to a pod one for
//! workloads; without the label a waypoint is for services. Another one is skipped without an error:
//! the traffic flows as if there were none, and policies at the waypoint are not asked. The object's
//! status has `UnsupportedTrafficType`.
//!
//! ## Example
//!
//! ```yaml
//! apiVersion: v1
//! kind: Namespace
//! metadata: {name: httpbin, labels: {istio.io/dataplane-mode: ambient}}
//! ---
//! apiVersion: gateway.networking.k8s.io/v1
//! kind: Gateway
//! metadata: {name: waypoint, namespace: httpbin}
//! spec:
//!   gatewayClassName: istio-waypoint
//!   listeners: [{name: mesh, port: 15008, protocol: HBONE}]
//! ---
//! apiVersion: apps/v1
//! kind: Deployment
//! metadata: {name: httpbin, namespace: httpbin}
//! spec:
//!   selector: {matchLabels: {app: httpbin}}
//!   template:
//!     metadata:
//!       labels: {app: httpbin, istio.io/use-waypoint: waypoint}
//!     spec:
//!       containers: [{name: httpbin, image: "example.com/httpbin:1", ports: [{containerPort: 80}]}]
//! ```
//!
//! ## Fix
//!
//! ```yaml
//! apiVersion: v1
//! kind: Namespace
//! metadata: {name: httpbin, labels: {istio.io/dataplane-mode: ambient}}
//! ---
//! apiVersion: gateway.networking.k8s.io/v1
//! kind: Gateway
//! metadata:
//!   name: waypoint
//!   namespace: httpbin
//!   labels: {istio.io/waypoint-for: all}
//! spec:
//!   gatewayClassName: istio-waypoint
//!   listeners: [{name: mesh, port: 15008, protocol: HBONE}]
//! ---
//! apiVersion: apps/v1
//! kind: Deployment
//! metadata: {name: httpbin, namespace: httpbin}
//! spec:
//!   selector: {matchLabels: {app: httpbin}}
//!   template:
//!     metadata:
//!       labels: {app: httpbin, istio.io/use-waypoint: waypoint}
//!     spec:
//!       containers: [{name: httpbin, image: "example.com/httpbin:1", ports: [{containerPort: 80}]}]
//! ```
//!
//! ## Source
//!
//! facts/istio-ambient.md §2.3; facts/outbound.md §3, §4 (istio/istio#57764).

use super::super::Rule;
use super::super::input::{RuleInput, USE_WAYPOINT, label_span};
use super::bindings;
use crate::diagnostic::{Diagnostic, Severity, Span};
use crate::simulate::{Binding, GatewayId, Serves};

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "waypoint-unserved",
    severity: Severity::Error,
    summary: "a binding names a waypoint that serves other traffic",
    istio: Some("IST0171"),
    source: include_str!("waypoint_unserved.rs"),
    check,
};

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    for bound in bindings(input) {
        let Binding::Unserved(waypoint) = *bound.binding else { continue };
        let is_namespace = bound.object.gvk.is("", "Namespace");
        // the pods of a namespace may use a waypoint for workloads
        if is_namespace && input.mesh.gateway(waypoint).serves.workloads() {
            continue;
        }
        let place = label_span(bound.object, USE_WAYPOINT);
        found.push(finding(input, &bound.object.reference().to_string(), waypoint, place));
    }
    for workload in input.all_workloads().filter(|w| w.labels.contains_key(USE_WAYPOINT)) {
        let Some(id) = input.workload_id(workload) else { continue };
        let Binding::Unserved(waypoint) = *input.mesh.workload_binding(id) else {
            continue;
        };
        let who = format!("pods of {}", workload.object.reference());
        let place = workload.span("labels", USE_WAYPOINT);
        found.push(finding(input, &who, waypoint, place));
    }
}

fn finding(input: &RuleInput<'_>, who: &str, waypoint: GatewayId, place: Span) -> Diagnostic {
    let (home, name, _) = input.waypoint_names(waypoint);
    let (serves, help) = match input.mesh.gateway(waypoint).serves {
        Serves::Service => (
            "services only: traffic addressed to a pod does not pass it",
            "label the Service instead, or set `istio.io/waypoint-for: all` on the Gateway",
        ),
        Serves::Workload => (
            "workloads only: traffic addressed to a Service does not pass it",
            "label the pods instead, or set `istio.io/waypoint-for: all` on the Gateway",
        ),
        _ => (
            "nothing",
            "set `istio.io/waypoint-for` to `service`, `workload` or `all` on the Gateway",
        ),
    };
    let verb = if who.starts_with("pods of") { "name" } else { "names" };
    Diagnostic::error(
        RULE.code,
        format!("{who} {verb} waypoint `{home}/{name}`, which serves {serves}"),
    )
    .at(place, "traffic flows as if there were no waypoint")
    .also(input.mesh.gateway(waypoint).span, "the waypoint")
    .help(help)
}
