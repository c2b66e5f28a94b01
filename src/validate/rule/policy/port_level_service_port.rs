//! `portLevelMtls` names the port of a Service.
//!
//! ## What
//!
//! A port in `portLevelMtls` of a PeerAuthentication is one of a Service, and none of the pods that it
//! selects.
//!
//! ## Why
//!
//! The ports are those of the pods, on which sidecars and ztunnel see the connection. Under another number
//! the mode holds for nothing: STRICT is not enforced, PERMISSIVE opens nothing, and no status says so.
//!
//! ## Example
//!
//! ```yaml
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
//! apiVersion: security.istio.io/v1
//! kind: PeerAuthentication
//! metadata: {name: httpbin, namespace: httpbin}
//! spec:
//!   selector: {matchLabels: {app: httpbin}}
//!   portLevelMtls:
//!     "8000": {mode: STRICT}
//! ```
//!
//! ## Fix
//!
//! ```yaml
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
//! apiVersion: security.istio.io/v1
//! kind: PeerAuthentication
//! metadata: {name: httpbin, namespace: httpbin}
//! spec:
//!   selector: {matchLabels: {app: httpbin}}
//!   portLevelMtls:
//!     "80": {mode: STRICT}
//! ```
//!
//! ## Source
//!
//! facts/outbound.md §3, §4 (istio/istio#49098); facts/istio-ambient.md §5.3.

use super::super::Rule;
use super::super::input::{RuleInput, at, strings};
use super::ports::Ports;
use crate::diagnostic::{Diagnostic, Severity};
use crate::simulate::Pod;
use crate::yaml::Node;

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "port-level-service-port",
    severity: Severity::Error,
    summary: "`portLevelMtls` names a port that the pods do not have",
    istio: None,
    source: include_str!("port_level_service_port.rs"),
    check,
};

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    for policy in input.of("security.istio.io", "PeerAuthentication") {
        let levels = at(&policy.body, &["spec", "portLevelMtls"]).and_then(Node::as_mapping);
        let Some(levels) = levels.filter(|l| !l.entries.is_empty()) else { continue };
        let name = policy.namespace_or_default();
        let labels = strings(at(&policy.body, &["spec", "selector", "matchLabels"]));
        let Some(namespace) = input.pods.namespace(name).filter(|_| !labels.is_empty()) else {
            continue;
        };
        let pods: Vec<&Pod<'_>> = input
            .pods
            .in_namespace(namespace)
            .iter()
            .filter(|p| labels.iter().all(|(key, value)| p.labels.get(key) == Some(value)))
            .collect();
        let ports = Ports::of_pods(input, name, &pods);
        for entry in &levels.entries {
            let others = entry.key.parse().ok().and_then(|port| ports.targets_of(port));
            let Some(others) = others else { continue };
            found.push(
                Diagnostic::error(
                    RULE.code,
                    format!("{} names port `{}` of a Service", policy.reference(), entry.key),
                )
                .at(entry.key_span, "the ports of pods count here")
                .help(format!("write the target port: {}", others.join(" or "))),
            );
        }
    }
}
