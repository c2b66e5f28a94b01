//! Policies with one rule less, or one rule the other way round: what tests should notice.

use serde_json::{Value, json};

use crate::diagnostic::Span;
use crate::k8s::Object;
use crate::yaml::Node;

/// An AuthorizationPolicy with one fault in it.
#[derive(Clone, Debug)]
pub(super) struct Mutant {
    /// Place of the policy among the objects it was made of.
    pub object: usize,
    /// `namespace/name` of the policy.
    pub policy: String,
    /// The rule; `None` for a policy that has none and is left out as a whole.
    pub rule: Option<usize>,
    /// What was done to it.
    pub mutation: Mutation,
    /// What stands in the policy's place: nothing, the policy without the rule, and the rule in a
    /// policy of the opposite action.
    pub objects: Vec<Object>,
    /// Where the rule stands, or the policy.
    pub span: Span,
}

/// What was done to a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Mutation {
    /// It is gone.
    Removed,
    /// It allows what it denied, or denies what it allowed.
    Flipped,
}

impl Mutation {
    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            Mutation::Removed => "removed",
            Mutation::Flipped => "flipped",
        }
    }
}

/// Every rule of every AuthorizationPolicy removed, and those that allow or deny flipped. Policies
/// that only log have none: nothing depends on them. A policy without rules is left out as a whole.
pub(super) fn mutants<'a>(objects: impl Iterator<Item = &'a Object>) -> Vec<Mutant> {
    let policies = objects.enumerate().filter(|(_, o)| is_policy(o));
    policies.flat_map(|(index, object)| of_policy(index, object)).collect()
}

fn is_policy(object: &Object) -> bool {
    object.gvk.group == "security.istio.io"
        && object.gvk.kind == "AuthorizationPolicy"
        && object.annotations.get("istio.io/dry-run").is_none_or(|value| value == "false")
}

fn of_policy(index: usize, object: &Object) -> Vec<Mutant> {
    let body = object.body.to_json();
    let text = |key: &str| body["spec"][key].as_str().unwrap_or_default();
    let opposite = match text("action") {
        "" | "ALLOW" => Some("DENY"),
        "DENY" => Some("ALLOW"),
        "AUDIT" => return Vec::new(),
        _ => None,
    };
    let namespace = object.namespace_or_default();
    let mutant = |rule, mutation, bodies: Vec<Value>, span: Span| Mutant {
        object: index,
        policy: format!("{namespace}/{}", object.name),
        rule,
        mutation,
        objects: bodies
            .iter()
            .filter_map(|body| Object::from_node(Node::from_json(body, span)).ok())
            .collect(),
        span,
    };
    let rules = body["spec"]["rules"].as_array().cloned().unwrap_or_default();
    if rules.is_empty() {
        return vec![mutant(None, Mutation::Removed, Vec::new(), object.name_span())];
    }
    let nodes = object.body.get("spec").and_then(|s| s.get("rules")).and_then(Node::as_list);
    let mut all = Vec::new();
    for (number, rule) in rules.iter().enumerate() {
        let span = nodes.and_then(|n| n.get(number)).map_or(object.name_span(), |n| n.span);
        let mut without = body.clone();
        let mut rest = rules.clone();
        rest.remove(number);
        without["spec"]["rules"] = Value::Array(rest);
        all.push(mutant(Some(number), Mutation::Removed, vec![without.clone()], span));
        let Some(opposite) = opposite else { continue };
        let mut flipped = body.clone();
        flipped["spec"]["rules"] = json!([rule]);
        flipped["spec"]["action"] = json!(opposite);
        // of one rule alone the policy itself is turned round
        let bodies = if rules.len() == 1 {
            vec![flipped]
        } else {
            flipped["metadata"]["name"] = json!(format!("{}-rule-{number}-flipped", object.name));
            vec![without, flipped]
        };
        all.push(mutant(Some(number), Mutation::Flipped, bodies, span));
    }
    all
}
