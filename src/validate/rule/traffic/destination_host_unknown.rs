//! A DestinationRule is about a host that nobody has.
//!
//! ## What
//!
//! The host of a DestinationRule is a Service that is not among those of its namespace, where some of
//! that namespace are shown, or a name such as `reviews.default`, which Istio does not complete.
//!
//! ## Why
//!
//! The rule holds for nothing: its TLS settings, subsets and limits are not in force, and nothing
//! says so.
//!
//! ## Example
//!
//! ```yaml
//! apiVersion: v1
//! kind: Service
//! metadata: {name: reviews, namespace: bookinfo}
//! spec: {selector: {app: reviews}, ports: [{name: http, port: 9080}]}
//! ---
//! apiVersion: networking.istio.io/v1
//! kind: DestinationRule
//! metadata: {name: reviews, namespace: bookinfo}
//! spec:
//!   host: reviewz
//!   trafficPolicy: {tls: {mode: ISTIO_MUTUAL}}
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
//! apiVersion: networking.istio.io/v1
//! kind: DestinationRule
//! metadata: {name: reviews, namespace: bookinfo}
//! spec:
//!   host: reviews
//!   trafficPolicy: {tls: {mode: ISTIO_MUTUAL}}
//! ```
//!
//! ## Source
//!
//! facts/istio-ambient.md §11 (IST0174); istio/istio:`pkg/config/analysis/analyzers/destinationrule/subset.go`.

use super::super::Rule;
use super::super::input::{RuleInput, at};
use super::{Host, Hosts, NETWORKING};
use crate::diagnostic::{Diagnostic, Severity};

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "destination-host-unknown",
    severity: Severity::Warning,
    summary: "a DestinationRule is about a host that nobody has",
    istio: Some("IST0174"),
    source: include_str!("destination_host_unknown.rs"),
    check,
};

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    let hosts = Hosts::of(input);
    for rule in input.of(NETWORKING, "DestinationRule") {
        let own = rule.namespace.as_deref().unwrap_or_default();
        let Some(host) = at(&rule.body, &["spec", "host"]) else { continue };
        let written = host.as_str().unwrap_or_default();
        if let Host::Missing(help) = hosts.find(written, own, rule) {
            found.push(
                Diagnostic::warning(
                    RULE.code,
                    format!("{} is about `{written}`, which nobody has", rule.reference()),
                )
                .at(host.span, "nothing in it is in force")
                .help(help),
            );
        }
    }
}
