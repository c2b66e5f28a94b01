//! An ingress gateway goes around the waypoint of the Service that it routes to.
//!
//! ## What
//!
//! A route of an ingress gateway (HTTPRoute, GRPCRoute, TLSRoute, TCPRoute, or a VirtualService with
//! `gateways`) leads to a Service behind a waypoint that has policies, and neither the Service nor its
//! namespace says `istio.io/ingress-use-waypoint: "true"`.
//!
//! ## Why
//!
//! Gateways send traffic straight to the pods, unless that label tells them to use the waypoint.
//! What the waypoint's policies deny passes for everybody outside, and a token that the waypoint asks
//! for is not asked for. Where ztunnel admits the waypoint alone, the gateway's requests fail instead.
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
//! metadata: {name: waypoint, namespace: httpbin}
//! spec:
//!   gatewayClassName: istio-waypoint
//!   listeners: [{name: mesh, port: 15008, protocol: HBONE}]
//! ---
//! apiVersion: v1
//! kind: Service
//! metadata: {name: httpbin, namespace: httpbin}
//! spec: {selector: {app: httpbin}, ports: [{name: http, port: 8000, targetPort: 80}]}
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
//! metadata: {name: waypoint, namespace: httpbin}
//! spec:
//!   gatewayClassName: istio-waypoint
//!   listeners: [{name: mesh, port: 15008, protocol: HBONE}]
//! ---
//! apiVersion: v1
//! kind: Service
//! metadata: {name: httpbin, namespace: httpbin}
//! spec: {selector: {app: httpbin}, ports: [{name: http, port: 8000, targetPort: 80}]}
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
//! facts/istio-ambient.md §2.4, §6.3 (P7); facts/outbound.md §3, §4 (istio/istio#57620).

use std::collections::BTreeSet;

use super::super::Rule;
use super::super::input::{GATEWAY_API, RuleInput, items, text};
use super::super::traffic::{Host, Hosts, destinations};
use super::reading::targets;
use crate::diagnostic::{Diagnostic, Severity, Span};
use crate::k8s::Object;
use crate::simulate::{Binding, GatewayId, GatewayKind, WaypointState};

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "ingress-bypasses-waypoint",
    severity: Severity::Warning,
    summary: "a gateway goes around the waypoint whose policies protect a Service",
    istio: None,
    source: include_str!("ingress_bypasses_waypoint.rs"),
    check,
};

const ROUTES: [&str; 4] = ["HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute"];
const INGRESS_USE_WAYPOINT: &str = "istio.io/ingress-use-waypoint";

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    for route in ROUTES.into_iter().flat_map(|kind| input.of(GATEWAY_API, kind)) {
        let home = route.namespace_or_default();
        let Some(gateway) = ingress_of(input, route, home) else { continue };
        let backends = items(&route.body, &["spec", "rules"])
            .iter()
            .flat_map(|rule| items(rule, &["backendRefs"]))
            .filter(|b| text(b, &["group"]).unwrap_or_default().is_empty())
            .filter(|b| text(b, &["kind"]).is_none_or(|kind| kind == "Service"));
        let mut seen = BTreeSet::new();
        for backend in backends {
            let Some(name) = text(backend, &["name"]) else { continue };
            let namespace = text(backend, &["namespace"]).unwrap_or(home);
            if seen.insert((namespace, name)) {
                let from = (gateway.name.as_str(), Some(gateway.name_span()));
                found.extend(finding(input, from, (namespace, name), backend.span));
            }
        }
    }
    let virtual_services: Vec<&Object> =
        input.of("networking.istio.io", "VirtualService").collect();
    if virtual_services.is_empty() {
        return;
    }
    let hosts = Hosts::of(input);
    for route in virtual_services {
        let own = route.namespace_or_default();
        let gateways = items(&route.body, &["spec", "gateways"]);
        // one for sidecars alone, or for the Gateway API's own
        let Some(gateway) = gateways.iter().filter_map(|g| g.as_str()).find(|g| *g != "mesh")
        else {
            continue;
        };
        let mut seen = BTreeSet::new();
        for destination in destinations(route) {
            let Some(host) = destination.get("host").and_then(|h| h.as_str()) else { continue };
            let Host::Service(service) = hosts.find(host, own, route) else { continue };
            let namespace = service.namespace_or_default();
            if seen.insert((namespace, service.name.as_str())) {
                let to = (namespace, service.name.as_str());
                found.extend(finding(input, (gateway, None), to, destination.span));
            }
        }
    }
}

