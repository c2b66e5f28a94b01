//! A NetworkPolicy that admits callers, and not the waypoint that they come through.
//!
//! ## What
//!
//! Pods behind a waypoint are ambient, NetworkPolicies limit who reaches them, and none of those that hold
//! for them admits the waypoint's pods at TCP port 15008, though they admit others there.
//!
//! ## Why
//!
//! The connection to the pod comes from the waypoint's pod, whoever called. The callers that the policy
//! names reach the waypoint, and its connection to the pod is dropped: requests time out.
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
//! apiVersion: apps/v1
//! kind: Deployment
//! metadata: {name: httpbin, namespace: httpbin}
//! spec:
//!   selector: {matchLabels: {app: httpbin}}
//!   template:
//!     metadata:
//!       labels: {app: httpbin}
//!     spec:
//!       containers: [{name: httpbin, image: "example.com/httpbin:1", ports: [{containerPort: 80}]}]
//! ---
//! apiVersion: v1
//! kind: Namespace
//! metadata: {name: client, labels: {istio.io/dataplane-mode: ambient}}
//! ---
//! apiVersion: networking.k8s.io/v1
//! kind: NetworkPolicy
//! metadata: {name: httpbin, namespace: httpbin}
//! spec:
//!   podSelector: {}
//!   policyTypes: [Ingress]
//!   ingress:
//!   - from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: client}}}]
//!     ports: [{port: 15008, protocol: TCP}]
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
//! apiVersion: apps/v1
//! kind: Deployment
//! metadata: {name: httpbin, namespace: httpbin}
//! spec:
//!   selector: {matchLabels: {app: httpbin}}
//!   template:
//!     metadata:
//!       labels: {app: httpbin}
//!     spec:
//!       containers: [{name: httpbin, image: "example.com/httpbin:1", ports: [{containerPort: 80}]}]
//! ---
//! apiVersion: v1
//! kind: Namespace
//! metadata: {name: client, labels: {istio.io/dataplane-mode: ambient}}
//! ---
//! apiVersion: networking.k8s.io/v1
//! kind: NetworkPolicy
//! metadata: {name: httpbin, namespace: httpbin}
//! spec:
//!   podSelector: {}
//!   policyTypes: [Ingress]
//!   ingress:
//!   - from:
//!     - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: client}}
//!     - podSelector: {matchLabels: {gateway.networking.k8s.io/gateway-name: waypoint}}
//!     ports: [{port: 15008, protocol: TCP}]
//! ```
//!
//! ## Source
//!
//! facts/outbound.md §3; facts/istio-ambient.md §6.1, §6.5.

use std::collections::BTreeMap;

use super::super::{Rule, RuleInput};
use super::network_policy::{HBONE, ingress_span};
use crate::diagnostic::{Diagnostic, Severity};
use crate::simulate::{Direction, GatewayId, Pod};

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "network-policy-waypoint",
    severity: Severity::Warning,
    summary: "a NetworkPolicy admits callers and not the waypoint that they come through",
    istio: None,
    source: include_str!("network_policy_waypoint.rs"),
    check,
};

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    let proxies: BTreeMap<GatewayId, &Pod<'_>> = input
        .mesh
        .gateways()
        .filter_map(|(id, gateway)| {
            let mut pods = input.pods.in_namespace(gateway.namespace).iter();
            Some((id, pods.find(|p| p.workload == Some(gateway.workload))?))
        })
        .collect();
    let mut kept: BTreeMap<(&str, &str), GatewayId> = BTreeMap::new();
    for behind in input.behind_waypoints() {
        let Some(proxy) = proxies.get(&behind.waypoint) else { continue };
        let isolating = input.pods.isolating(behind.pod, Direction::Ingress);
        let ends = (*proxy, behind.pod);
        if input.pods.admitted(&isolating, Direction::Ingress, ends, HBONE) {
            continue;
        }
        for policy in isolating {
            let takes_others = policy
                .rules(Direction::Ingress)
                .iter()
                .any(|rule| input.pods.rule_takes_port(rule, behind.pod, HBONE));
            if takes_others {
                let namespace = input.mesh.namespace(policy.namespace).name.as_str();
                kept.entry((namespace, policy.name.as_str())).or_insert(behind.waypoint);
            }
        }
    }
    for ((namespace, name), waypoint) in kept {
        let Some((policy, at)) = ingress_span(input, namespace, name) else { continue };
        let (home, waypoint_name, _) = input.waypoint_names(waypoint);
        found.push(
            Diagnostic::warning(
                RULE.code,
                format!(
                    "{} keeps waypoint `{home}/{waypoint_name}` out, through which the callers come",
                    policy.reference()
                ),
            )
            .at(at, "the waypoint's pods are not among these callers")
            .also(input.mesh.gateway(waypoint).span, "the waypoint")
            .help(format!(
                "admit its pods too: label `gateway.networking.k8s.io/gateway-name: {waypoint_name}` in namespace `{home}`"
            )),
        );
    }
}
