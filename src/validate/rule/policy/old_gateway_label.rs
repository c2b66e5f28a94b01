//! A selector by a label that gateways have no more.
//!
//! ## What
//!
//! A policy selects pods by `istio.io/gateway-name`, and no workload that is shown has that label.
//!
//! ## Why
//!
//! Since 1.24 istiod labels the pods of Gateways `gateway.networking.k8s.io/gateway-name`, and keeps the
//! old label on Deployments from before. A policy that selects the old one holds at gateways that are
//! old enough and is gone when they are made anew: what it denied passes. At a waypoint a selector never
//! counted.
//!
//! ## Example
//!
//! ```yaml
//! apiVersion: gateway.networking.k8s.io/v1
//! kind: Gateway
//! metadata: {name: edge, namespace: httpbin}
//! spec:
//!   gatewayClassName: istio
//!   listeners: [{name: http, port: 80, protocol: HTTP}]
//! ---
//! apiVersion: security.istio.io/v1
//! kind: AuthorizationPolicy
//! metadata: {name: partners, namespace: httpbin}
//! spec:
//!   selector: {matchLabels: {istio.io/gateway-name: edge}}
//!   rules:
//!   - from:
//!     - source: {remoteIpBlocks: [203.0.113.0/24]}
//! ```
//!
//! ## Fix
//!
//! ```yaml
//! apiVersion: gateway.networking.k8s.io/v1
//! kind: Gateway
//! metadata: {name: edge, namespace: httpbin}
//! spec:
//!   gatewayClassName: istio
//!   listeners: [{name: http, port: 80, protocol: HTTP}]
//! ---
//! apiVersion: security.istio.io/v1
//! kind: AuthorizationPolicy
//! metadata: {name: partners, namespace: httpbin}
//! spec:
//!   targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: edge}]
//!   rules:
//!   - from:
//!     - source: {remoteIpBlocks: [203.0.113.0/24]}
//! ```
//!
//! ## Source
//!
//! facts/outbound.md §3, §4 (istio/istio#45217, istio/istio.io#14157).

use super::super::{Rule, RuleInput};
use super::reading::{ATTACHED, selected, selector_span};
use crate::diagnostic::{Diagnostic, Severity};
use crate::simulate::Pod;

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "old-gateway-label",
    severity: Severity::Error,
    summary: "a policy selects gateways by a label that they have no more",
    istio: None,
    source: include_str!("old_gateway_label.rs"),
    check,
};

const OLD: &str = "istio.io/gateway-name";

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    for policy in ATTACHED.into_iter().flat_map(|(group, kind)| input.of(group, kind)) {
        let Some(labels) = selected(policy) else { continue };
        let Some(gateway) = labels.get(OLD) else { continue };
        let namespace = policy.namespace_or_default();
        let pods = input.pods.namespace(namespace).map(|n| input.pods.in_namespace(n));
        let has_it = |p: &Pod<'_>| p.workload.is_some() && p.labels.get(OLD) == Some(gateway);
        if pods.unwrap_or_default().iter().any(has_it) {
            continue;
        }
        found.push(
            Diagnostic::error(
                RULE.code,
                format!("{} selects by a label that gateways have no more", policy.reference()),
            )
            .at(selector_span(policy), format!("since 1.24 istiod does not give `{OLD}`"))
            .help(format!(
                "name the Gateway: `targetRefs: [{{group: gateway.networking.k8s.io, kind: Gateway, name: {gateway}}}]`"
            )),
        );
    }
}
