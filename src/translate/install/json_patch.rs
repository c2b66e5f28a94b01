//! JSON6902: the fewest operations that turn a known base into the finished resource.
//!
//! The base is known, so every parent of an operation exists: a missing subtree is added whole at
//! its highest missing key. Lists that only grow get `add …/-`, as a list in a resource without
//! merge keys would be replaced by a strategic merge (facts/gitops-delivery.md 1.15).

use serde_json::{Value, json};

/// The operations from one value to another, in the order of the base's keys, then of new ones.
pub(super) fn operations(from: &Value, to: &Value) -> Vec<Value> {
    let mut found = Vec::new();
    walk(from, to, "", &mut found);
    found
}

/// One step further down a JSON pointer (RFC 6901).
pub(super) fn join(pointer: &str, token: &str) -> String {
    format!("{pointer}/{}", token.replace('~', "~0").replace('/', "~1"))
}

fn walk(from: &Value, to: &Value, at: &str, found: &mut Vec<Value>) {
    match (from, to) {
        _ if from == to => {}
        (Value::Object(old), Value::Object(new)) => {
            for (key, old) in old {
                let at = join(at, key);
                match new.get(key) {
                    None => found.push(json!({"op": "remove", "path": at})),
                    Some(new) => walk(old, new, &at, found),
                }
            }
            for (key, new) in new.iter().filter(|(key, _)| !old.contains_key(*key)) {
                found.push(json!({"op": "add", "path": join(at, key), "value": new}));
            }
        }
        (Value::Array(old), Value::Array(new)) if grows(old, new) => {
            for (i, (old, new)) in old.iter().zip(new).enumerate() {
                walk(old, new, &join(at, &i.to_string()), found);
            }
            for new in &new[old.len()..] {
                found.push(json!({"op": "add", "path": join(at, "-"), "value": new}));
            }
        }
        // `replace` of a null is refused by appliers that take it for a missing key
        (Value::Null, _) => found.push(json!({"op": "add", "path": at, "value": to})),
        _ => found.push(json!({"op": "replace", "path": at, "value": to})),
    }
}

/// True when the new list is the old one, changed only inside of its mappings, and longer or as
/// long.
fn grows(old: &[Value], new: &[Value]) -> bool {
    new.len() >= old.len()
        && old.iter().zip(new).all(|(o, n)| o == n || (o.is_object() && n.is_object()))
}
