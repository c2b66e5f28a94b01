//! A policy that selects no workload protects none.
//!
//! ## What
//!
//! The selector of an AuthorizationPolicy, PeerAuthentication or RequestAuthentication matches the
//! pod labels of none of the workloads that are known in its namespace.
//!
//! ## Why
//!
//! A selector looks at the labels of pods, not at those of a Service or of a Deployment itself. One
//! that hits nothing enforces nothing, and nobody says so.
//!
//! ## Example
//!
//! ```yaml
//! apiVersion: apps/v1
//! kind: Deployment
//! metadata: {name: httpbin, namespace: httpbin, labels: {team: a}}
//! spec:
//!   selector: {matchLabels: {app: httpbin}}
//!   template:
//!     metadata: {labels: {app: httpbin}}
//! ---
//! apiVersion: security.istio.io/v1
//! kind: AuthorizationPolicy
//! metadata: {name: deny-client, namespace: httpbin}
//! spec:
//!   selector: {matchLabels: {team: a}}
//!   action: DENY
//!   rules:
//!   - from:
//!     - source: {namespaces: [client]}
//! ```
//!
//! ## Fix
//!
//! ```yaml
//! apiVersion: apps/v1
//! kind: Deployment
//! metadata: {name: httpbin, namespace: httpbin, labels: {team: a}}
//! spec:
//!   selector: {matchLabels: {app: httpbin}}
//!   template:
//!     metadata: {labels: {app: httpbin}}
//! ---
//! apiVersion: security.istio.io/v1
//! kind: AuthorizationPolicy
//! metadata: {name: deny-client, namespace: httpbin}
//! spec:
//!   selector: {matchLabels: {app: httpbin}}
//!   action: DENY
//!   rules:
//!   - from:
//!     - source: {namespaces: [client]}
//! ```
//!
//! ## Source
//!
//! facts/istio-ambient.md §11 (IST0127); facts/field.md 12.4 (istio/istio#57783 compared with
//! Service labels).

use super::super::input::at;
use super::super::{Rule, RuleInput};
use super::reading::selected;
use crate::diagnostic::{Diagnostic, Severity};

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "selector-matches-nothing",
    severity: Severity::Warning,
    summary: "a policy selects none of the workloads that are known",
    istio: Some("IST0127"),
    source: include_str!("selector_matches_nothing.rs"),
    check,
};

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    for policy in input.objects.iter().filter(|o| o.gvk.group == "security.istio.io") {
        let namespace = policy.namespace.as_deref().unwrap_or_default();
        let Some(labels) = selected(policy).filter(|l| !l.is_empty()) else { continue };
        // patches show pods without their labels
        let workloads: Vec<_> =
            input.workloads(namespace).iter().filter(|w| !w.labels.is_empty()).collect();
        // istiod makes the pods of Gateways: no manifest shows them
        let is_for_gateways = labels.keys().any(|k| k.contains("gateway"))
            || labels.get("istio").is_some_and(|v| v.ends_with("gateway"));
        if namespace == input.settings.root_namespace || workloads.is_empty() || is_for_gateways {
            continue;
        }
        let hits = workloads
            .iter()
            .any(|w| labels.iter().all(|(key, value)| w.labels.get(key) == Some(value)));
        if !hits {
            let span =
                at(&policy.body, &["spec", "selector"]).map_or(policy.name_span(), |n| n.span);
            found.push(
                Diagnostic::warning(
                    RULE.code,
                    format!(
                        "{} selects none of the {} workloads of its namespace",
                        policy.reference(),
                        workloads.len()
                    ),
                )
                .at(span, "no pod template has these labels")
                .help("use labels of the pods: `spec.template.metadata.labels`"),
            );
        }
    }
}
