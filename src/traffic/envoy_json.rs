//! Lines that are JSON objects: Envoy's, and ztunnel's.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use super::envoy_format::{Field, Fields, field_of, field_of_key};
use super::record::Text;
use super::ztunnel;

/// A line's object.
#[derive(Debug)]
pub(super) enum JsonLine<'l> {
    /// An Envoy's.
    Envoy(Fields<'l>),
    /// A ztunnel's.
    Ztunnel(ztunnel::Fields<'l>),
    /// A line of another text, as container runtimes keep it:
    /// `{"log": "…\n", "stream": "stdout", "time": "…"}`.
    Wrapped(Text<'l>),
    /// Another program's, or another message of the same.
    Other,
}

/// Which key of a line has which value, beside Istio's own.
#[derive(Clone, Debug, Default)]
pub(super) struct JsonKeys(Vec<(String, Field)>);

impl JsonKeys {
    /// The keys of MeshConfig's `accessLogFormat` in JSON; `None` where it is no JSON object.
    pub fn parse(format: &str) -> Option<Self> {
        let serde_json::Value::Object(keys) = serde_json::from_str(format).ok()? else {
            return None;
        };
        let keys = keys.into_iter().filter_map(|(key, value)| {
            let operator = value.as_str()?.strip_prefix('%')?.strip_suffix('%')?.to_owned();
            Some((key, field_of(&operator)?))
        });
        Some(Self(keys.collect()))
    }

    /// Those of another format too.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    fn field(&self, key: &str) -> Option<Field> {
        let own = self.0.iter().find(|(own, _)| own == key).map(|(_, field)| *field);
        own.or_else(|| field_of_key(key))
    }

    /// Reads a line; `None` where it is no JSON object, or a key comes twice.
    pub fn read<'l>(&self, line: &'l str) -> Option<JsonLine<'l>> {
        let mut deserializer = serde_json::Deserializer::from_str(line);
        let read = deserializer.deserialize_map(Read { keys: self }).ok()?;
        deserializer.end().ok()?;
        Some(read)
    }
}

struct Read<'k> {
    keys: &'k JsonKeys,
}

/// A scalar as text; what is none is passed over.
#[derive(Deserialize)]
#[serde(untagged)]
enum Scalar<'l> {
    #[serde(borrow)]
    Text(Cow<'l, str>),
    Unsigned(u64),
    Other(IgnoredAny),
}

impl<'l> Scalar<'l> {
    fn text(self) -> Option<Text<'l>> {
        match self {
            Scalar::Text(text) => Some(text),
            Scalar::Unsigned(number) => Some(number.to_string().into()),
            Scalar::Other(_) => None,
        }
    }
}

impl<'de> Visitor<'de> for Read<'_> {
    type Value = JsonLine<'de>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a log line")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Fields::default();
        let mut envoy = false;
        let mut ztunnel = ztunnel::Fields::default();
        let mut is_ztunnel = false;
        let (mut log, mut stream) = (None, false);
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            let own = self.keys.field(&key);
            let other = ztunnel::Field::of_json(&key);
            if own.is_none() && other.is_none() {
                match key.as_ref() {
                    "log" if log.is_none() => log = map.next_value::<Scalar<'de>>()?.text(),
                    "stream" => {
                        map.next_value::<IgnoredAny>()?;
                        stream = true;
                    }
                    _ => {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                continue;
            }
            let Some(value) = map.next_value::<Scalar<'de>>()?.text() else { continue };
            if let Some(field) = own {
                if fields.has(field) {
                    return Err(serde::de::Error::custom("a key comes twice"));
                }
                envoy |= matches!(field, Field::Cluster | Field::DownstreamRemote);
                fields.set(field, value.clone());
            }
            if let Some(field) = other {
                if ztunnel.has(field) {
                    return Err(serde::de::Error::custom("a key comes twice"));
                }
                is_ztunnel |= field == ztunnel::Field::Direction;
                ztunnel.set(field, value);
            }
        }
        Ok(match (envoy, is_ztunnel) {
            (true, false) => JsonLine::Envoy(fields),
            (false, true) => JsonLine::Ztunnel(ztunnel),
            (false, false) if stream => log.map_or(JsonLine::Other, JsonLine::Wrapped),
            _ => JsonLine::Other,
        })
    }
}
