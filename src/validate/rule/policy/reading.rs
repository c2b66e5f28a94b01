//! Where the parts of AuthorizationPolicies are written. What becomes of them the mesh says.

use super::super::input::{RuleInput, at, items, strings, text};
use crate::diagnostic::Span;
use crate::k8s::{Labels, Object};
use crate::yaml::Node;

/// The kinds that are bound by a selector or by targets.
pub(super) const ATTACHED: [(&str, &str); 4] = [
    ("security.istio.io", "AuthorizationPolicy"),
    ("security.istio.io", "RequestAuthentication"),
    ("telemetry.istio.io", "Telemetry"),
    ("extensions.istio.io", "WasmPlugin"),
];

/// Every AuthorizationPolicy.
pub(super) fn policies<'a>(input: &'a RuleInput<'_>) -> impl Iterator<Item = &'a Object> {
    input.of("security.istio.io", "AuthorizationPolicy")
}

/// Its action; ALLOW is the default.
pub(super) fn action(policy: &Object) -> &str {
    text(&policy.body, &["spec", "action"]).unwrap_or("ALLOW")
}

/// Its rules.
pub(super) fn rules(policy: &Object) -> &[Node] {
    items(&policy.body, &["spec", "rules"])
}

/// Its targets, singular or plural.
pub(super) fn targets(policy: &Object) -> impl Iterator<Item = &Node> {
    let spec = &policy.body;
    at(spec, &["spec", "targetRef"]).into_iter().chain(items(spec, &["spec", "targetRefs"]))
}

/// The labels that a policy selects by; `None` without a selector.
pub(super) fn selected(policy: &Object) -> Option<Labels> {
    let selector = at(&policy.body, &["spec", "selector"])?;
    Some(strings(selector.get("matchLabels")))
}

/// The principals, and not-principals, of a rule, with the values of `source.principal`.
pub(super) fn principals(rule: &Node) -> impl Iterator<Item = &Node> {
    let sources = items(rule, &["from"]).iter().filter_map(|f| f.get("source"));
    let of_sources = sources
        .flat_map(|s| ["principals", "notPrincipals"].into_iter().flat_map(|key| items(s, &[key])));
    let conditions = items(rule, &["when"])
        .iter()
        .filter(|w| text(w, &["key"]) == Some("source.principal"))
        .flat_map(|w| ["values", "notValues"].into_iter().flat_map(|key| items(w, &[key])));
    of_sources.chain(conditions)
}

/// Where its selector is written.
pub(super) fn selector_span(policy: &Object) -> Span {
    at(&policy.body, &["spec", "selector"]).map_or(policy.name_span(), |n| n.span)
}
