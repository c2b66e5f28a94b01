//! What is written comes back as it was, from our reader and from libyaml.

#![allow(clippy::expect_used, clippy::panic, reason = "a test may fail this way")]

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use waypost::diagnostic::FileId;
use waypost::yaml::{Budget, EmitError, emit, emit_checked, is_ambiguous, read, scalar_text};

fn strings(file: &str) -> Vec<String> {
    let path = format!("{}/tests/cases/yaml/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect("the case is there");
    serde_json::from_str(&text).expect("a list of strings")
}

fn all_strings() -> Vec<String> {
    let (nasty, probes) = (strings("nasty.json"), strings("probes.json"));
    assert_eq!((nasty.len(), probes.len()), (248, 99));
    nasty.into_iter().chain(probes).collect()
}

/// A text at every position where texts are written in another way.
fn everywhere(text: &str) -> Value {
    let mut as_key = Map::new();
    as_key.insert(text.to_owned(), json!("v"));
    json!({
        "value": text,
        "item": [text, text],
        "mapping in a list": [{"a": text, "b": text}, {"c": {"d": text}}],
        "list in a list": [[text], [[text, text]]],
        "key": as_key.clone(),
        "key in a list": [as_key],
        "last": {"nested": text},
    })
}

/// Our reader's value of a text; fails on any finding that is an error.
fn ours(text: &str) -> Value {
    let (documents, found) = read(FileId(0), text, &Budget::MANIFESTS);
    assert!(!found.iter().any(|d| d.is_error()), "{found:?}\n{text}");
    assert_eq!(documents.len(), 1, "{text}");
    documents[0].root.to_json()
}

fn comes_back(value: &Value) {
    let text = emit_checked(value).expect("libyaml takes it back");
    assert_eq!(&ours(&text), value, "\n{text}");
    assert!(text.ends_with('\n') && !text.contains('\r') && !text.contains('\t'), "{text}");
    let (_, found) = read(FileId(0), &text, &Budget::MANIFESTS);
    assert!(
        found.iter().all(|d| d.code != "ambiguous-scalar"),
        "what is written is not ambiguous: {found:?}\n{text}"
    );
}

#[test]
fn nasty_strings_come_back_from_every_position() {
    for text in all_strings() {
        comes_back(&everywhere(&text));
        comes_back(&json!(text));
        comes_back(&json!([text]));
    }
}

#[test]
fn one_line_texts_come_back() {
    for text in all_strings() {
        let line = scalar_text(&text);
        assert!(!line.contains('\n'), "{line}");
        assert_eq!(ours(&format!("a: {line}\n")), json!({"a": text}));
        assert_eq!(ours(&format!("- {line}\n")), json!([text]));
    }
}

#[test]
fn writing_is_stable() {
    for text in all_strings() {
        let once = emit(&everywhere(&text)).expect("emits");
        assert_eq!(emit(&ours(&once)).expect("emits"), once);
    }
}

#[test]
fn numbers_come_back() {
    for number in [
        json!(0),
        json!(-1),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(0.0),
        json!(-0.0),
        json!(1.5),
        json!(1e16),
        json!(1e100),
        json!(-1.5e300),
        json!(1e-7),
        json!(f64::MAX),
        json!(f64::MIN_POSITIVE),
        json!(5e-324),
        json!(0.1),
        json!(123_456_789.125),
    ] {
        comes_back(&json!({"a": number, "b": [number]}));
    }
    assert_eq!(emit(&json!([1e100, 1e-7, 5.0])).as_deref(), Ok("- 1.0e+100\n- 1.0e-7\n- 5.0\n"));
}

#[test]
fn keys_end_at_1024_bytes_as_written() {
    let with_key = |key: String| {
        let mut map = Map::new();
        map.insert(key, json!(1));
        Value::Object(map)
    };
    comes_back(&with_key("k".repeat(1024)));
    comes_back(&with_key("é".repeat(512)));
    comes_back(&with_key(format!("{}:", "k".repeat(1021))));
    for key in ["k".repeat(1025), "\u{7}".repeat(300), format!("{}:", "k".repeat(1022))] {
        assert!(matches!(emit(&with_key(key)), Err(EmitError::KeyTooLong(_))));
    }
}

#[test]
fn depth_ends_where_reading_ends() {
    let nested = |levels: usize| (0..levels).fold(json!("x"), |inner, _| json!([inner]));
    comes_back(&nested(64));
    assert_eq!(emit(&nested(65)), Err(EmitError::TooDeep));
    let mapped = (0..65).fold(json!("x"), |inner, _| json!({"a": inner}));
    assert_eq!(emit(&mapped), Err(EmitError::TooDeep));
}

#[test]
fn block_literals_only_where_nothing_gets_lost() {
    for (text, expected) in [
        ("a\nb", "|-\n  a\n  b\n"),
        ("a\nb\n", "|\n  a\n  b\n"),
        ("a\n\nb\n\n\n", "|+\n  a\n\n  b\n\n\n"),
        ("a\n  b\n", "|\n  a\n    b\n"),
        ("# a\n---\n", "|\n  # a\n  ---\n"),
        (" a\nb", "\" a\\nb\"\n"),
        ("a \nb", "\"a \\nb\"\n"),
        ("a\tb\nc", "\"a\\tb\\nc\"\n"),
        ("\na", "\"\\na\"\n"),
        ("a\r\nb", "\"a\\r\\nb\"\n"),
    ] {
        assert_eq!(emit(&json!(text)).as_deref(), Ok(expected));
    }
}

fn nasty_text() -> impl Strategy<Value = String> {
    let tokens = strings("tokens.json");
    vec(proptest::sample::select(tokens), 1..8).prop_map(|parts| parts.concat())
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>()
            .prop_filter("JSON has finite numbers", |n| n.is_finite())
            .prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        nasty_text().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 5, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::from),
            vec((prop_oneof![nasty_text(), any::<String>()], inner), 0..5)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_texts_come_back_from_every_position(text in nasty_text()) {
        comes_back(&everywhere(&text));
    }

    #[test]
    fn random_values_come_back(value in any_value()) {
        comes_back(&value);
    }

    /// No plain text is written that the reader would warn about, and none is read as a number.
    #[test]
    fn what_is_not_ambiguous_is_a_text_to_the_reader(text in "[-+0-9._:exobT ]{1,12}|[yYnNoOfFtruesalTRUESALi~<=]{1,6}") {
        let (documents, found) = read(FileId(0), &format!("- {text}\n"), &Budget::SPEC);
        let is_text = documents.len() == 1 && documents[0].root.to_json()[0].is_string();
        if !found.is_empty() || !is_text {
            let plain = scalar_text(text.trim());
            prop_assert!(is_ambiguous(text.trim()) || plain.starts_with(['"', '\'']), "{text}: {found:?}");
        }
    }
}
