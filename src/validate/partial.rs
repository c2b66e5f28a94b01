//! A schema for some of an object's fields: what lies at a place of the whole, with nothing
//! required. It checks fields that are laid over an object that is not known.

use serde_json::{Map, Value};

/// The part of a schema document at a pointer, as a document of its own in which nothing is
/// required. `None` where there is no such part.
pub fn partial(document: &Value, pointer: &str) -> Option<Value> {
    let Value::Object(mut part) = optional(document.pointer(pointer)?) else { return None };
    for key in ["$schema", "$defs"] {
        if let Some(value) = document.get(key) {
            part.insert(key.to_owned(), optional(value));
        }
    }
    Some(Value::Object(part))
}

/// A schema without `required`, wherever it is the keyword and not a field of that name.
fn optional(schema: &Value) -> Value {
    match schema {
        Value::Object(map) => Value::Object(
            map.iter()
                .filter(|(key, value)| key.as_str() != "required" || !value.is_array())
                .map(|(key, value)| (key.clone(), optional(value)))
                .collect::<Map<_, _>>(),
        ),
        Value::Array(items) => items.iter().map(optional).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::validate::Schema;

    #[test]
    fn fields_alone_are_checked_without_what_is_required() {
        let document = json!({
            "type": "object",
            "required": ["spec"],
            "properties": {"spec": {
                "type": "object",
                "additionalProperties": false,
                "required": ["hub"],
                "properties": {
                    "hub": {"type": "string"},
                    "required": {"type": "boolean"},
                    "item": {"$ref": "#/$defs/item"},
                },
            }},
            "$defs": {"item": {
                "type": "object",
                "additionalProperties": false,
                "required": ["name"],
                "properties": {"name": {"type": "string"}, "value": {"type": "string"}},
            }},
        });
        let part = partial(&document, "/properties/spec").expect("a part");
        let schema = Schema::compile(part).expect("a schema");
        assert!(schema.is_valid(&json!({"item": {"value": "x"}, "required": true})));
        assert!(!schema.is_valid(&json!({"itme": {}})));
        assert!(!schema.is_valid(&json!({"required": "yes"})));
        assert!(!schema.is_valid(&json!({"item": {"nmae": "x"}})));
        assert_eq!(partial(&document, "/properties/absent"), None);
    }
}
