//! A policy whose target is not in its own namespace is enforced nowhere.
//!
//! ## What
//!
//! A `targetRef` of a policy names a Gateway or Service that is not in the policy's namespace while
//! those of the namespace are known, or a GatewayClass from outside the root namespace.
//!
//! ## Why
//!
//! A target is looked for in the policy's namespace only; a GatewayClass policy counts in the root
//! namespace only. A policy without its target is enforced by nobody, neither waypoint nor ztunnel:
//! what it denies passes.
//!
//! ## Example
//!
//! ```yaml
//! apiVersion: gateway.networking.k8s.io/v1
//! kind: Gateway
//! metadata: {name: waypoint, namespace: shared}
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
//! Put the policy into the waypoint's namespace, or bind it to the Service behind it:
//!
//! ```yaml
//! apiVersion: gateway.networking.k8s.io/v1
//! kind: Gateway
//! metadata: {name: waypoint, namespace: shared}
//! spec:
//!   gatewayClassName: istio-waypoint
//!   listeners: [{name: mesh, port: 15008, protocol: HBONE}]
//! ---
//! apiVersion: security.istio.io/v1
//! kind: AuthorizationPolicy
//! metadata: {name: deny-admin, namespace: httpbin}
//! spec:
//!   targetRefs: [{group: "", kind: Service, name: httpbin}]
//!   action: DENY
//!   rules:
//!   - to:
//!     - operation: {paths: ["/admin*"]}
//! ```
//!
//! ## Source
//!
//! facts/istio-ambient.md §4.1 (A5–A8), §4.2; facts/field.md 12.1 (istio/istio#57315). The live
//! condition is `WaypointAccepted`: `TargetNotFound` (IST0171).

use super::super::Rule;
use super::super::input::{GATEWAY_API, RuleInput, text};
use super::reading::{ATTACHED, targets};
use crate::diagnostic::{Diagnostic, Severity};

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "policy-not-attached",
    severity: Severity::Error,
    summary: "a policy whose target is not in its own namespace is enforced nowhere",
    istio: Some("IST0171"),
    source: include_str!("policy_not_attached.rs"),
    check,
};

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    for (group, kind) in ATTACHED {
        for policy in input.of(group, kind) {
            let namespace = policy.namespace.as_deref().unwrap_or_default();
            for target in targets(policy) {
                let name = text(target, &["name"]).unwrap_or_default();
                let fault = match text(target, &["kind"]) {
                    Some("GatewayClass") if namespace != input.settings.root_namespace => Some(
                        "a GatewayClass can be the target in the root namespace only".to_owned(),
                    ),
                    Some("Gateway") => absent(input, GATEWAY_API, "Gateway", namespace, name),
                    Some("Service") => absent(input, "", "Service", namespace, name),
                    Some("ServiceEntry") => {
                        absent(input, "networking.istio.io", "ServiceEntry", namespace, name)
                    }
                    _ => None,
                };
                if let Some(fault) = fault {
                    found.push(
                        Diagnostic::error(
                            RULE.code,
                            format!("{} is enforced nowhere: {fault}", policy.reference()),
                        )
                        .at(target.span, "this target")
                        .help("put the policy into the namespace of its target"),
                    );
                }
            }
        }
    }
}

/// What is wrong, where the objects show that the target is not there.
fn absent(
    input: &RuleInput<'_>,
    group: &'static str,
    kind: &'static str,
    namespace: &str,
    name: &str,
) -> Option<String> {
    let here = || input.of_namespace(group, kind, namespace);
    if here().any(|o| o.name == name) {
        return None;
    }
    if let Some(other) = input.of(group, kind).find(|o| o.name == name) {
        let home = other.namespace.as_deref().unwrap_or_default();
        return Some(format!("the {kind} `{name}` is in namespace `{home}`"));
    }
    here().next().is_some().then(|| format!("namespace `{namespace}` has no {kind} `{name}`"))
}
