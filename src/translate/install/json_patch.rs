//! JSON6902: the fewest operations that turn a known base into the finished resource.
//!
//! The base is known, so every parent of an operation exists: a missing subtree is added whole at
//! its highest missing key. Lists that only grow get `add …/-`, as a list in a resource without
//! merge keys would be replaced by a strategic merge (facts/gitops-delivery.md 1.15).

use serde_json::{Value, json};

/// The operations from one value to another, by their paths: the order of keys in the base's text
/// means nothing. No path lies below another's, and none moves the entries of a list, so any order
/// does, but that of values added to one list.
pub(super) fn operations(from: &Value, to: &Value) -> Vec<Value> {
    let mut found = Vec::new();
    walk(from, to, "", &mut found);
    found.sort_by(|a, b| a["path"].as_str().cmp(&b["path"].as_str()));
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn applied(from: &Value, to: &Value) -> Value {
        let operations = Value::Array(operations(from, to));
        let patch: json_patch::Patch = serde_json::from_value(operations).expect("JSON6902");
        let mut value = from.clone();
        json_patch::patch(&mut value, &patch).expect("applies");
        value
    }

    #[test]
    fn only_what_changes_is_touched() {
        let from = json!({"a": {"b/c": 1, "d~e": [1, {"x": 1}]}, "gone": 1, "null": null});
        let to =
            json!({"a": {"b/c": 2, "d~e": [1, {"x": 2}, 3]}, "null": {"y": 1}, "new": {"z": 1}});
        assert_eq!(
            Value::Array(operations(&from, &to)),
            json!([
                {"op": "replace", "path": "/a/b~1c", "value": 2},
                {"op": "add", "path": "/a/d~0e/-", "value": 3},
                {"op": "replace", "path": "/a/d~0e/1/x", "value": 2},
                {"op": "remove", "path": "/gone"},
                {"op": "add", "path": "/new", "value": {"z": 1}},
                {"op": "add", "path": "/null", "value": {"y": 1}},
            ])
        );
        assert_eq!(applied(&from, &to), to);
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (0..4i64).prop_map(Value::from),
            "[a/~-]{0,2}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
                prop::collection::btree_map("[ab/~-]{1,2}", inner, 0..4)
                    .prop_map(|m| Value::Object(m.into_iter().collect())),
            ]
        })
    }

    fn mapping() -> impl Strategy<Value = Value> {
        prop::collection::btree_map("[ab/~-]{1,2}", json(), 0..4)
            .prop_map(|m| Value::Object(m.into_iter().collect()))
    }

    proptest! {
        #[test]
        fn the_operations_lead_from_one_to_the_other(from in mapping(), to in mapping()) {
            prop_assert_eq!(applied(&from, &to), to);
        }

        #[test]
        fn nothing_to_do_is_nothing(value in mapping()) {
            prop_assert!(operations(&value, &value).is_empty());
        }
    }
}
