//! A subset of a DestinationRule has no pods.
//!
//! ## What
//!
//! The labels of a subset are those of none of the pods that the Service of the DestinationRule
//! selects, where workloads of that Service are shown. Labels that something in the cluster sets
//! (`topology.kubernetes.io/…`, `istio.io/…`, template hashes) are not judged.
//!
//! ## Why
//!
//! A route to the subset finds no endpoint: 503 with the flag `UH`.
//!
//! ## Example
//!
//! ```yaml
//! apiVersion: v1
//! kind: Service
//! metadata: {name: reviews, namespace: bookinfo}
//! spec: {selector: {app: reviews}, ports: [{name: http, port: 9080}]}
//! ---
//! apiVersion: apps/v1
//! kind: Deployment
//! metadata: {name: reviews-v1, namespace: bookinfo}
//! spec:
//!   selector: {matchLabels: {app: reviews, version: v1}}
//!   template:
//!     metadata: {labels: {app: reviews, version: v1}}
//! ---
//! apiVersion: networking.istio.io/v1
//! kind: DestinationRule
//! metadata: {name: reviews, namespace: bookinfo}
//! spec:
//!   host: reviews
//!   subsets:
//!   - {name: stable, labels: {version: v3}}
//! ```
//!
//! ## Fix
//!
//! ```yaml
//! apiVersion: v1
//! kind: Service
//! metadata: {name: reviews, namespace: bookinfo}
//! spec: {selector: {app: reviews}, ports: [{name: http, port: 9080}]}
//! ---
//! apiVersion: apps/v1
//! kind: Deployment
//! metadata: {name: reviews-v1, namespace: bookinfo}
//! spec:
//!   selector: {matchLabels: {app: reviews, version: v1}}
//!   template:
//!     metadata: {labels: {app: reviews, version: v1}}
//! ---
//! apiVersion: networking.istio.io/v1
//! kind: DestinationRule
//! metadata: {name: reviews, namespace: bookinfo}
//! spec:
//!   host: reviews
//!   subsets:
//!   - {name: stable, labels: {version: v1}}
//! ```
//!
//! ## Source
//!
//! facts/istio-ambient.md §11 (IST0173); istio/istio:`pkg/config/analysis/analyzers/destinationrule/subset.go`,
//! which takes any pod of the mesh for one of the Service.

use std::collections::{BTreeMap, BTreeSet};

use super::super::Rule;
use super::super::input::{RuleInput, at, items, strings, text};
use super::{Host, Hosts, NETWORKING};
use crate::diagnostic::{Diagnostic, Severity};
use crate::k8s::{Labels, Object};

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "subset-selects-nothing",
    severity: Severity::Warning,
    summary: "a subset of a DestinationRule has no pods",
    istio: Some("IST0173"),
    source: include_str!("subset_selects_nothing.rs"),
    check,
};

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    let rules: Vec<&Object> = input
        .of(NETWORKING, "DestinationRule")
        .filter(|r| !items(&r.body, &["spec", "subsets"]).is_empty())
        .collect();
    if rules.is_empty() {
        return;
    }
    let hosts = Hosts::of(input);
    let endpoints = endpoints(input);
    for rule in rules {
        let own = rule.namespace.as_deref().unwrap_or_default();
        let host = text(&rule.body, &["spec", "host"]).unwrap_or_default();
        let Host::Service(service) = hosts.find(host, own, rule) else { continue };
        let selector = strings(at(&service.body, &["spec", "selector"]));
        let namespace = service.namespace.as_deref().unwrap_or_default();
        let pods: Vec<&Labels> = endpoints
            .get(namespace)
            .into_iter()
            .flatten()
            .filter(|labels| is_part(&selector, labels))
            .collect();
        if selector.is_empty() || pods.is_empty() || hosts.is_elsewhere_too(service) {
            continue;
        }
        for subset in items(&rule.body, &["spec", "subsets"]) {
            let labels = strings(subset.get("labels"));
            if labels.keys().any(|key| is_set_in_cluster(key))
                || pods.iter().any(|pod| is_part(&labels, pod))
            {
                continue;
            }
            let name = text(subset, &["name"]).unwrap_or_default();
            let place = at(subset, &["labels"]).map_or(subset.span, |n| n.span);
            found.push(
                Diagnostic::warning(
                    RULE.code,
                    format!(
                        "subset `{name}` of {} selects no pod of Service `{}`",
                        rule.reference(),
                        service.name
                    ),
                )
                .at(place, "no pod template of the Service has these labels")
                .help(help(&labels, &pods)),
            );
        }
    }
}

/// The labels of all that a Service may select, by namespace: pods, whatever makes pods from a
/// template (also kinds of others: Rollout, CloneSet), and machines outside.
fn endpoints(input: &RuleInput<'_>) -> BTreeMap<String, Vec<Labels>> {
    let mut all: BTreeMap<String, Vec<Labels>> = BTreeMap::new();
    for object in input.objects.iter().copied() {
        let labels = match object.gvk.kind.as_str() {
            "Pod" => object.labels.clone(),
            "WorkloadEntry" => {
                let mut labels = strings(at(&object.body, &["spec", "labels"]));
                labels.extend(object.labels.clone());
                labels
            }
            "WorkloadGroup" => strings(at(&object.body, &["spec", "metadata", "labels"])),
            _ => strings(at(&object.body, &["spec", "template", "metadata", "labels"])),
        };
        if !labels.is_empty() {
            let namespace = object.namespace.clone().unwrap_or_default();
            all.entry(namespace).or_default().push(labels);
        }
    }
    all
}

fn is_part(labels: &Labels, of: &Labels) -> bool {
    labels.iter().all(|(key, value)| of.get(key) == Some(value))
}

/// Upstream's `label.AugmentLabels`, and controllers: no manifest shows them.
fn is_set_in_cluster(key: &str) -> bool {
    let domain = key.split_once('/').map_or("", |(domain, _)| domain);
    ["kubernetes.io", "k8s.io", "istio.io", "argoproj.io"].iter().any(|d| domain.ends_with(d))
        || ["pod-template-hash", "controller-revision-hash", "istio-locality"]
            .iter()
            .any(|known| key.ends_with(known))
}

/// What the pods have under the keys of a subset.
fn help(labels: &Labels, pods: &[&Labels]) -> String {
    let known: BTreeSet<String> = pods
        .iter()
        .flat_map(|pod| pod.iter().filter(|(key, _)| labels.contains_key(*key)))
        .map(|(key, value)| format!("`{key}: {value}`"))
        .collect();
    match known.is_empty() {
        true => "label the pods, or take the subset away".into(),
        false => {
            format!("the pods have {}", known.into_iter().take(5).collect::<Vec<_>>().join(", "))
        }
    }
}
