//! kustomize's `namespace` renames Namespaces.
//!
//! ## What
//!
//! A Kustomization or Component sets `namespace`, or uses `commonLabels`.
//!
//! ## Why
//!
//! `namespace` is put on everything: a Namespace object gets its name, so that `client` becomes
//! `mesh`, and cluster-scoped objects of kinds that kustomize does not know get one too. With prune
//! on, the Namespace that was renamed is deleted. `commonLabels` change selectors, which are
//! immutable: the next apply fails.
//!
//! ## Example
//!
//! ```yaml
//! apiVersion: kustomize.config.k8s.io/v1beta1
//! kind: Kustomization
//! namespace: mesh
//! resources: [namespace-client.yaml]
//! ```
//!
//! ## Fix
//!
//! ```yaml
//! apiVersion: kustomize.config.k8s.io/v1beta1
//! kind: Kustomization
//! resources: [namespace-client.yaml]
//! ```
//!
//! ## Source
//!
//! facts/gitops-delivery.md 1.11, 6.1.6; fluxcd/flux2#3949.

use super::super::Rule;
use super::super::input::RuleInput;
use crate::diagnostic::{Diagnostic, Severity};

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "kustomize-namespace",
    severity: Severity::Warning,
    summary: "a Kustomization renames Namespaces or changes selectors",
    istio: None,
    source: include_str!("kustomize_namespace.rs"),
    check,
};

const FIELDS: [(&str, &str, &str); 2] = [
    (
        "namespace",
        "renames Namespaces, and gives cluster-scoped objects one",
        "write the namespaces into the objects",
    ),
    ("commonLabels", "changes selectors, which are immutable", "use `labels`"),
];

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    for object in input.objects.iter().filter(|o| o.gvk.group == "kustomize.config.k8s.io") {
        for (field, why, help) in FIELDS {
            let entry = object.body.as_mapping().and_then(|m| m.entry(field));
            if let Some(entry) = entry.filter(|e| !e.value.is_null()) {
                found.push(
                    Diagnostic::warning(RULE.code, format!("`{field}` {why}"))
                        .at(entry.key_span, "")
                        .help(help),
                );
            }
        }
    }
}
