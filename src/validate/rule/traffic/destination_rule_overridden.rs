//! Of two DestinationRules for one host, the traffic policy of one is not in force.
//!
//! ## What
//!
//! Two DestinationRules of a namespace are about one host, for the same proxies, and their `trafficPolicy` differs.
//!
//! ## Why
//!
//! Istio merges them: the subsets add up, and the traffic policy is that of the older one alone. Its TLS
//! settings decide whether the server sees who calls. Nothing says that the other's are not in force.
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
//!   host: reviews
//!   trafficPolicy: {tls: {mode: DISABLE}}
//! ---
//! apiVersion: networking.istio.io/v1
//! kind: DestinationRule
//! metadata: {name: reviews-mtls, namespace: bookinfo}
//! spec:
//!   host: reviews.bookinfo.svc.cluster.local
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
//! istio/istio:`pilot/pkg/model/destination_rule.go`, `mergeDestinationRule`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::super::Rule;
use super::super::input::{RuleInput, at, items};
use super::{NETWORKING, full};
use crate::diagnostic::{Diagnostic, Severity};
use crate::k8s::Object;
use crate::yaml::{Node, from_node};

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "destination-rule-overridden",
    severity: Severity::Warning,
    summary: "of two DestinationRules for one host, the traffic policy of one is not in force",
    istio: None,
    source: include_str!("destination_rule_overridden.rs"),
    check,
};

/// Those that Istio merges: host, namespaces they are for, pods they are for.
type Merged<'a> = (&'a str, String, BTreeSet<&'a str>, Option<String>);

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    let mut all: BTreeMap<Merged<'_>, Vec<(&Object, &Node)>> = BTreeMap::new();
    for rule in input.of(NETWORKING, "DestinationRule").filter(|rule| rule.namespace.is_some()) {
        let own = rule.namespace.as_deref().unwrap_or_default();
        let Some(host) = at(&rule.body, &["spec", "host"]).and_then(Node::as_str) else { continue };
        let Some(policy) = at(&rule.body, &["spec", "trafficPolicy"]) else { continue };
        let exports = items(&rule.body, &["spec", "exportTo"]).iter().filter_map(Node::as_str);
        let selector = at(&rule.body, &["spec", "workloadSelector"]).map(|s| value(s).to_string());
        let merged = (own, full(host, own).to_ascii_lowercase(), exports.collect(), selector);
        all.entry(merged).or_default().push((rule, policy));
    }
    for ((_, host, ..), mut rules) in all {
        // the oldest counts, then the name (istio/istio:pilot/pkg/model/config.go
        // `sortConfigByCreationTime`); what carries no time is not in the cluster yet
        rules.sort_by_key(|(rule, _)| {
            (rule.created().is_none(), rule.created(), rule.name.as_str())
        });
        let [(first, policy), rest @ ..] = rules.as_slice() else { continue };
        for (rule, other) in rest.iter().filter(|(_, other)| value(other) != value(policy)) {
            let is_known = first.created().is_some();
            let effect = match is_known {
                true => "it is not in force: the other one is older",
                false => "it is not in force where the other one is older",
            };
            found.push(
                Diagnostic::warning(
                    RULE.code,
                    format!("{} is about `{host}`, as {} is", rule.reference(), first.reference()),
                )
                .at(other.span, effect)
                .also(policy.span, "the other one")
                .help("write one DestinationRule for the host"),
            );
        }
    }
}

/// What a node says, wherever it stands.
fn value(node: &Node) -> Value {
    from_node(node).unwrap_or(Value::Null)
}
