//! Flux replaces `${…}` in everything it applies.
//!
//! ## What
//!
//! A text of an object holds `${`, and the object does not carry the annotation
//! `kustomize.toolkit.fluxcd.io/substitute: disabled`.
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
use super::super::input::RuleInput;
use crate::diagnostic::{Diagnostic, Severity};
use crate::yaml::{Node, Value};

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "substitution",
    severity: Severity::Error,
    summary: "Flux replaces `${…}` in everything it applies",
    istio: None,
    source: include_str!("substitution.rs"),
    check,
};

const ANNOTATION: &str = "kustomize.toolkit.fluxcd.io/substitute";

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    if input.settings.substitution_is_off {
        return;
    }
    for object in input.applied.iter().copied() {
        let is_off = [&object.annotations, &object.labels]
            .iter()
            .any(|m| m.get(ANNOTATION).is_some_and(|v| v == "disabled"));
        if !is_off && let Some(node) = first_variable(&object.body) {
            found.push(
                Diagnostic::error(
                    RULE.code,
                    format!("Flux would replace a `${{` in {}", object.reference()),
                )
                .at(node.span, "in this text")
                .help(format!("annotate the object with `{ANNOTATION}: disabled`, or write `$${{` where Flux shall leave `${{`")),
            );
        }
    }
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
