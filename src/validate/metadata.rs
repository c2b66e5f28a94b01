//! Kubernetes' rules for what every object carries: its name, namespace, labels and annotations.
//!
//! The API server applies them whatever the kind
//! (k8s.io/apimachinery `pkg/api/validation/objectmeta.go`); JSON Schemas leave them out.

use std::collections::BTreeMap;

use super::identity::{Identity, identity, tctl_place};
use crate::diagnostic::{Diagnostic, Span};
use crate::k8s::{
    Object, is_annotation_key, is_dns_label, is_dns_subdomain, is_label_key, is_label_value,
};
use crate::yaml::{Entry, Mapping, Node, Value};

/// All annotations of an object together, keys and values: 256 KiB
/// (k8s.io/apimachinery `TotalAnnotationSizeLimitB`).
const ANNOTATIONS: usize = 256 << 10;

/// What only the API server writes.
const SERVER_FIELDS: [&str; 6] =
    ["creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid"];

/// Checks one object's metadata, and that it carries nothing that only the cluster writes.
pub(super) fn check(object: &Object, found: &mut Vec<Diagnostic>) {
    let metadata = object.body.get("metadata").and_then(Node::as_mapping);
    // what configures kustomize is no object of a cluster: it needs no name
    if is_kustomize(object) {
        return;
    }
    name(object, metadata, found);
    if let Some(namespace) = &object.namespace
        && !is_dns_label(namespace)
    {
        let at = value_span(metadata, "namespace", object);
        found.push(
            Diagnostic::error(
                "bad-name",
                format!("`{}` is not a namespace's name", shown(namespace)),
            )
            .at(at, "")
            .help(LABEL_HELP),
        );
    }
    if let Some(Value::Mapping(labels)) = metadata.and_then(|m| m.get("labels")).map(|n| &n.value) {
        check_labels(labels, found);
    }
    if let Some(Value::Mapping(annotations)) =
        metadata.and_then(|m| m.get("annotations")).map(|n| &n.value)
    {
        check_annotations(annotations, found);
    }
    finalizers(metadata, found);
    owners(metadata, found);
    server_fields(object, metadata, found);
}

/// Reports every object whose identity some object before it has: the last one applied would win.
pub fn duplicates<'a>(objects: impl IntoIterator<Item = &'a Object>, found: &mut Vec<Diagnostic>) {
    let placed = |object: &'a Object| Some((identity(object)?, object.name_span()));
    duplicates_of(objects.into_iter().filter_map(placed), found);
}

/// As [`duplicates`], of objects that are known by their identities and places.
pub fn duplicates_of(
    objects: impl IntoIterator<Item = (Identity, Span)>,
    found: &mut Vec<Diagnostic>,
) {
    let mut seen: BTreeMap<Identity, Span> = BTreeMap::new();
    for (identity, at) in objects {
        match seen.entry(identity) {
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert(at);
            }
            std::collections::btree_map::Entry::Occupied(first) => found.push(
                Diagnostic::error("duplicate-object", format!("`{}` is there twice", first.key()))
                    .at(at, "again here")
                    .also(*first.get(), "first here")
                    .help("keep one of them: which one counts depends on the order of applying"),
            ),
        }
    }
}

const LABEL_HELP: &str = "use lower case letters, digits and dashes, at most 63, beginning and ending with a letter or digit";
const SUBDOMAIN_HELP: &str = "use lower case letters, digits, dashes and points, at most 253, no part empty or ending in a dash";

