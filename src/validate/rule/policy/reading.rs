//! A small reading of AuthorizationPolicies: where one is bound, and what ztunnel keeps of it.

use super::super::input::{GATEWAY_API, RuleInput, at, items, text, texts};
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
    Some(texts(selector.get("matchLabels")))
}

/// True when some ztunnel that the objects show enforces the policy: it has no target, and is
/// bound to a workload that is captured (facts/istio-ambient.md §4.1, A1–A4).
pub(super) fn is_at_ztunnel(input: &RuleInput<'_>, policy: &Object) -> bool {
    if targets(policy).next().is_some() {
        return false;
    }
    let namespace = policy.namespace.as_deref().unwrap_or_default();
    let labels = selected(policy);
    // pods of gateways, also of Istio's, are no ambient workloads
    let is_for_gateways = labels.as_ref().is_some_and(|l| {
        l.keys().any(|k| k.starts_with("gateway.istio.io/") || k.starts_with(GATEWAY_API))
            || l.get("istio").is_some_and(|v| v.ends_with("gateway"))
    });
    if is_for_gateways {
        return false;
    }
    let is_bound = |workload_labels: &Labels| {
        labels.as_ref().is_none_or(|wanted| {
            wanted.iter().all(|(key, value)| workload_labels.get(key) == Some(value))
        })
    };
    if namespace == input.settings.root_namespace {
        return input.all_workloads().any(|w| input.is_captured(w) && is_bound(&w.labels))
            || (labels.is_none() && input.namespaces().any(|n| input.is_ambient(&n.name)));
    }
    let workloads = input.workloads(namespace);
    if workloads.is_empty() {
        return input.is_ambient(namespace);
    }
    workloads.iter().any(|w| input.is_captured(w) && is_bound(&w.labels))
        || (labels.is_none() && input.is_ambient(namespace))
}

/// What ztunnel keeps of a rule (facts/istio-ambient.md §4.4, §4.5).
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// HTTP attributes that it cannot see, in the order of the rule.
    pub(super) l7: Vec<Attribute>,
    /// Some clause is left with nothing to match: the rule never matches.
    pub(super) never_matches: bool,
    /// An alternative beside others is left with nothing: it is lost.
    pub(super) lost_alternatives: Vec<Span>,
    /// An alternative lost an attribute and keeps others: it matches more.
    pub(super) widened: Vec<Attribute>,
}

/// An attribute of a rule.
#[derive(Clone, Debug)]
pub(super) struct Attribute {
    /// As it is written: `methods`, `request.headers[x]`.
    pub(super) name: String,
    /// Where.
    pub(super) span: Span,
}

const L4_SOURCE: [&str; 8] = [
    "ipBlocks",
    "notIpBlocks",
    "namespaces",
    "notNamespaces",
    "serviceAccounts",
    "notServiceAccounts",
    "principals",
    "notPrincipals",
];
const L4_OPERATION: [&str; 2] = ["ports", "notPorts"];
const L4_KEYS: [&str; 5] =
    ["source.ip", "source.namespace", "source.principal", "destination.ip", "destination.port"];
/// Fields that are neither kept nor counted as HTTP attributes.
pub(super) const TRUST_DOMAINS: [&str; 2] = ["trustDomains", "notTrustDomains"];

impl Kept {
    /// Of one rule.
    pub(super) fn of(rule: &Node) -> Self {
        let mut kept = Self::default();
        kept.clause(items(rule, &["to"]), "operation", &L4_OPERATION);
        kept.clause(items(rule, &["from"]), "source", &L4_SOURCE);
        for condition in items(rule, &["when"]) {
            let Some(key) = condition.get("key") else { continue };
            let name = key.as_str().unwrap_or_default();
            if !L4_KEYS.contains(&name) {
                kept.l7.push(Attribute { name: name.to_owned(), span: key.span });
                kept.never_matches = true;
            }
        }
        kept
    }

    /// One clause: alternatives, of which any may match.
    fn clause(&mut self, alternatives: &[Node], inner: &str, l4: &[&str]) {
        let mut empty = Vec::new();
        for alternative in alternatives {
            let fields = alternative.get(inner).and_then(Node::as_mapping);
            let (mut keeps, mut strips) = (false, Vec::new());
            for entry in fields.map(|m| m.entries.as_slice()).unwrap_or_default() {
                if entry.value.as_list().is_none_or(<[Node]>::is_empty) {
                    continue;
                }
                let attribute = Attribute { name: entry.key.clone(), span: entry.key_span };
                if l4.contains(&entry.key.as_str()) {
                    keeps = true;
                } else if TRUST_DOMAINS.contains(&entry.key.as_str()) {
                    strips.push(attribute);
                } else {
                    self.l7.push(attribute.clone());
                    strips.push(attribute);
                }
            }
            match (keeps, strips.first()) {
                (false, Some(first)) => empty.push(first.span),
                (true, Some(_)) => self.widened.append(&mut strips),
                (_, None) => {}
            }
        }
        if !empty.is_empty() && empty.len() == alternatives.len() {
            self.never_matches = true;
        } else {
            self.lost_alternatives.append(&mut empty);
        }
    }

    /// The HTTP attributes as a person lists them.
    pub(super) fn l7_names(&self) -> String {
        let mut names: Vec<&str> = self.l7.iter().map(|a| a.name.as_str()).collect();
        names.dedup();
        names.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ")
    }
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
