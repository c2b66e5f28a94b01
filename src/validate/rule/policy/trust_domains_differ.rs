//! Clusters of one mesh with different trust domains.
//!
//! ## What
//!
//! The clusters have different trust domains, this one has ambient namespaces, and a Service of it is also
//! one of another cluster.
//!
//! ## Why
//!
//! ztunnel takes certificates of its own trust domain only, whatever `trustDomainAliases` says. A call from
//! another cluster that comes straight to a pod is refused; one that comes through a gateway shows the
//! gateway's identity.
//!
//! ## Example
//!
//! ```yaml
//! apiVersion: v1
//! kind: Namespace
//! metadata: {name: httpbin, labels: {istio.io/dataplane-mode: ambient}}
//! ---
//! apiVersion: v1
//! kind: Service
//! metadata: {name: httpbin, namespace: httpbin}
//! spec: {selector: {app: httpbin}, ports: [{name: http, port: 8000}]}
//! ```
//!
//! ## Fix
//!
//! Let the clusters share a trust domain, or let calls between them go through gateways.
//!
//! ## Source
//!
//! facts/outbound.md §3, §4 (istio/istio#58427); facts/istio-ambient.md §4.9.

use std::collections::BTreeSet;

use super::super::Rule;
use super::super::input::{DATAPLANE_MODE, RuleInput, label_span};
use crate::diagnostic::{Diagnostic, Severity};

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "trust-domains-differ",
    severity: Severity::Note,
    summary: "clusters of one mesh have different trust domains",
    istio: None,
    source: include_str!("trust_domains_differ.rs"),
    check,
};

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    let domains: BTreeSet<&str> = input.settings.trust_domains.iter().map(String::as_str).collect();
    if domains.len() < 2 {
        return;
    }
    let shared = input.namespaces().find(|namespace| {
        input.pods.namespace(&namespace.name).is_some_and(|id| input.pods.has_ambient(id))
            && input.services(&namespace.name).any(|service| {
                let key = (namespace.name.clone(), service.name.clone());
                input.settings.services_elsewhere.contains(&key)
            })
    });
    let Some(namespace) = shared else { return };
    let list = domains.iter().map(|d| format!("`{d}`")).collect::<Vec<_>>().join(", ");
    found.push(
        Diagnostic::note(
            RULE.code,
            format!("ztunnel refuses callers of other clusters: the trust domains are {list}"),
        )
        .at(
            label_span(namespace, DATAPLANE_MODE),
            "services of this namespace are in other clusters too",
        )
        .help("share a trust domain, or let calls between clusters go through gateways"),
    );
}
