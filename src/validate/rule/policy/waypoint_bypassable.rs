//! Rules about HTTP at a waypoint that callers can go around.
//!
//! ## What
//!
//! A policy with HTTP attributes is bound to the waypoint of a namespace, and no policy at the
//! destination's ztunnel keeps callers away that do not come through the waypoint.
//!
//! ## Why
//!
//! Only callers that ztunnel or a waypoint sends there pass the waypoint. Callers with a sidecar,
//! gateways without `istio.io/ingress-use-waypoint` and plaintext callers reach the pods without
//! it: what the policy denies passes.
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
//! apiVersion: security.istio.io/v1
//! kind: AuthorizationPolicy
//! metadata: {name: deny-admin, namespace: httpbin}
//! spec:
//!   targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: waypoint}]
//!   action: DENY
//!   rules:
//!   - to:
//!     - operation: {paths: ["/admin*"]}
//! ```
//!
//! ## Fix
//!
//! Let ztunnel admit the waypoint alone. While callers still have sidecars, this stops them: move
//! them first.
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
//! apiVersion: security.istio.io/v1
//! kind: AuthorizationPolicy
//! metadata: {name: deny-admin, namespace: httpbin}
//! spec:
//!   targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: waypoint}]
//!   action: DENY
//!   rules:
//!   - to:
//!     - operation: {paths: ["/admin*"]}
//! ---
//! apiVersion: security.istio.io/v1
//! kind: AuthorizationPolicy
//! metadata: {name: only-the-waypoint, namespace: httpbin}
//! spec:
//!   rules:
//!   - from:
//!     - source: {principals: [cp-1.tsb.local/ns/httpbin/sa/waypoint]}
//! ```
//!
//! ## Source
//!
//! facts/istio-ambient.md §2.2, §6.3, §10.1; facts/field.md 12.19 (istio/istio#51214, #54275).

use std::collections::{BTreeMap, BTreeSet};

use super::super::{Rule, RuleInput};
use super::attributes::Unseen;
use super::reading::{policies, rules};
use crate::diagnostic::{Diagnostic, Severity};
use crate::k8s::Object;
use crate::simulate::{GatewayId, NamespaceId, PolicyId, ServiceId};

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "waypoint-bypassable",
    severity: Severity::Warning,
    summary: "callers can go around the waypoint that reads a policy's HTTP rules",
    istio: None,
    source: include_str!("waypoint_bypassable.rs"),
    check,
};

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    let open = open(input);
    for policy in policies(input) {
        let Some(id) = input.policy(policy) else { continue };
        let mut http = rules(policy).iter().filter_map(|r| Unseen::of(r).http.into_iter().next());
        let Some(attribute) = http.next() else { continue };
        let Some((namespace, waypoint)) = bypassed(input, id, &open) else { continue };
        let (home, name, account) = input.waypoint_names(waypoint);
        let diagnostic = Diagnostic::warning(
            RULE.code,
            format!(
                "callers that do not pass waypoint `{home}/{name}` escape {}",
                policy.reference()
            ),
        )
        .at(attribute.span, format!("only the waypoint reads `{}`", attribute.name));
        let owner = input.namespace(&input.mesh.namespace(namespace).name);
        let place = owner.map_or(input.mesh.gateway(waypoint).span, Object::name_span);
        found.push(diagnostic.also(place, "ztunnel admits others here").help(format!(
            "once no caller has a sidecar, and gateways go through the waypoint \
             (`istio.io/ingress-use-waypoint: \"true\"`), add an ALLOW policy without a target that \
             admits `<trust domain>/ns/{home}/sa/{account}` alone"
        )));
    }
}

/// What is behind waypoints and lets others in too: by waypoint, the services, and the namespaces of
/// which no service is shown.
type Open = BTreeMap<GatewayId, (BTreeSet<ServiceId>, BTreeSet<NamespaceId>)>;

fn open(input: &RuleInput<'_>) -> Open {
    let mut open = Open::new();
    for behind in input.behind_waypoints() {
        if input.pods.admits_only(behind.pod, behind.waypoint) {
            continue;
        }
        let (services, namespaces) = open.entry(behind.waypoint).or_default();
        match behind.service {
            Some(service) => services.insert(service),
            None => namespaces.insert(behind.namespace),
        };
    }
    open
}

/// Where the callers of what a policy is about can go around its waypoint.
fn bypassed(input: &RuleInput<'_>, id: PolicyId, open: &Open) -> Option<(NamespaceId, GatewayId)> {
    let mut services = input.at_waypoints(id).iter();
    let by_service = services.find(|(service, waypoint)| {
        open.get(waypoint).is_some_and(|(services, _)| services.contains(service))
    });
    if let Some((service, waypoint)) = by_service {
        return Some((input.mesh.service(*service).namespace, *waypoint));
    }
    let policy = input.mesh.policy(id);
    let namespace = input.pods.namespace(&policy.namespace)?;
    policy.targets().find_map(|target| {
        let waypoint = match target.kind.as_str() {
            "Gateway" => input.mesh.find_gateway(namespace, &target.name)?,
            // a Service that is not shown, of a namespace of which none is
            "Service" => *open.iter().find(|(_, (_, n))| n.contains(&namespace))?.0,
            _ => return None,
        };
        let (_, namespaces) = open.get(&waypoint)?;
        Some((*namespaces.first()?, waypoint))
    })
}
