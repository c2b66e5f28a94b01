//! A policy whose target no traffic reaches is enforced nowhere.
//!
//! ## What
//!
//! A policy targets a Service or ServiceEntry that is there and uses no waypoint, or a waypoint of its
//! own namespace that nothing there uses.
//!
//! ## Why
//!
//! A target is enforced by the waypoint that the traffic passes, and by nothing else. Without the label
//! `istio.io/use-waypoint` no traffic passes one: a DENY denies nothing, an external authorizer is not
//! asked. The policy's status says `Accepted` all the same; only `AncestorNotBound` on the target tells.
//!
//! ## Example
//!
//! ```yaml
//! apiVersion: v1
//! kind: Namespace
//! metadata: {name: httpbin, labels: {istio.io/dataplane-mode: ambient}}
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
//! metadata: {name: deny-client, namespace: httpbin}
//! spec:
//!   targetRefs: [{group: "", kind: Service, name: httpbin}]
//!   action: DENY
//!   rules:
//!   - from:
//!     - source: {namespaces: [client]}
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
//! metadata: {name: deny-client, namespace: httpbin}
//! spec:
//!   targetRefs: [{group: "", kind: Service, name: httpbin}]
//!   action: DENY
//!   rules:
//!   - from:
//!     - source: {namespaces: [client]}
//! ```
//!
//! ## Source
//!
//! facts/outbound.md §3, §4 (istio/istio#55217, #57764); facts/istio-ambient.md §2.1, §4.1 (A5 to A7).

use super::super::input::{GATEWAY_API, USE_WAYPOINT, text};
use super::super::{Rule, RuleInput};
use super::reading::{ATTACHED, targets};
use crate::diagnostic::{Diagnostic, Severity};
use crate::simulate::{Allowed, Binding, NamespaceId, ServiceId, ServiceKind};

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "target-bound-to-nothing",
    severity: Severity::Warning,
    summary: "a policy's target is something that no waypoint stands before",
    istio: None,
    source: include_str!("target_bound_to_nothing.rs"),
    check,
};

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    let some_are_ambient = input.pods.all().any(|p| p.is_ambient());
    for policy in ATTACHED.into_iter().flat_map(|(group, kind)| input.of(group, kind)) {
        let name = policy.namespace_or_default();
        let Some(namespace) = input.pods.namespace(name).filter(|_| some_are_ambient) else {
            continue;
        };
        for target in targets(policy) {
            let Some(target_name) = text(target, &["name"]) else { continue };
            let kind = text(target, &["kind"]).unwrap_or_default();
            let fault = match (text(target, &["group"]).unwrap_or_default(), kind) {
                ("" | "core", "Service") => {
                    let mut all = input.services(name);
                    let service = all.find(|s| s.name == target_name);
                    let id = service.and_then(|s| input.service_id(s));
                    id.filter(|_| input.pods.has_ambient(namespace))
                        .and_then(|id| unbound(input, namespace, id))
                }
                ("networking.istio.io", "ServiceEntry") => {
                    let mut all = input.of_namespace("networking.istio.io", "ServiceEntry", name);
                    let entry = all.find(|s| s.name == target_name);
                    let id = entry.and_then(|s| input.service_id(s));
                    id.and_then(|id| unbound(input, namespace, id))
                }
                (GATEWAY_API, "Gateway") => unused(input, namespace, target_name),
                _ => None,
            };
            let Some((why, help)) = fault else { continue };
            found.push(
                Diagnostic::warning(
                    RULE.code,
                    format!("{} is enforced nowhere by this target", policy.reference()),
                )
                .at(target.span, why)
                .help(help),
            );
        }
    }
}

/// Why no traffic to a service passes a waypoint, and what to do. What is bound to a waypoint that is
/// missing, refuses or serves others has a finding of its own.
fn unbound(
    input: &RuleInput<'_>,
    namespace: NamespaceId,
    id: ServiceId,
) -> Option<(String, String)> {
    let service = input.mesh.service(id);
    let own = &input.mesh.namespace(namespace).name;
    match input.mesh.service_binding(id) {
        Binding::Unbound => {
            // another repository may label the Namespace
            let is_known =
                service.labels.contains_key(USE_WAYPOINT) || input.namespace(own).is_some();
            is_known.then(|| {
                (
                    format!("no traffic to `{}` passes a waypoint", service.name),
                    format!(
                        "label it, or namespace `{own}`, with `{USE_WAYPOINT}`; or select the pods \
                         for a rule that ztunnel can carry out"
                    ),
                )
            })
        }
        Binding::Bound(_) if service.headless && service.kind == ServiceKind::Service => Some((
            format!("`{}` is headless: its clients address the pods", service.name),
            "target the Gateway of a waypoint for workloads, and bind the pods to it".to_owned(),
        )),
        _ => None,
    }
}

/// The same of a waypoint. What is bound to one that other namespaces may use is not known.
fn unused(input: &RuleInput<'_>, namespace: NamespaceId, name: &str) -> Option<(String, String)> {
    let id = input.mesh.find_gateway(namespace, name)?;
    let own = &input.mesh.namespace(namespace).name;
    let is_own = input.mesh.is_waypoint(id) && input.mesh.gateway(id).allowed == Allowed::Same;
    let bound = Binding::Bound(id);
    let shows_something =
        || input.services(own).next().is_some() || input.pods.are_shown(namespace);
    if !is_own || input.namespace(own).is_none() || !shows_something() {
        return None;
    }
    let uses = |service: ServiceId| *input.mesh.service_binding(service) == bound;
    let is_used = input.mesh.namespace_binding(namespace) == bound
        || input.mesh.services().any(|(s, _)| uses(s))
        || input.mesh.workloads().any(|(w, _)| *input.mesh.workload_binding(w) == bound);
    (!is_used).then(|| {
        (
            format!("no traffic passes waypoint `{name}`"),
            format!("label Services, or namespace `{own}`, with `{USE_WAYPOINT}: {name}`"),
        )
    })
}
