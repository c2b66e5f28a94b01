//! An Istio object of TSB's DIRECT mode that TSB does not take.
//!
//! ## What
//!
//! An Istio object carries some of TSB's annotations, or the label `istio.io/rev: tsb`, but not all
//! of: organization, tenant, workspace, exactly one group, and the label.
//!
//! ## Why
//!
//! TSB attaches such an object by its annotations, and its webhook rejects one without the label.
//! Without the label the live Istio reads the object as well as TSB's translation of it; with the
//! label and without annotations nobody reads it.
//!
//! ## Example
//!
//! ```yaml
//! apiVersion: security.istio.io/v1beta1
//! kind: AuthorizationPolicy
//! metadata:
//!   name: deny-admin
//!   namespace: httpbin
//!   labels: {istio.io/rev: tsb}
//!   annotations:
//!     tsb.tetrate.io/organization: tetrate
//!     tsb.tetrate.io/tenant: my-tenant
//!     tsb.tetrate.io/workspace: httpbin-ws
//! spec: {action: DENY, rules: [{from: [{source: {namespaces: [client]}}]}]}
//! ```
//!
//! ## Fix
//!
//! ```yaml
//! apiVersion: security.istio.io/v1beta1
//! kind: AuthorizationPolicy
//! metadata:
//!   name: deny-admin
//!   namespace: httpbin
//!   labels: {istio.io/rev: tsb}
//!   annotations:
//!     tsb.tetrate.io/organization: tetrate
//!     tsb.tetrate.io/tenant: my-tenant
//!     tsb.tetrate.io/workspace: httpbin-ws
//!     tsb.tetrate.io/securityGroup: httpbin-sg
//! spec: {action: DENY, rules: [{from: [{source: {namespaces: [client]}}]}]}
//! ```
//!
//! ## Source
//!
//! facts/tsb.md, "DIRECT mode".

use super::super::Rule;
use super::super::input::{RuleInput, label_span};
use crate::diagnostic::{Diagnostic, Severity};
use crate::k8s::Object;

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "direct-object-incomplete",
    severity: Severity::Error,
    summary: "an Istio object of DIRECT mode lacks what TSB attaches it by",
    istio: None,
    source: include_str!("direct_object_incomplete.rs"),
    check,
};

const REVISION: &str = "istio.io/rev";
const PREFIX: &str = "tsb.tetrate.io/";
const HIERARCHY: [&str; 3] = ["organization", "tenant", "workspace"];
const GROUPS: [&str; 4] = ["trafficGroup", "securityGroup", "gatewayGroup", "istioInternalGroup"];

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    for object in input.objects.iter().copied() {
        // Kubernetes' own Gateway API is none of TSB's
        if !object.gvk.group.ends_with(".istio.io") {
            continue;
        }
        let has = |word: &&str| object.annotations.contains_key(&format!("{PREFIX}{word}"));
        let is_labelled = object.labels.get(REVISION).is_some_and(|rev| rev == "tsb");
        let groups: Vec<&str> = GROUPS.into_iter().filter(|g| has(g)).collect();
        // what TSB itself generates names its origin otherwise
        if !is_labelled && groups.is_empty() && !HIERARCHY.iter().all(&has) {
            continue;
        }
        for fault in faults(object, has, &groups, is_labelled) {
            found.push(
                Diagnostic::error(
                    RULE.code,
                    format!("{} of DIRECT mode {}", object.reference(), fault.message),
                )
                .at(
                    if is_labelled { label_span(object, REVISION) } else { object.name_span() },
                    fault.why,
                )
                .help(fault.help),
            );
        }
    }
}

struct Fault {
    message: String,
    why: &'static str,
    help: String,
}

fn faults(
    object: &Object,
    has: impl Fn(&&str) -> bool,
    groups: &[&str],
    is_labelled: bool,
) -> Vec<Fault> {
    let mut faults = Vec::new();
    let missing: Vec<String> =
        HIERARCHY.iter().filter(|w| !has(w)).map(|w| format!("`{PREFIX}{w}`")).collect();
    if !missing.is_empty() {
        faults.push(Fault {
            message: format!("lacks {}", missing.join(", ")),
            why: "TSB attaches it by its annotations",
            help: "name organization, tenant, workspace and one group in annotations".to_owned(),
        });
    }
    match groups {
        [_] => {}
        [] => faults.push(Fault {
            message: "names no group".to_owned(),
            why: "TSB attaches it to a group",
            help: format!("add the annotation `{PREFIX}{}`", group_of(object)),
        }),
        several => faults.push(Fault {
            message: format!("names {} groups", several.len()),
            why: "it belongs to exactly one",
            help: format!("keep one of {}", several.join(", ")),
        }),
    }
    if !is_labelled {
        faults.push(Fault {
            message: format!("lacks the label `{REVISION}: tsb`"),
            why: "the live Istio would read it too, and TSB's webhook rejects it",
            help: format!("add the label `{REVISION}: tsb`"),
        });
    }
    faults
}

/// The annotation of the group that takes a kind.
fn group_of(object: &Object) -> &'static str {
    match (object.gvk.group.as_str(), object.gvk.kind.as_str()) {
        ("security.istio.io", _) => "securityGroup",
        (_, "Gateway") => "gatewayGroup",
        (_, "EnvoyFilter" | "ServiceEntry" | "WasmPlugin") => "istioInternalGroup",
        _ => "trafficGroup",
    }
}
