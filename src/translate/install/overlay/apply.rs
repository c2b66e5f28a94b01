//! What an overlay patch does to its target, as upstream's operator does it
//! (istio/istio:operator/pkg/render/postprocess.go `applyPatches`, operator/pkg/tpath/tree.go
//! `getPathContext`, `setValueContext`). TSB's fork of it may lag (facts/tsb.md).

use serde_json::{Map, Number, Value};

use super::{OverlayPath, Step, is_read_as_yaml};

/// Why a patch cannot be applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// A selector that selects nothing.
    #[error("`{0}` selects nothing")]
    NotFound(String),
    /// A key of a list, a selector in a mapping, or anything below a scalar.
    #[error("`{0}` does not fit the value it meets")]
    Mismatch(String),
    /// An entry of a list of lists cannot be deleted.
    #[error("an entry of a list inside a list cannot be deleted")]
    NestedDelete,
    /// `[:v]` with more than plain characters: no regular expressions are evaluated here.
    #[error("`{0}` is a regular expression")]
    Expression(String),
    /// A text that the operator reads as YAML; no YAML is read here.
    #[error("the operator reads this text as YAML")]
    Yaml,
}

/// Writes a value at a path, or deletes what is there (`None`, or a null). What is missing on the
/// way is created, as the operator does it for deletions too.
///
/// # Errors
/// Where the operator gives an error, and for the two things that are not evaluated here. The
/// object may have been changed on the way.
pub fn apply(
    object: &mut Value,
    path: &OverlayPath,
    value: Option<&Value>,
) -> Result<(), ApplyError> {
    let value = value.filter(|v| !v.is_null());
    if value.and_then(Value::as_str).is_some_and(is_read_as_yaml) {
        return Err(ApplyError::Yaml);
    }
    write(object, &path.steps, value, false)
}

fn write(
    node: &mut Value,
    steps: &[Step],
    value: Option<&Value>,
    in_list: bool,
) -> Result<(), ApplyError> {
    let Some((step, rest)) = steps.split_first() else { return Ok(()) };
    if node.is_null() {
        *node = match step {
            Step::Key(_) => Value::Object(Map::new()),
            _ => Value::Array(Vec::new()),
        };
    }
    match (node, step) {
        (Value::Object(map), Step::Key(key)) => match (rest.first(), value) {
            (None, None) => {
                map.remove(key);
                Ok(())
            }
            (None, Some(value)) => {
                match map.get_mut(key) {
                    // the language's trap: a value written to a list is appended to it, even if
                    // it is a list
                    Some(Value::Array(list)) => list.push(value.clone()),
                    _ => {
                        map.insert(key.clone(), value.clone());
                    }
                }
                Ok(())
            }
            (Some(next), _) => {
                let child = map.entry(key.clone()).or_insert_with(|| match next {
                    Step::Index(_) | Step::Append => Value::Array(Vec::new()),
                    _ => Value::Object(Map::new()),
                });
                write(child, rest, value, false)
            }
        },
        (
            Value::Array(list),
            Step::Index(_) | Step::Append | Step::KeyValue(..) | Step::Matches(_),
        ) => {
            let at = position(list, step)?;
            match (rest.is_empty(), value) {
                (true, None) if in_list => Err(ApplyError::NestedDelete),
                (true, None) if at < list.len() => {
                    list.remove(at);
                    Ok(())
                }
                (true, None) => Err(ApplyError::NotFound(shown(step))),
                (true, Some(value)) => {
                    match list.get_mut(at) {
                        Some(entry) => *entry = value.clone(),
                        None => list.push(value.clone()),
                    }
                    Ok(())
                }
                (false, _) => {
                    if at == list.len() {
                        list.push(Value::Object(Map::new()));
                    }
                    match list.get_mut(at) {
                        Some(entry) => write(entry, rest, value, true),
                        None => Err(ApplyError::NotFound(shown(step))),
                    }
                }
            }
        }
        _ => Err(mismatch(step)),
    }
}

