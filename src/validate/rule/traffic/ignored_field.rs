//! What sidecars read of traffic and ambient mode does not.
//!
//! ## What
//!
//! With ambient pods in the mesh: `exportTo` of a ServiceEntry, or the annotation
//! `networking.istio.io/exportTo` of a Service, leaves out a namespace of ambient pods (ServiceEntries
//! count that have a waypoint or endpoints of their own); a VirtualService
//! for a Service behind a waypoint matches `sourceLabels` or `sourceNamespace`; or the mesh's
//! configuration says `REGISTRY_ONLY`.
//!
//! ## Why
//!
//! ztunnel knows every service to every caller of its cluster: `exportTo` hides nothing. A waypoint does
//! not know the caller's labels, and leaves such a match out. And ztunnel passes on what it does not know,
//! wherever it goes: `REGISTRY_ONLY` keeps nothing in.
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
//! apiVersion: gateway.networking.k8s.io/v1
//! kind: Gateway
//! metadata: {name: waypoint, namespace: httpbin}
//! spec:
//!   gatewayClassName: istio-waypoint
//!   listeners: [{name: mesh, port: 15008, protocol: HBONE}]
//! ---
//! apiVersion: networking.istio.io/v1
//! kind: ServiceEntry
//! metadata:
//!   name: partner
//!   namespace: httpbin
//!   labels: {istio.io/use-waypoint: waypoint}
//! spec:
//!   exportTo: [client]
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
//! apiVersion: gateway.networking.k8s.io/v1
//! kind: Gateway
//! metadata: {name: waypoint, namespace: httpbin}
//! spec:
//!   gatewayClassName: istio-waypoint
//!   listeners: [{name: mesh, port: 15008, protocol: HBONE}]
//! ---
//! apiVersion: networking.istio.io/v1
//! kind: ServiceEntry
//! metadata:
//!   name: partner
//!   namespace: httpbin
//!   labels: {istio.io/use-waypoint: waypoint}
//! spec:
//!   hosts: [api.example.com]
//!   location: MESH_EXTERNAL
//!   resolution: DNS
//!   ports: [{number: 80, name: http, protocol: HTTP}]
//! ```
//!
//! ## Source
//!
//! facts/outbound.md §3, §4 (istio/istio#55163, #51565, #54281); facts/istio-ambient.md §6.6.

use std::collections::BTreeSet;

use super::super::Rule;
use super::super::input::{RuleInput, annotation_span, at, items, text};
use super::{Host, Hosts, NETWORKING};
use crate::diagnostic::{Diagnostic, FileId, Severity};
use crate::k8s::Object;
use crate::simulate::Binding;
use crate::yaml::{Budget, Node, read};

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "ignored-field",
    severity: Severity::Warning,
    summary: "a field that sidecars read means nothing in ambient mode",
    istio: None,
    source: include_str!("ignored_field.rs"),
    check,
};

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    let ambient: BTreeSet<&str> = input
        .pods
        .all()
        .filter(|p| p.is_ambient())
        .map(|p| input.mesh.namespace(p.namespace).name.as_str())
        .collect();
    if ambient.is_empty() {
        return;
    }
    for entry in input.of(NETWORKING, "ServiceEntry").filter(|e| leads_elsewhere(input, e)) {
        let list = at(&entry.body, &["spec", "exportTo"]);
        let to = items(&entry.body, &["spec", "exportTo"]).iter().filter_map(Node::as_str);
        if let (Some(list), Some(sees)) = (list, left_out(entry, to, &ambient)) {
            found.push(export(entry, sees).at(list.span, "ztunnel does not read this"));
        }
    }
    const EXPORT_TO: &str = "networking.istio.io/exportTo";
    for service in input.of("", "Service") {
        let Some(value) = service.annotations.get(EXPORT_TO) else { continue };
        if let Some(sees) = left_out(service, value.split(',').map(str::trim), &ambient) {
            let place = annotation_span(service, EXPORT_TO);
            found.push(export(service, sees).at(place, "ztunnel does not read this"));
        }
    }
    check_sources(input, found);
    check_registry(input, found);
}

