//! `selector`, `targetRef`, `targetRefs`: what a policy is bound to.

use super::{field, items};
use crate::diagnostic::Diagnostic;
use crate::simulate::is_selected_label;
use crate::yaml::{Node, Value};

/// The kinds that `allowedTargetRefs` lists, with their groups.
const TARGETS: [(&str, &str); 4] = [
    ("", "Service"),
    ("networking.istio.io", "ServiceEntry"),
    ("gateway.networking.k8s.io", "Gateway"),
    ("gateway.networking.k8s.io", "GatewayClass"),
];

/// `validateOneOfSelectorType`, `validateWorkloadSelector`, `validatePolicyTargetReference`.
pub(super) fn check(spec: &Node, found: &mut Vec<Diagnostic>) {
    let (selector, target) = (field(spec, "selector"), field(spec, "targetRef"));
    let targets = field(spec, "targetRefs").filter(|t| t.as_list().is_some_and(|l| !l.is_empty()));
    let set: Vec<&Node> = [selector, target, targets].into_iter().flatten().collect();
    if let [first, .., last] = set[..] {
        found.push(
            Diagnostic::error(
                "attachment-conflict",
                "only one of `selector`, `targetRef` and `targetRefs` can be set",
            )
            .at(last.span, "this one")
            .also(first.span, "and this one")
            .help("keep one: a selector binds to workloads, a targetRef to a waypoint or a Service behind one"),
        );
    }
    if let Some(selector) = selector {
        check_selector(selector, found);
    }
    for target in target.into_iter().chain(items(spec, "targetRefs")) {
        check_target(target, found);
    }
}

/// Wildcards mean nothing in a selector, although they look as if they did.
pub(super) fn check_selector(selector: &Node, found: &mut Vec<Diagnostic>) {
    let Some(Value::Mapping(labels)) = selector.get("matchLabels").map(|l| &l.value) else {
        return;
    };
    for entry in &labels.entries {
        let value = entry.value.as_str().unwrap_or_default();
        if is_selected_label(&entry.key, value) {
            continue;
        }
        let is_value = is_selected_label(&entry.key, "");
        let at = if is_value { entry.value.span } else { entry.key_span };
        found.push(
            Diagnostic::error(
                "selector-wildcard",
                format!("`{}: {value}` is not a label: a selector takes no wildcard", entry.key),
            )
            .at(at, "")
            .help("name the label in full, or leave the selector out to mean every workload"),
        );
    }
}

fn check_target(target: &Node, found: &mut Vec<Diagnostic>) {
    let text = |key: &str| field(target, key).and_then(Node::as_str).unwrap_or_default();
    if let Some(namespace) = field(target, "namespace")
        && namespace.as_str() != Some("")
    {
        found.push(
            Diagnostic::error(
                "cross-namespace-target",
                "a target's `namespace` must not be set: cross-namespace references are not supported",
            )
            .at(namespace.span, "")
            .help("put the policy into the namespace of its target"),
        );
    }
    let kind = text("kind");
    let group = match text("group") {
        "core" => "",
        other => other,
    };
    if kind.is_empty() || TARGETS.contains(&(group, kind)) {
        return;
    }
    let at = field(target, "kind").map_or(target.span, |n| n.span);
    let diagnostic = Diagnostic::error(
        "unknown-target",
        format!("a policy cannot be bound to `{kind}` of group `{group}`"),
    )
    .at(at, "");
    let right = TARGETS.iter().find(|(_, k)| *k == kind);
    found.push(match right {
        Some((group, _)) => diagnostic.help(format!("the group of `{kind}` is `{group}`")),
        None => {
            diagnostic.help("bind it to a Service, a ServiceEntry, a Gateway or a GatewayClass")
        }
    });
}