/// The entry that a selector selects; the length of the list for a new one.
fn position(list: &[Value], step: &Step) -> Result<usize, ApplyError> {
    let found = match step {
        Step::Index(n) => Some((*n).min(list.len())),
        Step::Append => Some(list.len()),
        // among scalars, the whole of `k:v` is the expression
        Step::KeyValue(key, value) if !list.iter().any(Value::is_object) => {
            matching(list, &format!("{key}:{value}"))?
        }
        Step::KeyValue(key, value) => list.iter().position(|entry| match entry.get(key) {
            Some(Value::String(text)) => text == value,
            Some(Value::Bool(flag)) => value == if *flag { "true" } else { "false" },
            Some(Value::Number(number)) => value.parse().is_ok_and(|n: Number| n == *number),
            _ => false,
        }),
        Step::Matches(pattern) => matching(list, pattern)?,
        Step::Key(_) => None,
    };
    found.ok_or_else(|| ApplyError::NotFound(shown(step)))
}

/// The first scalar that a regular expression matches, somewhere in it.
fn matching(list: &[Value], pattern: &str) -> Result<Option<usize>, ApplyError> {
    let is_special = |c: char| r"\^$.|?*+()[]{}".contains(c);
    if pattern.contains(is_special) {
        return Err(ApplyError::Expression(pattern.to_owned()));
    }
    Ok(list.iter().position(|entry| entry.as_str().is_some_and(|text| text.contains(pattern))))
}

fn mismatch(step: &Step) -> ApplyError {
    ApplyError::Mismatch(shown(step))
}

