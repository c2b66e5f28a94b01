//! By what the items of a list are told apart.

use std::collections::BTreeSet;

use serde_json::Value;

/// Fields that tell the items of Kubernetes', Istio's and TSB's lists apart, the first that does
/// in a list is taken: those of `x-kubernetes-list-map-keys` in the built-in kinds and the CRDs
/// that are rendered, and the names that TSB gives to its own.
const KEYS: [&[&str]; 11] = [
    &["name"],
    &["containerPort", "protocol"],
    &["port", "protocol"],
    &["mountPath"],
    &["fqn"],
    &["key", "operator"],
    &["group", "kind", "namespace", "name"],
    &["kind", "name"],
    &["type"],
    &["path"],
    &["key"],
];

/// The fields by which the items of both lists can be told apart: each item of either list has the
/// first of them, and no two items of a list have all of them alike.
pub(super) fn keys_of(before: &[Value], after: &[Value]) -> Option<&'static [&'static str]> {
    let tells_apart = |keys: &&&[&str], items: &[Value]| {
        let mut seen = BTreeSet::new();
        items.iter().all(|item| identity(item, keys).is_some_and(|id| seen.insert(id)))
    };
    KEYS.iter().find(|keys| tells_apart(keys, before) && tells_apart(keys, after)).copied()
}

/// The values of those fields: a field that an item does not have is left out. `None` where the
/// first is missing or one is no scalar.
pub(super) fn identity(item: &Value, keys: &[&str]) -> Option<Vec<(String, String)>> {
    let item = item.as_object()?;
    item.get(*keys.first()?)?;
    let mut identity = Vec::with_capacity(keys.len());
    for key in keys {
        let value = match item.get(*key) {
            None => continue,
            Some(Value::String(text)) => text.clone(),
            Some(value @ (Value::Number(_) | Value::Bool(_))) => value.to_string(),
            Some(Value::Null | Value::Array(_) | Value::Object(_)) => return None,
        };
        identity.push(((*key).to_owned(), value));
    }
    Some(identity)
}
