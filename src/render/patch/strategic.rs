//! Strategic merge of one patch into one object, as kustomize does it (`kyaml/yaml/merge2` over
//! `kyaml/yaml/walk`).
//!
//! Mappings merge, `null` removes, lists are replaced except where Kubernetes' schema merges them
//! by key (`k8s::merge_keys`), `$patch: delete`, `replace` and `merge` direct. Where kustomize would
//! drop a part of the patch, ignore a directive or leave it in the object, this refuses.

use serde_json::{Map, Value};

use super::keyed_list;
use crate::k8s::merge_keys::{Field, Schema};
use crate::yaml::Pointer;

/// Why a patch cannot be merged, and where in the object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) at: Pointer,
    pub(super) code: &'static str,
    pub(super) what: String,
    pub(super) help: Option<&'static str>,
}

impl Fault {
    pub(super) fn new(at: &Pointer, code: &'static str, what: impl Into<String>) -> Self {
        Self { at: at.clone(), code, what: what.into(), help: None }
    }

    pub(super) fn help(self, help: &'static str) -> Self {
        Self { help: Some(help), ..self }
    }
}

/// What a patch is merged into.
#[derive(Clone, Copy)]
pub(super) enum Dest<T> {
    /// Something that is there.
    Present(T),
    /// A place that the object does not have.
    Missing,
    /// A place inside of something that the patch brings itself.
    New,
}

/// Merges a patch into an object; `None` means that the object goes.
pub(super) fn merge(object: &Value, patch: &Value) -> Result<Option<Value>, Fault> {
    let root = Pointer::root();
    let (Value::Object(dest), Value::Object(source)) = (object, patch) else {
        return Err(Fault::new(&root, "patch-type", "an object is a mapping"));
    };
    if source.get(DIRECTIVE).and_then(Value::as_str) == Some("replace") {
        return Err(Fault::new(
            &root,
            "patch-directive",
            "kustomize ignores `$patch: replace` here",
        )
        .help("set it on a field, or write the object itself"));
    }
    let schema = known(None, Some(dest), source);
    merge_map(schema, Dest::Present(dest), source, &root).map(|m| m.map(Value::Object))
}

/// The key of a directive.
pub(super) const DIRECTIVE: &str = "$patch";

/// Directives of `kubectl` that kustomize knows nothing of: it would leave them in the object.
const KUBECTL_ONLY: [&str; 3] = ["$retainKeys", "$setElementOrder/", "$deleteFromPrimitiveList/"];

/// Merges mappings; `None` means that the place goes.
pub(super) fn merge_map(
    schema: Option<Schema>,
    dest: Dest<&Map<String, Value>>,
    patch: &Map<String, Value>,
    at: &Pointer,
) -> Result<Option<Map<String, Value>>, Fault> {
    let mut result = Map::new();
    let mut inside_new = true;
    match (directive(patch, at)?, dest) {
        (Some(Directive::Delete), _) => return Ok(None),
        (Some(Directive::Merge) | None, Dest::Present(dest)) => {
            result = dest.clone();
            inside_new = false;
        }
        (Some(Directive::Replace), Dest::Present(_)) | (_, Dest::Missing | Dest::New) => {}
    }
    for (key, value) in patch {
        if key == DIRECTIVE {
            continue;
        }
        let here = at.join(key);
        if KUBECTL_ONLY.iter().any(|d| key == d || (d.ends_with('/') && key.starts_with(d))) {
            return Err(Fault::new(
                &here,
                "patch-directive",
                format!("kustomize does not know `{key}`"),
            )
            .help("kubectl writes it; leave it out"));
        }
        let field = schema.and_then(|s| s.field(key));
        let dest = match result.get(key) {
            Some(value) if !value.is_null() => Dest::Present(value),
            Some(_) | None if inside_new => Dest::New,
            Some(_) | None => Dest::Missing,
        };
        match merge_value(field, dest, value, &here)? {
            Some(value) => result.insert(key.clone(), value),
            None => result.shift_remove(key),
        };
    }
    Ok(Some(result))
}

fn merge_value(
    field: Option<Field>,
    dest: Dest<&Value>,
    patch: &Value,
    at: &Pointer,
) -> Result<Option<Value>, Fault> {
    let unlike = |wanted: &str| {
        Err(Fault::new(
            at,
            "patch-type",
            format!("the patch has {}, the object {wanted}", noun(patch)),
        ))
    };
    match (patch, dest) {
        (Value::Null, _) => Ok(None),
        (Value::Object(source), Dest::Present(Value::Object(dest))) => {
            let schema = known(object_schema(field), Some(dest), source);
            Ok(merge_map(schema, Dest::Present(dest), source, at)?.map(Value::Object))
        }
        (Value::Object(source), Dest::Missing | Dest::New) => {
            let schema = known(object_schema(field), None, source);
            let dest = if matches!(dest, Dest::New) { Dest::New } else { Dest::Missing };
            Ok(merge_map(schema, dest, source, at)?.map(Value::Object))
        }
        (Value::Array(source), Dest::Present(Value::Array(dest))) => {
            merge_list(field, Dest::Present(dest), source, at)
        }
        (Value::Array(source), Dest::Missing) => merge_list(field, Dest::Missing, source, at),
        (Value::Array(source), Dest::New) => merge_list(field, Dest::New, source, at),
        (_, Dest::Present(other @ (Value::Object(_) | Value::Array(_)))) => unlike(noun(other)),
        (Value::Object(_) | Value::Array(_), Dest::Present(other)) => unlike(noun(other)),
        (scalar, _) => Ok(Some(scalar.clone())),
    }
}

