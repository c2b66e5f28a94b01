//! An ambient namespace that still injects sidecars is not ambient.
//!
//! ## What
//!
//! A Namespace is labelled `istio.io/dataplane-mode: ambient` and keeps `istio-injection: enabled`,
//! or `istio.io/rev` without `istio-injection: disabled`.
//!
//! ## Why
//!
//! The injection webhook does not look at the dataplane mode: new pods get a sidecar, and a pod
//! with a sidecar is never captured by ztunnel. The migration seems done and is undone by the next
//! restart. `istio-injection: disabled` silences every webhook, also those of `istio.io/rev`.
//!
//! ## Example
//!
//! ```yaml
//! apiVersion: v1
//! kind: Namespace
//! metadata:
//!   name: httpbin
//!   labels: {istio.io/dataplane-mode: ambient, istio.io/rev: default}
//! ```
//!
//! ## Fix
//!
//! ```yaml
//! apiVersion: v1
//! kind: Namespace
//! metadata:
//!   name: httpbin
//!   labels:
//!     istio.io/dataplane-mode: ambient
//!     istio-injection: disabled
//! ```
//!
//! ## Source
//!
//! facts/istio-ambient.md §1.5: seen with the real webhook; facts/gitops-delivery.md 1.3, 4.4;
//! IST0123, which accepts `disabled` beside `ambient`.

use super::super::Rule;
use super::super::input::{DATAPLANE_MODE, RuleInput, label_span};
use crate::diagnostic::{Diagnostic, Severity};
use crate::simulate::NamespaceId;

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "reinjection",
    severity: Severity::Error,
    summary: "an ambient namespace still injects sidecars",
    istio: Some("IST0123"),
    source: include_str!("reinjection.rs"),
    check,
};

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    for namespace in input.namespaces() {
        let is_ambient = namespace.labels.get(DATAPLANE_MODE).is_some_and(|m| m == "ambient");
        let injects = |id: NamespaceId| is_ambient && input.pods.new_in(id).has_sidecar();
        if !input.pods.namespace(&namespace.name).is_some_and(injects) {
            continue;
        }
        let keys = ["istio-injection", "istio.io/rev"];
        let Some(key) = keys.into_iter().find(|key| namespace.labels.contains_key(*key)) else {
            continue;
        };
        found.push(
            Diagnostic::error(
                RULE.code,
                format!("namespace `{}` is ambient, and its new pods get sidecars", namespace.name),
            )
            .at(label_span(namespace, key), format!("by {key}"))
            .also(label_span(namespace, DATAPLANE_MODE), "a pod with a sidecar is not captured")
            .help("set `istio-injection: disabled`"),
        );
    }
}
