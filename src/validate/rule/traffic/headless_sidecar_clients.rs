//! Sidecars speak plain text to the ambient pods of a headless Service.
//!
//! ## What
//!
//! The pods of a headless Service are ambient, STRICT or an AuthorizationPolicy holds for them, and
//! workloads with sidecars are left in the cluster.
//!
//! ## Why
//!
//! To a headless Service a sidecar connects by pod, and uses mutual TLS only where every pod of it has a
//! sidecar; it never uses HBONE there. Its calls come in plain text: STRICT refuses them, and no rule knows
//! who calls. It begins at the stage that makes the Service's pods ambient before its clients.
//!
//! ## Example
//!
//! ```yaml
//! apiVersion: v1
//! kind: Namespace
//! metadata: {name: httpbin, labels: {istio.io/dataplane-mode: ambient}}
//! ---
//! apiVersion: v1
//! kind: Namespace
//! metadata: {name: client, labels: {istio-injection: enabled}}
//! ---
//! apiVersion: v1
//! kind: Service
//! metadata: {name: httpbin, namespace: httpbin}
//! spec: {clusterIP: None, selector: {app: httpbin}, ports: [{name: tcp, port: 80}]}
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
//! apiVersion: security.istio.io/v1
//! kind: PeerAuthentication
//! metadata: {name: default, namespace: httpbin}
//! spec: {mtls: {mode: STRICT}}
//! ```
//!
//! ## Fix
//!
//! Move the clients first, or together with the Service:
//!
//! ```yaml
//! apiVersion: v1
//! kind: Namespace
//! metadata: {name: httpbin, labels: {istio.io/dataplane-mode: ambient}}
//! ---
//! apiVersion: v1
//! kind: Namespace
//! metadata: {name: client, labels: {istio.io/dataplane-mode: ambient}}
//! ---
//! apiVersion: v1
//! kind: Service
//! metadata: {name: httpbin, namespace: httpbin}
//! spec: {clusterIP: None, selector: {app: httpbin}, ports: [{name: tcp, port: 80}]}
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
//! apiVersion: security.istio.io/v1
//! kind: PeerAuthentication
//! metadata: {name: default, namespace: httpbin}
//! spec: {mtls: {mode: STRICT}}
//! ```
//!
//! ## Source
//!
//! facts/outbound.md §1 (02), §3, §4 (istio/istio#54921).

use std::collections::BTreeSet;

use super::super::{Rule, RuleInput};
use crate::diagnostic::{Diagnostic, Severity};
use crate::simulate::Role;

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "headless-sidecar-clients",
    severity: Severity::Warning,
    summary: "sidecars speak plain text to the ambient pods of a headless Service",
    istio: None,
    source: include_str!("headless_sidecar_clients.rs"),
    check,
};

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    let clients: BTreeSet<&str> = input
        .pods
        .all()
        .filter(|p| p.workload.is_some() && p.role == Role::Application && p.state.has_sidecar())
        .map(|p| input.mesh.namespace(p.namespace).name.as_str())
        .collect();
    if clients.is_empty() {
        return;
    }
    let few: Vec<String> = clients.iter().take(3).map(|n| format!("`{n}`")).collect();
    let more = if clients.len() > few.len() { " and others" } else { "" };
    for object in input.of("", "Service") {
        let Some(id) = input.service_id(object) else { continue };
        let service = input.mesh.service(id);
        if !service.headless {
            continue;
        }
        let pods: Vec<_> =
            input.pods.of_service(id).into_iter().filter(|p| p.is_ambient()).collect();
        let port = |w| service.ports.first().map(|p| p.target_at(input.mesh.workload(w)));
        let is_strict = pods.iter().any(|pod| {
            let port = pod.workload.and_then(port);
            port.is_some_and(|port| input.pods.refuses_plaintext(pod, port))
        });
        let has_policy = pods.iter().any(|pod| !input.pods.has_no_policy(pod));
        let effect = match (is_strict, has_policy) {
            (true, _) => "their calls come in plain text, and STRICT refuses them",
            (false, true) => "their calls come in plain text, and policies do not know who calls",
            (false, false) => continue,
        };
        found.push(
            Diagnostic::warning(
                RULE.code,
                format!(
                    "sidecars of namespace {}{more} speak plain text to headless {}",
                    few.join(", "),
                    object.reference()
                ),
            )
            .at(object.name_span(), effect)
            .help("move the clients of this Service to ambient mode before it, or with it"),
        );
    }
}
