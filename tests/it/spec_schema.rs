//! The schemas of our own documents and the types that read them say the same.
//!
//! From each schema a document with every field is made, out of its examples; then it is changed
//! at every place. What one side refuses, the other must refuse.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use waypost::diagnostic::FileId;
use waypost::spec::{AccessTest, DocumentKind, Environment, schemas};
use waypost::validate::SpecSchemas;
use waypost::yaml::{Budget, Node, emit, from_node, read};

/// A schema and the type that reads what it takes.
struct Side {
    kind: DocumentKind,
    schema: Value,
    schemas: SpecSchemas,
}

impl Side {
    fn all() -> Vec<Side> {
        [DocumentKind::Environment, DocumentKind::AccessTest]
            .map(|kind| Side {
                kind,
                schema: document(kind),
                schemas: SpecSchemas::compile().unwrap(),
            })
            .into()
    }

    fn schema_takes(&self, value: &Value) -> bool {
        self.schemas.check(self.kind, &node(value)).is_empty()
    }

    fn type_takes(&self, value: &Value) -> Result<(), String> {
        let mut value = value.clone();
        // taken out before the document is read
        value["spec"].as_object_mut().map(|spec| spec.remove("extends"));
        let node = node(&value);
        match self.kind {
            DocumentKind::AccessTest => from_node::<AccessTest>(&node).map(drop),
            _ => from_node::<Environment>(&node).map(drop),
        }
        .map_err(|e| e.message)
    }

    /// The schema at a place, through references.
    fn deref<'s>(&'s self, schema: &'s Value) -> &'s Value {
        match schema["$ref"].as_str().and_then(|r| r.strip_prefix('#')) {
            Some(pointer) => self.deref(self.schema.pointer(pointer).unwrap()),
            None => schema,
        }
    }

    /// A value with every field that the schema knows.
    fn full(&self, outer: &Value) -> Value {
        let schema = self.deref(outer);
        for known in [&outer["const"], &schema["const"], &schema["enum"][0]] {
            if !known.is_null() {
                return known.clone();
            }
        }
        if let Some(properties) = schema["properties"].as_object() {
            let fields = properties.iter().map(|(k, s)| (k.clone(), self.full(s)));
            return Value::Object(fields.collect());
        }
        let items = self.deref(&schema["items"]);
        if items["properties"].is_object() {
            return json!([self.full(items)]);
        }
        let example = [outer, schema]
            .into_iter()
            .flat_map(|s| [&s["examples"][0], &s["default"]])
            .find(|v| !v.is_null());
        match (example, schema["type"].as_str()) {
            (Some(example), _) => example.clone(),
            (None, Some("string")) => json!("x"),
            (None, other) => panic!("a field of type {other:?} has no example: {outer}"),
        }
    }

    /// Every place of a value with the schema that is for it.
    fn places<'s>(
        &'s self,
        schema: &'s Value,
        at: String,
        value: &Value,
    ) -> Vec<(String, &'s Value)> {
        let schema = self.deref(schema);
        let mut all = vec![(at.clone(), schema)];
        match value {
            Value::Object(fields) => {
                for (key, below) in fields {
                    if let Some(schema) = schema["properties"].get(key) {
                        all.extend(self.places(schema, format!("{at}/{key}"), below));
                    }
                }
            }
            Value::Array(items) if schema["items"].is_object() => {
                for (index, below) in items.iter().enumerate() {
                    all.extend(self.places(&schema["items"], format!("{at}/{index}"), below));
                }
            }
            _ => {}
        }
        all
    }
}

fn document(kind: DocumentKind) -> Value {
    let (_, text) = schemas().into_iter().find(|(k, _)| *k == kind).unwrap();
    serde_json::from_str(text).unwrap()
}

fn node(value: &Value) -> Node {
    let (mut documents, found) = read(FileId(0), &emit(value).unwrap(), &Budget::SPEC);
    assert!(found.is_empty(), "{found:?}");
    documents.remove(0).root
}

#[test]
fn a_document_with_every_field_is_taken_by_both() {
    for side in Side::all() {
        let full = side.full(&side.schema);
        let found = side.schemas.check(side.kind, &node(&full));
        assert!(found.is_empty(), "{found:#?}");
        side.type_takes(&full).unwrap();
    }
}

#[test]
fn both_want_the_same_fields() {
    for side in Side::all() {
        let full = side.full(&side.schema);
        for (at, schema) in side.places(&side.schema, String::new(), &full) {
            let Some(properties) = schema["properties"].as_object() else { continue };
            let required: BTreeSet<&str> = schema["required"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|v| v.as_str().unwrap())
                .collect();
            for key in properties.keys().filter(|key| *key != "extends") {
                let mut without = full.clone();
                fields(&mut without, &at).remove(key);
                let wanted = !required.contains(key.as_str());
                assert_eq!(side.schema_takes(&without), wanted, "schema, without {at}/{key}");
                let taken = side.type_takes(&without);
                assert_eq!(taken.is_ok(), wanted, "type, without {at}/{key}: {taken:?}");
            }
        }
    }
}

