//! An Istio object that ambient mode does not read.
//!
//! ## What
//!
//! In a namespace that is ambient there is an EnvoyFilter, a Sidecar, a DestinationRule with
//! subsets, or a RequestAuthentication, WasmPlugin or Telemetry without a target.
//!
//! ## Why
//!
//! Sidecars read these; ztunnel does not, and a waypoint reads the last three only when they name
//! it as their target. What they did (tokens checked, traffic shifted, filters run) stops.
//!
//! ## Example
//!
//! ```yaml
//! apiVersion: v1
//! kind: Namespace
//! metadata: {name: httpbin, labels: {istio.io/dataplane-mode: ambient}}
//! ---
//! apiVersion: security.istio.io/v1
//! kind: RequestAuthentication
//! metadata: {name: tokens, namespace: httpbin}
//! spec:
//!   selector: {matchLabels: {app: httpbin}}
//!   jwtRules: [{issuer: https://issuer.example}]
//! ```
//!
//! ## Fix
//!
//! ```yaml
//! apiVersion: v1
//! kind: Namespace
//! metadata: {name: httpbin, labels: {istio.io/dataplane-mode: ambient}}
//! ---
//! apiVersion: security.istio.io/v1
//! kind: RequestAuthentication
//! metadata: {name: tokens, namespace: httpbin}
//! spec:
//!   targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: waypoint}]
//!   jwtRules: [{issuer: https://issuer.example}]
//! ```
//!
//! ## Source
//!
//! facts/istio-ambient.md §6.6; for Sidecar also §11 (IST0167).

use super::super::Rule;
use super::super::input::{RuleInput, items};
use super::reading::targets;
use crate::diagnostic::{Diagnostic, Severity};
use crate::k8s::Object;

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "ignored-kind",
    severity: Severity::Warning,
    summary: "ambient mode does not read an object",
    istio: Some("IST0167"),
    source: include_str!("ignored_kind.rs"),
    check,
};

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    for object in input.objects.iter().copied() {
        let namespace = object.namespace.as_deref().unwrap_or_default();
        if !object.gvk.group.ends_with(".istio.io") || !input.is_ambient(namespace) {
            continue;
        }
        let Some((why, help)) = ignored(object) else { continue };
        found.push(
            Diagnostic::warning(
                RULE.code,
                format!("{} has no effect in ambient mode", object.reference()),
            )
            .at(object.name_span(), why)
            .help(help),
        );
    }
}

/// Why nobody reads it, and what to do.
fn ignored(object: &Object) -> Option<(&'static str, &'static str)> {
    Some(match (object.gvk.group.as_str(), object.gvk.kind.as_str()) {
        ("networking.istio.io", "Sidecar") => {
            ("there are no sidecars to configure", "remove it once no workload has a sidecar")
        }
        ("networking.istio.io", "EnvoyFilter") => (
            "ztunnel is no Envoy, and waypoints do not read it",
            "look for an API that does what the filter does",
        ),
        ("networking.istio.io", "DestinationRule")
            if !items(&object.body, &["spec", "subsets"]).is_empty() =>
        {
            ("waypoints know no subsets", "make a Service for each version")
        }
        ("security.istio.io", "RequestAuthentication")
        | ("extensions.istio.io", "WasmPlugin")
        | ("telemetry.istio.io", "Telemetry")
            if targets(object).next().is_none() =>
        {
            ("a waypoint reads it only as a target", "bind it to the waypoint with `targetRefs`")
        }
        _ => return None,
    })
}
