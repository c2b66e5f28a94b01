//! Spanned trees as `jsonschema` sees them: what was read is validated as it is, without a copy.

use std::borrow::Cow;

use jsonschema::JsonType;
use jsonschema::json::{self, Array, Json, NodeIdentity, Object};
use serde_json::{Number, Value as JsonValue};

use crate::diagnostic::Span;
use crate::yaml::{Entry, Node, Value};

/// The representation: [`Node`]s.
pub struct Spanned;

impl Json for Spanned {
    type Node<'a> = &'a Node;
    type PreparedKey = String;
    type StringBuffer = Option<Node>;

    // keys are found by looking at one after the other
    const KEYS_PER_LOOKUP: usize = 2;
    const ACYCLIC: bool = true;

    fn prepare_key(key: &str) -> String {
        key.to_owned()
    }

    fn with_string_node<T>(
        buffer: &mut Option<Node>,
        string: &str,
        f: impl FnOnce(&Node) -> T,
    ) -> T {
        f(buffer.insert(Node { span: Span::default(), value: Value::Text(string.to_owned()) }))
    }
}

impl<'a> json::Node<'a, Spanned> for &'a Node {
    type Object = &'a [Entry];
    type Array = &'a [Node];
    type Number = &'a Number;

    fn as_object(&self) -> Option<&'a [Entry]> {
        self.as_mapping().map(|mapping| mapping.entries.as_slice())
    }

    fn as_array(&self) -> Option<&'a [Node]> {
        self.as_list()
    }

    fn as_string(&self) -> Option<Cow<'a, str>> {
        self.as_str().map(Cow::Borrowed)
    }

    fn as_number(&self) -> Option<&'a Number> {
        match &self.value {
            Value::Number(number) => Some(number),
            _ => None,
        }
    }

    fn as_boolean(&self) -> Option<bool> {
        match self.value {
            Value::Bool(boolean) => Some(boolean),
            _ => None,
        }
    }

    fn is_null(&self) -> bool {
        Node::is_null(self)
    }

    fn json_type(&self) -> JsonType {
        match self.value {
            Value::Null => JsonType::Null,
            Value::Bool(_) => JsonType::Boolean,
            Value::Number(_) => JsonType::Number,
            Value::Text(_) => JsonType::String,
            Value::List(_) => JsonType::Array,
            Value::Mapping(_) => JsonType::Object,
        }
    }

    fn equals_value(&self, expected: &JsonValue) -> bool {
        match (&self.value, expected) {
            (Value::Text(found), JsonValue::String(expected)) => found == expected,
            (Value::Text(_), _) | (_, JsonValue::String(_)) => false,
            _ => json::cmp::equal(&self.to_json(), expected),
        }
    }

    fn to_value(&self) -> Cow<'a, JsonValue> {
        Cow::Owned(self.to_json())
    }

    fn identity(&self) -> Option<NodeIdentity> {
        Some(NodeIdentity::new(std::ptr::from_ref::<Node>(self).addr()))
    }
}

impl<'a> Object<'a, Spanned> for &'a [Entry] {
    type Node = &'a Node;
    type MemberName = &'a str;
    type MembersIter = Members<'a>;

    fn len(&self) -> usize {
        <[Entry]>::len(self)
    }

    fn get(&self, key: &String) -> Option<&'a Node> {
        self.iter().find(|entry| entry.key == *key).map(|entry| &entry.value)
    }

    fn members(&self) -> Members<'a> {
        Members(self.iter())
    }
}

impl<'a> Array<'a, Spanned> for &'a [Node] {
    type Node = &'a Node;
    type ElementsIter = std::slice::Iter<'a, Node>;

    fn len(&self) -> usize {
        <[Node]>::len(self)
    }

    fn elements(&self) -> std::slice::Iter<'a, Node> {
        self.iter()
    }
}

/// Keys and values of a mapping.
pub struct Members<'a>(std::slice::Iter<'a, Entry>);

impl<'a> Iterator for Members<'a> {
    type Item = (&'a str, &'a Node);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|entry| (entry.key.as_str(), &entry.value))
    }
}

#[cfg(test)]
mod tests {
    use jsonschema::json::SerdeJson;
    use serde_json::json;

    use super::*;

    /// Whatever a schema asks, a tree answers as its value does.
    #[test]
    fn trees_are_as_valid_as_their_values() {
        let schema = json!({
            "type": "object",
            "properties": {
                "name": {"type": "string", "minLength": 2, "maxLength": 3, "pattern": "^[a-zä]+$"},
                "count": {"type": "integer", "minimum": 1},
                "mode": {"enum": ["a", 1, null, {"x": [1]}]},
                "kind": {"const": "K"},
                "list": {"type": "array", "uniqueItems": true, "maxItems": 3},
                "map": {"propertyNames": {"maxLength": 2}, "additionalProperties": {"type": "string"}},
            },
            "required": ["kind"],
            "additionalProperties": false,
        });
        let of_trees = jsonschema::options_for::<Spanned>().build(&schema).unwrap();
        let of_values = jsonschema::options_for::<SerdeJson>().build(&schema).unwrap();
        let mut answers = Vec::new();
        for more in [
            json!({}),
            json!({"name": "äb"}),
            json!({"name": "a"}),
            json!({"name": "äbcd"}),
            json!({"name": 1}),
            json!({"count": 1}),
            json!({"count": 1.0}),
            json!({"count": 1.5}),
            json!({"count": true}),
            json!({"mode": "a"}),
            json!({"mode": 1.0}),
            json!({"mode": "1"}),
            json!({"mode": null}),
            json!({"mode": {"x": [1]}}),
            json!({"mode": {"x": [1, 2]}}),
            json!({"kind": "L"}),
            json!({"kind": null}),
            json!({"list": [1, "1", true]}),
            json!({"list": [1, 1.0]}),
            json!({"list": {}}),
            json!({"map": {"aa": "x", "b": "y"}}),
            json!({"map": {"aaa": "x"}}),
            json!({"map": {"a": 1}}),
            json!({"other": 1}),
        ] {
            let mut value = json!({"kind": "K"});
            value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let node = Node::from_json(&value, Span::default());
            let valid = of_values.is_valid(&value);
            assert_eq!(of_trees.is_valid(&node), valid, "{value}");
            let words = |all: jsonschema::ErrorIterator<'_>| -> Vec<String> {
                all.map(|error| error.to_string()).collect()
            };
            assert_eq!(words(of_trees.iter_errors(&node)), words(of_values.iter_errors(&value)));
            answers.push(valid);
        }
        assert!(answers.contains(&true) && answers.contains(&false));
    }
}
