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
//!     spec: {containers: [{name: httpbin, image: example.com/httpbin}]}
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
//!     spec: {containers: [{name: httpbin, image: example.com/httpbin}]}
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

use super::super::{Rule, RuleInput};
use super::reading::{selected, selector_span};
use crate::diagnostic::{Diagnostic, Severity};
use crate::simulate::Role;

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
        let name = policy.namespace_or_default();
        let Some(labels) = selected(policy).filter(|l| !l.is_empty()) else { continue };
        let Some(namespace) = input.pods.namespace(name).filter(|n| input.pods.are_shown(*n))
        else {
            continue;
        };
        // a workload that is shown in part has no labels
        let pods: Vec<_> = input
            .pods
            .in_namespace(namespace)
            .iter()
            .filter(|p| p.role == Role::Application && !p.labels.is_empty())
            .collect();
        // gateways may be installed by somebody else: no manifest shows their pods
        let is_for_gateways = labels.keys().any(|k| k.contains("gateway"))
            || labels.get("istio").is_some_and(|v| v.ends_with("gateway"));
        if name == input.settings.root_namespace || pods.is_empty() || is_for_gateways {
            continue;
        }
        let hits = input
            .pods
            .in_namespace(namespace)
            .iter()
            .any(|p| labels.iter().all(|(key, value)| p.labels.get(key) == Some(value)));
        if !hits {
            found.push(
                Diagnostic::warning(
                    RULE.code,
                    format!(
                        "{} selects none of the {} workloads of its namespace",
                        policy.reference(),
                        pods.len()
                    ),
                )
                .at(selector_span(policy), "no pod template has these labels")
                .help("use labels of the pods: `spec.template.metadata.labels`"),
            );
        }
    }
}
