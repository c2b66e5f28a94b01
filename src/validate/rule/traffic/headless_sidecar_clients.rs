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
use crate::simulate::{Client, Mesh, PodState, Request, Role, ServiceId, Verdict, WorkloadId};

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "headless-sidecar-clients",
    severity: Severity::Warning,
    summary: "sidecars speak plain text to the ambient pods of a headless Service",
    istio: None,
    source: include_str!("headless_sidecar_clients.rs"),
    check,
};

/// So many clients are named.
const NAMED: usize = 3;

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    let clients: Vec<WorkloadId> = input
        .pods
        .all()
        .filter(|p| p.role == Role::Application && p.state.has_sidecar())
        .filter_map(|p| p.workload)
        .collect();
    if clients.is_empty() {
        return;
    }
    let mut moved: Option<Mesh> = None;
    for object in input.of("", "Service") {
        let Some(id) = input.service_id(object) else { continue };
        let service = input.mesh.service(id);
        if !service.headless {
            continue;
        }
        let pods: Vec<_> =
            input.pods.of_service(id).into_iter().filter(|p| p.is_ambient()).collect();
        let port =
            |w| service.ports.first().map(|port| service.arrives_at(port, input.mesh.workload(w)));
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
        let moved = moved.get_or_insert_with(|| after(input.mesh, &clients));
        let cut = cut(input.mesh, moved, &clients, id);
        let (who, what) = match cut.is_empty() {
            false => {
                let are = if cut.len() == 1 { "is" } else { "are" };
                let names = cut.iter().map(|id| input.mesh.workload_name(*id));
                (listed(names.collect()), format!("{are} cut off from"))
            }
            // what policies say may be reached all the same, and by more than they mean
            true => {
                let namespaces = namespaces(input.mesh, &clients);
                (format!("sidecars of namespace {namespaces}"), "speak plain text to".to_owned())
            }
        };
        let help = match cut.is_empty() {
            false => format!(
                "move namespace {} to ambient mode before this Service's pods, or with them: in that \
                 order none is cut off",
                namespaces(input.mesh, &cut)
            ),
            true => {
                "move the clients of this Service to ambient mode before it, or with it".to_owned()
            }
        };
        found.push(
            Diagnostic::warning(RULE.code, format!("{who} {what} headless {}", object.reference()))
                .at(object.name_span(), effect)
                .help(help),
        );
    }
}

/// The mesh once these clients have moved.
fn after(mesh: &Mesh, clients: &[WorkloadId]) -> Mesh {
    let mut moved = mesh.clone();
    clients.iter().for_each(|id| moved.set_state(*id, PodState::Ambient));
    moved
}

/// The clients that do not get through now, and would once they have moved.
fn cut(now: &Mesh, moved: &Mesh, clients: &[WorkloadId], service: ServiceId) -> Vec<WorkloadId> {
    let is_cut = |id: &WorkloadId| {
        now.service(service).ports.iter().any(|port| {
            let request = Request::to_service(Client::Workload(*id), service, port.number);
            matches!(now.decide(&request).verdict, Verdict::Deny | Verdict::Mixed)
                && moved.decide(&request).verdict == Verdict::Allow
        })
    };
    clients.iter().copied().filter(is_cut).collect()
}

/// The namespaces of clients.
fn namespaces(mesh: &Mesh, clients: &[WorkloadId]) -> String {
    let names: BTreeSet<&str> = clients
        .iter()
        .map(|id| mesh.namespace(mesh.workload(*id).namespace).name.as_str())
        .collect();
    listed(names.into_iter().map(str::to_owned).collect())
}

/// `a`, `b`, `c` and 2 more.
fn listed(names: Vec<String>) -> String {
    let few: Vec<String> = names.iter().take(NAMED).map(|name| format!("`{name}`")).collect();
    match names.len() - few.len() {
        0 => few.join(", "),
        more => format!("{} and {more} more", few.join(", ")),
    }
}
