//! Layers of a spec, merged as trees: every value keeps the file and place it was written at.
//!
//! Maps merge. An explicit null removes. The lists of [`KEYED`] merge entry by entry, by name: what
//! the base has keeps its order, what is new follows. Every other list replaces.

use std::collections::{BTreeMap, BTreeSet};

use crate::yaml::{Entry, Mapping, Node, Value};

/// Lists whose entries have names, by the way there; `*` stands for an entry of a list.
const KEYED: [&[&str]; 4] = [
    &["spec", "clusters"],
    &["spec", "clusters", "*", "namespaces"],
    &["spec", "clusters", "*", "namespaces", "*", "workloads"],
    &["spec", "migration", "stages"],
];

/// Lays `over` onto `base`.
pub(super) fn merge(base: Node, over: Node) -> Node {
    merge_at(base, over, &mut Vec::new())
}

/// Lays `over` onto `base` as entries of `spec.clusters`.
pub(super) fn merge_cluster(base: Node, over: Node) -> Node {
    merge_at(base, over, &mut vec!["spec".into(), "clusters".into(), "*".into()])
}

/// The name of an entry of a keyed list.
pub(super) fn name_of(entry: &Node) -> Option<&str> {
    entry.get("name")?.as_str()
}

fn merge_at(base: Node, over: Node, way: &mut Vec<String>) -> Node {
    let span = over.span;
    let value = match (base.value, over.value) {
        (Value::Mapping(base), Value::Mapping(over)) => {
            Value::Mapping(merge_mappings(base, over, way))
        }
        (Value::List(base), Value::List(over)) if is_keyed(way) => {
            Value::List(merge_lists(base, over, way))
        }
        (_, over) => over,
    };
    Node { span, value }
}

fn merge_mappings(base: Mapping, over: Mapping, way: &mut Vec<String>) -> Mapping {
    let mut entries = base.entries;
    let mut at: BTreeMap<String, usize> =
        entries.iter().enumerate().map(|(i, e)| (e.key.clone(), i)).collect();
    let mut removed = BTreeSet::new();
    // a waypoint's null stays: it says that nothing is inherited from the cluster either
    let nulls_stay = way.last().is_some_and(|key| key == "waypoint");
    for Entry { key, key_span, value } in over.entries {
        let removes = value.is_null() && !nulls_stay;
        match at.get(&key) {
            Some(index) if removes => {
                removed.insert(*index);
            }
            Some(index) => {
                let entry = &mut entries[*index];
                let below = std::mem::replace(&mut entry.value, null(&value));
                way.push(key);
                entry.value = merge_at(below, value, way);
                entry.key_span = key_span;
                way.pop();
            }
            // removes what is not there
            None if removes => {}
            None => {
                at.insert(key.clone(), entries.len());
                entries.push(Entry { key, key_span, value });
            }
        }
    }
    let mut index = 0;
    entries.retain(|_| {
        index += 1;
        !removed.contains(&(index - 1))
    });
    Mapping { entries }
}

fn merge_lists(base: Vec<Node>, over: Vec<Node>, way: &mut Vec<String>) -> Vec<Node> {
    let mut items = base;
    let mut at: BTreeMap<String, usize> = BTreeMap::new();
    for (index, item) in items.iter().enumerate() {
        if let Some(key) = key_of(item) {
            at.entry(key).or_insert(index);
        }
    }
    way.push("*".into());
    for item in over {
        // an entry is taken once: a name that is given twice in one layer stays a fault to report
        match key_of(&item).and_then(|key| at.remove(&key)) {
            Some(index) => {
                let below = std::mem::replace(&mut items[index], null(&item));
                items[index] = merge_at(below, item, way);
            }
            None => items.push(item),
        }
    }
    way.pop();
    items
}

/// By name; workloads of two kinds may share one.
fn key_of(item: &Node) -> Option<String> {
    let kind = item.get("kind").and_then(Node::as_str).unwrap_or_default();
    Some(format!("{kind}/{}", name_of(item)?))
}

fn is_keyed(way: &[String]) -> bool {
    KEYED.iter().any(|keyed| keyed.len() == way.len() && keyed.iter().zip(way).all(|(a, b)| a == b))
}

fn null(like: &Node) -> Node {
    Node { span: like.span, value: Value::Null }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::FileId;
    use crate::yaml::{Budget, read};

    fn node(file: u32, text: &str) -> Node {
        read(FileId(file), text, &Budget::SPEC).0.remove(0).root
    }

    fn merged(base: &str, over: &str) -> serde_json::Value {
        merge(node(0, base), node(1, over)).to_json()
    }

    #[test]
    fn maps_merge_and_null_removes() {
        assert_eq!(
            merged("{a: {b: 1, c: 2}, d: 3}", "{a: {b: 9, c: null}, d: null, e: null, f: 4}"),
            serde_json::json!({"a": {"b": 9}, "f": 4})
        );
    }

    #[test]
    fn keyed_lists_merge_by_name_and_others_replace() {
        let base = "spec: {clusters: [{name: a, x: 1, namespaces: [{name: n, mode: sidecar}]}, {name: b}], patches: [1, 2]}";
        let over = "spec: {clusters: [{name: c}, {name: a, namespaces: [{name: n, mode: ambient}, {name: m}]}], patches: [3]}";
        assert_eq!(
            merged(base, over),
            serde_json::json!({"spec": {"clusters": [
                {"name": "a", "x": 1, "namespaces": [{"name": "n", "mode": "ambient"}, {"name": "m"}]},
                {"name": "b"},
                {"name": "c"},
            ], "patches": [3]}})
        );
    }

    #[test]
    fn a_list_elsewhere_is_not_keyed() {
        let layer = |x| {
            format!(
                "spec: {{clusters: [{{name: a, controlPlane: {{spec: {{namespaces: [{{name: n, x: {x}}}]}}}}}}]}}"
            )
        };
        assert_eq!(
            merged(&layer("1, y: 1"), &layer("2")),
            node(0, &layer("2")).to_json(),
            "free fields of a ControlPlane are not ours to merge by name"
        );
    }

    #[test]
    fn a_name_twice_in_one_layer_stays_twice() {
        let over = "spec: {clusters: [{name: a, x: 1}, {name: a, x: 2}]}";
        assert_eq!(
            merged("spec: {clusters: [{name: a}]}", over)["spec"]["clusters"],
            serde_json::json!([{"name": "a", "x": 1}, {"name": "a", "x": 2}])
        );
    }

    #[test]
    fn values_keep_their_file() {
        let merged = merge(node(0, "a: {b: 1, c: 2}"), node(1, "a: {c: 3}"));
        let file = |key| merged.get("a").unwrap().get(key).unwrap().span.file;
        assert_eq!((file("b"), file("c")), (FileId(0), FileId(1)));
    }
}
