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

use super::super::Rule;
use super::super::input::{Fronted, GATEWAY_API, RuleInput, items, text};
use super::reading::{Kept, action, is_at_ztunnel, rules, targets};
use super::waypoint_not_admitted::is_principal_of;
use crate::diagnostic::{Diagnostic, Severity};
use crate::k8s::Object;
use crate::yaml::Node;

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "waypoint-bypassable",
    severity: Severity::Warning,
    summary: "callers can go around the waypoint that reads a policy's HTTP rules",
    istio: None,
    source: include_str!("waypoint_bypassable.rs"),
    check,
};

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    for Fronted { namespace, home, waypoint: gateway, account } in input.fronted() {
        let name = &gateway.name;
        if is_guarded(input, &namespace.name, home, account) {
            continue;
        }
        for policy in input
            .of_namespace("security.istio.io", "AuthorizationPolicy", &namespace.name)
            .filter(|policy| is_read_by(policy, home == namespace.name, name))
        {
            let Some(attribute) =
                rules(policy).iter().find_map(|r| Kept::of(r).l7.into_iter().next())
            else {
                continue;
            };
            found.push(
                Diagnostic::warning(
                    RULE.code,
                    format!(
                        "callers that do not pass waypoint `{home}/{name}` escape {}",
                        policy.reference()
                    ),
                )
                .at(attribute.span, format!("only the waypoint reads `{}`", attribute.name))
                .also(namespace.name_span(), "ztunnel admits others here")
                .help(format!(
                    "add an ALLOW policy without a target that admits `<trust domain>/ns/{home}/sa/{account}` alone, once no caller has a sidecar"
                )),
            );
        }
    }
}

/// True for a policy that the namespace's waypoint enforces.
fn is_read_by(policy: &Object, is_own: bool, waypoint: &str) -> bool {
    targets(policy).any(|target| match (text(target, &["group"]), text(target, &["kind"])) {
        (Some(GATEWAY_API), Some("Gateway")) => is_own && text(target, &["name"]) == Some(waypoint),
        (_, kind) => kind == Some("Service"),
    })
}

/// True when ztunnel admits nobody but the waypoint: every ALLOW rule names it alone, or a DENY
/// rule names everybody else.
fn is_guarded(input: &RuleInput<'_>, namespace: &str, home: &str, account: &str) -> bool {
    let bound = || {
        input
            .of_namespace("security.istio.io", "AuthorizationPolicy", namespace)
            .filter(|p| is_at_ztunnel(input, p))
    };
    let names_it_alone = |principals: &[Node]| {
        let is_it = |p: &str| !p.contains('*') && is_principal_of(p, home, account);
        !principals.is_empty() && principals.iter().filter_map(Node::as_str).all(is_it)
    };
    let sources = |rule: &Node, key: &'static str| {
        let from = items(rule, &["from"]);
        !from.is_empty() && from.iter().all(|f| names_it_alone(items(f, &["source", key])))
    };
    let denies_others = bound()
        .filter(|p| action(p) == "DENY")
        .flat_map(rules)
        .any(|r| sources(r, "notPrincipals") && items(r, &["to"]).is_empty());
    let mut allowing = bound().filter(|p| action(p) == "ALLOW").peekable();
    let allows_it_alone = allowing.peek().is_some()
        && allowing
            .flat_map(rules)
            // ztunnel drops a rule about HTTP
            .filter(|r| Kept::of(r).l7.is_empty())
            .all(|r| sources(r, "principals"));
    denies_others || allows_it_alone
}