fn shown(step: &Step) -> String {
    OverlayPath { steps: vec![step.clone()] }.to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::translate::install::overlay::{merge_lists, variable};

    fn applied(mut object: Value, path: &str, value: Option<Value>) -> Result<Value, ApplyError> {
        let path = OverlayPath::parse(path).expect("a path");
        apply(&mut object, &path, value.as_ref()).map(|()| object)
    }

    #[test]
    fn what_the_operator_does() {
        let rows: Vec<(&str, Value, &str, Option<Value>, Value)> = vec![
            ("a new leaf", json!({}), "a.b", Some(json!(1)), json!({"a": {"b": 1}})),
            (
                "a leaf replaced",
                json!({"a": 1}),
                "a",
                Some(json!({"b": 1})),
                json!({"a": {"b": 1}}),
            ),
            ("a point in a key", json!({}), r"a\.b", Some(json!(1)), json!({"a.b": 1})),
            ("appended", json!({"l": [1]}), "l[-1]", Some(json!(2)), json!({"l": [1, 2]})),
            ("a list is made", json!({}), "a.l[-1]", Some(json!(2)), json!({"a": {"l": [2]}})),
            (
                "an index past the end appends",
                json!({"l": [1]}),
                "l[7]",
                Some(json!(2)),
                json!({"l": [1, 2]}),
            ),
            (
                "into a new entry",
                json!({}),
                "l[-1].name",
                Some(json!("x")),
                json!({"l": [{"name": "x"}]}),
            ),
            (
                "by key and value",
                json!({"c": [{"name": "a"}, {"name": "b", "v": 1}]}),
                "c[name:b].v",
                Some(json!(2)),
                json!({"c": [{"name": "a"}, {"name": "b", "v": 2}]}),
            ),
            (
                "by value",
                json!({"args": ["--x", "all:info"]}),
                "args[:info]",
                Some(json!("y")),
                json!({"args": ["--x", "y"]}),
            ),
            (
                "a scalar of that form",
                json!({"args": ["all:info"]}),
                "args[all:info]",
                Some(json!("y")),
                json!({"args": ["y"]}),
            ),
            ("deleted", json!({"a": {"b": 1, "c": 2}}), "a.b", None, json!({"a": {"c": 2}})),
            (
                "an entry deleted",
                json!({"l": [{"k": "a"}, {"k": "b"}]}),
                "l[k:a]",
                None,
                json!({"l": [{"k": "b"}]}),
            ),
            ("a deletion makes the way", json!({}), "a.b.c", None, json!({"a": {"b": {}}})),
            (
                "the trap: a map is appended",
                json!({"l": [1]}),
                "l",
                Some(json!({"n": 2})),
                json!({"l": [1, {"n": 2}]}),
            ),
            (
                "the trap: a list is nested",
                json!({"l": [1]}),
                "l",
                Some(json!([2])),
                json!({"l": [1, [2]]}),
            ),
            ("no trap where it is absent", json!({}), "l", Some(json!([2])), json!({"l": [2]})),
        ];
        for (what, object, path, value, expected) in rows {
            assert_eq!(applied(object, path, value), Ok(expected), "{what}");
        }
    }

    #[test]
    fn what_the_operator_refuses() {
        let not_found = |step: &str| ApplyError::NotFound(step.to_owned());
        let mismatch = |step: &str| ApplyError::Mismatch(step.to_owned());
        for (object, path, value, error) in [
            (json!({"c": [{"name": "a"}]}), "c[name:b].v", Some(json!(1)), not_found("[name:b]")),
            (json!({"l": [1]}), "l[3]", None, not_found("[3]")),
            (json!({"l": [1]}), "l.a", Some(json!(1)), mismatch("a")),
            (json!({"a": 1}), "a.b", Some(json!(1)), mismatch("b")),
            (json!({"a": {}}), "a[0]", Some(json!(1)), mismatch("[0]")),
            (json!({"l": [[1]]}), "l[0].[0]", None, ApplyError::NestedDelete),
            (json!({"l": ["a"]}), r"l[:a*]", None, ApplyError::Expression("a*".into())),
            (json!({}), "a", Some(json!("b: c")), ApplyError::Yaml),
        ] {
            assert_eq!(applied(object, path, value), Err(error), "{path}");
        }
    }

    fn variables() -> impl Strategy<Value = Vec<Value>> {
        let patch = ("[A-C]", "[xy]").prop_map(
            |(name, value)| json!({"path": "spec.env[-1]", "value": {"name": name, "value": value}}),
        );
        prop::collection::vec(patch, 0..5)
    }

    proptest! {
        /// Overlays that are added to overlays set each variable once, to the later value, and
        /// lose none.
        #[test]
        fn no_variable_twice_after_a_merge(old in variables(), new in variables()) {
            let overlay = |patches: Vec<Value>| {
                vec![json!({"apiVersion": "v1", "kind": "K", "name": "n", "patches": patches})]
            };
            let mut list = overlay(Vec::new());
            merge_lists(&mut list, &overlay(old.clone()), "", &mut Vec::new());
            merge_lists(&mut list, &overlay(new.clone()), "", &mut Vec::new());

            let mut object = json!({});
            for patch in list[0]["patches"].as_array().into_iter().flatten() {
                let path = OverlayPath::parse(patch["path"].as_str().unwrap_or_default()).expect("a path");
                apply(&mut object, &path, patch.get("value")).expect("applies");
            }
            let mut expected = std::collections::BTreeMap::new();
            for patch in old.iter().chain(&new) {
                expected.insert(variable(patch), patch["value"]["value"].clone());
            }
            let env = object.pointer("/spec/env").and_then(Value::as_array).cloned().unwrap_or_default();
            prop_assert_eq!(env.len(), expected.len());
            for entry in &env {
                prop_assert_eq!(expected.get(&entry["name"].as_str()), Some(&entry["value"]));
            }
        }

        /// Whatever the path and the object, nothing panics, and a value written is there.
        #[test]
        fn any_path_on_any_object(path in r"[ab](\.[ab]|\[0\]|\[-1\]|\.\[a:b\]){0,4}", shape in 0..4usize) {
            let objects = [json!({}), json!({"a": [{"a": "b"}]}), json!({"a": {"b": [1]}}), json!({"b": "x"})];
            let path = OverlayPath::parse(&path);
            if let Ok(path) = path {
                let mut object = objects[shape].clone();
                let _ = apply(&mut object, &path, None);
                let mut object = objects[shape].clone();
                if apply(&mut object, &path, Some(&json!("written"))).is_ok() {
                    prop_assert!(object.to_string().contains("written"));
                }
            }
        }
    }
}
