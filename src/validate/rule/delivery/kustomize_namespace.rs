//! kustomize's `namespace` renames Namespaces.
//!
//! ## What
//!
//! A Kustomization or Component sets `namespace`, or a Kustomization of Flux `targetNamespace`, and
//! among what it applies is a Namespace of another name.
//!
//! ## Why
//!
//! The namespace is put on everything: a Namespace object gets its name, so that `client` becomes
//! `mesh`, and cluster-scoped objects of kinds that kustomize does not know get one too. With prune
//! on, the Namespace that was renamed is deleted.
//!
//! ## Example
//!
//! ```yaml
//! apiVersion: kustomize.config.k8s.io/v1beta1
//! kind: Kustomization
//! namespace: mesh
//! resources: [namespace-client.yaml]
//! ---
//! apiVersion: v1
//! kind: Namespace
//! metadata: {name: client}
//! ```
//!
//! ## Fix
//!
//! ```yaml
//! apiVersion: kustomize.config.k8s.io/v1beta1
//! kind: Kustomization
//! resources: [namespace-client.yaml]
//! ---
//! apiVersion: v1
//! kind: Namespace
//! metadata: {name: client}
//! ```
//!
//! ## Source
//!
//! facts/gitops-delivery.md 1.11, 6.1.6; fluxcd/flux2#3949.

use super::super::Rule;
use super::super::input::RuleInput;
use super::{FLUX, flux_applies};
use crate::diagnostic::{Diagnostic, Severity};
use crate::k8s::Object;

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "kustomize-namespace",
    severity: Severity::Warning,
    summary: "a Kustomization renames Namespaces",
    istio: None,
    source: include_str!("kustomize_namespace.rs"),
    check,
};

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    let unit = |object: &Object| input.settings.units.get(&object.span().file);
    for object in input.applied.iter().copied() {
        let (above, field, is_flux) = match object.gvk.group.as_str() {
            "kustomize.config.k8s.io" => (Some(&object.body), "namespace", false),
            FLUX => (object.body.get("spec"), "targetNamespace", true),
            _ => continue,
        };
        let entry = above.and_then(|node| node.as_mapping()?.entry(field));
        let Some((entry, wanted)) =
            entry.and_then(|e| Some((e, e.value.as_str().filter(|n| !n.is_empty())?)))
        else {
            continue;
        };
        let is_applied = |namespace: &Object| match is_flux {
            true => flux_applies(input, object, namespace.span().file),
            false => unit(namespace) == unit(object),
        };
        let renamed = input
            .of("", "Namespace")
            .find(|n| n.name != wanted && !n.name.is_empty() && is_applied(n));
        if let Some(renamed) = renamed {
            let message = format!("`{field}` renames Namespace `{}` to `{wanted}`", renamed.name);
            found.push(
                Diagnostic::warning(RULE.code, message)
                    .at(entry.key_span, "it is put on everything, cluster-scoped objects too")
                    .help("write the namespaces into the objects, or apply the Namespace by another Kustomization"),
            );
        }
    }
}