fn finding(
    input: &RuleInput<'_>,
    (gateway, at_gateway): (&str, Option<Span>),
    (namespace, service): (&str, &str),
    place: Span,
) -> Option<Diagnostic> {
    let Bypassed { home, waypoint, fails } = bypassed(input, namespace, service)?;
    let diagnostic = Diagnostic::warning(
        RULE.code,
        format!(
            "Gateway `{gateway}` sends to Service `{namespace}/{service}` without its waypoint `{home}/{waypoint}`"
        ),
    )
    .at(
        place,
        match fails {
            true => "ztunnel admits the waypoint alone: these requests fail",
            false => "the waypoint's policies do not see this traffic",
        },
    )
    .help(format!(
        "label the Service, or namespace `{namespace}`, with `{INGRESS_USE_WAYPOINT}: \"true\"`"
    ));
    Some(match at_gateway {
        Some(span) => diagnostic.also(span, "the gateway"),
        None => diagnostic,
    })
}

/// The first ingress Gateway that a route is attached to.
fn ingress_of<'a>(input: &RuleInput<'a>, route: &Object, home: &str) -> Option<&'a Object> {
    items(&route.body, &["spec", "parentRefs"])
        .iter()
        .filter(|p| text(p, &["kind"]).is_none_or(|kind| kind == "Gateway"))
        .find_map(|parent| {
            let namespace = text(parent, &["namespace"]).unwrap_or(home);
            input.gateway(namespace, text(parent, &["name"])?)
        })
        .filter(|gateway| {
            input
                .gateway_id(gateway)
                .is_some_and(|id| matches!(input.mesh.gateway(id).kind, GatewayKind::Ingress))
        })
}

/// A waypoint that gateways go around.
struct Bypassed {
    home: String,
    waypoint: String,
    /// The pods let nobody in but the waypoint.
    fails: bool,
}

/// The waypoint that a Service is bound to and has policies at, where gateways do not use it.
fn bypassed(input: &RuleInput<'_>, namespace: &str, service: &str) -> Option<Bypassed> {
    let id = input.pods.namespace(namespace)?;
    let object = input.services(namespace).find(|s| s.name == service);
    let known = object.and_then(|object| input.service_id(object));
    let (binding, is_used) = match known {
        // the label means nothing to the pods of a headless Service
        Some(known) if input.mesh.service(known).headless => return None,
        Some(known) => {
            (input.mesh.service_binding(known).clone(), input.mesh.ingress_uses_waypoint(known))
        }
        None => (input.mesh.namespace_binding(id), input.mesh.ingress_uses_waypoint_of(id)),
    };
    if is_used {
        return None;
    }
    let fails = |waypoint: GatewayId| {
        let pods = known.map(|known| input.pods.of_service(known)).unwrap_or_default();
        !pods.is_empty() && pods.iter().all(|pod| input.pods.admits_only(pod, waypoint))
    };
    match binding {
        Binding::Bound(waypoint) => {
            let (policies, tokens) = match known {
                Some(known) => input.mesh.enforced_at_waypoint(known),
                None => input.mesh.enforced_at_gateway(waypoint),
            };
            let is_made = input.mesh.waypoint_state(waypoint) != WaypointState::NotProgrammed;
            let (home, name, _) = input.waypoint_names(waypoint);
            (is_made && (!policies.is_empty() || tokens > 0)).then(|| Bypassed {
                home: home.to_owned(),
                waypoint: name.to_owned(),
                fails: fails(waypoint),
            })
        }
        // made by somebody else, as by TSB: its policies are what names it
        Binding::Missing { namespace: home, name } => {
            let is_target = |policy: &Object| {
                targets(policy).any(|t| match text(t, &["kind"]) {
                    Some("Gateway") => text(t, &["name"]) == Some(&name),
                    Some("Service") => text(t, &["name"]) == Some(service),
                    _ => false,
                })
            };
            let mut policies =
                input.of_namespace("security.istio.io", "AuthorizationPolicy", &home);
            policies.any(is_target).then_some(Bypassed {
                home: home.clone(),
                waypoint: name.clone(),
                fails: false,
            })
        }
        _ => None,
    }
}
