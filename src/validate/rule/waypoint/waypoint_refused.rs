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
use super::super::input::{RuleInput, USE_WAYPOINT, label_span};
use super::bindings;
use crate::diagnostic::{Diagnostic, Severity};
use crate::simulate::{Allowed, Binding};

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "waypoint-refused",
    severity: Severity::Error,
    summary: "a waypoint of another namespace may not be used",
    istio: Some("IST0171"),
    source: include_str!("waypoint_refused.rs"),
    check,
};

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    for bound in bindings(input) {
        let Binding::Refused(id) = *bound.binding else { continue };
        // the labels of a Namespace that is not shown may be the right ones
        let is_shown = input.namespace(bound.namespace).is_some();
        if let (false, Allowed::Selector(_)) = (is_shown, &input.mesh.gateway(id).allowed) {
            continue;
        }
        found.push(
            Diagnostic::error(
                RULE.code,
                format!(
                    "{} may not use waypoint `{}/{}`",
                    bound.object.reference(),
                    bound.home,
                    bound.name
                ),
            )
            .at(label_span(bound.object, USE_WAYPOINT), "traffic flows as if there were no waypoint")
            .also(input.mesh.gateway(id).span, "its `allowedRoutes` do not admit the namespace")
            .help("set `allowedRoutes: {namespaces: {from: All}}` on its listener, or select the namespace"),
        );
    }
}
