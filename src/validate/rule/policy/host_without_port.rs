//! Hosts without a port, of services on other ports than 80 and 443.
//!
//! ## What
//!
//! A rule at a waypoint names `hosts`, none of them with a port or a star behind it, and every port that
//! it can be about is an HTTP port other than 80 and 443.
//!
//! ## Why
//!
//! Clients write the port into the `Host` header where it is not the scheme's own, and hosts are compared
//! as a whole: `api.shop` is not `api.shop:8000`. An ALLOW rule admits nobody, a DENY rule denies nothing.
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
//! apiVersion: security.istio.io/v1
//! kind: AuthorizationPolicy
//! metadata: {name: by-host, namespace: httpbin}
//! spec:
//!   targetRefs: [{group: "", kind: Service, name: httpbin}]
//!   rules:
//!   - to:
//!     - operation: {hosts: [httpbin.httpbin]}
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
//! apiVersion: v1
//! kind: Service
//! metadata: {name: httpbin, namespace: httpbin}
//! spec: {selector: {app: httpbin}, ports: [{name: http, port: 8000, targetPort: 80}]}
//! ---
//! apiVersion: security.istio.io/v1
//! kind: AuthorizationPolicy
//! metadata: {name: by-host, namespace: httpbin}
//! spec:
//!   targetRefs: [{group: "", kind: Service, name: httpbin}]
//!   rules:
//!   - to:
//!     - operation: {hosts: ["httpbin.httpbin", "httpbin.httpbin:*"]}
//! ```
//!
//! ## Source
//!
//! facts/outbound.md §3, §4 (istio/istio#44080); facts/envoy.md.

use super::super::Rule;
use super::super::input::{RuleInput, items};
use super::reading::{policies, rules};
use crate::diagnostic::{Diagnostic, Severity};
use crate::simulate::{Protocol, Service};
use crate::yaml::Node;

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "host-without-port",
    severity: Severity::Warning,
    summary: "hosts of a rule lack the port that clients write",
    istio: None,
    source: include_str!("host_without_port.rs"),
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
        let operations = rules(policy).iter().flat_map(|rule| items(rule, &["to"]));
        for operation in operations.filter_map(|to| to.get("operation")) {
            let hosts = items(operation, &["hosts"]);
            let says_port =
                |h: &Node| h.as_str().is_none_or(|h| h.contains(':') || h.ends_with('*'));
            let ports = ports(operation, &services);
            let Some(first) = hosts.first().filter(|_| !hosts.iter().any(says_port)) else {
                continue;
            };
            if ports.is_empty() || ports.iter().any(|p| matches!(p, 80 | 443)) {
                continue;
            }
            let port = ports.first().copied().unwrap_or_default();
            let host = first.as_str().unwrap_or_default();
            found.push(
                Diagnostic::warning(
                    RULE.code,
                    format!(
                        "`{host}` of {} is not what clients of port {port} write",
                        policy.reference()
                    ),
                )
                .at(
                    first.span,
                    format!("they write `{host}:{port}`, and hosts are compared as a whole"),
                )
                .help(format!("add `\"{host}:*\"`")),
            );
        }
    }
}

/// The ports of HTTP that an operation can be about.
fn ports(operation: &Node, services: &[&Service]) -> Vec<u16> {
    let named: Vec<u16> =
        items(operation, &["ports"]).iter().filter_map(|p| p.as_str()?.parse().ok()).collect();
    let all = services.iter().flat_map(|s| &s.ports).filter(|p| p.protocol != Protocol::Tcp);
    all.map(|p| p.number).filter(|p| named.is_empty() || named.contains(p)).collect()
}
