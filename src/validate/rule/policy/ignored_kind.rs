//! An Istio object that ambient mode does not read.
//!
//! ## What
//!
//! A RequestAuthentication, a WasmPlugin or a Telemetry with a selector selects ambient pods and has
//! no target; or an EnvoyFilter or a Sidecar selects ambient pods alone.
//!
//! ## Why
//!
//! Sidecars read these; ztunnel does not, and a waypoint reads the first three only when they name
//! it as their target. What they did (tokens checked, filters run) stops.
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
//! facts/istio-ambient.md §6.6; for Sidecar also §11 (IST0167). DestinationRules are not among them:
//! a waypoint carries out their traffic policies, and their subsets for a VirtualService.

use super::super::Rule;
use super::super::input::{RuleInput, at, strings};
use super::reading::targets;
use crate::diagnostic::{Diagnostic, Severity};
use crate::k8s::Object;
use crate::simulate::{Pod, Role};

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "ignored-kind",
    severity: Severity::Warning,
    summary: "ambient mode does not read an object",
    istio: Some("IST0167"),
    source: include_str!("ignored_kind.rs"),
    check,
};

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    for object in input.objects.iter().copied().filter(|o| o.gvk.group.ends_with(".istio.io")) {
        let Some((selector, wanted, why, help)) = ignored(object) else { continue };
        let name = object.namespace_or_default();
        let Some(namespace) = input.pods.namespace(name) else { continue };
        // those of the root namespace are for all others too
        if *name == input.settings.root_namespace {
            continue;
        }
        let labels = strings(at(&object.body, selector));
        let mut selected = input
            .pods
            .in_namespace(namespace)
            .iter()
            .filter(|p| p.role != Role::Waypoint)
            .filter(|p| labels.iter().all(|(key, value)| p.labels.get(key) == Some(value)))
            .peekable();
        let is_ignored = selected.peek().is_some()
            && match wanted {
                Ignoring::Some => selected.any(Pod::is_ambient),
                Ignoring::All => selected.all(Pod::is_ambient),
            };
        if is_ignored {
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
}

/// Which of the pods that an object selects must be ambient for it to be worth a word.
#[derive(Clone, Copy)]
enum Ignoring {
    /// Some: what it did for them stops.
    Some,
    /// All: it configures proxies, and is right for those that are left.
    All,
}

type Ignored = (&'static [&'static str], Ignoring, &'static str, &'static str);

/// Where an object selects pods, whose absence makes it mean nothing, why, and what to do.
fn ignored(object: &Object) -> Option<Ignored> {
    const SELECTOR: &[&str] = &["spec", "selector", "matchLabels"];
    const WORKLOADS: &[&str] = &["spec", "workloadSelector", "labels"];
    let is_targeted = targets(object).next().is_some();
    Some(match (object.gvk.group.as_str(), object.gvk.kind.as_str()) {
        ("networking.istio.io", "Sidecar") => (
            WORKLOADS,
            Ignoring::All,
            "there are no sidecars to configure",
            "remove it once no workload has a sidecar",
        ),
        // one with targets works at waypoints since 1.27
        ("networking.istio.io", "EnvoyFilter") if !is_targeted => (
            WORKLOADS,
            Ignoring::All,
            "ztunnel is no Envoy, and waypoints do not read it",
            "look for an API that does what the filter does",
        ),
        ("security.istio.io", "RequestAuthentication") | ("extensions.istio.io", "WasmPlugin")
            if !is_targeted =>
        {
            (
                SELECTOR,
                Ignoring::Some,
                "a waypoint reads it only as a target",
                "bind it to the waypoint with `targetRefs`",
            )
        }
        // without a selector waypoints read it too
        ("telemetry.istio.io", "Telemetry")
            if !is_targeted && !strings(at(&object.body, SELECTOR)).is_empty() =>
        {
            (
                SELECTOR,
                Ignoring::Some,
                "a waypoint reads it only as a target",
                "bind it to the waypoint with `targetRefs`",
            )
        }
        _ => return None,
    })
}
