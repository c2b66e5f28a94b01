//! A waypoint that another namespace may not use.
//!
//! ## What
//!
//! A namespace or Service is bound to a waypoint of another namespace, and that Gateway's
//! `allowedRoutes` do not admit it.
//!
//! ## Why
//!
//! `allowedRoutes.namespaces.from` decides who may use a waypoint, and defaults to `Same`. A binding
//! that is refused is as good as none: traffic flows without the waypoint.
//!
//! ## Example
//!
//! ```yaml
//! apiVersion: v1
//! kind: Namespace
//! metadata:
//!   name: httpbin
//!   labels:
//!     istio.io/dataplane-mode: ambient
//!     istio.io/use-waypoint: waypoint
//!     istio.io/use-waypoint-namespace: shared
//! ---
//! apiVersion: gateway.networking.k8s.io/v1
//! kind: Gateway
//! metadata: {name: waypoint, namespace: shared}
//! spec:
//!   gatewayClassName: istio-waypoint
//!   listeners: [{name: mesh, port: 15008, protocol: HBONE}]
//! ```
//!
//! ## Fix
//!
//! ```yaml
//! apiVersion: v1
//! kind: Namespace
//! metadata:
//!   name: httpbin
//!   labels:
//!     istio.io/dataplane-mode: ambient
//!     istio.io/use-waypoint: waypoint
//!     istio.io/use-waypoint-namespace: shared
//! ---
//! apiVersion: gateway.networking.k8s.io/v1
//! kind: Gateway
//! metadata: {name: waypoint, namespace: shared}
//! spec:
//!   gatewayClassName: istio-waypoint
//!   listeners:
//!   - {name: mesh, port: 15008, protocol: HBONE, allowedRoutes: {namespaces: {from: All}}}
//! ```
//!
//! ## Source
//!
//! facts/istio-ambient.md §3.3; the live condition is `WaypointBound`: `AttachmentDenied` (IST0171).

use super::super::Rule;
use super::super::input::{RuleInput, USE_WAYPOINT, at, items, label_span, selector, text};
use super::bindings;
use crate::diagnostic::{Diagnostic, Severity};
use crate::k8s::Object;

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "waypoint-refused",
    severity: Severity::Error,
    summary: "a waypoint of another namespace may not be used",
    istio: Some("IST0171"),
    source: include_str!("waypoint_refused.rs"),
    check,
};

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    for binding in bindings(input).filter(|b| b.home != b.namespace) {
        let Some(gateway) = input.gateway(binding.home, binding.name) else { continue };
        if admits(input, gateway, binding.namespace) {
            continue;
        }
        found.push(
            Diagnostic::error(
                RULE.code,
                format!(
                    "{} may not use waypoint `{}/{}`",
                    binding.object.reference(),
                    binding.home,
                    binding.name
                ),
            )
            .at(label_span(binding.object, USE_WAYPOINT), "traffic flows as if there were no waypoint")
            .also(gateway.name_span(), "its `allowedRoutes` do not admit the namespace")
            .help("set `allowedRoutes: {namespaces: {from: All}}` on its listener, or select the namespace"),
        );
    }
}

/// What is not known counts as admitted.
fn admits(input: &RuleInput<'_>, gateway: &Object, namespace: &str) -> bool {
    items(&gateway.body, &["spec", "listeners"]).iter().any(|listener| {
        let rule = at(listener, &["allowedRoutes", "namespaces"]);
        match rule.and_then(|r| text(r, &["from"])).unwrap_or("Same") {
            "All" => true,
            "Selector" => {
                let labels = input.namespace(namespace).map(|n| &n.labels);
                let selector = rule.and_then(|r| at(r, &["selector"])).and_then(selector);
                labels.zip(selector).is_none_or(|(labels, selector)| selector.matches(labels))
            }
            _ => false,
        }
    })
}
