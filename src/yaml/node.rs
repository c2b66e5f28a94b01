//! The tree that the reader makes: every key and value with its place.

use serde_json::Number;

use super::Pointer;
use crate::diagnostic::{Places, Span};

/// One document of a file. An empty file has none.
#[derive(Clone, Debug)]
pub struct Document {
    /// Its number in the file, from 0.
    pub index: usize,
    /// Its root.
    pub root: Node,
}

/// A value and its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Where it stands. A block scalar's span starts at its text, an alias' copy at the alias.
    pub span: Span,
    /// What it is.
    pub value: Value,
}

/// What a node is, by the YAML 1.2 core schema.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `null`, `~` or nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer that fits 64 bits, or a finite float.
    Number(Number),
    /// Everything else that is a scalar.
    Text(String),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping.
    Mapping(Mapping),
}

impl Value {
    /// What a person calls this kind of value.
    pub fn noun(&self) -> &'static str {
        match self {
            Value::Null => "nothing",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::Text(_) => "a text",
            Value::List(_) => "a list",
            Value::Mapping(_) => "a mapping",
        }
    }
}

/// Entries in the order of the file. Keys are unique.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mapping {
    /// The entries.
    pub entries: Vec<Entry>,
}

/// A key, its place, and the value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key as text; a null, boolean or number key becomes its text.
    pub key: String,
    /// Where the key stands.
    pub key_span: Span,
    /// The value.
    pub value: Node,
}

impl Mapping {
    /// The entry with this key.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|e| e.key == key)
    }

    /// The value under this key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|e| &e.value)
    }
}

impl Node {
    /// The value under a key, if this is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.as_mapping()?.get(key)
    }

    /// The value at a chain of keys; `None` where it is null.
    pub fn get_path(&self, keys: &[&str]) -> Option<&Node> {
        keys.iter().try_fold(self, |node, key| node.get(key)).filter(|node| !node.is_null())
    }

    /// Does it say the same as another one, wherever either stands?
    pub fn says(&self, other: &Self) -> bool {
        match (&self.value, &other.value) {
            (Value::List(own), Value::List(other)) => {
                own.len() == other.len() && own.iter().zip(other).all(|(a, b)| a.says(b))
            }
            (Value::Mapping(own), Value::Mapping(other)) => {
                own.entries.len() == other.entries.len()
                    && own
                        .entries
                        .iter()
                        .zip(&other.entries)
                        .all(|(a, b)| a.key == b.key && a.value.says(&b.value))
            }
            (own, other) => own == other,
        }
    }

    /// The node at a JSON pointer.
    pub fn at(&self, pointer: &Pointer) -> Option<&Node> {
        pointer.tokens().try_fold(self, |node, token| match &node.value {
            Value::Mapping(m) => m.get(token),
            Value::List(items) => items.get(token.parse::<usize>().ok()?),
            _ => None,
        })
    }

    /// The deepest node on the way to a pointer: itself, or the last that exists before it.
    pub fn nearest(&self, pointer: &Pointer) -> &Node {
        let mut node = self;
        for token in pointer.tokens() {
            let next = match &node.value {
                Value::Mapping(m) => m.get(token),
                Value::List(items) => token.parse::<usize>().ok().and_then(|i| items.get(i)),
                _ => None,
            };
            match next {
                Some(next) => node = next,
                None => break,
            }
        }
        node
    }

    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::Text(t) => Some(t),
            _ => None,
        }
    }

    /// The mapping, if it is one.
    pub fn as_mapping(&self) -> Option<&Mapping> {
        match &self.value {
            Value::Mapping(m) => Some(m),
            _ => None,
        }
    }

    /// The list, if it is one.
    pub fn as_list(&self) -> Option<&[Node]> {
        match &self.value {
            Value::List(l) => Some(l),
            _ => None,
        }
    }

    /// True for a null.
    pub fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }

    /// Where everything below stands, by JSON pointer: the value of a scalar, the key of a mapping
    /// or list that has one.
    pub fn places(&self) -> Places {
        fn walk(node: &Node, at: &Pointer, span: Span, places: &mut Places) {
            places.insert(at.to_string(), span);
            match &node.value {
                Value::List(items) => {
                    for (i, item) in items.iter().enumerate() {
                        walk(item, &at.join(i.to_string()), item.span, places);
                    }
                }
                Value::Mapping(mapping) => {
                    for entry in &mapping.entries {
                        places.insert_key(at.join(&entry.key).to_string(), entry.key_span);
                        let span = match entry.value.value {
                            Value::List(_) | Value::Mapping(_) | Value::Null => entry.key_span,
                            Value::Bool(_) | Value::Number(_) | Value::Text(_) => entry.value.span,
                        };
                        walk(&entry.value, &at.join(&entry.key), span, places);
                    }
                }
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) => {}
            }
        }
        let mut places = Places::default();
        walk(self, &Pointer::root(), self.span, &mut places);
        places
    }

    /// A tree of a value that was not read from a text: everything in it stands at `span`, the
    /// place to blame for it.
    pub fn from_json(value: &serde_json::Value, span: Span) -> Self {
        let value = match value {
            serde_json::Value::Null => Value::Null,
            serde_json::Value::Bool(b) => Value::Bool(*b),
            serde_json::Value::Number(n) => Value::Number(n.clone()),
            serde_json::Value::String(t) => Value::Text(t.clone()),
            serde_json::Value::Array(items) => {
                Value::List(items.iter().map(|item| Self::from_json(item, span)).collect())
            }
            serde_json::Value::Object(map) => Value::Mapping(Mapping {
                entries: map
                    .iter()
                    .map(|(key, value)| Entry {
                        key: key.clone(),
                        key_span: span,
                        value: Self::from_json(value, span),
                    })
                    .collect(),
            }),
        };
        Self { span, value }
    }

    /// As [`Node::from_json`], for a value whose parts were read here and there: each stands where
    /// `places` says.
    pub fn from_json_at(value: &serde_json::Value, span: Span, places: &Places) -> Self {
        let mut node = Self::from_json(value, span);
        node.stand(&Pointer::root(), places);
        node
    }

    fn stand(&mut self, at: &Pointer, places: &Places) {
        self.span = places.get(&at.to_string()).unwrap_or(self.span);
        match &mut self.value {
            Value::List(items) => {
                for (i, item) in items.iter_mut().enumerate() {
                    item.stand(&at.join(i.to_string()), places);
                }
            }
            Value::Mapping(mapping) => {
                for entry in &mut mapping.entries {
                    let at = at.join(&entry.key);
                    entry.key_span = places.key(&at.to_string()).unwrap_or(entry.key_span);
                    entry.value.stand(&at, places);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) => {}
        }
    }

    /// The same tree without places.
    pub fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(b) => (*b).into(),
            Value::Number(n) => n.clone().into(),
            Value::Text(t) => t.clone().into(),
            Value::List(l) => l.iter().map(Node::to_json).collect(),
            Value::Mapping(m) => serde_json::Value::Object(
                m.entries.iter().map(|e| (e.key.clone(), e.value.to_json())).collect(),
            ),
        }
    }

    /// As [`Node::to_json`], consuming the tree.
    pub fn into_json(self) -> serde_json::Value {
        match self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(b) => b.into(),
            Value::Number(n) => n.into(),
            Value::Text(t) => t.into(),
            Value::List(l) => l.into_iter().map(Node::into_json).collect(),
            Value::Mapping(m) => serde_json::Value::Object(
                m.entries.into_iter().map(|e| (e.key, e.value.into_json())).collect(),
            ),
        }
    }
}
