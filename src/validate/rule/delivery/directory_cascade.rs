//! An ApplicationSet that deletes what a folder applied when the folder is gone.
//!
//! ## What
//!
//! An ApplicationSet makes an Application of each folder or file in git, and neither keeps the
//! Applications (`applicationsSync`) nor what they applied (`preserveResourcesOnDeletion`).
//!
//! ## Why
//!
//! A folder that is renamed, or is not there for one commit, takes its Application with it, and that
//! deletes everything it applied: Namespaces, and all that lives in them.
//!
//! ## Example
//!
//! ```yaml
//! apiVersion: argoproj.io/v1alpha1
//! kind: ApplicationSet
//! metadata: {name: mesh, namespace: argocd}
//! spec:
//!   generators:
//!   - git:
//!       repoURL: https://git.example.com/mesh.git
//!       revision: main
//!       directories: [{path: rendered/*/*/mesh}]
//!   template:
//!     metadata: {name: '{{.path.basename}}'}
//!     spec: {project: mesh, destination: {name: cp-cluster-1}}
//! ```
//!
//! ## Fix
//!
//! ```yaml
//! apiVersion: argoproj.io/v1alpha1
//! kind: ApplicationSet
//! metadata: {name: mesh, namespace: argocd}
//! spec:
//!   generators:
//!   - git:
//!       repoURL: https://git.example.com/mesh.git
//!       revision: main
//!       directories: [{path: rendered/*/*/mesh}]
//!   syncPolicy: {applicationsSync: create-update, preserveResourcesOnDeletion: true}
//!   template:
//!     metadata: {name: '{{.path.basename}}'}
//!     spec: {project: mesh, destination: {name: cp-cluster-1}}
//! ```
//!
//! ## Source
//!
//! facts/gitops-delivery.md 1.9.

use super::super::Rule;
use super::super::input::{RuleInput, at, items, text};
use crate::diagnostic::{Diagnostic, Severity, Span};
use crate::yaml::{Node, Value};

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "directory-cascade",
    severity: Severity::Warning,
    summary: "a folder that is gone from git deletes all that it applied",
    istio: None,
    source: include_str!("directory_cascade.rs"),
    check,
};

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    for set in input.of("argoproj.io", "ApplicationSet") {
        let Some(generator) = git_generator(items(&set.body, &["spec", "generators"])) else {
            continue;
        };
        let keeps_applications = text(&set.body, &["spec", "syncPolicy", "applicationsSync"])
            .is_some_and(|sync| matches!(sync, "create-only" | "create-update"));
        let keeps_objects = at(&set.body, &["spec", "syncPolicy", "preserveResourcesOnDeletion"])
            .is_some_and(|n| n.value == Value::Bool(true));
        if keeps_applications || keeps_objects {
            continue;
        }
        found.push(
            Diagnostic::warning(
                RULE.code,
                format!("{} deletes all that a folder applied when it is gone", set.reference()),
            )
            .at(generator, "one Application for each of these")
            .help("set `syncPolicy: {applicationsSync: create-update, preserveResourcesOnDeletion: true}`"),
        );
    }
}

/// The first generator that reads git, also inside of a matrix or merge.
fn git_generator(generators: &[Node]) -> Option<Span> {
    generators.iter().find_map(|generator| {
        let git = ["directories", "files"].iter().find_map(|key| at(generator, &["git", key]));
        let inner = || {
            ["matrix", "merge"]
                .iter()
                .find_map(|kind| git_generator(items(generator, &[kind, "generators"])))
        };
        git.map(|node| node.span).or_else(inner)
    })
}
