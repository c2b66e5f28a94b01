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
use super::super::input::{RuleInput, at, text};
use super::waypoints;
use crate::diagnostic::{Diagnostic, FileId, Severity, nearest};
use crate::k8s::Object;
use crate::yaml::{Budget, Entry, Node, read};

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "parameters-ref",
    severity: Severity::Error,
    summary: "a waypoint's parameters cannot be used",
    istio: None,
    source: include_str!("parameters_ref.rs"),
    check,
};

const KEYS: [&str; 5] =
    ["deployment", "service", "serviceAccount", "horizontalPodAutoscaler", "podDisruptionBudget"];
/// "illegal metadata change".
const FIXED: [&str; 4] = ["name", "namespace", "ownerReferences", "finalizers"];

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    for gateway in waypoints(input) {
        let path = ["spec", "infrastructure", "parametersRef"];
        let Some(reference) = at(&gateway.body, &path) else { continue };
        let (group, kind) = (text(reference, &["group"]), text(reference, &["kind"]));
        if (group.unwrap_or_default(), kind) != ("", Some("ConfigMap")) {
            found.push(
                Diagnostic::error(
                    RULE.code,
                    format!(
                        "waypoint `{}` is not made: its parameters are no ConfigMap",
                        gateway.name
                    ),
                )
                .at(reference.span, "")
                .help("write `parametersRef: {group: \"\", kind: ConfigMap, name: …}`"),
            );
            continue;
        }
        let name = text(reference, &["name"]).unwrap_or_default();
        let namespace = gateway.namespace.as_deref().unwrap_or_default();
        let mut maps = input.of_namespace("", "ConfigMap", namespace);
        if let Some(parameters) = maps.find(|o| o.name == name) {
            let data = at(&parameters.body, &["data"]).and_then(Node::as_mapping);
            for entry in data.map(|m| m.entries.as_slice()).unwrap_or_default() {
                check_entry(gateway, entry, found);
            }
        }
    }
}

fn check_entry(gateway: &Object, entry: &Entry, found: &mut Vec<Diagnostic>) {
    let not_made = format!("waypoint `{}` is not made", gateway.name);
    if !KEYS.contains(&entry.key.as_str()) {
        let diagnostic =
            Diagnostic::error(RULE.code, format!("{not_made}: `{}` is no parameter", entry.key))
                .at(entry.key_span, "");
        found.push(match nearest(&entry.key, KEYS) {
            Some(word) => diagnostic.help(format!("did you mean `{word}`?")),
            None => diagnostic.help(format!("known: {}", KEYS.join(", "))),
        });
        return;
    }
    let text = entry.value.as_str().unwrap_or_default();
    let (documents, faults) = read(FileId::default(), text, &Budget::SPEC);
    let [patch] = documents.as_slice() else {
        let why = faults.first().map_or("it is empty".to_owned(), |d| d.message.clone());
        found.push(
            Diagnostic::error(RULE.code, format!("{not_made}: `{}` is no patch: {why}", entry.key))
                .at(entry.value.span, "")
                .help("write one YAML mapping: a strategic-merge patch of what istiod makes"),
        );
        return;
    };
    if patch.root.as_mapping().is_none() {
        found.push(
            Diagnostic::error(RULE.code, format!("{not_made}: `{}` is no mapping", entry.key))
                .at(entry.value.span, "")
                .help("write one YAML mapping: a strategic-merge patch of what istiod makes"),
        );
    }
    if let Some(fixed) = FIXED.iter().find(|key| at(&patch.root, &["metadata", key]).is_some()) {
        found.push(
            Diagnostic::error(
                RULE.code,
                format!("{not_made}: `{}` may not set `metadata.{fixed}`", entry.key),
            )
            .at(entry.value.span, "illegal metadata change")
            .help("remove it"),
        );
    }
}
