//! A node into serde types. `Spanned<T>` takes the place along.

use std::fmt;

use serde::de::value::{StrDeserializer, U32Deserializer};
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error as _, Expected,
    IntoDeserializer, MapAccess, SeqAccess, Unexpected, VariantAccess, Visitor,
};

use super::characters::shown;
use super::{Entry, Node, Value};
use crate::diagnostic::{SPANNED_NAME, Span};

/// Why a node is not of the wanted type, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeError {
    /// What was wrong.
    pub message: String,
    /// The innermost node that could not be taken.
    pub span: Option<Span>,
}

impl fmt::Display for DeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for DeError {}

impl serde::de::Error for DeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { message: message.to_string(), span: None }
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(format!("expected {}, found {}", wanted(expected), in_words(found)))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(format!("expected {}, found {}", wanted(expected), in_words(found)))
    }

    fn unknown_variant(found: &str, expected: &'static [&'static str]) -> Self {
        Self::custom(format!("unknown word `{}`, {}", shown(found), one_of(expected)))
    }

    fn unknown_field(found: &str, expected: &'static [&'static str]) -> Self {
        Self::custom(format!("unknown field `{}`, {}", shown(found), one_of(expected)))
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> Self {
        Self::custom(format!("expected {}, found {length} values", wanted(expected)))
    }
}

fn one_of(words: &[&str]) -> String {
    match words {
        [] => "there is none to choose from".into(),
        [one] => format!("expected `{one}`"),
        [first, second] => format!("expected `{first}` or `{second}`"),
        _ => format!("expected one of `{}`", words.join("`, `")),
    }
}

/// What a type wants, in words of YAML instead of the names of our types.
fn wanted(expected: &dyn Expected) -> String {
    let text = expected.to_string();
    let range = |from: i128, to: i128| format!("a whole number from {from} to {to}");
    match text.as_str() {
        "u8" => range(0, u8::MAX.into()),
        "u16" => range(0, u16::MAX.into()),
        "u32" => range(0, u32::MAX.into()),
        "u64" | "usize" | "u128" => "a whole number, zero or more".into(),
        "i8" => range(i8::MIN.into(), i8::MAX.into()),
        "i16" => range(i16::MIN.into(), i16::MAX.into()),
        "i32" => range(i32::MIN.into(), i32::MAX.into()),
        "i64" | "isize" | "i128" => "a whole number".into(),
        "f32" | "f64" => "a number".into(),
        "a string" | "a borrowed string" | "string" | "str" => "a text".into(),
        "unit" => "nothing".into(),
        "a sequence" => "a list".into(),
        "a map" => "a mapping".into(),
        _ if text.starts_with("struct ") => "a mapping".into(),
        _ if text.starts_with("tuple ") || text.starts_with("a tuple") => "a list".into(),
        _ if text.starts_with("enum ") || text == "variant identifier" => "a word".into(),
        _ => text,
    }
}

fn in_words(found: Unexpected<'_>) -> String {
    match found {
        Unexpected::Bool(b) => format!("the boolean `{b}`"),
        Unexpected::Unsigned(n) => format!("the number `{n}`"),
        Unexpected::Signed(n) => format!("the number `{n}`"),
        Unexpected::Float(n) => format!("the number `{n}`"),
        Unexpected::Char(c) => format!("the text `{c}`"),
        Unexpected::Str(t) => format!("the text `{}`", shown(t)),
        Unexpected::Unit | Unexpected::Option => "nothing".into(),
        Unexpected::Seq => "a list".into(),
        Unexpected::Map => "a mapping".into(),
        Unexpected::Enum
        | Unexpected::UnitVariant
        | Unexpected::NewtypeVariant
        | Unexpected::TupleVariant
        | Unexpected::StructVariant => "a word".into(),
        other => other.to_string(),
    }
}

/// Reads a node into a type.
///
/// Scalars are taken strictly: a number where a text belongs is an error, as it is for the API
/// server. Messages speak of texts, numbers, lists and mappings, never of our types.
pub fn from_node<T: DeserializeOwned>(node: &Node) -> Result<T, DeError> {
    T::deserialize(NodeDe(node))
}

struct NodeDe<'a>(&'a Node);

