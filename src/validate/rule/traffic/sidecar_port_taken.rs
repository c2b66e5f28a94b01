//! A Sidecar has a listener on a port that is taken.
//!
//! ## What
//!
//! Two listeners of one `egress`, or of one `ingress`, of a Sidecar have the same port; or one has a port on which the
//! proxy itself listens.
//!
//! ## Why
//!
//! Istio's webhook refuses a Sidecar with one port twice: whoever applies it fails, and the one that was there stays in
//! force. A listener on a port of the proxy's own (15001, 15006, 15021, 15090) is left out without a word: its hosts
//! are not known on that port.
//!
//! ## Example
//!
//! ```yaml
//! apiVersion: networking.istio.io/v1
//! kind: Sidecar
//! metadata: {name: default, namespace: client}
//! spec:
//!   egress:
//!   - port: {number: 9080, protocol: HTTP, name: reviews}
//!     hosts: ["bookinfo/*"]
//!   - port: {number: 9080, protocol: HTTP, name: details}
//!     hosts: ["details/*"]
//!   - hosts: ["./*"]
//! ```
//!
//! ## Fix
//!
//! ```yaml
//! apiVersion: networking.istio.io/v1
//! kind: Sidecar
//! metadata: {name: default, namespace: client}
//! spec:
//!   egress:
//!   - port: {number: 9080, protocol: HTTP, name: reviews}
//!     hosts: ["bookinfo/*", "details/*"]
//!   - hosts: ["./*"]
//! ```
//!
//! ## Source
//!
//! istio/istio:`pkg/config/validation/validation.go`, `ValidateSidecar`; `pilot/pkg/model/context.go`,
//! `conflictWithReservedListener`.

use std::collections::BTreeMap;

use super::super::Rule;
use super::super::input::{RuleInput, at, items};
use super::NETWORKING;
use crate::diagnostic::{Diagnostic, Severity};
use crate::yaml::{Node, from_node};

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "sidecar-port-taken",
    severity: Severity::Warning,
    summary: "a Sidecar has a listener on a port that is taken",
    istio: None,
    source: include_str!("sidecar_port_taken.rs"),
    check,
};

/// The proxy's own: outbound, inbound, health, metrics.
const OWN: [u16; 4] = [15001, 15006, 15021, 15090];

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    for sidecar in input.of(NETWORKING, "Sidecar") {
        for way in ["egress", "ingress"] {
            let mut taken: BTreeMap<u16, &Node> = BTreeMap::new();
            for listener in items(&sidecar.body, &["spec", way]) {
                let Some(node) = at(listener, &["port", "number"]) else { continue };
                let Ok(port) = from_node::<u16>(node) else { continue };
                let name = sidecar.reference();
                if let Some(first) = taken.get(&port) {
                    found.push(
                        Diagnostic::warning(
                            RULE.code,
                            format!("{name} has two listeners on port {port} in `{way}`"),
                        )
                        .at(node.span, "Istio's webhook refuses the whole Sidecar")
                        .also(first.span, "the other one")
                        .help("write the hosts of both below one port"),
                    );
                    continue;
                }
                taken.insert(port, node);
                // one with an address of its own is beside them
                if way == "egress" && at(listener, &["bind"]).is_none() && OWN.contains(&port) {
                    found.push(
                        Diagnostic::warning(
                            RULE.code,
                            format!(
                                "{name} has a listener on port {port}, which is the proxy's own"
                            ),
                        )
                        .at(node.span, "istiod leaves this listener out where it speaks HTTP")
                        .help("take another port"),
                    );
                }
            }
        }
    }
}
