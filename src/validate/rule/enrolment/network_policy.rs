//! A NetworkPolicy that does not admit port 15008 cuts the mesh.
//!
//! ## What
//!
//! A NetworkPolicy limits the inbound ports of ambient pods, and neither it nor another one for the
//! same pods admits TCP 15008. Policies add up. One whose callers are all known to be outside the
//! mesh is left alone.
//!
//! ## Why
//!
//! Between ztunnels everything travels through HBONE, port 15008, whatever port the application
//! listens on. A policy that admits port 8080 alone admits plain text only: calls from the mesh
//! time out.
//!
//! ## Example
//!
//! ```yaml
//! apiVersion: v1
//! kind: Namespace
//! metadata: {name: httpbin, labels: {istio.io/dataplane-mode: ambient}}
//! ---
//! apiVersion: networking.k8s.io/v1
//! kind: NetworkPolicy
//! metadata: {name: http-only, namespace: httpbin}
//! spec:
//!   podSelector: {}
//!   ingress:
//!   - ports: [{port: 8080, protocol: TCP}]
//! ```
//!
//! ## Fix
//!
//! ```yaml
//! apiVersion: v1
//! kind: Namespace
//! metadata: {name: httpbin, labels: {istio.io/dataplane-mode: ambient}}
//! ---
//! apiVersion: networking.k8s.io/v1
//! kind: NetworkPolicy
//! metadata: {name: http-only, namespace: httpbin}
//! spec:
//!   podSelector: {}
//!   ingress:
//!   - ports: [{port: 8080, protocol: TCP}, {port: 15008, protocol: TCP}]
//! ```
//!
//! ## Source
//!
//! facts/istio-ambient.md §6.5. Probes come from 169.254.7.127, which a policy that names its
//! callers must admit too.

use std::collections::BTreeSet;

use super::super::Rule;
use super::super::input::{RuleInput, items};
use crate::diagnostic::{Diagnostic, Severity, Span};
use crate::k8s::Object;
use crate::simulate::Direction;

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "network-policy",
    severity: Severity::Warning,
    summary: "a NetworkPolicy does not admit port 15008",
    istio: None,
    source: include_str!("network_policy.rs"),
    check,
};

/// The port to which ztunnels connect.
pub(super) const HBONE: u16 = 15008;

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    let mut kept: BTreeSet<(&str, &str)> = BTreeSet::new();
    for pod in input.pods.all().filter(|p| p.is_ambient()) {
        // what several policies admit adds up
        let isolating = input.pods.isolating(pod, Direction::Ingress);
        let rules = || isolating.iter().flat_map(|p| p.rules(Direction::Ingress));
        if rules().any(|rule| input.pods.rule_takes_port(rule, pod, HBONE)) {
            continue;
        }
        for policy in &isolating {
            let may_be_of_the_mesh = |rule: &_| {
                let peers = input.pods.known_peers(policy, rule, Direction::Ingress);
                peers.is_none_or(|pods| pods.iter().any(|p| p.is_ambient()))
            };
            if policy.rules(Direction::Ingress).iter().any(may_be_of_the_mesh) {
                let namespace = input.mesh.namespace(policy.namespace).name.as_str();
                kept.insert((namespace, policy.name.as_str()));
            }
        }
    }
    for (namespace, name) in kept {
        let Some((policy, at)) = ingress_span(input, namespace, name) else { continue };
        found.push(
            Diagnostic::warning(
                RULE.code,
                format!("{} keeps calls from the mesh out", policy.reference()),
            )
            .at(at, "neither this nor another policy for these pods admits TCP port 15008")
            .help("admit TCP port 15008 from the callers that the mesh brings, and limit ports by AuthorizationPolicies"),
        );
    }
}

/// A NetworkPolicy and where its first rule for what comes in is written.
pub(super) fn ingress_span<'a>(
    input: &RuleInput<'a>,
    namespace: &str,
    name: &str,
) -> Option<(&'a Object, Span)> {
    let mut all = input.of("networking.k8s.io", "NetworkPolicy");
    let policy = all.find(|p| p.name == name && p.namespace_or_default() == namespace)?;
    let rules = items(&policy.body, &["spec", "ingress"]);
    Some((policy, rules.first().map_or(policy.name_span(), |r| r.span)))
}
