//! A label of the mesh with a value that means nothing.
//!
//! ## What
//!
//! `istio.io/dataplane-mode` is neither `ambient` nor `none`; `istio.io/waypoint-for` is none of
//! `service`, `workload`, `all`, `none`; `istio.io/ingress-use-waypoint` is no boolean; or
//! `istio.io/use-waypoint-namespace` is there without `istio.io/use-waypoint`. Labels of pod templates
//! count as those of objects.
//!
//! ## Why
//!
//! Labels are compared as strings: `Ambient` enrols nothing, `disabled` leaves nothing out, and no
//! error says so. The namespace of a
//! waypoint alone names no waypoint.
//!
//! ## Example
//!
//! ```yaml
//! apiVersion: v1
//! kind: Namespace
//! metadata: {name: client, labels: {istio.io/dataplane-mode: Ambient}}
//! ```
//!
//! ## Fix
//!
//! ```yaml
//! apiVersion: v1
//! kind: Namespace
//! metadata: {name: client, labels: {istio.io/dataplane-mode: ambient}}
//! ```
//!
//! ## Source
//!
//! facts/istio-ambient.md §1.1, §2.1, §2.3, §2.4.

use super::super::Rule;
use super::super::input::{
    DATAPLANE_MODE, RuleInput, USE_WAYPOINT, USE_WAYPOINT_NAMESPACE, label_span,
};
use crate::diagnostic::{Diagnostic, Severity, nearest};
use crate::k8s::Labels;

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "mesh-label",
    severity: Severity::Error,
    summary: "a label of the mesh has a value that means nothing",
    istio: None,
    source: include_str!("mesh_label.rs"),
    check,
};

const VALUES: [(&str, &[&str]); 3] = [
    (DATAPLANE_MODE, &["ambient", "none"]),
    ("istio.io/waypoint-for", &["service", "workload", "all", "none"]),
    (
        "istio.io/ingress-use-waypoint",
        &["true", "false", "1", "0", "t", "f", "True", "False", "TRUE", "FALSE", "T", "F"],
    ),
];

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    for (key, known) in VALUES {
        let is_wrong =
            |labels: &Labels| labels.get(key).is_some_and(|v| !known.contains(&v.as_str()));
        let pods = input.all_workloads().filter(|w| !w.object.gvk.is("", "Pod"));
        let of_pods = pods.filter(|w| is_wrong(&w.labels));
        let of_pods = of_pods.map(|w| (&w.labels, w.span("labels", key)));
        let objects = input.objects.iter().filter(|o| is_wrong(&o.labels));
        let places = objects.map(|o| (&o.labels, label_span(o, key))).chain(of_pods);
        for (labels, place) in places {
            let value = labels.get(key).map(String::as_str).unwrap_or_default();
            let diagnostic =
                Diagnostic::error(RULE.code, format!("`{value}` means nothing for `{key}`"))
                    .at(place, "");
            found.push(match nearest(value, known.iter().copied()) {
                Some(word) => diagnostic.help(format!("did you mean `{word}`?")),
                None => diagnostic.help(format!("use one of {}", known.join(", "))),
            });
        }
    }
    for object in input.objects.iter().filter(|o| o.labels.contains_key(USE_WAYPOINT_NAMESPACE)) {
        if !object.labels.contains_key(USE_WAYPOINT) {
            found.push(
                Diagnostic::error(
                    RULE.code,
                    format!("`{USE_WAYPOINT_NAMESPACE}` alone names no waypoint"),
                )
                .at(label_span(object, USE_WAYPOINT_NAMESPACE), "")
                .help(format!("add `{USE_WAYPOINT}` beside it")),
            );
        }
    }
}
