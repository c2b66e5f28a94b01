//! An ingress gateway goes around the waypoint of the Service that it routes to.
//!
//! ## What
//!
//! A route of an ingress Gateway leads to a Service that is bound to a waypoint with policies, and
//! neither the Service nor its namespace says `istio.io/ingress-use-waypoint: "true"`.
//!
//! ## Why
//!
//! Gateways send traffic straight to the pods, unless that label tells them to use the waypoint.
//! What the waypoint's policies deny passes for everybody outside.
//!
//! ## Example
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
//! metadata: {name: edge, namespace: httpbin}
//! spec:
//!   gatewayClassName: istio
//!   listeners: [{name: http, port: 80, protocol: HTTP}]
//! ---
//! apiVersion: gateway.networking.k8s.io/v1
//! kind: HTTPRoute
//! metadata: {name: httpbin, namespace: httpbin}
//! spec:
//!   parentRefs: [{name: edge}]
//!   rules:
//!   - backendRefs: [{name: httpbin, port: 8000}]
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
//! ## Fix
//!
//! ```yaml
//! apiVersion: v1
//! kind: Namespace
//! metadata:
//!   name: httpbin
//!   labels:
//!     istio.io/dataplane-mode: ambient
//!     istio.io/use-waypoint: waypoint
//!     istio.io/ingress-use-waypoint: "true"
//! ---
//! apiVersion: gateway.networking.k8s.io/v1
//! kind: Gateway
//! metadata: {name: edge, namespace: httpbin}
//! spec:
//!   gatewayClassName: istio
//!   listeners: [{name: http, port: 80, protocol: HTTP}]
//! ---
//! apiVersion: gateway.networking.k8s.io/v1
//! kind: HTTPRoute
//! metadata: {name: httpbin, namespace: httpbin}
//! spec:
//!   parentRefs: [{name: edge}]
//!   rules:
//!   - backendRefs: [{name: httpbin, port: 8000}]
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
//! facts/istio-ambient.md §2.4, §6.3; facts/field.md 12.19 (istio/istio#51214, #54275, #61092).

use super::super::Rule;
use super::super::input::{GATEWAY_API, RuleInput, USE_WAYPOINT, items, text};
use super::reading::targets;
use crate::diagnostic::{Diagnostic, Severity};
use crate::k8s::{Labels, Object};
use crate::yaml::Node;

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "ingress-bypasses-waypoint",
    severity: Severity::Warning,
    summary: "a gateway goes around the waypoint whose policies protect a Service",
    istio: None,
    source: include_str!("ingress_bypasses_waypoint.rs"),
    check,
};

const ROUTES: [&str; 2] = ["HTTPRoute", "GRPCRoute"];
/// The class of Gateways that istiod runs for traffic from outside.
const INGRESS_CLASS: &str = "istio";
const INGRESS_USE_WAYPOINT: &str = "istio.io/ingress-use-waypoint";

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    for route in ROUTES.into_iter().flat_map(|kind| input.of(GATEWAY_API, kind)) {
        let home = route.namespace.as_deref().unwrap_or_default();
        let Some(gateway) = ingress_of(input, route, home) else { continue };
        let backends = items(&route.body, &["spec", "rules"])
            .iter()
            .flat_map(|rule| items(rule, &["backendRefs"]))
            .filter(|b| text(b, &["kind"]).is_none_or(|kind| kind == "Service"));
        for backend in backends {
            let Some(name) = text(backend, &["name"]) else { continue };
            let namespace = text(backend, &["namespace"]).unwrap_or(home);
            let Some(waypoint) = bypassed(input, namespace, name) else { continue };
            found.push(
                Diagnostic::warning(
                    RULE.code,
                    format!(
                        "Gateway `{}` sends to Service `{namespace}/{name}` without its waypoint `{waypoint}`",
                        gateway.name
                    ),
                )
                .at(backend.span, "the waypoint's policies do not see this traffic")
                .also(gateway.name_span(), "the gateway")
                .help(format!(
                    "label the Service, or namespace `{namespace}`, with `{INGRESS_USE_WAYPOINT}: \"true\"`"
                )),
            );
        }
    }
}

/// The first ingress Gateway that a route hangs on.
fn ingress_of<'a>(input: &RuleInput<'a>, route: &Object, home: &str) -> Option<&'a Object> {
    items(&route.body, &["spec", "parentRefs"])
        .iter()
        .filter(|p| text(p, &["kind"]).is_none_or(|kind| kind == "Gateway"))
        .find_map(|parent| {
            let namespace = text(parent, &["namespace"]).unwrap_or(home);
            input.gateway(namespace, text(parent, &["name"])?)
        })
        .filter(|g| text(&g.body, &["spec", "gatewayClassName"]) == Some(INGRESS_CLASS))
}

/// The waypoint that a Service is bound to and has policies at, where gateways do not use it.
fn bypassed<'a>(input: &RuleInput<'a>, namespace: &str, service: &str) -> Option<&'a str> {
    let owner = input.namespace(namespace);
    let object = input.services(namespace).find(|s| s.name == service);
    let labels = || object.iter().chain(&owner).map(|o| &o.labels);
    let first = |key: &str| labels().find_map(|l: &'a Labels| l.get(key)).map(String::as_str);
    let waypoint = first(USE_WAYPOINT).filter(|w| *w != "none")?;
    let is_used = first(INGRESS_USE_WAYPOINT)
        .is_some_and(|v| matches!(v, "true" | "True" | "TRUE" | "t" | "T" | "1"));
    let is_about = |target: &Node| match text(target, &["kind"]) {
        Some("Gateway") => text(target, &["name"]) == Some(waypoint),
        Some("Service") => text(target, &["name"]) == Some(service),
        _ => false,
    };
    let has_policies = input
        .of_namespace("security.istio.io", "AuthorizationPolicy", namespace)
        .any(|policy| targets(policy).any(is_about));
    (!is_used && has_policies).then_some(waypoint)
}
