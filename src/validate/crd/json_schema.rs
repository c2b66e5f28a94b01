//! A structural schema as closed JSON Schema.
//!
//! OpenAPI v3 differs from JSON Schema in `nullable`, boolean `exclusiveMinimum`, and the meaning
//! of some formats; Kubernetes adds `x-kubernetes-int-or-string`, `-preserve-unknown-fields` and
//! `-embedded-resource`. Objects are closed: the API server prunes unknown fields without a word
//! (facts/istio-ambient.md §12.3), and a misspelt field of a policy is not to be lost.

use serde_json::{Map, Value, json};

/// Of a CRD version's `openAPIV3Schema`: `apiVersion`, `kind` and `metadata` belong to every
/// object, and what they hold is checked elsewhere.
pub(super) fn of_root(schema: &Value) -> Value {
    let mut root = structural(schema);
    if let Some(map) = root.as_object_mut() {
        map.insert("type".into(), "object".into());
        add_type_meta(map);
    }
    root
}

fn add_type_meta(map: &mut Map<String, Value>) {
    let properties = map.entry("properties").or_insert_with(|| json!({}));
    if let Some(properties) = properties.as_object_mut() {
        properties.insert("apiVersion".into(), json!({"type": "string"}));
        properties.insert("kind".into(), json!({"type": "string"}));
        properties.insert("metadata".into(), object_meta());
    }
}

/// `ObjectMeta`, which the API server decodes whatever the definition says of it: a field that it does
/// not know is refused, a null is as if the field were absent.
fn object_meta() -> Value {
    let text = || json!({"type": ["string", "null"]});
    let texts = || json!({"type": ["object", "null"], "additionalProperties": {"type": ["string", "null"]}});
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "name": text(),
            "generateName": text(),
            "namespace": text(),
            "selfLink": text(),
            "uid": text(),
            "resourceVersion": text(),
            "generation": {"type": ["integer", "null"]},
            "creationTimestamp": text(),
            "deletionTimestamp": text(),
            "deletionGracePeriodSeconds": {"type": ["integer", "null"]},
            "labels": texts(),
            "annotations": texts(),
            "ownerReferences": {
                "type": ["array", "null"],
                // what is in one of them is told where their rules are (`metadata.rs`)
                "items": {"type": "object"},
            },
            "finalizers": {"type": ["array", "null"], "items": {"type": "string"}},
            "managedFields": {"type": ["array", "null"], "items": {"type": "object"}},
        },
    })
}

/// A node of the structural schema: typed, and closed where it is an object.
fn structural(schema: &Value) -> Value {
    let Some(map) = schema.as_object() else { return json!(true) };
    let flag = |key: &str| map.get(key).and_then(Value::as_bool) == Some(true);
    let mut out = constraints(map, structural);
    let nullable = flag("nullable");
    if flag("x-kubernetes-int-or-string") {
        out.insert("type".into(), types(&["integer", "string"], nullable));
    } else if let Some(name) = map.get("type").and_then(Value::as_str) {
        out.insert("type".into(), types(&[name], nullable));
        // a number that does not fit is decoded as a double, which is no integer
        if name == "integer" {
            for (bound, exclusive, end) in [
                ("maximum", "exclusiveMaximum", i64::MAX),
                ("minimum", "exclusiveMinimum", i64::MIN),
            ] {
                if !out.contains_key(exclusive) {
                    out.entry(bound).or_insert(end.into());
                }
            }
        }
    }
    if nullable && let Some(Value::Array(values)) = out.get_mut("enum") {
        values.push(Value::Null);
    }
    let is_object = map.get("type").and_then(Value::as_str) == Some("object");
    let is_open = flag("x-kubernetes-preserve-unknown-fields")
        || map.get("additionalProperties").is_some_and(|a| a != &Value::Bool(false));
    if flag("x-kubernetes-embedded-resource") {
        add_type_meta(&mut out);
    }
    if is_object && !is_open {
        out.insert("additionalProperties".into(), Value::Bool(false));
    }
    Value::Object(out)
}

/// A schema inside `allOf`, `anyOf`, `oneOf`, `not`: constrains values and says nothing of which
/// fields there are.
fn value_validation(schema: &Value) -> Value {
    match schema.as_object() {
        Some(map) => {
            let mut out = constraints(map, value_validation);
            if let Some(name) = map.get("type") {
                out.insert("type".into(), name.clone());
            }
            Value::Object(out)
        }
        None => json!(true),
    }
}

