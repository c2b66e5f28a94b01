//! The schemas of the install resources: what they take, and what they say of what they refuse.

#![allow(clippy::expect_used, clippy::panic, reason = "a test may fail this way")]

use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::Value;
use waypost::diagnostic::{FileId, Sources, Span};
use waypost::translate::install::InstallCheck;
use waypost::validate::Schema;
use waypost::yaml::{Budget, Node, read};

use crate::install_case::{case, cases};

fn schema(kind: &str) -> Schema {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("schemas/install.tetrate.io")
        .join(format!("{}_v1alpha1.json", kind.to_lowercase()));
    let text = std::fs::read_to_string(path).expect("the schema");
    Schema::compile(serde_json::from_str(&text).expect("JSON")).expect("a schema")
}

/// Everything that is made of the cases: resources whole, fields without what a resource must have.
#[test]
fn results_are_valid() {
    let (control, management) = (schema("ControlPlane"), schema("ManagementPlane"));
    let (mut whole, mut parts) = (0, 0);
    for case in cases().into_iter().filter(|case| case.name != "misspelt") {
        let outcome = case.run(None);
        for (schema, files) in
            [(&control, &outcome.control_plane), (&management, &outcome.management_plane)]
        {
            for InstallCheck { value, is_whole, places } in &files.checks {
                let mut found = schema.check(&Node::from_json_at(value, Span::default(), places));
                found.retain(|d| *is_whole || d.code != "missing-field");
                assert!(found.is_empty(), "{}: {found:?}", case.name);
                *(if *is_whole { &mut whole } else { &mut parts }) += 1;
            }
        }
    }
    assert!(whole >= 12 && parts >= 5, "only {whole} and {parts} checked");
}

/// What is wrong in a base is shown in the base, what is wrong in the spec in the spec.
#[test]
fn faults_are_shown_where_they_were_written() {
    let case = case("misspelt");
    let checks = case.run(None).control_plane.checks;
    let node = Node::from_json_at(&checks[0].value, Span::default(), &checks[0].places);
    let mut told: Vec<String> = schema("ControlPlane")
        .check(&node)
        .iter()
        .map(|d| {
            let place = d.primary.as_ref().map(|p| case.sources.place(p.span));
            format!("{}: {}", place.unwrap_or_default(), d.message)
        })
        .collect();
    told.sort();
    assert_eq!(
        told,
        [
            "controlplane.yaml:10:7: `enable` is not known in `spmAgent`",
            "controlplane.yaml:14:7: `overlays` is not known in `xcp`",
            "spec.yaml:10:9: `cni` is not known in `istio`",
            "spec.yaml:7:19: `enabled` must be `true` or `false`, but is a text",
        ]
    );
}

/// `tests/install-schema/<kind>/*.yaml`: each is wrong in one way, and its `.out` says how the
/// user is told; written anew with `WAYPOST_BLESS=1`.
#[test]
fn faults_are_told_with_the_right_place() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for kind in ["controlplane", "managementplane"] {
        let schema = schema(kind);
        let folder =
            PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/install-schema").join(kind);
        let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
            .expect("the folder")
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.extension().is_some_and(|e| e == "yaml"))
            .collect();
        files.sort();
        for file in files {
            let name = file.file_name().expect("a name").to_string_lossy().into_owned();
            let text = std::fs::read_to_string(&file).expect("readable");
            let mut sources = Sources::default();
            let id: FileId = sources.add(&*name, text.as_str());
            let (documents, _) = read(id, &text, &Budget::SPEC);
            let mut told = String::new();
            for diagnostic in schema.check(&documents[0].root) {
                let place = diagnostic.primary.as_ref().map(|p| sources.place(p.span));
                let _ = writeln!(
                    told,
                    "{}[{}] {}: {}",
                    diagnostic.severity,
                    diagnostic.code,
                    place.unwrap_or_default(),
                    diagnostic.message
                );
                if let Some(help) = &diagnostic.help {
                    let _ = writeln!(told, "  help: {help}");
                }
            }
            assert!(!told.is_empty(), "{name} is valid");
            let out = file.with_extension("out");
            if std::env::var_os("WAYPOST_BLESS").is_some() {
                #[expect(clippy::disallowed_methods, reason = "a golden file, not a tree")]
                std::fs::write(&out, &told).expect("written");
            }
            let expected = std::fs::read_to_string(&out).unwrap_or_default();
            if told != expected {
                wrong.push(format!("==== {name}\n---- expected\n{expected}---- got\n{told}"));
            }
            seen += 1;
        }
    }
    assert!(seen >= 10, "only {seen} seen");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Every field says what it is.
#[test]
fn every_field_is_described() {
    fn walk(value: &Value, at: &str, missing: &mut Vec<String>) {
        if let Some(properties) = value.get("properties").and_then(Value::as_object) {
            for (name, schema) in properties {
                let is_told =
                    ["description", "$ref", "const"].iter().any(|k| schema.get(k).is_some());
                if !is_told {
                    missing.push(format!("{at}.{name}"));
                }
            }
        }
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    walk(value, &format!("{at}.{key}"), missing);
                }
            }
            Value::Array(items) => items.iter().for_each(|v| walk(v, at, missing)),
            _ => {}
        }
    }
    for kind in ["controlplane", "managementplane"] {
        let mut missing = Vec::new();
        walk(schema(kind).document(), kind, &mut missing);
        assert!(missing.is_empty(), "{missing:?}");
    }
}
