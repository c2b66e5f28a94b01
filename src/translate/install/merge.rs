//! Laying fields over a resource: mappings merge, a null removes, lists replace.
//!
//! Two lists are keyed and grow instead: `kubeSpec.overlays` (see [`overlay`]) and
//! `ambient.waypoints.namespaceLevel`, by `name`.
//!
//! [`overlay`]: super::overlay

use serde_json::{Map, Value};

use super::json_patch::join;
use super::overlay::{self, Conflict};

/// Lays `over` over `value`; what contradicts inside of overlays is returned.
pub(super) fn merge(value: &mut Value, over: &Value) -> Vec<Conflict> {
    let mut conflicts = Vec::new();
    walk(value, over, "", &mut conflicts);
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

fn walk(value: &mut Value, over: &Value, at: &str, conflicts: &mut Vec<Conflict>) {
    match (&mut *value, over) {
        (Value::Object(map), Value::Object(over)) => {
            for (key, over) in over {
                let at = join(at, key);
                if over.is_null() {
                    map.remove(key);
                    continue;
                }
                match map.get_mut(key) {
                    Some(value) => walk(value, over, &at, conflicts),
                    None => {
                        map.insert(key.clone(), without_nulls(over));
                    }
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
                match same {
                    Some(i) => walk(&mut list[i], entry, &join(at, &i.to_string()), conflicts),
                    None => list.push(entry.clone()),
                }
            }
        }
        _ => *value = without_nulls(over),
    }
}

/// A null in a mapping that is new removes nothing, and says nothing.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.iter()
                .filter(|(_, v)| !v.is_null())
                .map(|(k, v)| (k.clone(), without_nulls(v)))
                .collect(),
        ),
        other => other.clone(),
    }
}
