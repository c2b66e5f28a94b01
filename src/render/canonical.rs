//! The order of keys in what we write: apiVersion, kind, metadata (name, namespace, labels,
//! annotations), then the rest; alphabetical everywhere below (facts/gitops-delivery.md 6.3).

use serde_json::{Map, Value};

use crate::yaml::{Shape, Shaped};

const TOP: [&str; 3] = ["apiVersion", "kind", "metadata"];
const METADATA: [&str; 4] = ["name", "namespace", "labels", "annotations"];

/// Puts an object's keys into canonical order. Lists keep theirs: it has a meaning.
pub fn canonical(object: Value) -> Value {
    if is_canonical(&object) {
        return object;
    }
    let Value::Object(map) = object else { return sorted(object) };
    let mut map = order(map, &TOP);
    if let Some(metadata) = map.get_mut("metadata")
        && let Value::Object(inner) = metadata.take()
    {
        *metadata = Value::Object(order(inner, &METADATA));
    }
    Value::Object(map)
}

/// True for what [`canonical`] would leave as it is: what the built-in templates give.
pub(super) fn is_canonical<T: Shaped>(object: &T) -> bool {
    let Shape::Mapping(mut entries) = object.shape() else { return is_sorted(object) };
    is_ordered::<T>(entries.clone(), &TOP)
        && entries.all(|(key, value)| match value.shape() {
            Shape::Mapping(mut metadata) if key == "metadata" => {
                is_ordered::<T>(metadata.clone(), &METADATA) && metadata.all(|(_, v)| is_sorted(v))
            }
            _ => is_sorted(value),
        })
}

fn is_sorted<T: Shaped>(value: &T) -> bool {
    match value.shape() {
        Shape::Mapping(mut entries) => {
            is_ordered::<T>(entries.clone(), &[]) && entries.all(|(_, value)| is_sorted(value))
        }
        Shape::List(items) => items.iter().all(is_sorted),
        _ => true,
    }
}

fn is_ordered<'t, T: Shaped + 't>(entries: T::Entries<'t>, first: &[&str]) -> bool {
    let rank = |key: &str| first.iter().position(|k| *k == key).unwrap_or(first.len());
    entries.map(|(key, _)| (rank(key), key)).is_sorted()
}

/// These keys first, then the others by name; everything below sorted.
fn order(map: Map<String, Value>, first: &[&str]) -> Map<String, Value> {
    let rank = |key: &str| first.iter().position(|k| *k == key).unwrap_or(first.len());
    let mut entries: Vec<(String, Value)> = map.into_iter().collect();
    entries.sort_by(|(a, _), (b, _)| (rank(a), a).cmp(&(rank(b), b)));
    entries
        .into_iter()
        .map(|(key, value)| {
            // `metadata` gets an order of its own
            let value =
                if key == "metadata" && first.len() == TOP.len() { value } else { sorted(value) };
            (key, value)
        })
        .collect()
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(order(map, &[])),
        Value::Array(items) => items.into_iter().map(sorted).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_are_ordered_and_lists_are_not() {
        let object = json!({
            "spec": {"b": [2, 1], "a": {"metadata": {"z": 1, "a": 2}}},
            "metadata": {"annotations": {"b": "1", "a": "2"}, "finalizers": [], "name": "x"},
            "kind": "K", "apiVersion": "v1", "data": 1,
        });
        assert!(!is_canonical(&object));
        let ordered = canonical(object);
        assert!(is_canonical(&ordered));
        assert_eq!(
            ordered.to_string(),
            r#"{"apiVersion":"v1","kind":"K","metadata":{"name":"x","annotations":{"a":"2","b":"1"},"finalizers":[]},"data":1,"spec":{"a":{"metadata":{"a":2,"z":1}},"b":[2,1]}}"#
        );
    }
}
