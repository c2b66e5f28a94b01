//! A rule about HTTP where the waypoint sees no HTTP.
//!
//! ## What
//!
//! A rule at a waypoint reads HTTP (hosts, methods, paths, tokens), and every port that it can be about
//! is declared as TLS, HTTPS or TCP.
//!
//! ## Why
//!
//! On such ports the waypoint passes bytes on and sees no request. An ALLOW rule that reads HTTP is left
//! out and admits nobody; a DENY rule goes on without the part and denies more than it says.
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
//! apiVersion: networking.istio.io/v1
//! kind: ServiceEntry
//! metadata: {name: partner, namespace: httpbin}
//! spec:
//!   hosts: [api.example.com]
//!   location: MESH_EXTERNAL
//!   resolution: DNS
//!   ports: [{number: 443, name: https, protocol: HTTPS}]
//! ---
//! apiVersion: security.istio.io/v1
//! kind: AuthorizationPolicy
//! metadata: {name: to-partner, namespace: httpbin}
//! spec:
//!   targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: waypoint}]
//!   rules:
//!   - from:
//!     - source: {namespaces: [client]}
//!     to:
//!     - operation: {hosts: [api.example.com], ports: ["443"]}
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
//! ---
//! apiVersion: networking.istio.io/v1
//! kind: ServiceEntry
//! metadata: {name: partner, namespace: httpbin}
//! spec:
//!   hosts: [api.example.com]
//!   location: MESH_EXTERNAL
//!   resolution: DNS
//!   ports: [{number: 443, name: https, protocol: HTTPS}]
//! ---
//! apiVersion: security.istio.io/v1
//! kind: AuthorizationPolicy
//! metadata: {name: to-partner, namespace: httpbin}
//! spec:
//!   targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: waypoint}]
//!   rules:
//!   - from:
//!     - source: {namespaces: [client]}
//!     to:
//!     - operation: {ports: ["443"]}
//! ```
//!
//! ## Source
//!
//! facts/outbound.md §3, §4 (istio/istio#55802); facts/istio-ambient.md §7.2.

use super::super::Rule;
use super::super::input::{RuleInput, items};
use super::attributes::Unseen;
use super::reading::{policies, rules};
use crate::diagnostic::{Diagnostic, Severity};
use crate::simulate::{Place, Protocol, RuleAt, RuleEffect, Service, ServiceKind};
use crate::yaml::Node;

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "http-rule-on-tcp-port",
    severity: Severity::Warning,
    summary: "a rule reads HTTP on ports where the waypoint sees none",
    istio: None,
    source: include_str!("http_rule_on_tcp_port.rs"),
    check,
};

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    for policy in policies(input) {
        let Some(id) = input.policy(policy) else { continue };
        let services: Vec<&Service> =
            input.at_waypoints(id).iter().map(|(s, _)| input.mesh.service(*s)).collect();
        if services.is_empty() {
            continue;
        }
        for RuleAt { rule, effect, .. } in input.mesh.effects_at(id, Place::WaypointTcp) {
            let what = match effect {
                RuleEffect::Dropped => "the rule is left out, and admits nobody",
                RuleEffect::Widened => "the rule denies without regard to it",
                _ => continue,
            };
            let Some(rule) = rules(policy).get(rule) else { continue };
            let protocols = protocols(rule, &services);
            if protocols.is_empty() || protocols.iter().any(|p| *p != Protocol::Tcp) {
                continue;
            }
            let unseen = Unseen::of(rule);
            let Some(attribute) = unseen.http.first() else { continue };
            found.push(
                Diagnostic::warning(
                    RULE.code,
                    format!(
                        "a rule of {} reads `{}` where the waypoint sees no HTTP",
                        policy.reference(),
                        attribute.name
                    ),
                )
                .at(attribute.span, what)
                .help("let the port speak HTTP to the waypoint, or name ports and callers only"),
            );
        }
    }
}

/// What the ports speak that a rule can be about.
fn protocols(rule: &Node, services: &[&Service]) -> Vec<Protocol> {
    let operations: Vec<&Node> =
        items(rule, &["to"]).iter().filter_map(|to| to.get("operation")).collect();
    let is_about = |service: &Service, port: u16| {
        operations.is_empty()
            || operations.iter().any(|operation| {
                let ports = items(operation, &["ports"]);
                let takes_port = ports.is_empty()
                    || ports.iter().filter_map(Node::as_str).any(|p| p.parse() == Ok(port));
                takes_port && may_be_host(items(operation, &["hosts"]), service, services)
            })
    };
    services
        .iter()
        .flat_map(|s| s.ports.iter().map(move |p| (*s, p)))
        .filter(|(service, port)| is_about(service, port.number))
        .map(|(_, port)| port.protocol)
        .collect()
}

/// Hosts that are those of ServiceEntries are about these; others may be any name of a service.
fn may_be_host(hosts: &[Node], service: &Service, services: &[&Service]) -> bool {
    let is_entry =
        |host: &str| services.iter().any(|s| s.kind == ServiceKind::ServiceEntry && s.host == host);
    let all: Vec<&str> = hosts
        .iter()
        .filter_map(Node::as_str)
        .map(|h| h.rsplit_once(':').map_or(h, |(name, _)| name))
        .collect();
    all.is_empty() || all.iter().any(|h| service.host == *h || !is_entry(h))
}
