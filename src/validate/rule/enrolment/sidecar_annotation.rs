//! An annotation for sidecars on a pod that has none.
//!
//! ## What
//!
//! A pod that ztunnel captures carries an annotation of `traffic.sidecar.istio.io/…`, or
//! `ambient.istio.io/redirection`.
//!
//! ## Why
//!
//! Sidecars leave alone the ports and addresses that these annotations name: no policy, no mutual TLS.
//! ztunnel captures them all. What was open becomes closed by STRICT and by policies, and callers
//! outside the mesh are cut off. `ambient.istio.io/redirection` is what istio-cni writes, not what it
//! reads: `disabled` opts out of nothing.
//!
//! ## Example
//!
//! ```yaml
//! apiVersion: v1
//! kind: Namespace
//! metadata: {name: httpbin, labels: {istio.io/dataplane-mode: ambient}}
//! ---
//! apiVersion: apps/v1
//! kind: Deployment
//! metadata: {name: httpbin, namespace: httpbin}
//! spec:
//!   selector: {matchLabels: {app: httpbin}}
//!   template:
//!     metadata:
//!       labels: {app: httpbin}
//!       annotations: {traffic.sidecar.istio.io/excludeInboundPorts: "9102"}
//!     spec:
//!       containers: [{name: httpbin, image: "example.com/httpbin:1", ports: [{containerPort: 80}]}]
//! ```
//!
//! ## Fix
//!
//! Remove the annotation.
//! Where plain text from outside the mesh must go on coming in, let a PeerAuthentication take it;
//! `istio.io/dataplane-mode: none` as a label of the pods leaves them out altogether.
//!
//! ```yaml
//! apiVersion: v1
//! kind: Namespace
//! metadata: {name: httpbin, labels: {istio.io/dataplane-mode: ambient}}
//! ---
//! apiVersion: apps/v1
//! kind: Deployment
//! metadata: {name: httpbin, namespace: httpbin}
//! spec:
//!   selector: {matchLabels: {app: httpbin}}
//!   template:
//!     metadata:
//!       labels: {app: httpbin}
//!     spec:
//!       containers: [{name: httpbin, image: "example.com/httpbin:1", ports: [{containerPort: 80}]}]
//! ---
//! apiVersion: security.istio.io/v1
//! kind: PeerAuthentication
//! metadata: {name: metrics, namespace: httpbin}
//! spec:
//!   selector: {matchLabels: {app: httpbin}}
//!   portLevelMtls:
//!     "9102": {mode: PERMISSIVE}
//! ```
//!
//! ## Source
//!
//! facts/outbound.md §1 (03), §3, §4 (istio/istio#49829, #50736); facts/istio-ambient.md §1.4.

use super::super::{Rule, RuleInput};
use crate::diagnostic::{Diagnostic, Severity};
use crate::simulate::PodState;

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "sidecar-annotation",
    severity: Severity::Warning,
    summary: "an annotation that sidecars read is on a pod that ztunnel captures",
    istio: None,
    source: include_str!("sidecar_annotation.rs"),
    check,
};

const OF_SIDECARS: &str = "traffic.sidecar.istio.io/";
const REDIRECTION: &str = "ambient.istio.io/redirection";

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    for workload in input.all_workloads() {
        if input.state(workload) != Some(PodState::Ambient) {
            continue;
        }
        for (key, value) in &workload.annotations {
            let (why, help) = if let Some(field) = key.strip_prefix(OF_SIDECARS) {
                // what says "everything" is what ztunnel does
                if value.is_empty() || (field.starts_with("include") && value == "*") {
                    continue;
                }
                (
                    "sidecars read this, ztunnel captures every port and address",
                    "remove it; where plain text must come in, set PERMISSIVE for the port by a PeerAuthentication",
                )
            // in a pod that was read from a cluster istio-cni wrote it
            } else if key == REDIRECTION && value != "enabled" {
                (
                    "istio-cni writes this and does not read it",
                    "label the pods `istio.io/dataplane-mode: none` to leave them out",
                )
            } else {
                continue;
            };
            found.push(
                Diagnostic::warning(
                    RULE.code,
                    format!("`{key}` means nothing to the pods of {}", workload.object.reference()),
                )
                .at(workload.span("annotations", key), why)
                .help(help),
            );
        }
    }
}
