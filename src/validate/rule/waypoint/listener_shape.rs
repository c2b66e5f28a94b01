//! A waypoint with other listeners than its one.
//!
//! ## What
//!
//! A Gateway of class `istio-waypoint` does not have exactly one listener, port 15008, protocol
//! HBONE; or it is named `none`.
//!
//! ## Why
//!
//! istiod does not accept the listener (`UnsupportedProtocol`). Whether what is bound to the Gateway
//! still passes its pods is not promised. The name `none` means "no waypoint" in
//! `istio.io/use-waypoint`.
//!
//! ## Example
//!
//! ```yaml
//! apiVersion: gateway.networking.k8s.io/v1
//! kind: Gateway
//! metadata: {name: waypoint, namespace: httpbin}
//! spec:
//!   gatewayClassName: istio-waypoint
//!   listeners: [{name: http, port: 80, protocol: HTTP}]
//! ```
//!
//! ## Fix
//!
//! ```yaml
//! apiVersion: gateway.networking.k8s.io/v1
//! kind: Gateway
//! metadata: {name: waypoint, namespace: httpbin}
//! spec:
//!   gatewayClassName: istio-waypoint
//!   listeners: [{name: mesh, port: 15008, protocol: HBONE}]
//! ```
//!
//! ## Source
//!
//! facts/istio-ambient.md §3.1, §3.2, §2.2; istio/istio
//! `pilot/pkg/config/kube/gateway/conversion.go`: "Expected a single listener on port 15008 with
//! protocol HBONE".

use super::super::Rule;
use super::super::input::{RuleInput, at, items, text};
use super::waypoints;
use crate::diagnostic::{Diagnostic, Severity};
use crate::yaml::{Node, Value};

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "listener-shape",
    severity: Severity::Error,
    summary: "a waypoint has another listener than its one",
    istio: None,
    source: include_str!("listener_shape.rs"),
    check,
};

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    for gateway in waypoints(input) {
        let listeners = items(&gateway.body, &["spec", "listeners"]);
        if !matches!(listeners, [only] if is_hbone(only)) {
            let wrong = listeners.iter().find(|l| !is_hbone(l)).or(listeners.get(1));
            let span = wrong
                .or_else(|| at(&gateway.body, &["spec", "listeners"]))
                .map_or(gateway.name_span(), |n| n.span);
            found.push(
                Diagnostic::error(
                    RULE.code,
                    format!(
                        "waypoint `{}` has a listener that istiod does not accept",
                        gateway.name
                    ),
                )
                .at(span, "a waypoint has a single listener on port 15008 with protocol HBONE")
                .help("write `listeners: [{name: mesh, port: 15008, protocol: HBONE}]`"),
            );
        }
        if gateway.name == "none" {
            found.push(
                Diagnostic::error(RULE.code, "a waypoint cannot be named `none`")
                    .at(gateway.name_span(), "in `istio.io/use-waypoint` this means no waypoint")
                    .help("give it another name"),
            );
        }
    }
}

fn is_hbone(listener: &Node) -> bool {
    let port = listener.get("port").map(|n| &n.value);
    text(listener, &["protocol"]) == Some("HBONE")
        && matches!(port, Some(Value::Number(n)) if n.as_u64() == Some(15008))
}