/// The keywords that both have, and those that need rewording.
fn constraints(map: &Map<String, Value>, inner: fn(&Value) -> Value) -> Map<String, Value> {
    let mut out = Map::new();
    let exclusive = |key: &str| map.get(key).and_then(Value::as_bool) == Some(true);
    for (key, value) in map {
        let converted = match key.as_str() {
            "properties" => match value.as_object() {
                Some(fields) => {
                    Value::Object(fields.iter().map(|(name, s)| (name.clone(), inner(s))).collect())
                }
                None => continue,
            },
            "items" => inner(value),
            "additionalProperties" => match value {
                Value::Bool(_) => value.clone(),
                schema => inner(schema),
            },
            "allOf" | "anyOf" | "oneOf" => match value.as_array() {
                Some(branches) => branches.iter().map(value_validation).collect(),
                None => continue,
            },
            "not" => value_validation(value),
            "minimum" if exclusive("exclusiveMinimum") => {
                out.insert("exclusiveMinimum".into(), value.clone());
                continue;
            }
            "maximum" if exclusive("exclusiveMaximum") => {
                out.insert("exclusiveMaximum".into(), value.clone());
                continue;
            }
            "format" => match value.as_str().and_then(format) {
                Some(name) => name.into(),
                None => continue,
            },
            "enum" | "maxItems" | "maxLength" | "maxProperties" | "maximum" | "minItems"
            | "minLength" | "minProperties" | "minimum" | "multipleOf" | "pattern" | "required"
            | "description" => value.clone(),
            _ => continue,
        };
        out.insert(key.clone(), converted);
    }
    out
}

/// Formats that the API server checks and JSON Schema means alike. Its `duration` is Go's
/// (`5s`), JSON Schema's is ISO 8601: not handed on.
fn format(name: &str) -> Option<&str> {
    match name {
        "datetime" => Some("date-time"),
        "date-time" | "date" | "email" | "ipv4" | "ipv6" | "uri" => Some(name),
        "uuid" | "uuid3" | "uuid4" | "uuid5" => Some("uuid"),
        _ => None,
    }
}

fn types(names: &[&str], nullable: bool) -> Value {
    let mut all: Vec<Value> = names.iter().map(|n| Value::from(*n)).collect();
    if nullable {
        all.push("null".into());
    }
    match all.len() {
        1 => all.remove(0),
        _ => Value::Array(all),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_closed_unless_they_keep_what_they_do_not_know() {
        let schema = json!({
            "type": "object",
            "properties": {
                "closed": {"type": "object", "properties": {"a": {"type": "string"}}},
                "open": {"type": "object", "x-kubernetes-preserve-unknown-fields": true,
                    "properties": {"inner": {"type": "object"}}},
                "map": {"type": "object", "additionalProperties": {"type": "integer"}},
                "any": {"type": "object", "additionalProperties": true},
            }
        });
        let out = of_root(&schema);
        let of = |path: &str| out.pointer(path).cloned();
        assert_eq!(of("/additionalProperties"), Some(json!(false)));
        assert_eq!(of("/properties/closed/additionalProperties"), Some(json!(false)));
        assert_eq!(of("/properties/open/additionalProperties"), None);
        assert_eq!(
            of("/properties/open/properties/inner/additionalProperties"),
            Some(json!(false))
        );
        assert_eq!(
            of("/properties/map/additionalProperties"),
            Some(json!({"type": "integer", "minimum": i64::MIN, "maximum": i64::MAX}))
        );
        assert_eq!(of("/properties/any/additionalProperties"), Some(json!(true)));
    }

    #[test]
    fn what_openapi_says_otherwise_is_reworded() {
        let schema = json!({
            "type": "object",
            "properties": {
                "n": {"type": "string", "nullable": true, "enum": ["a"]},
                "p": {"anyOf": [{"type": "integer"}, {"type": "string"}], "x-kubernetes-int-or-string": true},
                "m": {"type": "integer", "minimum": 0, "exclusiveMinimum": true, "format": "int32"},
                "d": {"type": "string", "format": "duration"},
            }
        });
        let out = of_root(&schema);
        let of = |path: &str| out.pointer(path).cloned();
        assert_eq!(of("/properties/n/type"), Some(json!(["string", "null"])));
        assert_eq!(of("/properties/n/enum"), Some(json!(["a", null])));
        assert_eq!(of("/properties/p/type"), Some(json!(["integer", "string"])));
        assert_eq!(of("/properties/m/exclusiveMinimum"), Some(json!(0)));
        assert_eq!(of("/properties/m/minimum"), None);
        assert_eq!(of("/properties/d/format"), None);
    }
}
