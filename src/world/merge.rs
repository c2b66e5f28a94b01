//! An object that is applied over one that exists, as the API server merges them under server-side
//! apply.
//!
//! Mappings are merged. Lists are merged where their type says so: `x-kubernetes-list-type: map`
//! by their keys, `set` by their values; all others are atomic and are replaced. What the
//! applied object leaves out stays as it is: who owned a field before is not known here, so nothing
//! is taken away (sigs.k8s.io/structured-merge-diff, `typed/merge.go` `mergingWalker`).

use std::collections::HashMap;

use crate::k8s::Object;
use crate::k8s::merge_keys::{Field, Schema};
use crate::yaml::{Entry, Mapping, Node, Value};

/// The object that comes of it. What the applied object says keeps its place there; the rest keeps
/// that of the existing one.
pub(super) fn merged(existing: &Object, applied: &Object) -> Object {
    let schema = Type::of(applied);
    let body = node(schema, &existing.body, &applied.body);
    let union = |old: &crate::k8s::Labels, new: &crate::k8s::Labels| {
        let mut all = old.clone();
        all.extend(new.iter().map(|(key, value)| (key.clone(), value.clone())));
        all
    };
    Object {
        gvk: applied.gvk.clone(),
        name: applied.name.clone(),
        namespace: applied.namespace.clone(),
        labels: union(&existing.labels, &applied.labels),
        annotations: union(&existing.annotations, &applied.annotations),
        body,
    }
}

/// What is known of the lists of a value.
#[derive(Clone, Copy)]
enum Type {
    /// A type of Kubernetes' own.
    BuiltIn(Schema),
    /// Below a custom resource: the one list that is merged, by the fields on the way to it and its
    /// key.
    Custom(&'static [&'static str], &'static str),
    /// Nothing: every list is atomic.
    Unknown,
}

/// Lists of custom resources that are maps (`x-kubernetes-list-map-keys` in their CRDs), and decide
/// who reaches what: listeners (gateway-api, `Gateway` v1) and ports (istio/api, `ServiceEntry` v1).
const CUSTOM: [(&str, &str, &[&str], &str); 2] = [
    ("gateway.networking.k8s.io", "Gateway", &["spec", "listeners"], "name"),
    ("networking.istio.io", "ServiceEntry", &["spec", "ports"], "name"),
];

impl Type {
    fn of(object: &Object) -> Self {
        let gvk = &object.gvk;
        let custom = CUSTOM.iter().find(|(group, kind, ..)| gvk.is(group, kind));
        match custom {
            Some((_, _, path, key)) => Type::Custom(path, key),
            None => Schema::of(&gvk.api_version(), &gvk.kind).map_or(Type::Unknown, Type::BuiltIn),
        }
    }

    /// The type of a field, and the keys of its items where it is a list that is merged.
    fn field(self, name: &str) -> (Self, Option<Vec<&'static str>>) {
        match self {
            Type::BuiltIn(schema) => match schema.field(name) {
                Some(Field::Object(inner)) => (Type::BuiltIn(inner), None),
                Some(Field::List(keys, inner)) => (Type::BuiltIn(inner), Some(keys.to_vec())),
                None => (Type::Unknown, None),
            },
            Type::Custom([last], key) if *last == name => (Type::Unknown, Some(vec![key])),
            Type::Custom([first, rest @ ..], key) if *first == name => {
                (Type::Custom(rest, key), None)
            }
            Type::Custom(..) | Type::Unknown => (Type::Unknown, None),
        }
    }
}

fn node(schema: Type, old: &Node, new: &Node) -> Node {
    match (&old.value, &new.value) {
        (Value::Mapping(old), Value::Mapping(entries)) => {
            Node { span: new.span, value: Value::Mapping(mapping(schema, old, entries)) }
        }
        // an empty mapping takes nothing away, and null is one (`typed/merge.go` `doMap`)
        (Value::Mapping(_), Value::Null) => old.clone(),
        _ => new.clone(),
    }
}

fn mapping(schema: Type, old: &Mapping, new: &Mapping) -> Mapping {
    let mut entries = Vec::with_capacity(old.entries.len() + new.entries.len());
    for entry in &old.entries {
        let merged = new.entry(&entry.key).map(|applied| Entry {
            key: entry.key.clone(),
            key_span: applied.key_span,
            value: field(schema, &entry.key, &entry.value, &applied.value),
        });
        entries.push(merged.unwrap_or_else(|| entry.clone()));
    }
    let added = new.entries.iter().filter(|entry| old.entry(&entry.key).is_none());
    entries.extend(added.cloned());
    Mapping { entries }
}

fn field(schema: Type, name: &str, old: &Node, new: &Node) -> Node {
    let (schema, keys) = schema.field(name);
    match (keys, &old.value, &new.value) {
        (Some(keys), Value::List(items), Value::List(applied)) => {
            Node { span: new.span, value: Value::List(list(schema, &keys, items, applied)) }
        }
        (Some(_), Value::List(_), Value::Null) => old.clone(),
        _ => node(schema, old, new),
    }
}

