//! How much work a JSON Schema can make of a value. References let a few lines stand for any number
//! of schemas: each level that names the one below twice doubles it.

use std::collections::BTreeMap;

use serde_json::Value;

/// A schema that is written out to more than this is refused.
const MOST: u64 = 1_000_000;
/// Levels of a schema: whoever compiles it recurses.
const DEEPEST: usize = 128;

/// Keywords whose schemas look at the same value.
const HERE: [&str; 8] = ["allOf", "anyOf", "oneOf", "not", "if", "then", "else", "$ref"];

/// Why a schema is not used; `None` for one of bearable size.
pub(super) fn refused(document: &Value) -> Option<String> {
    if depth(document, 0) > DEEPEST {
        return Some(format!("it is nested more than {DEEPEST} levels deep"));
    }
    let mut walk = Walk { document, seen: BTreeMap::new() };
    match walk.size(document, 0) {
        Err(target) => Some(format!("`{target}` refers to itself for the same value")),
        Ok(size) if size > MOST => Some(format!("its references grow to more than {MOST} schemas")),
        Ok(_) => None,
    }
}

/// Levels, as far as they matter.
fn depth(value: &Value, level: usize) -> usize {
    if level > DEEPEST {
        return level;
    }
    let inner = |value| depth(value, level + 1);
    match value {
        Value::Array(items) => items.iter().map(inner).max().unwrap_or(level),
        Value::Object(map) => map.values().map(inner).max().unwrap_or(level),
        _ => level,
    }
}

struct Walk<'s> {
    document: &'s Value,
    seen: BTreeMap<&'s str, Seen>,
}

/// What is known of the target of a reference.
enum Seen {
    /// It is being written out, since so many steps into the value.
    Open(usize),
    /// How many schemas it stands for.
    Size(u64),
}

impl<'s> Walk<'s> {
    /// The schemas that a schema stands for, so many steps into the value; `Err` with a reference
    /// that comes back to itself without a step.
    ///
    /// A reference to what is around it through a property or an item is written out once: the
    /// value ends it.
    fn size(&mut self, schema: &'s Value, steps: usize) -> Result<u64, &'s str> {
        let mut size = 1_u64;
        match schema {
            Value::Array(items) => {
                for item in items {
                    size = size.saturating_add(self.size(item, steps)?);
                }
            }
            Value::Object(map) => {
                for (key, value) in map {
                    let steps = steps + usize::from(!HERE.contains(&key.as_str()));
                    let inner = match (key.as_str(), value.as_str()) {
                        ("$ref", Some(target)) => self.reference(target, steps)?,
                        ("enum" | "const" | "examples" | "default", _) => 0,
                        _ => self.size(value, steps)?,
                    };
                    size = size.saturating_add(inner);
                }
            }
            _ => {}
        }
        Ok(size)
    }

    fn reference(&mut self, target: &'s str, steps: usize) -> Result<u64, &'s str> {
        match self.seen.get(target) {
            Some(Seen::Size(size)) => return Ok(*size),
            Some(Seen::Open(since)) if *since == steps => return Err(target),
            Some(Seen::Open(_)) => return Ok(1),
            None => {}
        }
        // what is not there is found when the schema is compiled
        let schema = target.strip_prefix('#').and_then(|pointer| self.document.pointer(pointer));
        let Some(schema) = schema else { return Ok(1) };
        self.seen.insert(target, Seen::Open(steps));
        let size = self.size(schema, steps)?;
        self.seen.insert(target, Seen::Size(size));
        Ok(size)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn references_that_double_are_refused() {
        let level = |keyword: &str, n: usize| {
            let below = json!({"$ref": format!("#/$defs/l{}", n + 1)});
            match keyword {
                "properties" => json!({"properties": {"a": below, "b": below}}),
                _ => json!({keyword: [below, below]}),
            }
        };
        for keyword in ["allOf", "anyOf", "oneOf", "properties"] {
            let mut defs: serde_json::Map<String, Value> =
                (0..30).map(|n| (format!("l{n}"), level(keyword, n))).collect();
            defs.insert("l30".to_owned(), json!({"type": "string"}));
            let schema = json!({"$ref": "#/$defs/l0", "$defs": defs});
            assert!(refused(&schema).is_some_and(|why| why.contains("grow")), "{keyword}");
        }
        let nested = (0..200).fold(json!({}), |inner, _| json!({"not": inner}));
        assert!(refused(&nested).is_some_and(|why| why.contains("deep")));
    }

    #[test]
    fn a_schema_may_refer_to_itself_for_a_smaller_value() {
        let tree =
            json!({"properties": {"children": {"items": {"$ref": "#"}}, "left": {"$ref": "#"}}});
        assert_eq!(refused(&tree), None);
        for circle in [
            json!({"$ref": "#"}),
            json!({"items": {"$ref": "#/$defs/a"}, "$defs": {"a": {"not": {"$ref": "#/$defs/a"}}}}),
            json!({"allOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}]}}}),
        ] {
            assert!(refused(&circle).is_some_and(|why| why.contains("itself")), "{circle}");
        }
    }
}
