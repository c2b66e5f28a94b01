//! Laying fields over a resource: mappings merge, a null removes, lists replace.
//! Laying fields over fields: the same, but a null stays, to remove later.
//!
//! Two lists are keyed and grow instead: `kubeSpec.overlays` (see [`overlay`]) and
//! `ambient.waypoints.namespaceLevel`, by `name`.
//!
//! [`overlay`]: super::overlay

use serde_json::{Map, Value};

use super::json_patch::join;
use super::overlay::{self, Conflict};

/// What a null does.
#[derive(Clone, Copy, PartialEq)]
enum Nulls {
    Remove,
    Keep,
}

/// Lays fields over a resource; what contradicts inside of overlays is returned.
pub(super) fn merge(resource: &mut Value, fields: &Value) -> Vec<Conflict> {
    let mut conflicts = Vec::new();
    walk(resource, fields, "", Nulls::Remove, &mut conflicts);
    conflicts
}

/// Lays fields over fields.
pub(super) fn combine(fields: &mut Value, over: &Value) -> Vec<Conflict> {
    let mut conflicts = Vec::new();
    walk(fields, over, "", Nulls::Keep, &mut conflicts);
    conflicts
}

/// True for the pointer of a list of overlays.
pub(super) fn is_overlays(pointer: &str) -> bool {
    pointer.ends_with("/kubeSpec/overlays")
}

/// True for the pointer of the namespaces' waypoint settings.
pub(super) fn is_namespace_level(pointer: &str) -> bool {
    pointer.ends_with("/ambient/waypoints/namespaceLevel")
}

/// Sets a field, with the mappings above it. What stands in the way is replaced.
pub(super) fn set(map: &mut Map<String, Value>, path: &[&str], value: Value) {
    let Some((first, rest)) = path.split_first() else { return };
    if rest.is_empty() {
        map.insert((*first).to_owned(), value);
        return;
    }
    let child = map.entry((*first).to_owned()).or_insert(Value::Null);
    if !child.is_object() {
        *child = Value::Object(Map::new());
    }
    if let Value::Object(child) = child {
        set(child, rest, value);
    }
}

fn walk(value: &mut Value, over: &Value, at: &str, nulls: Nulls, conflicts: &mut Vec<Conflict>) {
    if over.is_object() || is_overlays(at) || is_namespace_level(at) {
        become_like(value, over);
    }
    match (value, over) {
        (Value::Object(map), Value::Object(over)) => {
            for (key, over) in over {
                if over.is_null() && nulls == Nulls::Remove {
                    map.remove(key);
                } else {
                    let value = map.entry(key.clone()).or_insert(Value::Null);
                    walk(value, over, &join(at, key), nulls, conflicts);
                }
            }
        }
        (Value::Array(list), Value::Array(over)) if is_overlays(at) => {
            overlay::merge_lists(list, over, at, conflicts);
        }
        (Value::Array(list), Value::Array(over)) if is_namespace_level(at) => {
            for entry in over {
                let name = entry.get("name").filter(|n| !n.is_null());
                let same = list.iter().position(|e| name.is_some() && e.get("name") == name);
                let i = same.unwrap_or(list.len());
                if same.is_none() {
                    list.push(Value::Null);
                }
                walk(&mut list[i], entry, &join(at, &i.to_string()), nulls, conflicts);
            }
        }
        (value, over) => *value = over.clone(),
    }
}

/// Puts an empty mapping or list in the place of what is none, so that what is new is merged by
/// the same rules.
fn become_like(value: &mut Value, over: &Value) {
    match over {
        Value::Object(_) if !value.is_object() => *value = Value::Object(Map::new()),
        Value::Array(_) if !value.is_array() => *value = Value::Array(Vec::new()),
        _ => {}
    }
}

/// What the API server sees: it drops nulls of fields before it validates.
pub(super) fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| (key.clone(), without_nulls(value)))
                .collect(),
        ),
        Value::Array(list) => list.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_null_removes_from_a_resource_and_waits_in_fields() {
        let mut fields = json!({"a": {"b": 1}});
        combine(&mut fields, &json!({"a": {"b": null, "c": null}, "d": {"e": null}}));
        assert_eq!(fields, json!({"a": {"b": null, "c": null}, "d": {"e": null}}));
        let mut resource = json!({"a": {"b": 1, "c": 2, "f": 3}});
        merge(&mut resource, &fields);
        assert_eq!(resource, json!({"a": {"f": 3}, "d": {}}));
    }

    #[test]
    fn lists_replace_but_for_the_two_that_are_keyed() {
        let overlay = |name: &str, path: &str| json!({"apiVersion": "v1", "kind": "K", "name": name, "patches": [{"path": path, "value": 1}]});
        let mut value = json!({
            "list": [1, 2],
            "kubeSpec": {"overlays": [overlay("a", "x")]},
            "ambient": {"waypoints": {"namespaceLevel": [{"name": "a", "config": {"enable": true}}]}},
        });
        merge(
            &mut value,
            &json!({
                "list": [3],
                "kubeSpec": {"overlays": [overlay("b", "y"), overlay("a", "z"), overlay("a", "x")]},
                "ambient": {"waypoints": {"namespaceLevel": [
                    {"name": "a", "config": {"revision": "r"}}, {"name": "b"}, {"selector": {}},
                ]}},
            }),
        );
        let mut first = overlay("a", "x");
        first["patches"] = json!([{"path": "x", "value": 1}, {"path": "z", "value": 1}]);
        assert_eq!(
            value,
            json!({
                "list": [3],
                "kubeSpec": {"overlays": [first, overlay("b", "y")]},
                "ambient": {"waypoints": {"namespaceLevel": [
                    {"name": "a", "config": {"enable": true, "revision": "r"}}, {"name": "b"}, {"selector": {}},
                ]}},
            })
        );
    }

    #[test]
    fn set_makes_the_mappings_above() {
        let mut map = Map::new();
        set(&mut map, &["a", "b", "c"], json!(1));
        set(&mut map, &["a", "b", "d"], json!(2));
        assert_eq!(Value::Object(map), json!({"a": {"b": {"c": 1, "d": 2}}}));
    }
}
