//! Does a text mean a value? Asked of a parser that shares nothing with the emitter or the reader.
//!
//! `yaml_serde` (libyaml) drives; what it finds is compared on the way with what was meant, so that
//! no second tree is built. It is stricter than comparing trees: a repeated key is a difference
//! here, where a map would silently keep the last.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// True when the text is one document that reads as this value, keys in the same order.
pub(super) fn reads_back(text: &str, value: &Value) -> bool {
    let mut documents = serde_yaml::Deserializer::from_str(text);
    let Some(document) = documents.next() else { return false };
    Meant(value).deserialize(document).is_ok() && documents.next().is_none()
}

/// What must come next.
#[derive(Clone, Copy)]
struct Meant<'v>(&'v Value);

impl<'de> DeserializeSeed<'de> for Meant<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

fn same<E: Error>(same: bool) -> Result<(), E> {
    if same { Ok(()) } else { Err(E::custom("read back as something else")) }
}

impl<'de> Visitor<'de> for Meant<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what was written")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        same(self.0.is_null())
    }

    fn visit_bool<E: Error>(self, found: bool) -> Result<(), E> {
        same(self.0.as_bool() == Some(found))
    }

    fn visit_u64<E: Error>(self, found: u64) -> Result<(), E> {
        same(self.0.as_u64() == Some(found))
    }

    fn visit_i64<E: Error>(self, found: i64) -> Result<(), E> {
        same(self.0.as_i64() == Some(found))
    }

    fn visit_f64<E: Error>(self, found: f64) -> Result<(), E> {
        // bits, because zero has a sign
        same(self.0.is_f64() && self.0.as_f64().map(f64::to_bits) == Some(found.to_bits()))
    }

    fn visit_str<E: Error>(self, found: &str) -> Result<(), E> {
        same(self.0.as_str() == Some(found))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut found: A) -> Result<(), A::Error> {
        let Value::Array(items) = self.0 else { return same(false) };
        for item in items {
            same(found.next_element_seed(Meant(item))?.is_some())?;
        }
        same(found.next_element::<serde::de::IgnoredAny>()?.is_none())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut found: A) -> Result<(), A::Error> {
        let Value::Object(entries) = self.0 else { return same(false) };
        for (key, value) in entries {
            same(found.next_key_seed(Key(key))?.is_some())?;
            found.next_value_seed(Meant(value))?;
        }
        same(found.next_key::<serde::de::IgnoredAny>()?.is_none())
    }
}

/// The key that must come next. It is asked for as a text, as a reader of JSON would.
struct Key<'v>(&'v str);

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, found: &str) -> Result<(), E> {
        same(found == self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn differences_are_seen() {
        let meant = json!({"a": [1, "1", -2, 1.5, null, true], "b": {"c": {}}});
        let text = "a: [1, '1', -2, 1.5, null, true]\nb: {c: {}}\n";
        assert!(reads_back(text, &meant));
        for (from, to) in [
            ("'1'", "1"),
            ("1,", "2,"),
            ("-2", "-2.0"),
            ("1.5", "1.25"),
            ("null", "0"),
            ("true", "True, 1"),
            (", true", ""),
            ("{}", "{d: 1}"),
            ("{}", "[]"),
            ("b:", "B:"),
            ("b: {", "a: 1\nb: {"),
            ("}}\n", "}}\n---\nx\n"),
            ("b: {c: {}}\n", ""),
            ("}}\n", "}}\nz: 1\n"),
            ("]", ""),
        ] {
            let changed = text.replacen(from, to, 1);
            assert_ne!(changed, text);
            assert!(!reads_back(&changed, &meant), "{changed}");
        }
        assert!(!reads_back("", &json!(null)));
        assert!(!reads_back("b: 1\na: 2\n", &json!({"a": 2, "b": 1})));
    }
}
