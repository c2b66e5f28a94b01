//! Values as rules see them (apiextensions-apiserver `pkg/apiserver/schema/cel/values.go`).

use std::collections::HashMap;
use std::sync::Arc;

use kube_cel::cel::objects::{Key, Map};
use kube_cel::cel::{Context, Program, Value as Cel};
use serde_json::Value;

use super::need::Need;
use crate::validate::crd::structural::{Scalar, Structural};

/// Makes CEL values. Times and durations are read by CEL's own conversions.
pub(super) struct Conversion {
    timestamp: Option<Program>,
    duration: Option<Program>,
}

impl Conversion {
    pub(super) fn new() -> Self {
        let compile = |source: &str| Program::compile(source).ok();
        Self { timestamp: compile("timestamp(self)"), duration: compile("duration(self)") }
    }

    /// The part of a value that is needed.
    pub(super) fn part(
        &self,
        value: &Value,
        schema: &Structural,
        need: &Need,
        context: &Context<'_>,
    ) -> Cel {
        if need.whole {
            return self.whole(value, Some(schema), context);
        }
        match value {
            Value::Object(map) => {
                let mut out = HashMap::new();
                for (name, value) in map {
                    let key = key(name, Some(schema));
                    let inner = match (need.fields.get(&key), schema.field(name)) {
                        (Some(need), Some(schema)) => self.part(value, schema, need, context),
                        (Some(_), None) => self.whole(value, None, context),
                        // a rule that goes through a map sees its keys
                        (None, _) if need.each.is_some() => Cel::Null,
                        (None, _) => continue,
                    };
                    out.insert(Key::String(Arc::new(key)), inner);
                }
                Cel::Map(Map { map: Arc::new(out) })
            }
            Value::Array(items) => match (&need.each, &schema.items) {
                (Some(need), Some(schema)) => Cel::List(Arc::new(
                    items.iter().map(|i| self.part(i, schema, need, context)).collect(),
                )),
                _ => self.whole(value, Some(schema), context),
            },
            scalar => self.whole(scalar, Some(schema), context),
        }
    }

    fn whole(&self, value: &Value, schema: Option<&Structural>, context: &Context<'_>) -> Cel {
        match value {
            Value::Null => Cel::Null,
            Value::Bool(b) => Cel::Bool(*b),
            Value::Number(n) => {
                let is_double = schema.is_some_and(|s| s.scalar == Scalar::Number);
                match (n.as_i64(), n.as_u64()) {
                    (Some(i), _) if !is_double => Cel::Int(i),
                    (None, Some(u)) if !is_double => Cel::UInt(u),
                    _ => Cel::Float(n.as_f64().unwrap_or(f64::NAN)),
                }
            }
            Value::String(text) => {
                let plain = Cel::String(Arc::new(text.clone()));
                match schema.map(|s| s.scalar) {
                    Some(Scalar::Timestamp) => through(self.timestamp.as_ref(), plain, context),
                    Some(Scalar::Duration) => through(self.duration.as_ref(), plain, context),
                    Some(Scalar::Bytes) => {
                        base64(text).map_or(plain, |bytes| Cel::Bytes(Arc::new(bytes)))
                    }
                    _ => plain,
                }
            }
            Value::Array(items) => {
                let inner = schema.and_then(|s| s.items.as_deref());
                Cel::List(Arc::new(items.iter().map(|i| self.whole(i, inner, context)).collect()))
            }
            Value::Object(map) => {
                let mut out = HashMap::with_capacity(map.len());
                for (name, value) in map {
                    let value = self.whole(value, schema.and_then(|s| s.field(name)), context);
                    out.insert(Key::String(Arc::new(key(name, schema))), value);
                }
                Cel::Map(Map { map: Arc::new(out) })
            }
        }
    }
}

/// The text as CEL's own conversion reads it; what it cannot read stays a text.
fn through(conversion: Option<&Program>, text: Cel, context: &Context<'_>) -> Cel {
    let mut scope = context.new_inner_scope();
    scope.add_variable_from_value("self", text.clone());
    conversion.and_then(|p| p.execute(&scope).ok()).unwrap_or(text)
}

/// A field's name is an identifier to CEL; the key of a map is the user's own word.
fn key(name: &str, schema: Option<&Structural>) -> String {
    if schema.is_none_or(Structural::is_map) { name.to_owned() } else { escape(name) }
}

/// A field's name as an identifier (k8s.io/apiserver `pkg/cel/escaping.go`).
fn escape(name: &str) -> String {
    const RESERVED: [&str; 21] = [
        "true",
        "false",
        "null",
        "in",
        "as",
        "break",
        "const",
        "continue",
        "else",
        "for",
        "function",
        "if",
        "import",
        "let",
        "loop",
        "package",
        "namespace",
        "return",
        "var",
        "void",
        "while",
    ];
    if RESERVED.contains(&name) {
        return format!("__{name}__");
    }
    if !name.contains(['.', '-', '/']) && !name.contains("__") {
        return name.to_owned();
    }
    name.replace("__", "__underscores__")
        .replace('.', "__dot__")
        .replace('-', "__dash__")
        .replace('/', "__slash__")
}

fn base64(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=');
    let mut out = Vec::with_capacity(digits.len() * 3 / 4);
    let (mut bits, mut count) = (0_u32, 0_u32);
    for byte in digits.bytes() {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(digit);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    text.len().is_multiple_of(4).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_as_the_api_server_does() {
        for (name, expected) in [
            ("jwks_uri", "jwks_uri"),
            ("a__b", "a__underscores__b"),
            ("foo-bar", "foo__dash__bar"),
            ("a.b/c", "a__dot__b__slash__c"),
            ("namespace", "__namespace__"),
        ] {
            assert_eq!(escape(name), expected);
        }
    }

    #[test]
    fn bytes_are_decoded() {
        assert_eq!(base64("aGVsbG8="), Some(b"hello".to_vec()));
        assert_eq!(base64("aGVsbG8"), None);
        assert_eq!(base64("a-=="), None);
        assert_eq!(base64(""), Some(Vec::new()));
    }
}
