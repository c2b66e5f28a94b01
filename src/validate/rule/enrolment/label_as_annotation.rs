//! A label of the mesh that is written as an annotation does nothing.
//!
//! ## What
//!
//! `istio.io/use-waypoint`, `istio.io/use-waypoint-namespace`, `istio.io/ingress-use-waypoint`,
//! `istio.io/waypoint-for` or `istio.io/dataplane-mode` is an annotation of an object, or of a pod
//! template.
//!
//! ## Why
//!
//! istiod, istio-cni and ztunnel read these from labels only. The object looks bound or enrolled, and is
//! not: traffic passes no waypoint, and its policies are not asked.
//!
//! ## Example
//!
//! ```yaml
//! apiVersion: v1
//! kind: Namespace
//! metadata:
//!   name: httpbin
//!   labels: {istio.io/dataplane-mode: ambient}
//!   annotations: {istio.io/use-waypoint: waypoint}
//! ```
//!
//! ## Fix
//!
//! ```yaml
//! apiVersion: v1
//! kind: Namespace
//! metadata:
//!   name: httpbin
//!   labels: {istio.io/dataplane-mode: ambient, istio.io/use-waypoint: waypoint}
//! ```
//!
//! ## Source
//!
//! facts/istio-ambient.md §1.1, §2.1; facts/outbound.md §3; istio/api `label/labels.yaml`.

use super::super::Rule;
use super::super::input::{
    DATAPLANE_MODE, RuleInput, USE_WAYPOINT, USE_WAYPOINT_NAMESPACE, annotation_span,
};
use crate::diagnostic::{Diagnostic, Severity, Span};

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "label-as-annotation",
    severity: Severity::Error,
    summary: "a label of the mesh is written as an annotation",
    istio: None,
    source: include_str!("label_as_annotation.rs"),
    check,
};

const LABELS: [&str; 5] = [
    USE_WAYPOINT,
    USE_WAYPOINT_NAMESPACE,
    "istio.io/ingress-use-waypoint",
    "istio.io/waypoint-for",
    DATAPLANE_MODE,
];

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    let finding = |key: &str, who: String, place: Span| {
        Diagnostic::error(RULE.code, format!("`{key}` is an annotation of {who}, and does nothing"))
            .at(place, "read from labels only")
            .help("move it to `metadata.labels`")
    };
    for key in LABELS {
        for object in input.objects.iter().filter(|o| o.annotations.contains_key(key)) {
            let who = object.reference().to_string();
            found.push(finding(key, who, annotation_span(object, key)));
        }
        for workload in input.all_workloads().filter(|w| !w.object.gvk.is("", "Pod")) {
            if workload.annotations.contains_key(key) {
                let who = format!("the pods of {}", workload.object.reference());
                found.push(finding(key, who, workload.span("annotations", key)));
            }
        }
    }
}
