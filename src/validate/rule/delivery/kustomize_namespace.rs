//! kustomize's `namespace` renames Namespaces.
//!
//! ## What
//!
//! A Kustomization or Component sets `namespace`, or uses `commonLabels`; or a Kustomization of
//! Flux sets `targetNamespace`.
//!
//! ## Why
//!
//! `namespace`, and Flux's `targetNamespace`, is put on everything: a Namespace object gets its name, so that `client` becomes
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
use super::super::input::{RuleInput, at};
use crate::diagnostic::{Diagnostic, Severity};
use crate::yaml::Node;

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "kustomize-namespace",
    severity: Severity::Warning,
    summary: "a Kustomization renames Namespaces or changes selectors",
    istio: None,
    source: include_str!("kustomize_namespace.rs"),
    check,
};

const RENAMES: &str = "renames Namespaces, and gives cluster-scoped objects one";
const WRITE: &str = "write the namespaces into the objects";
const OF_FLUX: [(&str, &str, &str); 1] = [("targetNamespace", RENAMES, WRITE)];
const FIELDS: [(&str, &str, &str); 2] = [
    ("namespace", RENAMES, WRITE),
    ("commonLabels", "changes selectors, which are immutable", "use `labels`"),
];

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    for object in input.applied.iter().copied() {
        let (above, fields): (&Node, &[_]) = match object.gvk.group.as_str() {
            "kustomize.config.k8s.io" => (&object.body, &FIELDS),
            "kustomize.toolkit.fluxcd.io" => match at(&object.body, &["spec"]) {
                Some(spec) => (spec, &OF_FLUX),
                None => continue,
            },
            _ => continue,
        };
        for (field, why, help) in fields {
            let entry = above.as_mapping().and_then(|m| m.entry(field));
            if let Some(entry) = entry.filter(|e| !e.value.is_null()) {
                found.push(
                    Diagnostic::warning(RULE.code, format!("`{field}` {why}"))
                        .at(entry.key_span, "")
                        .help(*help),
                );
            }
        }
    }
}
