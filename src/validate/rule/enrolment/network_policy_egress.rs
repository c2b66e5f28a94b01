//! A NetworkPolicy that lets ambient pods call others, and not by HBONE.
//!
//! ## What
//!
//! NetworkPolicies limit what leaves an ambient pod. A rule admits ambient pods as destinations, by their
//! application's port, and no rule for the same pod admits them at TCP port 15008.
//!
//! ## Why
//!
//! Between ztunnels everything travels to port 15008, whatever port the application listens on. The calls
//! that the rule was written for are dropped before they leave the node.
//!
//! ## Example
//!
//! ```yaml
//! apiVersion: v1
//! kind: Namespace
//! metadata: {name: client, labels: {istio.io/dataplane-mode: ambient}}
//! ---
//! apiVersion: v1
//! kind: Namespace
//! metadata: {name: httpbin, labels: {istio.io/dataplane-mode: ambient}}
//! ---
//! apiVersion: apps/v1
//! kind: Deployment
//! metadata: {name: sleep, namespace: client}
//! spec:
//!   selector: {matchLabels: {app: sleep}}
//!   template:
//!     metadata:
//!       labels: {app: sleep}
//!     spec:
//!       containers: [{name: sleep, image: "example.com/sleep:1", ports: [{containerPort: 80}]}]
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
//! apiVersion: networking.k8s.io/v1
//! kind: NetworkPolicy
//! metadata: {name: sleep, namespace: client}
//! spec:
//!   podSelector: {matchLabels: {app: sleep}}
//!   policyTypes: [Egress]
//!   egress:
//!   - to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: httpbin}}}]
//!     ports: [{port: 80, protocol: TCP}]
//! ```
//!
//! ## Fix
//!
//! ```yaml
//! apiVersion: v1
//! kind: Namespace
//! metadata: {name: client, labels: {istio.io/dataplane-mode: ambient}}
//! ---
//! apiVersion: v1
//! kind: Namespace
//! metadata: {name: httpbin, labels: {istio.io/dataplane-mode: ambient}}
//! ---
//! apiVersion: apps/v1
//! kind: Deployment
//! metadata: {name: sleep, namespace: client}
//! spec:
//!   selector: {matchLabels: {app: sleep}}
//!   template:
//!     metadata:
//!       labels: {app: sleep}
//!     spec:
//!       containers: [{name: sleep, image: "example.com/sleep:1", ports: [{containerPort: 80}]}]
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
//! apiVersion: networking.k8s.io/v1
//! kind: NetworkPolicy
//! metadata: {name: sleep, namespace: client}
//! spec:
//!   podSelector: {matchLabels: {app: sleep}}
//!   policyTypes: [Egress]
//!   egress:
//!   - to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: httpbin}}}]
//!     ports: [{port: 80, protocol: TCP}, {port: 15008, protocol: TCP}]
//! ```
//!
//! ## Source
//!
//! facts/outbound.md §3, §4 (14 egress); facts/istio-ambient.md §6.5.

use std::collections::BTreeSet;

use super::super::Rule;
use super::super::input::{RuleInput, items};
use super::network_policy::HBONE;
use crate::diagnostic::{Diagnostic, Severity};
use crate::simulate::Direction;

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "network-policy-egress",
    severity: Severity::Warning,
    summary: "a NetworkPolicy lets ambient pods call others by a port that the mesh does not use",
    istio: None,
    source: include_str!("network_policy_egress.rs"),
    check,
};

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    let mut kept: BTreeSet<(&str, &str, usize)> = BTreeSet::new();
    for pod in input.pods.all().filter(|p| p.is_ambient()) {
        let isolating = input.pods.isolating(pod, Direction::Egress);
        for policy in &isolating {
            for (index, rule) in policy.rules(Direction::Egress).iter().enumerate() {
                // a rule for addresses, or for everybody, may be for what is outside the mesh
                let Some(peers) = input.pods.known_peers(policy, rule, Direction::Egress) else {
                    continue;
                };
                let mut servers = peers.into_iter().filter(|p| p.is_ambient());
                let is_cut = servers.any(|server| {
                    let takes_some = input
                        .pods
                        .known_ports(server)
                        .into_iter()
                        .any(|port| input.pods.rule_takes_port(rule, server, port));
                    takes_some
                        && !input.pods.admitted(
                            &isolating,
                            Direction::Egress,
                            (server, server),
                            HBONE,
                        )
                });
                if is_cut {
                    let namespace = input.mesh.namespace(policy.namespace).name.as_str();
                    kept.insert((namespace, policy.name.as_str(), index));
                }
            }
        }
    }
    for (namespace, name, index) in kept {
        let mut all = input.of("networking.k8s.io", "NetworkPolicy");
        let Some(policy) = all.find(|p| p.name == name && p.namespace_or_default() == namespace)
        else {
            continue;
        };
        let rules = items(&policy.body, &["spec", "egress"]);
        let at = rules.get(index).map_or(policy.name_span(), |r| r.span);
        found.push(
            Diagnostic::warning(
                RULE.code,
                format!("{} keeps calls into the mesh from leaving", policy.reference()),
            )
            .at(at, "these pods are called at TCP port 15008, which no rule admits")
            .help("add TCP port 15008 to the rule"),
        );
    }
}
