//! A port that the enforcement point never sees.
//!
//! ## What
//!
//! A policy bound to a waypoint or to a Service behind one names a port that is a target port of a
//! known Service and not a Service port; or a policy that ztunnel enforces names a Service port
//! that is no target port.
//!
//! ## Why
//!
//! A waypoint is addressed by Service: it sees the Service's port. ztunnel and sidecars stand at the
//! pod: they see the target port. A rule with the other port never matches: a DENY denies nothing,
//! an ALLOW admits nobody.
//!
//! ## Example
//!
//! ```yaml
//! apiVersion: v1
//! kind: Service
//! metadata: {name: httpbin, namespace: httpbin}
//! spec:
//!   selector: {app: httpbin}
//!   ports: [{name: http, port: 8000, targetPort: 80}]
//! ---
//! apiVersion: security.istio.io/v1
//! kind: AuthorizationPolicy
//! metadata: {name: deny-admin, namespace: httpbin}
//! spec:
//!   targetRefs: [{group: "", kind: Service, name: httpbin}]
//!   action: DENY
//!   rules:
//!   - to:
//!     - operation: {ports: ["80"], paths: ["/admin*"]}
//! ```
//!
//! ## Fix
//!
//! ```yaml
//! apiVersion: v1
//! kind: Service
//! metadata: {name: httpbin, namespace: httpbin}
//! spec:
//!   selector: {app: httpbin}
//!   ports: [{name: http, port: 8000, targetPort: 80}]
//! ---
//! apiVersion: security.istio.io/v1
//! kind: AuthorizationPolicy
//! metadata: {name: deny-admin, namespace: httpbin}
//! spec:
//!   targetRefs: [{group: "", kind: Service, name: httpbin}]
//!   action: DENY
//!   rules:
//!   - to:
//!     - operation: {ports: ["8000"], paths: ["/admin*"]}
//! ```
//!
//! ## Source
//!
//! facts/istio-ambient.md §6.1, §6.2.

use std::collections::BTreeSet;

use super::super::Rule;
use super::super::input::{RuleInput, items, text};
use super::ports::Ports;
use super::reading::{policies, rules};
use crate::diagnostic::{Diagnostic, Severity};
use crate::k8s::Object;
use crate::simulate::{Pod, PolicyId};
use crate::yaml::Node;

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "port-space",
    severity: Severity::Error,
    summary: "a policy names a port that its enforcement point never sees",
    istio: None,
    source: include_str!("port_space.rs"),
    check,
};

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    for policy in policies(input) {
        let Some(id) = input.policy(policy) else { continue };
        let is_targeted = input.mesh.policy(id).is_targeted();
        let ports =
            if is_targeted { of_waypoint(input, id) } else { of_ztunnel(input, policy, id) };
        if ports.by_service.is_empty() {
            continue;
        }
        for value in rules(policy).iter().flat_map(named_ports) {
            let Some(port) = value.as_str().and_then(|text| text.parse().ok()) else { continue };
            let (others, sees, help) = if is_targeted {
                (ports.services_of(port), "the waypoint sees Service ports", "Service port")
            } else {
                (ports.targets_of(port), "ztunnel sees target ports", "target port")
            };
            let Some(others) = others else { continue };
            found.push(
                Diagnostic::error(
                    RULE.code,
                    format!(
                        "{} names port `{port}`, which is never seen there",
                        policy.reference()
                    ),
                )
                .at(value.span, sees)
                .help(format!("write the {help}: {}", others.join(" or "))),
            );
        }
    }
}

/// The services about which a waypoint asks a policy, or would if they were bound to one.
fn of_waypoint(input: &RuleInput<'_>, id: PolicyId) -> Ports {
    let policy = input.mesh.policy(id);
    let bound = input.at_waypoints(id).iter().map(|(service, _)| *service);
    let targeted = policy
        .targets()
        .filter(|t| t.kind == "Service")
        .filter_map(|t| input.services(&policy.namespace).find(|s| s.name == t.name))
        .filter_map(|object| input.service_id(object));
    let mut ports = Ports::default();
    for service in bound.chain(targeted).collect::<BTreeSet<_>>() {
        ports.add(input, service, &[]);
    }
    ports
}

/// The services of the ambient pods that a policy selects, in its own namespace.
fn of_ztunnel(input: &RuleInput<'_>, policy: &Object, id: PolicyId) -> Ports {
    let name = input.mesh.policy(id).namespace.as_str();
    if name == input.settings.root_namespace || input.at_ztunnel(policy).is_none() {
        return Ports::default();
    }
    let selected: Vec<&Pod<'_>> = input.pods.selected(id).filter(|p| p.is_ambient()).collect();
    Ports::of_pods(input, name, &selected)
}

/// The ports that a rule names.
fn named_ports(rule: &Node) -> impl Iterator<Item = &Node> {
    let operations = items(rule, &["to"]).iter().filter_map(|t| t.get("operation"));
    let of_operations =
        operations.flat_map(|o| ["ports", "notPorts"].into_iter().flat_map(|key| items(o, &[key])));
    let conditions = items(rule, &["when"])
        .iter()
        .filter(|w| text(w, &["key"]) == Some("destination.port"))
        .flat_map(|w| ["values", "notValues"].into_iter().flat_map(|key| items(w, &[key])));
    of_operations.chain(conditions)
}