fn name(object: &Object, metadata: Option<&Mapping>, found: &mut Vec<Diagnostic>) {
    // beside a name the API server takes no notice of it
    let generate = metadata.and_then(|m| m.entry("generateName")).filter(|e| !e.value.is_null());
    if let Some(entry) = generate.filter(|_| object.name.is_empty()) {
        found.push(
            Diagnostic::error(
                "generate-name",
                format!("{} asks for a generated name", a_kind(object)),
            )
            .at(entry.key_span, "every apply would make another object, and kustomize refuses it")
            .help("give it a `name`"),
        );
        return;
    }
    let is_named_by_fqn = metadata.is_some_and(|m| m.get("fqn").is_some());
    if object.name.is_empty() && is_named_by_fqn && tctl_place(object).is_some() {
        return;
    }
    if object.name.is_empty() {
        let at = metadata
            .and_then(|m| m.entry("name"))
            .map_or_else(|| place_of_metadata(object), |e| e.value.span);
        found.push(
            Diagnostic::error("missing-name", format!("{} has no name", a_kind(object)))
                .at(at, "here")
                .help("add `metadata.name`"),
        );
        return;
    }
    let (good, what, help) = match name_rule(object) {
        NameRule::Label => (is_dns_label(&object.name), "a DNS label", LABEL_HELP),
        NameRule::Rfc1035 => (
            is_dns_label(&object.name) && object.name.starts_with(|c: char| c.is_ascii_lowercase()),
            "a DNS label that begins with a letter",
            LABEL_HELP,
        ),
        NameRule::Subdomain => (is_dns_subdomain(&object.name), "a DNS subdomain", SUBDOMAIN_HELP),
        // `path.ValidatePathSegmentName`: RBAC takes `system:node`
        NameRule::PathSegment => (
            !matches!(object.name.as_str(), "." | "..") && !object.name.contains(['/', '%']),
            "a path segment",
            "leave out `/` and `%`",
        ),
    };
    if !good {
        found.push(
            Diagnostic::error(
                "bad-name",
                format!(
                    "`{}` is not a name for {}: it must be {what}",
                    shown(&object.name),
                    a_kind(object)
                ),
            )
            .at(object.name_span(), "")
            .help(help),
        );
    }
}

enum NameRule {
    Label,
    Rfc1035,
    Subdomain,
    PathSegment,
}

/// What each kind demands of its names (kubernetes `pkg/apis/*/validation`: `NameIsDNSLabel`,
/// `NameIsDNS1035Label`, `NameIsDNSSubdomain`, `path.ValidatePathSegmentName`). Custom resources
/// want a subdomain.
fn name_rule(object: &Object) -> NameRule {
    match (object.gvk.group.as_str(), object.gvk.kind.as_str()) {
        ("", "Namespace") => NameRule::Label,
        ("", "Service") => NameRule::Rfc1035,
        (
            "rbac.authorization.k8s.io",
            "Role" | "ClusterRole" | "RoleBinding" | "ClusterRoleBinding",
        ) => NameRule::PathSegment,
        _ => NameRule::Subdomain,
    }
}

fn check_labels(labels: &Mapping, found: &mut Vec<Diagnostic>) {
    for entry in &labels.entries {
        if !is_label_key(&entry.key) {
            found.push(bad_key(&entry.key, "a label key", entry.key_span));
        }
        match &entry.value.value {
            Value::Text(text) if !is_label_value(text) => found.push(
                Diagnostic::error(
                    "bad-label",
                    format!("`{}` is not a label value", shown(text)),
                )
                .at(entry.value.span, "")
                .help("use at most 63 letters, digits, dashes, underscores and points, beginning and ending with a letter or digit; other texts belong into annotations"),
            ),
            _ => {}
        }
    }
}

fn check_annotations(annotations: &Mapping, found: &mut Vec<Diagnostic>) {
    let mut size = 0;
    for entry in &annotations.entries {
        size += entry.key.len() + entry.value.as_str().map_or(0, str::len);
        if !is_annotation_key(&entry.key) {
            found.push(bad_key(&entry.key, "an annotation key", entry.key_span));
        }
    }
    if size > ANNOTATIONS
        && let Some(first) = annotations.entries.first()
    {
        found.push(
            Diagnostic::error(
                "annotations-too-large",
                format!("the annotations have {size} bytes, more than the 262144 that are taken"),
            )
            .at(first.key_span, "they begin here"),
        );
    }
}

/// `ValidateFinalizerName`: a qualified name, as a label key is.
fn finalizers(metadata: Option<&Mapping>, found: &mut Vec<Diagnostic>) {
    let list = metadata.and_then(|m| m.get("finalizers")).and_then(Node::as_list);
    for item in list.into_iter().flatten() {
        if let Value::Text(name) = &item.value
            && !is_label_key(name)
        {
            found.push(
                Diagnostic::error(
                    "bad-name",
                    format!("`{}` is not a finalizer's name", shown(name)),
                )
                .at(item.span, "")
                .help("use a DNS subdomain, a slash and a name"),
            );
        }
    }
}