#[test]
fn both_know_the_same_fields() {
    for side in Side::all() {
        let full = side.full(&side.schema);
        for (at, schema) in side.places(&side.schema, String::new(), &full) {
            let Some(properties) = schema["properties"].as_object() else { continue };
            let mut with = full.clone();
            fields(&mut with, &at).insert("zzzz".into(), Value::Null);
            assert!(!side.schema_takes(&with), "schema, {at}/zzzz");
            let message = side.type_takes(&with).expect_err(&at);
            let known: BTreeSet<&str> =
                message.split('`').skip(1).step_by(2).filter(|word| *word != "zzzz").collect();
            let wanted: BTreeSet<&str> =
                properties.keys().map(String::as_str).filter(|key| *key != "extends").collect();
            assert_eq!(known, wanted, "{at}: {message}");
        }
    }
}

#[test]
fn both_take_the_same_values() {
    for side in Side::all() {
        let full = side.full(&side.schema);
        for (at, schema) in side.places(&side.schema, String::new(), &full) {
            for word in schema["enum"].as_array().into_iter().flatten() {
                let mut with = full.clone();
                *with.pointer_mut(&at).unwrap() = word.clone();
                assert!(side.schema_takes(&with), "schema, {at}: {word}");
                side.type_takes(&with).expect(&at);
            }
            // a patch may be written in any form
            if ["", "/spec/extends", "/spec/patches/0/patch"].contains(&at.as_str()) {
                continue;
            }
            let is_list = full.pointer(&at).unwrap().is_array();
            let mut with = full.clone();
            *with.pointer_mut(&at).unwrap() = if is_list { json!({}) } else { json!([]) };
            assert!(!side.schema_takes(&with), "schema, another type at {at}");
            assert!(side.type_takes(&with).is_err(), "type, another type at {at}");
        }
    }
}

#[test]
fn a_waypoint_may_be_a_word_or_a_boolean() {
    let side = &Side::all()[0];
    let full = side.full(&side.schema);
    let at = "/spec/clusters/0/namespaces/0/waypoint";
    for (choice, wanted) in [
        (json!("none"), true),
        (json!(true), true),
        (json!(false), true),
        (json!("some"), false),
        (json!(1), false),
    ] {
        let mut with = full.clone();
        *with.pointer_mut(at).unwrap() = choice.clone();
        assert_eq!(side.schema_takes(&with), wanted, "schema: {choice}");
        assert_eq!(side.type_takes(&with).is_ok(), wanted, "type: {choice}");
    }
}

/// A Cluster document is an entry of `clusters` without its name.
#[test]
fn the_cluster_schema_is_the_environments() {
    let environment = document(DocumentKind::Environment);
    let cluster = document(DocumentKind::Cluster);
    let mut entry = environment["$defs"]["cluster"]["properties"].clone();
    entry.as_object_mut().unwrap().remove("name");
    assert_eq!(cluster["properties"]["spec"]["properties"], entry);
    for (name, definition) in cluster["$defs"].as_object().unwrap() {
        assert_eq!(definition, &environment["$defs"][name], "{name}");
    }
}

#[test]
fn every_field_is_described_and_shown() {
    for (kind, text) in schemas() {
        let schema: Value = serde_json::from_str(text).unwrap();
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        let id = format!("https://waypost.dev/schemas/{}", kind.schema_path());
        assert_eq!(schema["$id"], id);
        let side = Side { kind, schema, schemas: SpecSchemas::compile().unwrap() };
        described(&side, &side.schema, &side.schema["title"].to_string());
    }
}

fn described(side: &Side, schema: &Value, at: &str) {
    let meant = side.deref(schema);
    let says = |word: &str| !schema[word].is_null() || !meant[word].is_null();
    assert!(says("description"), "{at} has no description");
    let is_structure = meant["properties"].is_object() || meant["items"].is_object();
    let is_shown = is_structure || ["const", "default", "examples"].into_iter().any(says);
    assert!(is_shown, "{at} has neither a default nor an example");
    for (key, below) in meant["properties"].as_object().into_iter().flatten() {
        described(side, below, &format!("{at}/{key}"));
    }
    if side.deref(&meant["items"])["properties"].is_object() {
        described(side, &meant["items"], &format!("{at}/*"));
    }
}

fn fields<'v>(value: &'v mut Value, at: &str) -> &'v mut Map<String, Value> {
    value.pointer_mut(at).unwrap().as_object_mut().unwrap()
}