/// Items of one key are merged, the others are added behind those that exist.
fn list(schema: Type, keys: &[&str], old: &[Node], new: &[Node]) -> Vec<Node> {
    let mut items = old.to_vec();
    let mut places: HashMap<Vec<serde_json::Value>, usize> =
        old.iter().enumerate().map(|(at, item)| (identity(keys, item), at)).collect();
    for item in new {
        match places.get(&identity(keys, item)).copied() {
            Some(at) => items[at] = node(schema, &items[at], item),
            None => {
                places.insert(identity(keys, item), items.len());
                items.push(item.clone());
            }
        }
    }
    items
}

/// The keys of an item; of a set, the item itself. `protocol` is TCP where it is not given: that is
/// its default as a key (Kubernetes' OpenAPI, `x-kubernetes-list-map-keys` of ports).
fn identity(keys: &[&str], item: &Node) -> Vec<serde_json::Value> {
    if keys.is_empty() {
        return vec![item.to_json()];
    }
    let default = |key: &str| match key {
        "protocol" => "TCP".into(),
        _ => serde_json::Value::Null,
    };
    let of = |key: &&str| item.get(key).map_or_else(|| default(key), Node::to_json);
    keys.iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::diagnostic::{FileId, Span};

    fn merge(old: &serde_json::Value, new: &serde_json::Value) -> serde_json::Value {
        let object = |value| {
            let span = Span { file: FileId(0), ..Span::default() };
            Object::from_node(Node::from_json(value, span)).expect("an object")
        };
        let merged = merged(&object(old), &object(new));
        let again = Object::from_node(merged.body.clone()).expect("an object");
        assert_eq!((again.labels, again.annotations), (merged.labels, merged.annotations));
        merged.body.to_json()
    }

    fn deployment(spec: &serde_json::Value) -> serde_json::Value {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"},
            "spec": {"template": {"metadata": {"annotations": {"a": "1"}}, "spec": spec}}})
    }

    #[test]
    fn a_part_of_a_workload_takes_no_container_and_no_port_away() {
        let whole = deployment(&json!({"containers": [
            {"name": "a", "image": "x", "ports": [{"containerPort": 80, "name": "http"}]},
            {"name": "b", "image": "y"}]}));
        for part in
            [json!([]), json!(null), json!([{"name": "b"}]), json!([{"name": "a", "ports": []}])]
        {
            assert_eq!(merge(&whole, &deployment(&json!({"containers": part}))), whole, "{part}");
        }
        let part = deployment(&json!({"containers": [
            {"name": "a", "ports": [{"containerPort": 80, "protocol": "TCP"}, {"containerPort": 81}]},
            {"name": "c"}]}));
        let containers = &merge(&whole, &part)["spec"]["template"]["spec"]["containers"];
        assert_eq!(
            *containers,
            json!([
                {"name": "a", "image": "x", "ports": [
                    {"containerPort": 80, "name": "http", "protocol": "TCP"}, {"containerPort": 81}]},
                {"name": "b", "image": "y"},
                {"name": "c"}])
        );
    }

    #[test]
    fn lists_without_a_key_are_replaced() {
        let policy = |rules: serde_json::Value| {
            json!({"apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy",
                "metadata": {"name": "a", "namespace": "n"}, "spec": {"rules": rules}})
        };
        let merged = merge(&policy(json!([{"to": []}, {"from": []}])), &policy(json!([{}])));
        assert_eq!(merged, policy(json!([{}])));
        assert_eq!(merge(&policy(json!([{}])), &policy(json!(null))), policy(json!(null)));
    }

    #[test]
    fn listeners_and_ports_of_custom_resources_have_keys() {
        let gateway = |listeners: serde_json::Value| {
            json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway",
                "metadata": {"name": "a", "namespace": "n"}, "spec": {"listeners": listeners}})
        };
        let (http, tls) =
            (json!({"name": "http", "port": 80}), json!({"name": "tls", "port": 443}));
        let merged = merge(&gateway(json!([http])), &gateway(json!([tls])));
        assert_eq!(merged, gateway(json!([http, tls])));
    }

    #[test]
    fn labels_stay_and_are_overwritten() {
        let namespace = |labels: serde_json::Value| {
            json!({"apiVersion": "v1", "kind": "Namespace",
                "metadata": {"name": "a", "labels": labels, "finalizers": ["x"]}})
        };
        let merged = merge(
            &namespace(json!({"istio-injection": "enabled", "team": "a"})),
            &namespace(
                json!({"istio-injection": "disabled", "istio.io/dataplane-mode": "ambient"}),
            ),
        );
        assert_eq!(
            merged,
            namespace(json!({"istio-injection": "disabled", "team": "a",
                "istio.io/dataplane-mode": "ambient"}))
        );
    }
}
