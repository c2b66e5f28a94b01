//! What a JSON value and a spanned tree have in common: enough to be written, and to be compared
//! with what is written.

use serde_json::Number;

use super::{Entry, Node, Value};

/// A tree of values.
pub trait Shaped: Sized {
    /// Keys and values of a mapping, in its order.
    type Entries<'t>: Iterator<Item = (&'t str, &'t Self)> + Clone
    where
        Self: 't;

    /// Its root, and what is below.
    fn shape(&self) -> Shape<'_, Self>;
}

/// The root of a tree.
pub enum Shape<'t, T: Shaped + 't> {
    /// Nothing.
    Null,
    /// A boolean.
    Bool(bool),
    /// A number.
    Number(&'t Number),
    /// A text.
    Text(&'t str),
    /// A list.
    List(&'t [T]),
    /// A mapping.
    Mapping(T::Entries<'t>),
}

impl Shaped for serde_json::Value {
    type Entries<'t> = JsonEntries<'t>;

    fn shape(&self) -> Shape<'_, Self> {
        match self {
            Self::Null => Shape::Null,
            Self::Bool(b) => Shape::Bool(*b),
            Self::Number(n) => Shape::Number(n),
            Self::String(text) => Shape::Text(text),
            Self::Array(items) => Shape::List(items),
            Self::Object(map) => Shape::Mapping(JsonEntries(map.iter())),
        }
    }
}

impl Shaped for Node {
    type Entries<'t> = NodeEntries<'t>;

    fn shape(&self) -> Shape<'_, Self> {
        match &self.value {
            Value::Null => Shape::Null,
            Value::Bool(b) => Shape::Bool(*b),
            Value::Number(n) => Shape::Number(n),
            Value::Text(text) => Shape::Text(text),
            Value::List(items) => Shape::List(items),
            Value::Mapping(mapping) => Shape::Mapping(NodeEntries(mapping.entries.iter())),
        }
    }
}

/// The entries of a JSON object.
#[derive(Clone)]
pub struct JsonEntries<'t>(serde_json::map::Iter<'t>);

impl<'t> Iterator for JsonEntries<'t> {
    type Item = (&'t str, &'t serde_json::Value);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(key, value)| (key.as_str(), value))
    }
}

/// The entries of a mapping.
#[derive(Clone)]
pub struct NodeEntries<'t>(std::slice::Iter<'t, Entry>);

impl<'t> Iterator for NodeEntries<'t> {
    type Item = (&'t str, &'t Node);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|entry| (entry.key.as_str(), &entry.value))
    }
}
