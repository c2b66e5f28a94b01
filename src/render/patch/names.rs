//! What a patch may change of how an object is called.

use serde_json::{Map, Value};

use super::identity::Identity;
use super::objects::Objects;
use super::parse::Patch;

/// Why an object may not be called so, and what to do.
pub(super) type Reason = (String, Option<&'static str>);

/// A strategic merge does not change how an object is called, whatever it says, unless its options
/// let it; the namespace never (`api/resource/resource.go` `ApplySmPatch`).
pub(super) fn keep_names(old: &Value, new: &mut Value, patch: &Patch) {
    let Some(map) = new.as_object_mut() else { return };
    if !patch.allow_kind_change {
        put(map, "kind", old.get("kind"));
    }
    let metadata = map.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
    let Some(metadata) = metadata.as_object_mut() else { return };
    let old = |field: &str| old.get("metadata").and_then(|m| m.get(field));
    if !patch.allow_name_change {
        put(metadata, "name", old("name"));
    }
    put(metadata, "namespace", old("namespace"));
}

fn put(map: &mut Map<String, Value>, field: &str, value: Option<&Value>) {
    match value {
        Some(value) => map.insert(field.to_owned(), value.clone()),
        None => map.shift_remove(field),
    };
}

/// Says why a patched object may not be called as it would be, if so.
pub(super) fn refuse_name(
    objects: &Objects<'_>,
    at: usize,
    was: &Identity,
    is: &Identity,
    patch: &Patch,
) -> Option<Reason> {
    if was.name != is.name && !patch.allow_name_change {
        return Some((
            format!("it would be renamed to `{}`", is.name),
            Some("set `options.allowNameChange` if that is meant"),
        ));
    }
    let kind = |i: &Identity| (i.group.clone(), i.version.clone(), i.kind.clone());
    if kind(was) != kind(is) && !patch.allow_kind_change {
        return Some((
            format!("it would become `{}` of `{}`", is.kind, is.api_version()),
            Some("set `options.allowKindChange` if that is meant"),
        ));
    }
    // a change of kind may lead out of all namespaces
    if was.namespace != is.namespace && kind(was) == kind(is) {
        return Some((
            format!("it would move into namespace `{}`", is.namespace),
            Some("set the namespace where the object comes from"),
        ));
    }
    if objects.is_taken(is, at) {
        return Some((format!("it would be called `{is}`, which exists"), None));
    }
    if was.name != is.name && REFERRED_TO.contains(&was.kind.as_str()) {
        let by = (0..objects.values.len()).find(|other| {
            *other != at
                && objects.states[*other].identity().is_some()
                && mentions(&objects.values[*other], &was.name)
        })?;
        return Some((
            format!("it would be renamed, and `{}` names it", objects.name(by)),
            Some("kustomize would rewrite the reference: give it its name where it comes from"),
        ));
    }
    None
}

/// The kinds whose names kustomize follows into other objects (`nameReference` of its built-in
/// configuration).
const REFERRED_TO: [&str; 16] = [
    "ClusterRole",
    "ConfigMap",
    "Deployment",
    "IngressClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "PriorityClass",
    "ReplicaSet",
    "ReplicationController",
    "Role",
    "Secret",
    "Service",
    "ServiceAccount",
    "StatefulSet",
    "StorageClass",
    "ValidatingAdmissionPolicy",
];

/// Labels are no names.
const LABELS: [&str; 5] = ["annotations", "labels", "matchLabels", "metadata", "selector"];

/// True when some text beside labels and metadata is this name.
fn mentions(value: &Value, name: &str) -> bool {
    match value {
        Value::String(text) => text == name,
        Value::Array(items) => items.iter().any(|v| mentions(v, name)),
        Value::Object(map) => {
            map.iter().any(|(key, v)| !LABELS.contains(&key.as_str()) && mentions(v, name))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// A label or annotation that is no text and was not there before.
pub(super) fn new_without_text(old: &Value, new: &Value) -> Option<(&'static str, String)> {
    fn of<'v>(object: &'v Value, field: &str) -> Option<&'v Map<String, Value>> {
        object.get("metadata")?.get(field)?.as_object()
    }
    ["labels", "annotations"].into_iter().find_map(|field| {
        let before = of(old, field);
        of(new, field)?
            .iter()
            .find(|(key, value)| {
                !value.is_string() && before.and_then(|b| b.get(*key)) != Some(*value)
            })
            .map(|(key, _)| (field, key.clone()))
    })
}
