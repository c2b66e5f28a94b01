//! A waypoint whose parameters cannot be used is not made.
//!
//! ## What
//!
//! `spec.infrastructure.parametersRef` of a waypoint names another kind than ConfigMap; or the
//! ConfigMap has a key that is none of `deployment`, `service`, `serviceAccount`,
//! `horizontalPodAutoscaler`, `podDisruptionBudget`, or a value that is no YAML mapping, or that
//! sets a name, namespace, owner or finalizer.
//!
//! ## Why
//!
//! istiod then makes nothing at all: the Gateway stays `Accepted: False`, `InvalidParameters`, and
//! what is bound to it flows without a waypoint.
//!
//! ## Example
//!
//! ```yaml
//! apiVersion: gateway.networking.k8s.io/v1
//! kind: Gateway
//! metadata: {name: waypoint, namespace: httpbin}
//! spec:
//!   gatewayClassName: istio-waypoint
//!   listeners: [{name: mesh, port: 15008, protocol: HBONE}]
//!   infrastructure:
//!     parametersRef: {group: "", kind: ConfigMap, name: options}
//! ---
//! apiVersion: v1
//! kind: ConfigMap
//! metadata: {name: options, namespace: httpbin}
//! data:
//!   deploy: |
//!     spec: {replicas: 2}
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
//!   infrastructure:
//!     parametersRef: {group: "", kind: ConfigMap, name: options}
//! ---
//! apiVersion: v1
//! kind: ConfigMap
//! metadata: {name: options, namespace: httpbin}
//! data:
//!   deployment: |
//!     spec: {replicas: 2}
//! ```
//!
//! ## Source
//!
//! facts/istio-ambient.md §3.6; istio/istio
//! `pilot/pkg/config/kube/gatewaycommon/deploymentcontroller.go`.

use super::super::Rule;
use super::super::input::RuleInput;
use super::waypoints;
use crate::diagnostic::{Diagnostic, Severity, nearest};
use crate::simulate::{ConfigMaps, Obstacle, obstacles};

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "parameters-ref",
    severity: Severity::Error,
    summary: "a waypoint's parameters cannot be used",
    istio: None,
    source: include_str!("parameters_ref.rs"),
    check,
};

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    let maps: ConfigMaps<'_> = input
        .of("", "ConfigMap")
        .map(|o| ((o.namespace.as_deref().unwrap_or_default(), o.name.as_str()), o))
        .collect();
    for gateway in waypoints(input) {
        let all = obstacles(gateway, &input.settings.root_namespace, &maps);
        found.extend(all.into_iter().map(|obstacle| describe(&gateway.name, obstacle)));
    }
}

fn describe(gateway: &str, obstacle: Obstacle) -> Diagnostic {
    let error = |why: String| {
        Diagnostic::error(RULE.code, format!("waypoint `{gateway}` is not made: {why}"))
    };
    let known = || Obstacle::PARAMETERS.join(", ");
    match obstacle {
        Obstacle::NoConfigMap { span } => error("its parameters are no ConfigMap".into())
            .at(span, "")
            .help("write `parametersRef: {group: \"\", kind: ConfigMap, name: …}`"),
        Obstacle::UnknownKey { key, span } => error(format!("`{key}` is no parameter"))
            .at(span, "")
            .help(match nearest(&key, Obstacle::PARAMETERS) {
                Some(word) => format!("did you mean `{word}`?"),
                None => format!("known: {}", known()),
            }),
        Obstacle::NoPatch { key, why, span } => error(match why {
            Some(why) => format!("`{key}` is no patch: {why}"),
            None => format!("`{key}` is no mapping"),
        })
        .at(span, "")
        .help("write one YAML mapping: a strategic-merge patch of what istiod makes"),
        Obstacle::FixedMetadata { key, field, span } => {
            error(format!("`{key}` may not set `metadata.{field}`"))
                .at(span, "illegal metadata change")
                .help("remove it")
        }
    }
}