/// `validateOwnerReference`: all four say who the owner is. Before that, the server decodes them
/// strictly (`metav1.OwnerReference`).
fn owners(metadata: Option<&Mapping>, found: &mut Vec<Diagnostic>) {
    let list = metadata.and_then(|m| m.get("ownerReferences")).and_then(Node::as_list);
    for owner in list.into_iter().flatten() {
        let entries = owner.as_mapping().map(|m| m.entries.as_slice()).unwrap_or_default();
        for Entry { key, key_span, value } in entries {
            let wanted = match (key.as_str(), &value.value) {
                ("apiVersion" | "kind" | "name" | "uid", Value::Text(_) | Value::Null)
                | ("controller" | "blockOwnerDeletion", Value::Bool(_) | Value::Null) => continue,
                ("apiVersion" | "kind" | "name" | "uid", _) => "a text",
                ("controller" | "blockOwnerDeletion", _) => "a boolean",
                _ => {
                    let message = format!("`{key}` is not known in an owner reference");
                    found.push(Diagnostic::error("unknown-field", message).at(*key_span, ""));
                    continue;
                }
            };
            let message = format!("`{key}` must be {wanted}, but is {}", value.value.noun());
            found.push(Diagnostic::error("wrong-type", message).at(value.span, ""));
        }
        let is_missing = |key: &&str| {
            owner.get(key).is_none_or(|v| v.is_null() || v.as_str().is_some_and(str::is_empty))
        };
        let missing: Vec<&str> =
            ["apiVersion", "kind", "name", "uid"].into_iter().filter(is_missing).collect();
        if owner.as_mapping().is_some() && !missing.is_empty() {
            found.push(
                Diagnostic::error(
                    "missing-field",
                    format!("an owner reference has no `{}`", missing.join("`, `")),
                )
                .at(owner.span, "here")
                .help("leave owner references to whoever makes the object in the cluster"),
            );
        }
    }
}

fn server_fields(object: &Object, metadata: Option<&Mapping>, found: &mut Vec<Diagnostic>) {
    for field in SERVER_FIELDS {
        if let Some(entry) = metadata.and_then(|m| m.entry(field))
            && !entry.value.is_null()
        {
            found.push(
                Diagnostic::warning("server-field", format!("`{field}` is written by the cluster"))
                    .at(entry.key_span, "appliers fight over it, or refuse the object")
                    .help("remove it"),
            );
        }
    }
    if let Some(entry) = object.body.as_mapping().and_then(|m| m.entry("status"))
        && !is_empty(&entry.value)
    {
        found.push(
            Diagnostic::warning("server-field", "`status` is written by the cluster")
                .at(entry.key_span, "an apply drops it")
                .help("remove it"),
        );
    }
}

fn is_empty(node: &Node) -> bool {
    match &node.value {
        Value::Null => true,
        Value::Mapping(m) => m.entries.is_empty(),
        _ => false,
    }
}

fn bad_key(key: &str, what: &str, at: Span) -> Diagnostic {
    Diagnostic::error("bad-label", format!("`{}` is not {what}", shown(key)))
        .at(at, "")
        .help("use an optional DNS subdomain and a slash, then at most 63 letters, digits, dashes, underscores and points")
}

fn is_kustomize(object: &Object) -> bool {
    object.gvk.group == "kustomize.config.k8s.io"
}

fn value_span(metadata: Option<&Mapping>, key: &str, object: &Object) -> Span {
    metadata.and_then(|m| m.get(key)).map_or(object.span(), |n| n.span)
}

fn place_of_metadata(object: &Object) -> Span {
    object
        .body
        .as_mapping()
        .and_then(|m| m.entry("metadata").or_else(|| m.entry("kind")))
        .map_or(object.span(), |e| e.key_span)
}

fn a_kind(object: &Object) -> String {
    let kind = &object.gvk.kind;
    let article = if kind.starts_with(['A', 'E', 'I', 'O', 'U']) { "an" } else { "a" };
    format!("{article} {kind}")
}

fn shown(text: &str) -> String {
    if text.chars().count() > 80 {
        text.chars().take(77).chain("…".chars()).collect()
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::FileId;
    use crate::k8s::objects_of;
    use crate::yaml::{Budget, read};

    #[test]
    fn annotations_have_room_for_256_kib_and_no_more() {
        let of = |bytes: usize| {
            let text = format!(
                "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n  annotations:\n    k: {}\n",
                "x".repeat(bytes)
            );
            let (objects, _) = objects_of(read(FileId(0), &text, &Budget::SPEC).0);
            let mut found = Vec::new();
            check(&objects[0], &mut found);
            found.iter().map(|d| d.code).collect::<Vec<_>>()
        };
        assert_eq!(of(ANNOTATIONS - 1), Vec::<&str>::new());
        assert_eq!(of(ANNOTATIONS), ["annotations-too-large"]);
    }
}
