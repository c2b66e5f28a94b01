//! Port rules of a NetworkPolicy that mean nothing to callers of the mesh.
//!
//! ## What
//!
//! NetworkPolicies limit ambient pods to some ports and admit TCP port 15008, the pods have other ports
//! too, and no AuthorizationPolicy holds at their ztunnel.
//!
//! ## Why
//!
//! A caller of the mesh comes to port 15008 and says inside HBONE which port it wants. Whoever is admitted
//! at 15008 reaches every port, also those that the policy was to keep closed.
//!
//! ## Example
//!
//! ```yaml
//! apiVersion: v1
//! kind: Namespace
//! metadata: {name: httpbin, labels: {istio.io/dataplane-mode: ambient}}
//! ---
//! apiVersion: apps/v1
//! kind: Deployment
//! metadata: {name: httpbin, namespace: httpbin}
//! spec:
//!   selector: {matchLabels: {app: httpbin}}
//!   template:
//!     metadata: {labels: {app: httpbin}}
//!     spec:
//!       containers:
//!       - name: httpbin
//!         image: example.com/httpbin:1
//!         ports: [{containerPort: 80}, {containerPort: 9000}]
//! ---
//! apiVersion: networking.k8s.io/v1
//! kind: NetworkPolicy
//! metadata: {name: httpbin, namespace: httpbin}
//! spec:
//!   podSelector: {}
//!   policyTypes: [Ingress]
//!   ingress:
//!   - ports: [{port: 80, protocol: TCP}, {port: 15008, protocol: TCP}]
//! ```
//!
//! ## Fix
//!
//! Say at ztunnel which ports are for whom:
//!
//! ```yaml
//! apiVersion: v1
//! kind: Namespace
//! metadata: {name: httpbin, labels: {istio.io/dataplane-mode: ambient}}
//! ---
//! apiVersion: apps/v1
//! kind: Deployment
//! metadata: {name: httpbin, namespace: httpbin}
//! spec:
//!   selector: {matchLabels: {app: httpbin}}
//!   template:
//!     metadata: {labels: {app: httpbin}}
//!     spec:
//!       containers:
//!       - name: httpbin
//!         image: example.com/httpbin:1
//!         ports: [{containerPort: 80}, {containerPort: 9000}]
//! ---
//! apiVersion: networking.k8s.io/v1
//! kind: NetworkPolicy
//! metadata: {name: httpbin, namespace: httpbin}
//! spec:
//!   podSelector: {}
//!   policyTypes: [Ingress]
//!   ingress:
//!   - ports: [{port: 80, protocol: TCP}, {port: 15008, protocol: TCP}]
//! ---
//! apiVersion: security.istio.io/v1
//! kind: AuthorizationPolicy
//! metadata: {name: http-only, namespace: httpbin}
//! spec:
//!   rules:
//!   - to:
//!     - operation: {ports: ["80"]}
//! ```
//!
//! ## Source
//!
//! facts/outbound.md §3, §4 (istio/istio#56659); facts/istio-ambient.md §6.5.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{Rule, RuleInput};
use super::network_policy::{HBONE, ingress_span};
use crate::diagnostic::{Diagnostic, Severity};
use crate::simulate::Direction;

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "network-policy-ports",
    severity: Severity::Warning,
    summary: "port rules of a NetworkPolicy mean nothing to callers of the mesh",
    istio: None,
    source: include_str!("network_policy_ports.rs"),
    check,
};

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    let mut kept: BTreeMap<(&str, &str), BTreeSet<u16>> = BTreeMap::new();
    for pod in input.pods.all().filter(|p| p.is_ambient() && input.pods.has_no_policy(p)) {
        let isolating = input.pods.isolating(pod, Direction::Ingress);
        let takes = |port: u16| {
            let mut rules = isolating.iter().flat_map(|p| p.rules(Direction::Ingress));
            rules.any(|rule| input.pods.rule_takes_port(rule, pod, port))
        };
        if isolating.is_empty() || !takes(HBONE) {
            continue;
        }
        let known = input.pods.known_ports(pod);
        let (open, closed): (Vec<u16>, Vec<u16>) = known.into_iter().partition(|p| takes(*p));
        // where no port of the application is open in plain text, none was meant to be limited
        if open.is_empty() || closed.is_empty() {
            continue;
        }
        for policy in &isolating {
            let mut rules = policy.rules(Direction::Ingress).iter();
            if rules.any(|rule| open.iter().any(|p| input.pods.rule_takes_port(rule, pod, *p))) {
                let namespace = input.mesh.namespace(policy.namespace).name.as_str();
                let ports = kept.entry((namespace, policy.name.as_str())).or_default();
                ports.extend(&closed);
            }
        }
    }
    for ((namespace, name), ports) in kept {
        let Some((policy, at)) = ingress_span(input, namespace, name) else { continue };
        let ports = ports.iter().map(u16::to_string).collect::<Vec<_>>().join(", ");
        found.push(
            Diagnostic::warning(
                RULE.code,
                format!(
                    "{} does not keep callers of the mesh from port {ports}",
                    policy.reference()
                ),
            )
            .at(at, "whoever is admitted at port 15008 reaches every port")
            .help("limit ports by an AuthorizationPolicy without a target, which ztunnel enforces"),
        );
    }
}
