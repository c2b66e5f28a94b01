//! `ValidatePeerAuthentication`.

use super::{attachment, field};
use crate::diagnostic::Diagnostic;
use crate::yaml::Node;

pub(super) fn check(spec: Option<&Node>, found: &mut Vec<Diagnostic>) {
    let Some(spec) = spec else { return };
    let selector = field(spec, "selector");
    if let Some(selector) = selector {
        attachment::check_selector(selector, found);
    }
    let selects = selector
        .and_then(|s| field(s, "matchLabels"))
        .and_then(Node::as_mapping)
        // a label without a value is dropped before the rule is asked
        .is_some_and(|m| m.entries.iter().any(|label| !label.value.is_null()));
    let Some(ports) = field(spec, "portLevelMtls") else { return };
    let entries = ports.as_mapping().map(|m| m.entries.as_slice()).unwrap_or_default();
    if !selects && !entries.is_empty() {
        found.push(
            Diagnostic::error("port-level-without-selector", "`portLevelMtls` requires a selector")
                .at(ports.span, "")
                .help("add `selector.matchLabels`: ports are those of some pods"),
        );
    }
    for entry in entries {
        // `080` is no number in JSON, which the webhook decodes
        if !entry.key.parse::<u16>().is_ok_and(|p| p > 0 && p.to_string() == entry.key) {
            found.push(
                Diagnostic::error("bad-port", format!("`{}` is not a port", entry.key))
                    .at(entry.key_span, "port must be between 1 and 65535")
                    .help("write a number from 1 to 65535, without zeros before it"),
            );
        }
    }
}
