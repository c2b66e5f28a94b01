//! The name of a Service's port says no protocol.
//!
//! ## What
//!
//! A TCP port of a Service has neither an `appProtocol` nor a name of the form
//! `<protocol>[-<suffix>]` whose protocol Istio knows. Services of `kube-system` and its like, of
//! Istio itself and of managed Gateways are left out, and those of namespaces that are shown to be
//! outside the mesh.
//!
//! ## Why
//!
//! Sidecars and waypoints then look at the first bytes to find out whether it is HTTP. A server that
//! speaks first is waited for; what is found out to be HTTP is routed as HTTP, what is not is plain
//! TCP, where rules about paths and methods do not hold.
//!
//! ## Example
//!
//! ```yaml
//! apiVersion: v1
//! kind: Service
//! metadata: {name: reviews, namespace: bookinfo}
//! spec:
//!   selector: {app: reviews}
//!   ports:
//!   - {name: web, port: 9080}
//! ```
//!
//! ## Fix
//!
//! ```yaml
//! apiVersion: v1
//! kind: Service
//! metadata: {name: reviews, namespace: bookinfo}
//! spec:
//!   selector: {app: reviews}
//!   ports:
//!   - {name: http-web, port: 9080}
//! ```
//!
//! ## Source
//!
//! facts/istio-ambient.md §11 (IST0118); istio/istio:`pkg/config/analysis/analyzers/service/portname.go`,
//! `pkg/config/kube/conversion.go` (`ConvertProtocol`), `pkg/config/protocol/instance.go` (`Parse`).

use super::super::Rule;
use super::super::input::{DATAPLANE_MODE, RuleInput, at, items, text};
use crate::diagnostic::{Diagnostic, Severity};
use crate::k8s::{Labels, Object};
use crate::simulate::PROTOCOLS;
use crate::yaml::{Node, Value};

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "port-name",
    severity: Severity::Note,
    summary: "the name of a port says no protocol: it is guessed from the traffic",
    istio: Some("IST0118"),
    source: include_str!("port_name.rs"),
    check,
};

/// Kubernetes' own, which `istioctl analyze` leaves out.
const SYSTEM: [&str; 4] = ["kube-system", "kube-public", "kube-node-lease", "local-path-storage"];
/// Who makes the Services of managed Gateways.
const MANAGERS: [&str; 3] =
    ["istio.io-gateway-controller", "istio.io-mesh-controller", "istio.io-eastwest-controller"];
/// Values of `appProtocol` that Kubernetes defines.
const STANDARD: [&str; 3] = ["kubernetes.io/h2c", "kubernetes.io/ws", "kubernetes.io/wss"];
/// `wellKnownPorts`: never looked into, TCP without a name.
const WELL_KNOWN: [&str; 4] = ["25", "53", "3306", "27017"];

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    for service in input.of("", "Service").filter(|s| is_looked_at(input, s)) {
        for port in items(&service.body, &["spec", "ports"]).iter().filter(|p| !is_clear(p)) {
            let number = number(port).unwrap_or_default();
            let (named, place) = match at(port, &["appProtocol"]).or(at(port, &["name"])) {
                Some(name) => {
                    (format!("`{}` says no protocol", name.as_str().unwrap_or_default()), name.span)
                }
                None => ("its port has no name".into(), port.span),
            };
            found.push(
                Diagnostic::note(
                    RULE.code,
                    format!("the protocol of {}:{number} is guessed: {named}", service.reference()),
                )
                .at(place, "")
                .help("name the port `<protocol>` or `<protocol>-<suffix>`, as `http-web`, or set `appProtocol`"),
            );
        }
    }
}

/// The order of `Analyze` and `analyzeService`.
fn is_looked_at(input: &RuleInput<'_>, service: &Object) -> bool {
    let namespace = service.namespace.as_deref().unwrap_or_default();
    let labels = &service.labels;
    let is = |key: &str, value: &str| labels.get(key).is_some_and(|v| v == value);
    let is_managed = MANAGERS.iter().any(|m| is("gateway.istio.io/managed", m));
    !SYSTEM.contains(&namespace)
        && !labels.contains_key("istio")
        && !is("release", "istio")
        && !is_managed
        // another message of upstream's (IST0150), and nothing in a mesh of ours
        && text(&service.body, &["spec", "type"]) != Some("ExternalName")
        && input.namespace(namespace).is_none_or(|n| is_in_mesh(&n.labels))
}

fn is_in_mesh(labels: &Labels) -> bool {
    [DATAPLANE_MODE, "istio-injection", "istio.io/rev"].iter().any(|key| labels.contains_key(*key))
}

/// `ConvertProtocol`: the protocol of a port is known.
fn is_clear(port: &Node) -> bool {
    if text(port, &["protocol"]) == Some("UDP") {
        return true;
    }
    let name = match text(port, &["appProtocol"]) {
        Some(protocol) if STANDARD.contains(&protocol) => return true,
        Some(protocol) => protocol,
        None => text(port, &["name"]).unwrap_or_default(),
    };
    let name = name.to_ascii_lowercase();
    name.starts_with("grpc-web")
        || PROTOCOLS.contains(&name.split('-').next().unwrap_or_default())
        || number(port).is_some_and(|n| WELL_KNOWN.contains(&n.as_str()))
}

fn number(port: &Node) -> Option<String> {
    match &port.get("port")?.value {
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
