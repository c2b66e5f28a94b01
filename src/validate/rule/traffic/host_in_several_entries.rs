//! One host in ServiceEntries of several namespaces.
//!
//! ## What
//!
//! With ambient pods in the mesh, ServiceEntries of several namespaces have the same host.
//!
//! ## Why
//!
//! ztunnel takes the one of the caller's own namespace, else the one that was there first. Callers of other
//! namespaces go by that one's ports and its waypoint: policies of the others are not asked about them.
//!
//! ## Example
//!
//! ```yaml
//! apiVersion: v1
//! kind: Namespace
//! metadata: {name: httpbin, labels: {istio.io/dataplane-mode: ambient}}
//! ---
//! apiVersion: v1
//! kind: Namespace
//! metadata: {name: client, labels: {istio.io/dataplane-mode: ambient}}
//! ---
//! apiVersion: networking.istio.io/v1
//! kind: ServiceEntry
//! metadata: {name: partner, namespace: httpbin}
//! spec:
//!   hosts: [api.example.com]
//!   location: MESH_EXTERNAL
//!   resolution: DNS
//!   ports: [{number: 80, name: http, protocol: HTTP}]
//! ---
//! apiVersion: networking.istio.io/v1
//! kind: ServiceEntry
//! metadata: {name: partner, namespace: client}
//! spec:
//!   hosts: [api.example.com]
//!   location: MESH_EXTERNAL
//!   resolution: DNS
//!   ports: [{number: 80, name: http, protocol: HTTP}]
//! ```
//!
//! ## Fix
//!
//! ```yaml
//! apiVersion: v1
//! kind: Namespace
//! metadata: {name: httpbin, labels: {istio.io/dataplane-mode: ambient}}
//! ---
//! apiVersion: v1
//! kind: Namespace
//! metadata: {name: client, labels: {istio.io/dataplane-mode: ambient}}
//! ---
//! apiVersion: networking.istio.io/v1
//! kind: ServiceEntry
//! metadata: {name: partner, namespace: httpbin}
//! spec:
//!   hosts: [api.example.com]
//!   location: MESH_EXTERNAL
//!   resolution: DNS
//!   ports: [{number: 80, name: http, protocol: HTTP}]
//! ```
//!
//! ## Source
//!
//! facts/outbound.md §3, §4 (istio/istio#60148).

use std::collections::BTreeMap;

use super::super::Rule;
use super::super::input::{RuleInput, items};
use super::NETWORKING;
use crate::diagnostic::{Diagnostic, Severity};
use crate::k8s::Object;
use crate::yaml::Node;

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "host-in-several-entries",
    severity: Severity::Warning,
    summary: "one host has ServiceEntries in several namespaces",
    istio: None,
    source: include_str!("host_in_several_entries.rs"),
    check,
};

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    if !input.pods.all().any(|p| p.is_ambient()) {
        return;
    }
    let mut hosts: BTreeMap<&str, Vec<(&Object, &Node)>> = BTreeMap::new();
    for entry in input.of(NETWORKING, "ServiceEntry").filter(|e| e.namespace.is_some()) {
        for host in items(&entry.body, &["spec", "hosts"]) {
            hosts.entry(host.as_str().unwrap_or_default()).or_default().push((entry, host));
        }
    }
    for (host, entries) in hosts {
        let Some((first, place)) = entries.first() else { continue };
        // several of one namespace are merged by whoever reads them
        let Some((other, there)) = entries.iter().find(|(e, _)| e.namespace != first.namespace)
        else {
            continue;
        };
        let home = |e: &Object| e.namespace.clone().unwrap_or_else(|| "default".to_owned());
        found.push(
            Diagnostic::warning(
                RULE.code,
                format!(
                    "`{host}` is in ServiceEntries of namespaces `{}` and `{}`",
                    home(first),
                    home(other)
                ),
            )
            .at(there.span, "ambient callers of other namespaces take the one that was there first")
            .also(place.span, "the other one")
            .help("keep one, in a namespace of its own, behind the waypoint that is meant for all"),
        );
    }
}
