//! A YAML text changed as the tree that it is.

use serde_json::{Map, Value};
use waypost::diagnostic::FileId;
use waypost::yaml::{Budget, emit, read};

use super::words::{NUMBERS, WORDS};
use crate::random::Random;

/// The text with a few changes in its values; `None` where it is no YAML. `other` is where subtrees
/// come from.
pub fn changed(text: &str, other: &str, random: &mut Random) -> Option<String> {
    let mut documents = documents(text)?;
    let others = documents_or_none(other);
    for _ in 0..=random.below(3) {
        let at = random.below(documents.len());
        let graft = random.pick(&others).and_then(|other| some_node(other, random).cloned());
        change(documents.get_mut(at)?, graft, random);
        if random.once_in(20) && documents.len() < 64 {
            let copy = documents.get(at)?.clone();
            documents.push(copy);
        }
    }
    // JSON is YAML, and reads as nothing else
    let as_json = random.once_in(4);
    let text = documents.iter().map(|document| {
        let text = if as_json { None } else { emit(document).ok() };
        text.unwrap_or_else(|| format!("{document}\n"))
    });
    Some(text.collect::<Vec<_>>().join("---\n"))
}

fn documents(text: &str) -> Option<Vec<Value>> {
    let documents = documents_or_none(text);
    (!documents.is_empty()).then_some(documents)
}

fn documents_or_none(text: &str) -> Vec<Value> {
    let (documents, _) = read(FileId::default(), text, &Budget::MANIFESTS);
    documents.into_iter().map(|document| document.root.into_json()).collect()
}

/// A node, any depth alike.
fn some_node<'v>(value: &'v Value, random: &mut Random) -> Option<&'v Value> {
    let mut at = value;
    loop {
        let next = match at {
            _ if random.once_in(4) => None,
            Value::Object(map) => map.values().nth(random.below(map.len())),
            Value::Array(list) => random.pick(list),
            _ => None,
        };
        match next {
            Some(below) => at = below,
            None => return Some(at),
        }
    }
}

fn change(value: &mut Value, graft: Option<Value>, random: &mut Random) {
    let is_leaf = !matches!(value, Value::Object(map) if !map.is_empty())
        && !matches!(value, Value::Array(list) if !list.is_empty());
    if is_leaf || random.once_in(5) {
        return replace(value, graft, random);
    }
    match value {
        Value::Object(map) => {
            let at = random.below(map.len());
            if random.once_in(6) {
                let key = map.keys().nth(at).cloned().unwrap_or_default();
                return keys(map, &key, graft, random);
            }
            if let Some(below) = map.values_mut().nth(at) {
                change(below, graft, random);
            }
        }
        Value::Array(list) => {
            let at = random.below(list.len());
            match random.below(8) {
                0 => {
                    list.remove(at);
                }
                1 => list.extend(list.get(at).cloned()),
                2 => list.extend(graft),
                3 => {
                    let end = list.len() - 1;
                    list.swap(at, end);
                }
                _ => {
                    if let Some(below) = list.get_mut(at) {
                        change(below, graft, random);
                    }
                }
            }
        }
        _ => {}
    }
}

fn keys(map: &mut Map<String, Value>, key: &str, graft: Option<Value>, random: &mut Random) {
    let value = map.get(key).cloned().unwrap_or_default();
    match random.below(4) {
        0 => {
            map.shift_remove(key);
        }
        1 => {
            let word = random.pick(WORDS).copied().unwrap_or_default();
            map.insert(word.to_owned(), value);
        }
        2 => {
            map.insert(key.to_uppercase(), value);
        }
        _ => {
            map.insert(key.to_owned(), graft.unwrap_or_default());
        }
    }
}

fn replace(value: &mut Value, graft: Option<Value>, random: &mut Random) {
    *value = match random.below(12) {
        0 => Value::Null,
        1 => Value::Bool(random.once_in(2)),
        2 => Value::from(random.pick(NUMBERS).copied().unwrap_or_default()),
        3 => Value::from(random.number() as f64 / 1e9),
        4 => Value::Array(vec![value.take()]),
        5 => Value::Object(Map::from_iter([("a".to_owned(), value.take())])),
        6 => Value::Array(Vec::new()),
        7 => Value::Object(Map::new()),
        8 => nested(random),
        9 => match value {
            Value::String(text) => Value::String(text.repeat(1 + random.below(40))),
            _ => graft.unwrap_or_default(),
        },
        10 => graft.unwrap_or_default(),
        _ => Value::from(random.pick(WORDS).copied().unwrap_or_default()),
    };
}

/// A tree deeper than people write.
fn nested(random: &mut Random) -> Value {
    (0..random.below(80)).fold(Value::from("x"), |inside, level| match level % 2 {
        0 => Value::Array(vec![inside]),
        _ => Value::Object(Map::from_iter([("not".to_owned(), inside)])),
    })
}
