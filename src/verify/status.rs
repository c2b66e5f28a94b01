//! What an object says of itself in `status` and `metadata`, as Kubernetes means it.

use crate::k8s::Object;
use crate::yaml::{Node, Value};

/// On what istiod makes for a gateway or waypoint: the Gateway's name.
pub(super) const GATEWAY_NAME: &str = "gateway.networking.k8s.io/gateway-name";

/// The text of a key; empty where it has none.
pub(super) fn word<'n>(node: &'n Node, key: &str) -> &'n str {
    node.get(key).and_then(Node::as_str).unwrap_or_default()
}

/// A whole number that is not negative.
pub(super) fn number(object: &Object, path: &[&str]) -> Option<u64> {
    match object.body.get_path(path).map(|node| &node.value) {
        Some(Value::Number(number)) => number.as_u64(),
        _ => None,
    }
}

pub(super) fn conditions(object: &Object) -> &[Node] {
    object.body.get_path(&["status", "conditions"]).and_then(Node::as_list).unwrap_or_default()
}

/// The condition of a type.
pub(super) fn condition<'o>(object: &'o Object, kind: &str) -> Option<&'o Node> {
    conditions(object).iter().find(|condition| word(condition, "type") == kind)
}

/// True where what a controller has written down, in `status` or a condition, is of an object that is no more.
pub(super) fn is_of_before(written: Option<&Node>, object: &Object) -> bool {
    let observed = written.and_then(|node| node.get_path(&["observedGeneration"]));
    let generation = object.body.get_path(&["metadata", "generation"]);
    matches!((observed, generation), (Some(seen), Some(now)) if seen.to_json() != now.to_json())
}

pub(super) fn is_being_deleted(object: &Object) -> bool {
    object.body.get_path(&["metadata", "deletionTimestamp"]).is_some()
}
