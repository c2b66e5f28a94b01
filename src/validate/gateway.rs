//! What the Gateway API's CRD says of a Gateway in CEL, for when only our own schema is at hand
//! (kubernetes-sigs/gateway-api `config/crd/standard/gateway.networking.k8s.io_gateways.yaml`,
//! facts/istio-ambient.md §12.4).

use std::collections::BTreeMap;

use crate::diagnostic::{Diagnostic, Span};
use crate::k8s::Object;
use crate::yaml::Node;

/// Applies the rules to a Gateway; other kinds have none here.
pub(super) fn check(object: &Object, found: &mut Vec<Diagnostic>) {
    if !object.gvk.is("gateway.networking.k8s.io", "Gateway") {
        return;
    }
    let Some(spec) = object.body.get("spec") else { return };
    let items = |key: &str| spec.get(key).and_then(Node::as_list).unwrap_or_default();
    check_listeners(items("listeners"), found);
    check_addresses(items("addresses"), found);
}

fn check_listeners(listeners: &[Node], found: &mut Vec<Diagnostic>) {
    let mut names: BTreeMap<String, Span> = BTreeMap::new();
    let mut places: BTreeMap<[String; 3], Span> = BTreeMap::new();
    for listener in listeners {
        let text = |key: &str| match listener.get(key) {
            Some(node) if !node.is_null() => node.to_json().to_string(),
            _ => String::new(),
        };
        if let Some(name) = listener.get("name")
            && let Some(first) = names.insert(text("name"), name.span)
        {
            found.push(
                Diagnostic::error("duplicate-item", "a listener's name must be unique")
                    .at(name.span, "again here")
                    .also(first, "first here")
                    .help("call one of them otherwise"),
            );
        }
        let place = [text("port"), text("protocol"), text("hostname")];
        if let Some(first) = places.insert(place, listener.span) {
            found.push(
                Diagnostic::error(
                    "duplicate-item",
                    "port, protocol and hostname together must be unique for each listener",
                )
                .at(listener.span, "again here")
                .also(first, "first here")
                .help("keep one of them, or give it another port or hostname"),
            );
        }
        if let Some(tls) = listener.get("tls").filter(|t| !t.is_null()) {
            check_tls(tls, found);
        }
    }
}

/// `mode` defaults to Terminate, which needs a certificate or an option that stands for one.
fn check_tls(tls: &Node, found: &mut Vec<Diagnostic>) {
    let ends_here = tls.get("mode").and_then(Node::as_str).is_none_or(|m| m == "Terminate");
    let has_certificates =
        tls.get("certificateRefs").and_then(Node::as_list).is_some_and(|l| !l.is_empty());
    let has_options =
        tls.get("options").and_then(Node::as_mapping).is_some_and(|m| !m.entries.is_empty());
    if ends_here && !has_certificates && !has_options {
        found.push(
            Diagnostic::error(
                "missing-certificate",
                "certificateRefs or options must be specified when TLS ends here",
            )
            .at(tls.span, "")
            .help("add `certificateRefs`, or use mode Passthrough"),
        );
    }
}

fn check_addresses(addresses: &[Node], found: &mut Vec<Diagnostic>) {
    let mut seen: BTreeMap<(String, String), Span> = BTreeMap::new();
    for address in addresses {
        let kind = address.get("type").and_then(Node::as_str).unwrap_or("IPAddress");
        let Some(value) = address.get("value") else { continue };
        let text = value.as_str().unwrap_or_default();
        let good = match kind {
            "IPAddress" => text.parse::<std::net::IpAddr>().is_ok(),
            "Hostname" => {
                crate::k8s::is_dns_subdomain(text.strip_prefix("*.").unwrap_or(text))
                    || text.is_empty()
            }
            _ => true,
        };
        if !good {
            found.push(
                Diagnostic::error("bad-address", format!("`{text}` is not of type {kind}"))
                    .at(value.span, "")
                    .help("write an address such as `10.0.0.1`, a hostname, or the `type` that this is of"),
            );
        }
        if matches!(kind, "IPAddress" | "Hostname")
            && let Some(first) = seen.insert((kind.to_owned(), text.to_owned()), value.span)
        {
            found.push(
                Diagnostic::error("duplicate-item", "an address must be unique")
                    .at(value.span, "again here")
                    .also(first, "first here")
                    .help("keep one of them"),
            );
        }
    }
}
