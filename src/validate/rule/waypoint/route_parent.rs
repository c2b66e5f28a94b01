//! A route that hangs on the waypoint itself routes nothing.
//!
//! ## What
//!
//! An HTTPRoute, GRPCRoute, TLSRoute or TCPRoute has a Gateway of class `istio-waypoint` as parent.
//!
//! ## Why
//!
//! A waypoint routes for Services: the parent of a route for the mesh is the Service that is called
//! (GAMMA). A route on the waypoint's listener is accepted by nobody.
//!
//! ## Example
//!
//! ```yaml
//! apiVersion: gateway.networking.k8s.io/v1
//! kind: Gateway
//! metadata: {name: waypoint, namespace: bookinfo}
//! spec:
//!   gatewayClassName: istio-waypoint
//!   listeners: [{name: mesh, port: 15008, protocol: HBONE}]
//! ---
//! apiVersion: gateway.networking.k8s.io/v1
//! kind: HTTPRoute
//! metadata: {name: reviews, namespace: bookinfo}
//! spec:
//!   parentRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: waypoint}]
//! ```
//!
//! ## Fix
//!
//! ```yaml
//! apiVersion: gateway.networking.k8s.io/v1
//! kind: Gateway
//! metadata: {name: waypoint, namespace: bookinfo}
//! spec:
//!   gatewayClassName: istio-waypoint
//!   listeners: [{name: mesh, port: 15008, protocol: HBONE}]
//! ---
//! apiVersion: gateway.networking.k8s.io/v1
//! kind: HTTPRoute
//! metadata: {name: reviews, namespace: bookinfo}
//! spec:
//!   parentRefs: [{group: "", kind: Service, name: reviews, port: 9080}]
//! ```
//!
//! ## Source
//!
//! facts/istio-ambient.md §6.6, §10.4; facts/field.md 12.35 (sail-operator's guide hangs it on the
//! ingress Gateway).

use super::super::Rule;
use super::super::input::{GATEWAY_API, RuleInput, WAYPOINT_CLASS, items, text};
use crate::diagnostic::{Diagnostic, Severity};

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "route-parent",
    severity: Severity::Error,
    summary: "a route hangs on the waypoint instead of on the Service",
    istio: None,
    source: include_str!("route_parent.rs"),
    check,
};

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    let routes = input
        .objects
        .iter()
        .filter(|o| o.gvk.group == GATEWAY_API && o.gvk.kind.ends_with("Route"));
    for route in routes {
        for parent in items(&route.body, &["spec", "parentRefs"]) {
            if text(parent, &["kind"]).unwrap_or("Gateway") != "Gateway" {
                continue;
            }
            let namespace =
                text(parent, &["namespace"]).or(route.namespace.as_deref()).unwrap_or_default();
            let name = text(parent, &["name"]).unwrap_or_default();
            let class = input
                .gateway(namespace, name)
                .and_then(|g| text(&g.body, &["spec", "gatewayClassName"]));
            if class == Some(WAYPOINT_CLASS) {
                found.push(
                    Diagnostic::error(
                        RULE.code,
                        format!(
                            "{} hangs on the waypoint `{name}` and routes nothing",
                            route.reference()
                        ),
                    )
                    .at(parent.span, "this parent")
                    .help(
                        "name the Service that is called: `{group: \"\", kind: Service, name: …}`",
                    ),
                );
            }
        }
    }
}
