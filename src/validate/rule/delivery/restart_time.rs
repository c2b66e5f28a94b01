//! A restart that is written as a time never stays in git.
//!
//! ## What
//!
//! A pod template carries `kubectl.kubernetes.io/restartedAt`.
//!
//! ## Why
//!
//! `kubectl rollout restart` writes this annotation. In git it fights with the next restart by
//! hand, which the applier undoes, and so restarts twice; and a time makes every render differ.
//!
//! ## Example
//!
//! ```yaml
//! apiVersion: apps/v1
//! kind: Deployment
//! metadata: {name: sleep, namespace: client}
//! spec:
//!   template:
//!     metadata:
//!       annotations: {kubectl.kubernetes.io/restartedAt: "2026-11-24T03:00:00Z"}
//! ```
//!
//! ## Fix
//!
//! Use a key of your own, with a value that changes when the pods must:
//!
//! ```yaml
//! apiVersion: apps/v1
//! kind: Deployment
//! metadata: {name: sleep, namespace: client}
//! spec:
//!   template:
//!     metadata:
//!       annotations: {waypost.dev/mesh-stage: ambient-1}
//! ```
//!
//! ## Source
//!
//! facts/gitops-delivery.md 1.19, 5.1, 5.3.

use super::super::Rule;
use super::super::input::RuleInput;
use crate::diagnostic::{Diagnostic, Severity};

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "restart-time",
    severity: Severity::Warning,
    summary: "a restart is written as a time",
    istio: None,
    source: include_str!("restart_time.rs"),
    check,
};

const ANNOTATION: &str = "kubectl.kubernetes.io/restartedAt";

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    for workload in input.applied_workloads().filter(|w| w.annotations.contains_key(ANNOTATION)) {
        found.push(
            Diagnostic::warning(
                RULE.code,
                format!("{} carries a restart by hand", workload.object.reference()),
            )
            .at(workload.object.name_span(), format!("the pod template has `{ANNOTATION}`"))
            .help("use a key of your own, and never a time"),
        );
    }
}
