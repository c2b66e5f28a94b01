//! What a PeerAuthentication says and ambient mode does not do.
//!
//! ## What
//!
//! In a namespace that is ambient, a PeerAuthentication has mode DISABLE, for all or for some
//! ports; or one in the root namespace has a selector while namespaces are ambient.
//!
//! ## Why
//!
//! ztunnel knows STRICT and "anything else": DISABLE means PERMISSIVE, and mesh peers still use
//! mutual TLS. A port that is DISABLE below a STRICT parent stays closed to plain text unless
//! another port is PERMISSIVE. A selector in the root namespace selects nothing.
//!
//! ## Example
//!
//! ```yaml
//! apiVersion: v1
//! kind: Namespace
//! metadata: {name: httpbin, labels: {istio.io/dataplane-mode: ambient}}
//! ---
//! apiVersion: security.istio.io/v1
//! kind: PeerAuthentication
//! metadata: {name: default, namespace: httpbin}
//! spec:
//!   mtls: {mode: DISABLE}
//! ```
//!
//! ## Fix
//!
//! ```yaml
//! apiVersion: v1
//! kind: Namespace
//! metadata: {name: httpbin, labels: {istio.io/dataplane-mode: ambient}}
//! ---
//! apiVersion: security.istio.io/v1
//! kind: PeerAuthentication
//! metadata: {name: default, namespace: httpbin}
//! spec:
//!   mtls: {mode: PERMISSIVE}
//! ```
//!
//! ## Source
//!
//! facts/istio-ambient.md §5.1–§5.3 (M1–M4): seen on a real istiod.

use super::super::Rule;
use super::super::input::{RuleInput, at};
use crate::diagnostic::{Diagnostic, Severity};
use crate::yaml::Node;

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "peer-authentication-ignored",
    severity: Severity::Warning,
    summary: "ambient mode does not do what a PeerAuthentication says",
    istio: None,
    source: include_str!("peer_authentication_ignored.rs"),
    check,
};

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    let some_are_ambient = input.namespaces().any(|n| input.is_ambient(&n.name))
        || input.all_workloads().any(|w| input.is_captured(w));
    for policy in input.of("security.istio.io", "PeerAuthentication") {
        let namespace = policy.namespace.as_deref().unwrap_or_default();
        let selector = at(&policy.body, &["spec", "selector"]);
        // sidecars of the root namespace's own workloads read it
        if some_are_ambient
            && namespace == input.settings.root_namespace
            && let Some(selector) = selector
        {
            found.push(
                Diagnostic::warning(
                    RULE.code,
                    format!(
                        "{} selects nothing in ambient mode: it is in the root namespace",
                        policy.reference()
                    ),
                )
                .at(selector.span, "a selector counts in the workloads' own namespace")
                .help("move it there, or remove the selector to mean the whole mesh"),
            );
        }
        if !input.is_ambient(namespace) {
            continue;
        }
        let whole = at(&policy.body, &["spec", "mtls", "mode"]);
        let ports = at(&policy.body, &["spec", "portLevelMtls"]).and_then(Node::as_mapping);
        let of_ports =
            ports.into_iter().flat_map(|m| &m.entries).filter_map(|entry| entry.value.get("mode"));
        for mode in whole.into_iter().chain(of_ports).filter(|m| m.as_str() == Some("DISABLE")) {
            found.push(
                Diagnostic::warning(
                    RULE.code,
                    format!(
                        "{} disables mutual TLS, and ambient mode does not",
                        policy.reference()
                    ),
                )
                .at(mode.span, "ztunnel reads this as PERMISSIVE")
                .help("write PERMISSIVE"),
            );
        }
    }
}
