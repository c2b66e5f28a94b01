//! What an overlay patch does to its target, as upstream's operator does it
//! (istio/istio:operator/pkg/render/postprocess.go `applyPatches`, operator/pkg/tpath/tree.go
//! `getPathContext`, `setValueContext`). TSB's fork of it may lag (facts/tsb.md).

use serde_json::{Map, Value};

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
        Step::KeyValue(key, value) => list.iter().position(|entry| match entry.get(key) {
            Some(Value::String(text)) => text == value,
            Some(other) => other.to_string() == *value,
            None => false,
        }),
        Step::Matches(pattern) => {
            let is_special = |c: char| r"\^$.|?*+()[]{}".contains(c);
            if pattern.contains(is_special) {
                return Err(ApplyError::Expression(pattern.clone()));
            }
            list.iter().position(|entry| entry.as_str().is_some_and(|t| t.contains(pattern)))
        }
        Step::Key(_) => None,
    };
    found.ok_or_else(|| ApplyError::NotFound(shown(step)))
}

fn mismatch(step: &Step) -> ApplyError {
    ApplyError::Mismatch(shown(step))
}

fn shown(step: &Step) -> String {
    OverlayPath { steps: vec![step.clone()] }.to_string()
}
