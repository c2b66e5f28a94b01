//! A port that the enforcement point never sees.
//!
//! ## What
//!
//! A policy bound to a waypoint or to a Service behind one names a port that is a target port of a
//! known Service and not a Service port; or a policy that ztunnel enforces names a Service port
//! that is no target port.
//!
//! ## Why
//!
//! A waypoint is addressed by Service: it sees the Service's port. ztunnel and sidecars stand at the
//! pod: they see the target port. A rule with the other port never matches: a DENY denies nothing,
//! an ALLOW admits nobody.
//!
//! ## Example
//!
//! ```yaml
//! apiVersion: v1
//! kind: Service
//! metadata: {name: httpbin, namespace: httpbin}
//! spec:
//!   selector: {app: httpbin}
//!   ports: [{name: http, port: 8000, targetPort: 80}]
//! ---
//! apiVersion: security.istio.io/v1
//! kind: AuthorizationPolicy
//! metadata: {name: deny-admin, namespace: httpbin}
//! spec:
//!   targetRefs: [{group: "", kind: Service, name: httpbin}]
//!   action: DENY
//!   rules:
//!   - to:
//!     - operation: {ports: ["80"], paths: ["/admin*"]}
//! ```
//!
//! ## Fix
//!
//! ```yaml
//! apiVersion: v1
//! kind: Service
//! metadata: {name: httpbin, namespace: httpbin}
//! spec:
//!   selector: {app: httpbin}
//!   ports: [{name: http, port: 8000, targetPort: 80}]
//! ---
//! apiVersion: security.istio.io/v1
//! kind: AuthorizationPolicy
//! metadata: {name: deny-admin, namespace: httpbin}
//! spec:
//!   targetRefs: [{group: "", kind: Service, name: httpbin}]
//!   action: DENY
//!   rules:
//!   - to:
//!     - operation: {ports: ["8000"], paths: ["/admin*"]}
//! ```
//!
//! ## Source
//!
//! facts/istio-ambient.md §6.1, §6.2.

use std::collections::BTreeMap;

use super::super::Rule;
use super::super::input::{RuleInput, items, text};
use super::reading::{is_at_ztunnel, policies, rules, targets};
use crate::diagnostic::{Diagnostic, Severity};
use crate::k8s::Object;
use crate::yaml::{Node, Value};

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "port-space",
    severity: Severity::Error,
    summary: "a policy names a port that its enforcement point never sees",
    istio: None,
    source: include_str!("port_space.rs"),
    check,
};

/// The ports of some Services: each with its counterpart in the other space.
#[derive(Default)]
struct Ports {
    /// Target ports by Service port; `None` for a named one, which any pod may map as it likes.
    by_service: BTreeMap<String, Vec<Option<String>>>,
}

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    for policy in policies(input) {
        let namespace = policy.namespace.as_deref().unwrap_or_default();
        let mut targets = targets(policy).peekable();
        let is_targeted = targets.peek().is_some();
        let names: Vec<&str> = targets
            .filter(|t| text(t, &["kind"]) == Some("Service"))
            .filter_map(|t| text(t, &["name"]))
            .collect();
        let services = input
            .services(namespace)
            .filter(|s| names.is_empty() || names.contains(&s.name.as_str()));
        let ports = Ports::of(services);
        if ports.by_service.is_empty() || (!is_targeted && !is_at_ztunnel(input, policy)) {
            continue;
        }
        for value in rules(policy).iter().flat_map(named_ports) {
            let Some(port) = value.as_str() else { continue };
            let (others, sees, help) = if is_targeted {
                (ports.services_of(port), "the waypoint sees Service ports", "Service port")
            } else {
                (ports.targets_of(port), "ztunnel sees target ports", "target port")
            };
            let Some(others) = others else { continue };
            found.push(
                Diagnostic::error(
                    RULE.code,
                    format!(
                        "{} names port `{port}`, which is never seen there",
                        policy.reference()
                    ),
                )
                .at(value.span, sees)
                .help(format!("write the {help}: {}", others.join(" or "))),
            );
        }
    }
}

impl Ports {
    fn of<'a>(services: impl Iterator<Item = &'a Object>) -> Self {
        let mut ports = Self::default();
        for port in services.flat_map(|s| items(&s.body, &["spec", "ports"])) {
            let number = |key: &str| match port.get(key).map(|n| &n.value) {
                Some(Value::Number(n)) => Some(n.to_string()),
                _ => None,
            };
            let Some(service) = number("port") else { continue };
            let target = match port.get("targetPort").filter(|t| !t.is_null()) {
                None => Some(service.clone()),
                Some(_) => number("targetPort"),
            };
            ports.by_service.entry(service).or_default().push(target);
        }
        ports
    }

    /// The Service ports behind a port that is a target port only.
    fn services_of(&self, port: &str) -> Option<Vec<String>> {
        if self.by_service.contains_key(port) {
            return None;
        }
        let found: Vec<String> = self
            .by_service
            .iter()
            .filter(|(_, targets)| targets.iter().flatten().any(|t| t == port))
            .map(|(service, _)| service.clone())
            .collect();
        (!found.is_empty()).then_some(found)
    }

    /// The target ports of a port that is a Service port only.
    fn targets_of(&self, port: &str) -> Option<Vec<String>> {
        let all = || self.by_service.values().flatten();
        if all().any(|t| t.as_deref().is_none_or(|t| t == port)) {
            return None;
        }
        let found: Vec<String> = self.by_service.get(port)?.iter().flatten().cloned().collect();
        (!found.is_empty()).then_some(found)
    }
}

/// The ports that a rule names.
fn named_ports(rule: &Node) -> impl Iterator<Item = &Node> {
    let operations = items(rule, &["to"]).iter().filter_map(|t| t.get("operation"));
    let of_operations =
        operations.flat_map(|o| ["ports", "notPorts"].into_iter().flat_map(|key| items(o, &[key])));
    let conditions = items(rule, &["when"])
        .iter()
        .filter(|w| text(w, &["key"]) == Some("destination.port"))
        .flat_map(|w| ["values", "notValues"].into_iter().flat_map(|key| items(w, &[key])));
    of_operations.chain(conditions)
}