/// True of a ServiceEntry that a caller is better off without: it has a waypoint, or its hosts lead to
/// addresses that it names. Another one leads where the host leads anyway.
fn leads_elsewhere(input: &RuleInput<'_>, entry: &Object) -> bool {
    let spec = ["endpoints", "workloadSelector"];
    let bound = input.service_id(entry).map(|id| input.mesh.service_binding(id));
    matches!(bound, Some(Binding::Bound(_)))
        || spec.iter().any(|key| at(&entry.body, &["spec", key]).is_some())
}

/// A namespace of ambient pods that is not among those to which an object is exported.
fn left_out<'n>(
    object: &Object,
    to: impl Iterator<Item = &'n str>,
    ambient: &BTreeSet<&'n str>,
) -> Option<&'n str> {
    // without a namespace it goes where it is applied: nothing is known of that
    let own = object.namespace.as_deref()?;
    let to: BTreeSet<&str> = to.filter(|n| !n.is_empty()).collect();
    if to.is_empty() || to.contains("*") {
        return None;
    }
    ambient.iter().copied().find(|n| !(to.contains(n) || (to.contains(".") && *n == own)))
}

fn export(object: &Object, sees: &str) -> Diagnostic {
    Diagnostic::warning(
        RULE.code,
        format!(
            "ambient pods of namespace `{sees}` know {}, whatever `exportTo` says",
            object.reference()
        ),
    )
    .help("put it behind a waypoint, and let an AuthorizationPolicy there name the callers")
}

/// `sourceLabels` is dropped at waypoints since 1.25 (facts/istio-ambient.md §6.6).
fn check_sources(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    let mut hosts = None;
    for route in input.of(NETWORKING, "VirtualService") {
        let matches = ["http", "tls", "tcp"]
            .into_iter()
            .flat_map(|key| items(&route.body, &["spec", key]))
            .flat_map(|rule| items(rule, &["match"]));
        let fields = matches.flat_map(|m| {
            ["sourceLabels", "sourceNamespace"]
                .into_iter()
                .filter_map(|key| Some((key, at(m, &[key])?)))
        });
        let fields: Vec<(&str, &Node)> = fields.collect();
        let gateways = items(&route.body, &["spec", "gateways"]);
        let is_for_mesh =
            gateways.is_empty() || gateways.iter().any(|g| g.as_str() == Some("mesh"));
        if fields.is_empty() || !is_for_mesh {
            continue;
        }
        let own = route.namespace_or_default();
        let hosts = hosts.get_or_insert_with(|| Hosts::of(input));
        let written = items(&route.body, &["spec", "hosts"]).iter().filter_map(Node::as_str);
        let waypoint = written.into_iter().find_map(|host| match hosts.find(host, own, route) {
            Host::Service(service) => {
                match input.mesh.service_binding(input.service_id(service)?) {
                    Binding::Bound(waypoint) => Some(*waypoint),
                    _ => None,
                }
            }
            _ => None,
        });
        let Some(waypoint) = waypoint else { continue };
        let (home, name, _) = input.waypoint_names(waypoint);
        for (key, field) in fields {
            found.push(
                Diagnostic::warning(
                    RULE.code,
                    format!(
                        "waypoint `{home}/{name}` does not read `{key}` of {}",
                        route.reference()
                    ),
                )
                .at(field.span, "sidecars do; a waypoint does not know the caller's labels")
                .help("match on a header that the callers set"),
            );
        }
    }
}

/// The mesh's configuration, as the charts write it: ConfigMap `istio`, or `istio-<revision>`.
fn check_registry(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    let maps = input.of_namespace("", "ConfigMap", &input.settings.root_namespace);
    for map in maps.filter(|m| m.name == "istio" || m.name.starts_with("istio-")) {
        let Some(mesh) = at(&map.body, &["data", "mesh"]) else { continue };
        let (documents, _) =
            read(FileId::default(), mesh.as_str().unwrap_or_default(), &Budget::SPEC);
        let is_set = documents
            .iter()
            .any(|d| text(&d.root, &["outboundTrafficPolicy", "mode"]) == Some("REGISTRY_ONLY"));
        if is_set {
            found.push(
                Diagnostic::warning(
                    RULE.code,
                    "`outboundTrafficPolicy: REGISTRY_ONLY` keeps no ambient pod from calling out",
                )
                .at(mesh.span, "ztunnel passes on what it does not know")
                .help(
                    "limit what leaves the pods by a NetworkPolicy, and by a waypoint for what may",
                ),
            );
        }
    }
}
