//! Two Gateways of Istio open one port for the same host on the same pods.
//!
//! ## What
//!
//! Two Gateways of group `networking.istio.io` have the same selector, or selectors of which one holds
//! the other and which some known pod meets both, and servers with the same port, `bind` and a host
//! that stands in both.
//!
//! ## Why
//!
//! Of two servers with TLS, Istio skips the second whole, with every host of it, and says so in its own log
//! only. Of those without, whose routes are merged on the port, each team's depend on the other's.
//!
//! ## Example
//!
//! ```yaml
//! apiVersion: networking.istio.io/v1
//! kind: Gateway
//! metadata: {name: alpha, namespace: edge}
//! spec:
//!   selector: {istio: ingressgateway}
//!   servers:
//!   - port: {number: 80, name: http, protocol: HTTP}
//!     hosts: [shop.example.com]
//! ---
//! apiVersion: networking.istio.io/v1
//! kind: Gateway
//! metadata: {name: beta, namespace: edge}
//! spec:
//!   selector: {istio: ingressgateway}
//!   servers:
//!   - port: {number: 80, name: http, protocol: HTTP}
//!     hosts: [shop.example.com, www.example.com]
//! ```
//!
//! ## Fix
//!
//! ```yaml
//! apiVersion: networking.istio.io/v1
//! kind: Gateway
//! metadata: {name: alpha, namespace: edge}
//! spec:
//!   selector: {istio: ingressgateway}
//!   servers:
//!   - port: {number: 80, name: http, protocol: HTTP}
//!     hosts: [shop.example.com]
//! ---
//! apiVersion: networking.istio.io/v1
//! kind: Gateway
//! metadata: {name: beta, namespace: edge}
//! spec:
//!   selector: {istio: ingressgateway}
//!   servers:
//!   - port: {number: 80, name: http, protocol: HTTP}
//!     hosts: [www.example.com]
//! ```
//!
//! ## Source
//!
//! istio/istio:`pkg/config/analysis/analyzers/gateway/conflictinggateway.go` (IST0145), which says it of
//! both; `pilot/pkg/model/gateway.go` (`CheckDuplicates`).

use std::collections::BTreeMap;

use super::super::Rule;
use super::super::input::{RuleInput, at, items, strings, text};
use super::NETWORKING;
use crate::diagnostic::{Diagnostic, Severity, Span};
use crate::k8s::{Labels, Object};
use crate::yaml::{Node, Value};

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "gateway-conflict",
    severity: Severity::Warning,
    summary: "two Gateways open one port for the same host on the same pods",
    istio: Some("IST0145"),
    source: include_str!("gateway_conflict.rs"),
    check,
};

/// Port, `bind` and host of a server.
type Opened<'a> = (String, &'a str, &'a str);

/// Who opened something before.
struct Opener<'a> {
    gateway: &'a Object,
    selector: Labels,
    place: Span,
}

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    let mut opened: BTreeMap<Opened<'_>, Vec<Opener<'_>>> = BTreeMap::new();
    for gateway in input.of(NETWORKING, "Gateway") {
        let selector = strings(at(&gateway.body, &["spec", "selector"]));
        for server in items(&gateway.body, &["spec", "servers"]) {
            let Some(Value::Number(port)) = at(server, &["port", "number"]).map(|n| &n.value)
            else {
                continue;
            };
            let bind = text(server, &["bind"]).unwrap_or_default();
            for host in items(server, &["hosts"]) {
                let Some(written) = host.as_str() else { continue };
                let before = opened.entry((port.to_string(), bind, written)).or_default();
                let other = before.iter().find(|o| {
                    // variants of one Gateway are not applied together
                    o.gateway.reference() != gateway.reference()
                        && are_on_one_pod(input, &o.selector, &selector)
                });
                if let Some(other) = other {
                    found.push(conflict(gateway, host, &port.to_string(), other));
                }
                before.push(Opener { gateway, selector: selector.clone(), place: host.span });
            }
        }
    }
}

fn conflict(gateway: &Object, host: &Node, port: &str, other: &Opener<'_>) -> Diagnostic {
    let written = host.as_str().unwrap_or_default();
    Diagnostic::warning(
        RULE.code,
        format!(
            "{} and {} both open port {port} for `{written}`",
            other.gateway.reference(),
            gateway.reference()
        ),
    )
    .at(host.span, "the same host, on the same pods")
    .also(other.place, "the other")
    .help("leave the host to one of them, or make it one Gateway")
}

/// The order of `analyzeGateway`: the same selector, else one that holds the other, and a pod.
fn are_on_one_pod(input: &RuleInput<'_>, a: &Labels, b: &Labels) -> bool {
    let holds = |of: &Labels, part: &Labels| part.iter().all(|(k, v)| of.get(k) == Some(v));
    if a == b {
        return true;
    }
    let larger = match (holds(a, b), holds(b, a)) {
        (true, _) => a,
        (_, true) => b,
        _ => return false,
    };
    input.all_workloads().any(|w| holds(&w.labels, larger))
}
