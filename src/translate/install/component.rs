//! Components: what is rendered where the user's resource is not known.
//!
//! A ManagementPlane that lacks a stanza is a demo installation (facts/tsb.md, "Danger: demo
//! mode"), so nothing is ever rendered that could be applied alone. Instead the user adds a
//! Component to the kustomization that builds the resource:
//!
//! - one for the fields. Its strategic merge has no `target`, so a missing resource fails the
//!   build (facts/gitops-delivery.md 1.16), and it never holds a list, since kustomize replaces a
//!   custom resource's lists whole (1.15). A list that the spec sets outright is a JSON6902 `add`.
//! - two for each list that grows, as JSON6902 has no "append, or create": `…-append` for
//!   resources that have the list and `…-create` for those that have not. The wrong one fails the
//!   build: `add …/-` misses its parent, and `test … null` meets a list.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::json_patch::join;
use super::merge::{is_namespace_level, is_overlays};
use super::resource::PatchTarget;

/// A kustomize Component: a folder with its files.
#[derive(Clone, Debug, PartialEq)]
pub struct Component {
    /// Name of the folder.
    pub name: String,
    /// The files by name; `kustomization.yaml` is one of them.
    pub files: BTreeMap<String, Value>,
}

/// A list in the wanted fields.
struct List {
    pointer: String,
    items: Vec<Value>,
}

/// The Components for the wanted fields of `spec`; none where nothing is wanted.
pub(super) fn components(target: &PatchTarget, spec: &Map<String, Value>) -> Vec<Component> {
    let kind = target.kind.to_lowercase();
    let mut lists = Vec::new();
    let fields = without_lists(spec, "/spec", &mut lists);
    let (growing, outright): (Vec<List>, Vec<List>) =
        lists.into_iter().partition(|list| grows(&list.pointer));

    let mut made = Vec::new();
    if let Some(fields) = fields.filter(|f| !f.is_empty()) {
        let operations = outright
            .iter()
            .map(|list| json!({"op": "add", "path": list.pointer, "value": list.items}));
        made.push(component(kind.clone(), target, fields, operations.collect()));
    }
    for list in growing {
        let name = format!("{kind}-{}", short_name(&list.pointer));
        let append = list
            .items
            .iter()
            .map(|item| json!({"op": "add", "path": join(&list.pointer, "-"), "value": item}));
        made.push(component(format!("{name}-append"), target, Map::new(), append.collect()));
        let create = vec![
            json!({"op": "test", "path": list.pointer, "value": null}),
            json!({"op": "add", "path": list.pointer, "value": list.items}),
        ];
        let parents = parents(&list.pointer);
        made.push(component(format!("{name}-create"), target, parents, create));
    }
    made
}

fn component(
    name: String,
    target: &PatchTarget,
    spec: Map<String, Value>,
    operations: Vec<Value>,
) -> Component {
    let mut fields = target.with_spec(&spec);
    if spec.is_empty()
        && let Value::Object(fields) = &mut fields
    {
        fields.remove("spec");
    }
    let mut files = BTreeMap::from([("fields.yaml".to_owned(), fields)]);
    let mut patches = vec![json!({"path": "fields.yaml"})];
    if !operations.is_empty() {
        files.insert("lists.yaml".to_owned(), Value::Array(operations));
        patches.push(json!({"path": "lists.yaml", "target": target.selector()}));
    }
    files.insert(
        "kustomization.yaml".to_owned(),
        json!({
            "apiVersion": "kustomize.config.k8s.io/v1alpha1",
            "kind": "Component",
            "patches": patches,
        }),
    );
    Component { name, files }
}

/// True for a list that is added to; any other is set outright.
fn grows(pointer: &str) -> bool {
    is_overlays(pointer) || is_namespace_level(pointer)
}

/// A mapping without its lists; `None` where nothing but growing lists was in it. The mapping that
/// held a list set outright stays, empty if need be: the list's own patch needs its parent.
fn without_lists(
    map: &Map<String, Value>,
    at: &str,
    lists: &mut Vec<List>,
) -> Option<Map<String, Value>> {
    let mut rest = Map::new();
    let mut is_parent = map.is_empty();
    for (key, value) in map {
        let at = join(at, key);
        match value {
            Value::Array(items) => {
                is_parent |= !grows(&at);
                lists.push(List { pointer: at, items: items.clone() });
            }
            Value::Object(map) => {
                if let Some(map) = without_lists(map, &at, lists) {
                    rest.insert(key.clone(), Value::Object(map));
                }
            }
            other => {
                rest.insert(key.clone(), other.clone());
            }
        }
    }
    (is_parent || !rest.is_empty()).then_some(rest)
}

/// The empty mappings above a list, from below `spec`.
fn parents(pointer: &str) -> Map<String, Value> {
    let keys: Vec<String> = pointer
        .split('/')
        .skip(2)
        .map(|token| token.replace("~1", "/").replace("~0", "~"))
        .collect();
    keys[..keys.len().saturating_sub(1)]
        .iter()
        .rev()
        .fold(Map::new(), |inner, key| Map::from_iter([(key.clone(), Value::Object(inner))]))
}

/// A list's pointer without what every pointer has: `xcp-overlays`.
fn short_name(pointer: &str) -> String {
    let words: Vec<String> = pointer
        .split('/')
        .filter(|t| !matches!(*t, "" | "spec" | "components" | "kubeSpec"))
        .map(|t| t.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "-"))
        .collect();
    words.join("-")
}