fn placed<T>(result: Result<T, DeError>, span: Span) -> Result<T, DeError> {
    result.map_err(|e| DeError { span: e.span.or(Some(span)), ..e })
}

impl<'de> Deserializer<'de> for NodeDe<'_> {
    type Error = DeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        let result = match &self.0.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(b) => visitor.visit_bool(*b),
            Value::Number(n) => match (n.as_u64(), n.as_i64(), n.as_f64()) {
                (Some(n), _, _) => visitor.visit_u64(n),
                (_, Some(n), _) => visitor.visit_i64(n),
                (_, _, Some(n)) => visitor.visit_f64(n),
                _ => Err(DeError::custom("not a number that fits")),
            },
            Value::Text(t) => visitor.visit_str(t),
            Value::List(items) => visitor.visit_seq(Items(items.iter())),
            Value::Mapping(m) => {
                visitor.visit_map(Entries { entries: m.entries.iter(), value: None })
            }
        };
        placed(result, self.0.span)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        match &self.0.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeError> {
        if name == SPANNED_NAME {
            return visitor.visit_seq(SpanParts { node: self.0, next: 0 });
        }
        match &self.0.value {
            Value::Mapping(_) => self.deserialize_any(visitor),
            other => placed(
                Err(DeError::custom(format!("expected a mapping, found {}", other.noun()))),
                self.0.span,
            ),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeError> {
        let result = match &self.0.value {
            Value::Text(t) => visitor.visit_enum(StrDeserializer::new(t)),
            Value::Mapping(m) if m.entries.len() == 1 => {
                visitor.visit_enum(OneEntry(&m.entries[0]))
            }
            other => Err(DeError::custom(format!("expected a word, found {}", other.noun()))),
        };
        placed(result, self.0.span)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map identifier ignored_any
    }
}

struct Items<'a>(std::slice::Iter<'a, Node>);

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = DeError;
    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, DeError> {
        self.0.next().map(|node| seed.deserialize(NodeDe(node))).transpose()
    }
    fn size_hint(&self) -> Option<usize> {
        Some(self.0.len())
    }
}

struct Entries<'a> {
    entries: std::slice::Iter<'a, Entry>,
    value: Option<&'a Entry>,
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = DeError;
    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, DeError> {
        self.value = self.entries.next();
        self.value
            .map(|e| placed(seed.deserialize(StrDeserializer::<DeError>::new(&e.key)), e.key_span))
            .transpose()
    }
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, DeError> {
        match self.value.take() {
            Some(entry) => seed.deserialize(NodeDe(&entry.value)),
            None => Err(DeError::custom("a value without its key")),
        }
    }
}

/// The seven integers of a span, then the node itself.
struct SpanParts<'a> {
    node: &'a Node,
    next: usize,
}

impl<'de> SeqAccess<'de> for SpanParts<'_> {
    type Error = DeError;
    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, DeError> {
        let Span { file, start, end } = self.node.span;
        let integers =
            [file.0, start.line, start.column, start.offset, end.line, end.column, end.offset];
        let at = self.next;
        self.next += 1;
        match integers.get(at) {
            Some(n) => {
                let number: U32Deserializer<DeError> = n.into_deserializer();
                seed.deserialize(number).map(Some)
            }
            None if at == integers.len() => seed.deserialize(NodeDe(self.node)).map(Some),
            None => Ok(None),
        }
    }
}

struct OneEntry<'a>(&'a Entry);

impl<'de> EnumAccess<'de> for OneEntry<'_> {
    type Error = DeError;
    type Variant = Self;
    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), DeError> {
        let key = placed(
            seed.deserialize(StrDeserializer::<DeError>::new(&self.0.key)),
            self.0.key_span,
        )?;
        Ok((key, self))
    }
}

impl<'de> VariantAccess<'de> for OneEntry<'_> {
    type Error = DeError;
    fn unit_variant(self) -> Result<(), DeError> {
        Err(DeError::custom("expected a word, found a mapping"))
    }
    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, DeError> {
        seed.deserialize(NodeDe(&self.0.value))
    }
    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value, DeError> {
        NodeDe(&self.0.value).deserialize_any(visitor)
    }
    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeError> {
        NodeDe(&self.0.value).deserialize_any(visitor)
    }
}
