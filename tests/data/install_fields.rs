//! The ControlPlane's schema against the field list of TSB's API, both ways.

#![allow(clippy::expect_used, reason = "a test may fail this way")]

use std::collections::BTreeSet;

use serde_json::Value;

use crate::data;

/// Fields of the schema that the list does not have, and why they are there.
const BEYOND_THE_LIST: &[(&str, &str)] = &[
    ("telemetryStoreMigrationTarget", "facts/tsb.md, \"Full spec tree\""),
    ("components.oap.alsAuthLogEnabled", "facts/tsb.md, \"Full spec tree\""),
];

fn control_plane() -> Value {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/schemas/install.tetrate.io/controlplane_v1alpha1.json"
    );
    serde_json::from_str(&std::fs::read_to_string(path).expect("the schema")).expect("JSON")
}

/// Paths below `spec`, in the spelling of YAML.
fn listed() -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(data("tsb/schema-fields/cluster.tsv")).expect("the list");
    text.lines()
        .filter_map(|line| line.split('\t').next()?.strip_prefix("install_template.helm.spec."))
        .map(|path| path.split('.').map(camel).collect())
        .collect()
}

/// The CR has proto JSON names, but for some capitals (facts/tsb.md, "Naming and value rules").
fn camel(snake: &str) -> String {
    match snake {
        "cni" => return "CNI".to_owned(),
        "default_workload_cert_ttl" => return "defaultWorkloadCertTTL".to_owned(),
        "max_workload_cert_ttl" => return "maxWorkloadCertTTL".to_owned(),
        _ => {}
    }
    let mut words = snake.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| {
        let mut letters = word.chars();
        let head = letters.next().map(|c| c.to_ascii_uppercase()).into_iter();
        name + &head.chain(letters).collect::<String>()
    })
}

fn resolved<'s>(document: &'s Value, schema: &'s Value) -> &'s Value {
    match schema.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix('#')) {
        Some(pointer) => document.pointer(pointer).expect("a definition"),
        None => schema,
    }
}

#[test]
fn every_listed_field_is_in_the_schema() {
    let document = control_plane();
    let mut unknown = BTreeSet::new();
    let mut seen = 0;
    for path in listed() {
        seen += 1;
        let mut schema = &document["properties"]["spec"];
        for (i, name) in path.iter().enumerate() {
            schema = resolved(&document, schema);
            if schema["type"] == "array" {
                schema = resolved(&document, &schema["items"]);
            }
            let is_open = schema.get("properties").is_none()
                && (schema["type"] == "object"
                    || schema["type"].as_array().is_some_and(|t| t.contains(&"object".into())));
            // wrappers of the list: a BoolValue's `value`, a Duration's seconds and nanos
            let is_scalar = schema["type"].is_string()
                && schema["type"] != "object"
                && matches!(name.as_str(), "value" | "seconds" | "nanos");
            if is_open || is_scalar {
                break;
            }
            match schema["properties"].get(name) {
                Some(child) => schema = child,
                None => {
                    unknown.insert(path[..=i].join("."));
                    break;
                }
            }
        }
    }
    assert!(seen > 9000, "only {seen} fields listed");
    assert!(unknown.is_empty(), "{} unknown: {unknown:#?}", unknown.len());
}

#[test]
fn every_field_of_the_schema_is_listed() {
    let document = control_plane();
    let listed: BTreeSet<String> = listed().into_iter().map(|path| path.join(".")).collect();
    let mut beyond = Vec::new();
    let spec = &document["properties"]["spec"];
    walk(&document, spec, &mut Vec::new(), &listed, &mut beyond);
    assert!(beyond.is_empty(), "{beyond:#?}");
}

fn walk(
    document: &Value,
    schema: &Value,
    path: &mut Vec<String>,
    listed: &BTreeSet<String>,
    beyond: &mut Vec<String>,
) {
    let mut schema = resolved(document, schema);
    if schema["type"] == "array" {
        schema = resolved(document, &schema["items"]);
    }
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
    for (name, child) in properties {
        path.push(name.clone());
        let full = path.join(".");
        // the other spelling of a certificate's time to live, and the two forms of a key reference
        let is_variant = name.ends_with("CertTtl") || full.contains(".valueFrom.");
        let is_known = BEYOND_THE_LIST.iter().any(|(p, _)| full.starts_with(p));
        if listed.contains(&full) || is_variant || is_known {
            walk(document, child, path, listed, beyond);
        } else {
            beyond.push(full);
        }
        path.pop();
    }
}
