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
use super::super::input::{RuleInput, at, strings};
use crate::diagnostic::{Diagnostic, Severity};
use crate::simulate::Pod;
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
    let some_are_ambient = input.pods.all().any(Pod::is_ambient);
    for policy in input.of("security.istio.io", "PeerAuthentication") {
        let namespace = policy.namespace_or_default();
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
        let labels = strings(selector.and_then(|s| s.get("matchLabels")));
        let Some(id) = input.pods.namespace(namespace) else { continue };
        let pods: Vec<&Pod<'_>> = input
            .pods
            .in_namespace(id)
            .iter()
            .filter(|p| p.is_ambient())
            .filter(|p| labels.iter().all(|(key, value)| p.labels.get(key) == Some(value)))
            .collect();
        if pods.is_empty() {
            continue;
        }
        let whole = at(&policy.body, &["spec", "mtls", "mode"]);
        let ports = at(&policy.body, &["spec", "portLevelMtls"]).and_then(Node::as_mapping);
        let of_ports = ports
            .into_iter()
            .flat_map(|m| &m.entries)
            .filter_map(|entry| Some((entry.key.parse::<u16>().ok(), entry.value.get("mode")?)));
        let modes = whole.map(|mode| (None, mode)).into_iter().chain(of_ports);
        for (port, mode) in modes.filter(|(_, m)| m.as_str() == Some("DISABLE")) {
            // M4: under a STRICT parent only PERMISSIVE ports are looked for
            let stays =
                port.is_some_and(|p| pods.iter().all(|x| input.pods.refuses_plaintext(x, p)));
            let (what, why) = if stays {
                ("and the port stays closed to plain text", "ztunnel takes no notice of this")
            } else {
                ("and ambient mode does not", "ztunnel reads this as PERMISSIVE")
            };
            found.push(
                Diagnostic::warning(
                    RULE.code,
                    format!("{} disables mutual TLS, {what}", policy.reference()),
                )
                .at(mode.span, why)
                .help("write PERMISSIVE"),
            );
        }
    }
}