fn merge_list(
    field: Option<Field>,
    dest: Dest<&Vec<Value>>,
    patch: &[Value],
    at: &Pointer,
) -> Result<Option<Value>, Fault> {
    let merged = match field {
        Some(Field::List(keys, element)) => keyed_list::merge(keys, element, dest, patch, at)?,
        Some(Field::Object(_)) | None => {
            if patch.iter().any(has_directive) {
                return Err(Fault::new(
                    at,
                    "patch-directive",
                    "`$patch` has no meaning in a list that is replaced as a whole",
                )
                .help("write the whole list, or use a JSON6902 patch"));
            }
            Some(patch.to_vec())
        }
    };
    Ok(merged.map(Value::Array))
}

fn has_directive(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.contains_key(DIRECTIVE) || map.values().any(has_directive),
        Value::Array(items) => items.iter().any(has_directive),
        _ => false,
    }
}

fn object_schema(field: Option<Field>) -> Option<Schema> {
    match field {
        Some(Field::Object(schema)) => Some(schema),
        Some(Field::List(..)) | None => None,
    }
}

/// The schema that is known from above, else that of the object which stands here: kustomize looks
/// at `apiVersion` and `kind` of every mapping it has no schema for.
fn known(
    schema: Option<Schema>,
    dest: Option<&Map<String, Value>>,
    patch: &Map<String, Value>,
) -> Option<Schema> {
    schema.or_else(|| {
        [dest, Some(patch)].into_iter().flatten().find_map(|map| {
            let text = |key: &str| map.get(key).and_then(Value::as_str);
            Schema::of(text("apiVersion")?, text("kind")?)
        })
    })
}

/// What `$patch` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Directive {
    Delete,
    Replace,
    Merge,
}

/// The directive of a mapping.
pub(super) fn directive(
    patch: &Map<String, Value>,
    at: &Pointer,
) -> Result<Option<Directive>, Fault> {
    match patch.get(DIRECTIVE) {
        None => Ok(None),
        Some(Value::String(word)) if word == "delete" => Ok(Some(Directive::Delete)),
        Some(Value::String(word)) if word == "replace" => Ok(Some(Directive::Replace)),
        Some(Value::String(word)) if word == "merge" => Ok(Some(Directive::Merge)),
        Some(other) => Err(Fault::new(
            at,
            "patch-directive",
            format!("`$patch: {}` is not known", scalar_text(other)),
        )
        .help("use `delete`, `replace` or `merge`")),
    }
}

/// A scalar as it is written; the empty text for a list, a mapping and a null. Merge keys and
/// selectors compare by it: 8080 is "8080".
pub(super) fn scalar_text(value: &Value) -> String {
    match value {
        Value::Bool(b) => b.to_string(),
        Value::Number(n) => n.to_string(),
        Value::String(text) => text.clone(),
        Value::Null | Value::Array(_) | Value::Object(_) => String::new(),
    }
}

fn noun(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn merged(object: &Value, patch: &Value) -> Value {
        merge(object, patch).unwrap().unwrap()
    }

    #[test]
    fn mappings_merge_and_null_removes() {
        let object = json!({"a": {"x": 1, "y": 2}, "b": [1, 2], "n": null});
        let patch = json!({"a": {"y": null, "z": {"k": null, "l": 1}}, "b": [3], "missing": null});
        assert_eq!(
            merged(&object, &patch),
            json!({"a": {"x": 1, "z": {"l": 1}}, "b": [3], "n": null})
        );
    }

    #[test]
    fn directives_on_mappings() {
        let object = json!({"a": {"x": 1}, "b": {"x": 1}});
        let patch = json!({"a": {"$patch": "replace", "y": 1, "n": null}, "b": {"$patch": "delete"},
            "c": {"$patch": "delete"}, "d": {"$patch": "merge", "e": {"$patch": "delete"}}});
        assert_eq!(merged(&object, &patch), json!({"a": {"y": 1}, "d": {}}));
        assert_eq!(merge(&object, &json!({"$patch": "delete"})), Ok(None));
    }

    #[test]
    fn what_kustomize_would_lose_is_refused() {
        let object = json!({"a": {"x": 1}, "l": [1], "s": "t"});
        for (patch, code) in [
            (json!({"$patch": "replace"}), "patch-directive"),
            (json!({"a": {"$patch": "remove"}}), "patch-directive"),
            (json!({"$retainKeys": ["a"]}), "patch-directive"),
            (json!({"a": {"$setElementOrder/x": []}}), "patch-directive"),
            (json!({"l": [{"$patch": "replace"}]}), "patch-directive"),
            (json!({"l": [{"q": {"$patch": "delete"}}]}), "patch-directive"),
            (json!({"a": 1}), "patch-type"),
            (json!({"a": []}), "patch-type"),
            (json!({"l": {}}), "patch-type"),
            (json!({"s": {}}), "patch-type"),
        ] {
            assert_eq!(merge(&object, &patch).map_err(|f| f.code), Err(code), "{patch}");
        }
    }

    #[test]
    fn an_object_inside_of_a_custom_resource_has_its_own_schema() {
        let inner = |env: Value| {
            json!({"apiVersion": "x.io/v1", "kind": "Foo", "template": {
            "apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"name": "a", "env": env}]}}})
        };
        assert_eq!(
            merged(&inner(json!([{"name": "A"}])), &inner(json!([{"name": "B"}]))),
            inner(json!([{"name": "B"}, {"name": "A"}]))
        );
    }
}
