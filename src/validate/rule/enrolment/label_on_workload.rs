//! A label of the mesh on a Deployment does nothing.
//!
//! ## What
//!
//! `istio.io/dataplane-mode` or `istio.io/use-waypoint` is a label of a Deployment, StatefulSet,
//! DaemonSet, ReplicaSet, Job or CronJob, and the pod template does not carry it; or
//! `istio.io/dataplane-mode` is one of a Service.
//!
//! ## Why
//!
//! istio-cni and istiod read the labels of namespaces and pods, and for waypoints those of Services.
//! On anything else the label looks like enrolment (`kubectl label deployment …`) and is none.
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
use super::super::input::{DATAPLANE_MODE, RuleInput, USE_WAYPOINT, label_span};
use crate::diagnostic::{Diagnostic, Severity};
use crate::k8s::Object;

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "label-on-workload",
    severity: Severity::Error,
    summary: "a label of the mesh on a Deployment does nothing",
    istio: None,
    source: include_str!("label_on_workload.rs"),
    check,
};

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    // a Service is bound by its label, and enrolled by none
    for service in input.of("", "Service") {
        found.extend(finding(service, DATAPLANE_MODE, "the pod template, or of the namespace"));
    }
    for workload in input.all_workloads().filter(|w| !w.object.gvk.is("", "Pod")) {
        for (key, whose) in [
            (DATAPLANE_MODE, "the pod template, or of the namespace"),
            (USE_WAYPOINT, "the Service, of the namespace, or of the pod template"),
        ] {
            if workload.labels.get(key) != workload.object.labels.get(key) {
                found.extend(finding(workload.object, key, whose));
            }
        }
    }
}

fn finding(object: &Object, key: &str, whose: &str) -> Option<Diagnostic> {
    object.labels.contains_key(key).then(|| {
        Diagnostic::error(RULE.code, format!("`{key}` on {} does nothing", object.reference()))
            .at(label_span(object, key), match key {
                DATAPLANE_MODE => "read on namespaces and pods only",
                _ => "read on namespaces, Services, ServiceEntries, WorkloadEntries and pods only",
            })
            .help(format!("put it into the labels of {whose}"))
    })
}
