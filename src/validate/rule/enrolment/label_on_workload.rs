//! A dataplane mode on a Deployment does nothing.
//!
//! ## What
//!
//! `istio.io/dataplane-mode` is a label of a Deployment, StatefulSet, DaemonSet, ReplicaSet, Job or
//! CronJob, or of a Service, and the pod template does not carry it.
//!
//! ## Why
//!
//! istio-cni and the node agent read the labels of namespaces and pods. On anything else the label
//! looks like enrolment (`kubectl label deployment …`) and is none.
//!
//! ## Example
//!
//! ```yaml
//! apiVersion: apps/v1
//! kind: Deployment
//! metadata: {name: sleep, namespace: client, labels: {istio.io/dataplane-mode: ambient}}
//! spec:
//!   selector: {matchLabels: {app: sleep}}
//!   template:
//!     metadata: {labels: {app: sleep}}
//! ```
//!
//! ## Fix
//!
//! ```yaml
//! apiVersion: apps/v1
//! kind: Deployment
//! metadata: {name: sleep, namespace: client}
//! spec:
//!   selector: {matchLabels: {app: sleep}}
//!   template:
//!     metadata: {labels: {app: sleep, istio.io/dataplane-mode: ambient}}
//! ```
//!
//! ## Source
//!
//! facts/istio-ambient.md §1.1; istio/api `label/labels.yaml`; Istio's IST0107 speaks of misplaced
//! annotations, of labels nothing does.

use super::super::Rule;
use super::super::input::{DATAPLANE_MODE, RuleInput, label_span, text};
use crate::diagnostic::{Diagnostic, Severity};

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "label-on-workload",
    severity: Severity::Error,
    summary: "a dataplane mode on a Deployment does nothing",
    istio: None,
    source: include_str!("label_on_workload.rs"),
    check,
};

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    for object in input.objects.iter().copied() {
        let path: &[&str] = match (object.gvk.group.as_str(), object.gvk.kind.as_str()) {
            ("apps", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet")
            | ("batch", "Job") => &["spec", "template", "metadata", "labels", DATAPLANE_MODE],
            ("batch", "CronJob") => {
                &["spec", "jobTemplate", "spec", "template", "metadata", "labels", DATAPLANE_MODE]
            }
            ("", "Service") => &[],
            _ => continue,
        };
        let Some(mode) = object.labels.get(DATAPLANE_MODE) else { continue };
        if !path.is_empty() && text(&object.body, path) == Some(mode) {
            continue;
        }
        found.push(
            Diagnostic::error(
                RULE.code,
                format!("`{DATAPLANE_MODE}` on {} does nothing", object.reference()),
            )
            .at(label_span(object, DATAPLANE_MODE), "read on namespaces and pods only")
            .help("put it into the labels of the pod template, or of the namespace"),
        );
    }
}
