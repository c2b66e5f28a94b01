//! Flux replaces `${…}` in what a Kustomization with post-build substitution applies.
//!
//! ## What
//!
//! A text of an object holds `${`, the object does not carry the annotation
//! `kustomize.toolkit.fluxcd.io/substitute: disabled`, and a Kustomization of Flux that applies it
//! has `postBuild.substitute` or `postBuild.substituteFrom`.
//!
//! ## Why
//!
//! As soon as a Flux Kustomization has one variable for post-build substitution it rewrites every
//! `${name}` in every object: unknown ones became empty texts before Flux 2.9 and are errors since.
//! Lua, EnvoyFilters and shell scripts in ConfigMaps are silently changed.
//!
//! ## Example
//!
//! ```yaml
//! apiVersion: kustomize.toolkit.fluxcd.io/v1
//! kind: Kustomization
//! metadata: {name: client, namespace: flux-system}
//! spec:
//!   interval: 5m
//!   path: ./client
//!   prune: true
//!   sourceRef: {kind: GitRepository, name: apps}
//!   postBuild:
//!     substitute: {region: west}
//! ---
//! apiVersion: v1
//! kind: ConfigMap
//! metadata: {name: script, namespace: client}
//! data:
//!   run.sh: echo ${HOME}
//! ```
//!
//! ## Fix
//!
//! ```yaml
//! apiVersion: kustomize.toolkit.fluxcd.io/v1
//! kind: Kustomization
//! metadata: {name: client, namespace: flux-system}
//! spec:
//!   interval: 5m
//!   path: ./client
//!   prune: true
//!   sourceRef: {kind: GitRepository, name: apps}
//!   postBuild:
//!     substitute: {region: west}
//! ---
//! apiVersion: v1
//! kind: ConfigMap
//! metadata:
//!   name: script
//!   namespace: client
//!   annotations: {kustomize.toolkit.fluxcd.io/substitute: disabled}
//! data:
//!   run.sh: echo ${HOME}
//! ```
//!
//! ## Source
//!
//! facts/gitops-delivery.md 1.17, 3.2; kustomize-controller changelog 1.9.0, 1.9.2.

use super::super::Rule;
use super::super::input::{RuleInput, at};
use super::{FLUX, flux_applies};
use crate::diagnostic::{Diagnostic, Severity};
use crate::k8s::Object;
use crate::yaml::{Node, Value};

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "substitution",
    severity: Severity::Error,
    summary: "Flux replaces `${…}` where a Kustomization substitutes",
    istio: None,
    source: include_str!("substitution.rs"),
    check,
};

const ANNOTATION: &str = "kustomize.toolkit.fluxcd.io/substitute";

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    let substituting: Vec<&Object> =
        input.of(FLUX, "Kustomization").filter(|k| substitutes(k)).collect();
    if substituting.is_empty() {
        return;
    }
    for object in input.applied.iter().copied() {
        let is_off = [&object.annotations, &object.labels]
            .iter()
            .any(|m| m.get(ANNOTATION).is_some_and(|v| v == "disabled"));
        if is_off {
            continue;
        }
        let file = object.span().file;
        let by = substituting.iter().find(|k| flux_applies(input, k, file));
        if let (Some(by), Some(node)) = (by, first_variable(&object.body)) {
            let who = by.reference();
            found.push(
                Diagnostic::error(
                    RULE.code,
                    format!("Flux would replace a `${{` in {}: {who} substitutes", object.reference()),
                )
                .at(node.span, "in this text")
                .help(format!("annotate the object with `{ANNOTATION}: disabled`, or write `$${{` where Flux shall leave `${{`")),
            );
        }
    }
}

/// `postBuild` with at least one variable, or a place where some may come from
/// (kustomize-controller `internal/controller/kustomization_controller.go` `build`).
fn substitutes(kustomization: &Object) -> bool {
    let of = |key| at(&kustomization.body, &["spec", "postBuild", key]);
    let has = |node: &Node| match &node.value {
        Value::Mapping(mapping) => !mapping.entries.is_empty(),
        Value::List(items) => !items.is_empty(),
        _ => false,
    };
    ["substitute", "substituteFrom"].into_iter().filter_map(of).any(has)
}

/// The first text that holds a variable which is not escaped.
fn first_variable(node: &Node) -> Option<&Node> {
    match &node.value {
        Value::Text(text) => {
            let is_variable = text
                .match_indices("${")
                .any(|(at, _)| !text.get(..at).is_some_and(|before| before.ends_with('$')));
            is_variable.then_some(node)
        }
        Value::List(items) => items.iter().find_map(first_variable),
        Value::Mapping(mapping) => mapping.entries.iter().find_map(|e| first_variable(&e.value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}
