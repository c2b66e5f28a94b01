//! Where the parts of AuthorizationPolicies are written. What becomes of them the mesh says.

use std::collections::BTreeSet;

use super::super::input::{RuleInput, Workload, at, items, strings, text};
use crate::diagnostic::Span;
use crate::k8s::{Labels, Object};
use crate::simulate::PodState;
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

/// Does a rule of a policy of the root namespace stand at the waypoints as well: in a copy that is bound to
/// their class, or in one for each namespace whose ambient pods the policy holds for? Then the policy itself
/// is there for sidecars. That it leaves identities out is no difference: waypoints come for others, whom
/// the copy has asked.
pub(super) fn stands_at_waypoints(input: &RuleInput<'_>, policy: &Object, rule: &Node) -> bool {
    let root = input.settings.root_namespace.as_str();
    if policy.namespace_or_default() != root {
        return false;
    }
    let wanted = without_exceptions(rule);
    let copies: Vec<&Object> = policies(input)
        .filter(|other| action(other) == action(policy) && targets(other).next().is_some())
        .filter(|other| rules(other).iter().any(|rule| without_exceptions(rule) == wanted))
        .collect();
    let is_for_class = |target: &Node| text(target, &["kind"]) == Some("GatewayClass");
    let is_for_all =
        |copy: &&Object| copy.namespace_or_default() == root && targets(copy).any(is_for_class);
    if copies.iter().any(is_for_all) {
        return true;
    }
    let labels = selected(policy).unwrap_or_default();
    let is_held = |workload: &&Workload<'_>| {
        let is_ambient = input.state(workload) == Some(PodState::Ambient);
        is_ambient && labels.iter().all(|(key, value)| workload.labels.get(key) == Some(value))
    };
    let held = input.all_workloads().filter(is_held).map(|w| w.object.namespace_or_default());
    let held: BTreeSet<&str> = held.collect();
    let has_copy =
        |namespace: &&str| copies.iter().any(|copy| copy.namespace_or_default() == *namespace);
    // of pods that are not shown nothing is known
    !held.is_empty() && held.iter().all(has_copy)
}

/// A rule without the identities that its sources leave out.
fn without_exceptions(rule: &Node) -> serde_json::Value {
    let mut rule = rule.to_json();
    let sources = rule.get_mut("from").and_then(|from| from.as_array_mut());
    for source in sources.into_iter().flatten().filter_map(|from| from.get_mut("source")) {
        source.as_object_mut().map(|source| source.shift_remove("notPrincipals"));
    }
    rule
}
