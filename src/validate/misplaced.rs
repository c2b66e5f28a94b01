//! Where a field belongs that is not known where it stands: a search through the schema, below
//! the place first, then around it, nearest first.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::yaml::Pointer;

/// How far below a place a field is looked for.
const DEPTH: usize = 3;
/// Places beyond this many say nothing.
const MOST: usize = 3;

/// The places where `key` is known, as people write them (`xcp.kubeSpec`); none, or more than a
/// few, is `None`.
pub(super) fn places(document: &Value, path: &Pointer, key: &str) -> Option<Vec<String>> {
    let tokens: Vec<&str> = path.tokens().collect();
    for up in 0..=tokens.len() {
        let at = &tokens[..tokens.len() - up];
        let here = schemas_at(document, at);
        let name = if up == 0 { last_name(at) } else { all_names(at) };
        // above the place itself, the mapping that holds it comes before what is below it
        if up > 0 && here.iter().any(|s| property(s, key).is_some()) {
            return Some(vec![if name.is_empty() {
                "the document itself".to_owned()
            } else {
                name
            }]);
        }
        let found = below(document, here, &name, key);
        if !found.is_empty() {
            return (found.len() <= MOST).then(|| found.into_iter().collect());
        }
    }
    None
}

/// The nearest places below some schemas at which the key is known.
fn below(document: &Value, start: Vec<&Value>, name: &str, key: &str) -> BTreeSet<String> {
    let mut level: Vec<(String, &Value)> =
        start.into_iter().map(|schema| (name.to_owned(), schema)).collect();
    for _ in 0..DEPTH {
        let mut next = Vec::new();
        for (name, schema) in level {
            let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
                continue;
            };
            for (child, schema) in properties {
                let name = if name.is_empty() { child.clone() } else { format!("{name}.{child}") };
                for schema in forms(document, schema) {
                    let entries = schema.get("items").map(|items| forms(document, items));
                    next.extend(entries.unwrap_or_default().into_iter().map(|s| (name.clone(), s)));
                    next.push((name.clone(), schema));
                }
            }
        }
        let found: BTreeSet<String> = next
            .iter()
            .filter(|(_, schema)| property(schema, key).is_some())
            .map(|(name, _)| name.clone())
            .collect();
        if !found.is_empty() {
            return found;
        }
        level = next;
    }
    BTreeSet::new()
}

/// The schemas of the value at a path.
fn schemas_at<'s>(document: &'s Value, path: &[&str]) -> Vec<&'s Value> {
    path.iter().fold(forms(document, document), |schemas, token| {
        let mut next = Vec::new();
        for schema in schemas {
            let child = property(schema, token)
                .or_else(|| schema.get("items").filter(|_| token.parse::<usize>().is_ok()))
                .or_else(|| schema.get("additionalProperties"));
            if let Some(child) = child {
                next.extend(forms(document, child));
            }
        }
        next
    })
}

fn property<'s>(schema: &'s Value, key: &str) -> Option<&'s Value> {
    schema.get("properties")?.get(key)
}

/// A schema and everything that it refers to or combines.
fn forms<'s>(document: &'s Value, schema: &'s Value) -> Vec<&'s Value> {
    let mut found = Vec::new();
    let mut open = vec![schema];
    // a reference may lead back to itself
    while let Some(schema) = open.pop().filter(|_| found.len() < 16) {
        found.push(schema);
        let target = schema.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix('#'));
        open.extend(target.and_then(|pointer| document.pointer(pointer)));
        for keyword in ["allOf", "anyOf", "oneOf"] {
            open.extend(schema.get(keyword).and_then(Value::as_array).into_iter().flatten());
        }
    }
    found
}

/// The last step that is a name.
fn last_name(path: &[&str]) -> String {
    let name = path.iter().rev().find(|t| t.parse::<usize>().is_err());
    name.map(|t| (*t).to_owned()).unwrap_or_default()
}

/// The names of a path, without indices.
fn all_names(path: &[&str]) -> String {
    let names: Vec<&str> = path.iter().copied().filter(|t| t.parse::<usize>().is_err()).collect();
    names.join(".")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(path: &str, key: &str) -> Option<Vec<String>> {
        let object = |properties: Value| json!({"type": "object", "properties": properties});
        let document = json!({
            "type": "object",
            "properties": {"spec": object(json!({
                "hub": {"type": "string"},
                "xcp": object(json!({"revision": {}, "kubeSpec": {"$ref": "#/$defs/kube"}})),
                "oap": object(json!({"kubeSpec": {"$ref": "#/$defs/kube"}})),
                "list": {"type": "array", "items": object(json!({"entry": {}}))},
            }))},
            "$defs": {"kube": object(json!({"overlays": {}, "again": {"$ref": "#/$defs/kube"}}))},
        });
        places(&document, &Pointer::parse(path)?, key)
    }

    fn some(place: &str) -> Option<Vec<String>> {
        Some(vec![place.to_owned()])
    }

    #[test]
    fn below_then_around() {
        assert_eq!(found("/spec/xcp", "overlays"), some("xcp.kubeSpec"));
        assert_eq!(found("/spec/xcp", "hub"), some("spec"));
        assert_eq!(found("/spec/oap", "revision"), some("spec.xcp"));
        assert_eq!(found("/spec", "entry"), some("spec.list"));
        assert_eq!(found("/spec/list/0", "hub"), some("spec"));
        assert_eq!(found("/spec/list/0", "spec"), some("the document itself"));
        assert_eq!(
            found("", "overlays"),
            Some(vec!["spec.oap.kubeSpec".into(), "spec.xcp.kubeSpec".into()])
        );
        assert_eq!(found("/spec", "nowhere"), None);
    }
}
