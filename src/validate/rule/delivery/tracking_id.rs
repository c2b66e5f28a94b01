//! A tracking annotation in git claims an object for another Application.
//!
//! ## What
//!
//! An object carries `argocd.argoproj.io/tracking-id` or one of Flux's owner labels
//! (`kustomize.toolkit.fluxcd.io/name`, `/namespace`).
//!
//! ## Why
//!
//! Appliers write these themselves to know what they own. In git they come from a copy of a live
//! object: the applier that reads them there takes the object for somebody else's, reports it as
//! shared, or prunes it.
//!
//! ## Example
//!
//! ```yaml
//! apiVersion: v1
//! kind: Namespace
//! metadata:
//!   name: client
//!   annotations: {argocd.argoproj.io/tracking-id: "mesh:/Namespace:client/client"}
//! ```
//!
//! ## Fix
//!
//! ```yaml
//! apiVersion: v1
//! kind: Namespace
//! metadata:
//!   name: client
//! ```
//!
//! ## Source
//!
//! facts/gitops-delivery.md 2.5, 4.5 (two owners).

use super::super::Rule;
use super::super::input::{RuleInput, at};
use crate::diagnostic::{Diagnostic, Severity};

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "tracking-id",
    severity: Severity::Error,
    summary: "an object in git carries an applier's mark of ownership",
    istio: None,
    source: include_str!("tracking_id.rs"),
    check,
};

const MARKS: [(&str, &str); 3] = [
    ("annotations", "argocd.argoproj.io/tracking-id"),
    ("labels", "kustomize.toolkit.fluxcd.io/name"),
    ("labels", "kustomize.toolkit.fluxcd.io/namespace"),
];

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    for object in input.applied.iter().copied() {
        for (map, key) in MARKS {
            if let Some(node) = at(&object.body, &["metadata", map, key]) {
                found.push(
                    Diagnostic::error(
                        RULE.code,
                        format!("{} carries `{key}`, which its applier writes", object.reference()),
                    )
                    .at(node.span, "copied from a live object?")
                    .help("remove it"),
                );
            }
        }
    }
}
