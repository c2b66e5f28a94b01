//! A label of the mesh with a value that means nothing.
//!
//! ## What
//!
//! `istio.io/dataplane-mode` is neither `ambient` nor `none`; `istio.io/waypoint-for` is none of
//! `service`, `workload`, `all`, `none`; `istio.io/ingress-use-waypoint` is no boolean; or
//! `istio.io/use-waypoint-namespace` stands without `istio.io/use-waypoint`.
//!
//! ## Why
//!
//! Labels are compared as texts: `Ambient` enrols nothing, and nobody complains. The namespace of a
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
    for object in input.objects.iter().copied() {
        for (key, known) in VALUES {
            let Some(value) = object.labels.get(key) else { continue };
            if known.contains(&value.as_str()) {
                continue;
            }
            let diagnostic =
                Diagnostic::error(RULE.code, format!("`{value}` means nothing for `{key}`"))
                    .at(label_span(object, key), "");
            found.push(match nearest(value, known.iter().copied()) {
                Some(word) => diagnostic.help(format!("did you mean `{word}`?")),
                None => diagnostic.help(format!("use one of {}", known.join(", "))),
            });
        }
        if object.labels.contains_key(USE_WAYPOINT_NAMESPACE)
            && !object.labels.contains_key(USE_WAYPOINT)
        {
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
