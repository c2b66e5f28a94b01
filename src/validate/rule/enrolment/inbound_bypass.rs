//! A pod that lets plain text past ztunnel has no policy for it.
//!
//! ## What
//!
//! A pod, or a pod template, carries `ambient.istio.io/bypass-inbound-capture: "true"`.
//!
//! ## Why
//!
//! Plain text that comes to the pod is not redirected: callers outside the mesh reach the
//! application without ztunnel's policies and in spite of STRICT.
//!
//! ## Example
//!
//! ```yaml
//! apiVersion: apps/v1
//! kind: Deployment
//! metadata: {name: httpbin, namespace: httpbin}
//! spec:
//!   selector: {matchLabels: {app: httpbin}}
//!   template:
//!     metadata:
//!       labels: {app: httpbin}
//!       annotations: {ambient.istio.io/bypass-inbound-capture: "true"}
//! ```
//!
//! ## Fix
//!
//! ```yaml
//! apiVersion: apps/v1
//! kind: Deployment
//! metadata: {name: httpbin, namespace: httpbin}
//! spec:
//!   selector: {matchLabels: {app: httpbin}}
//!   template:
//!     metadata:
//!       labels: {app: httpbin}
//! ```
//!
//! ## Source
//!
//! facts/istio-ambient.md §1.4; istio/istio `cni/pkg/iptables/iptables.go`.

use super::super::Rule;
use super::super::input::RuleInput;
use crate::diagnostic::{Diagnostic, Severity};

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "inbound-bypass",
    severity: Severity::Warning,
    summary: "a pod lets plain text past ztunnel and its policies",
    istio: None,
    source: include_str!("inbound_bypass.rs"),
    check,
};

const ANNOTATION: &str = "ambient.istio.io/bypass-inbound-capture";

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    for workload in input.all_workloads() {
        if workload.annotations.get(ANNOTATION).is_some_and(|v| v == "true") {
            found.push(
                Diagnostic::warning(
                    RULE.code,
                    format!("{} takes plain text past ztunnel", workload.object.reference()),
                )
                .at(workload.object.name_span(), format!("by the annotation `{ANNOTATION}`"))
                .help("remove the annotation, or accept that no policy and no STRICT holds for callers outside the mesh"),
            );
        }
    }
}
