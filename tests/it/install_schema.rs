//! The schemas of the install resources: what they take, and what they say of what they refuse.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::Value;
use waypost::diagnostic::{FileId, Sources};
use waypost::model::InstallOutput;
use waypost::validate::{Schema, partial};
use waypost::yaml::{Budget, read};

use crate::install_case::cases;

fn schema(kind: &str) -> Schema {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("schemas/install.tetrate.io")
        .join(format!("{}_v1alpha1.json", kind.to_lowercase()));
    let text = std::fs::read_to_string(path).expect("the schema");
    Schema::compile(serde_json::from_str(&text).expect("JSON")).expect("a schema")
}

/// Every base of the cases, and everything that is made of them.
#[test]
fn bases_and_results_are_valid() {
    let (control, management) = (schema("ControlPlane"), schema("ManagementPlane"));
    let mut checked = 0;
    for case in cases() {
        for base in case.bases() {
            let schema =
                if base.object.gvk.kind == "ControlPlane" { &control } else { &management };
            let nulls_dropped = without_nulls(&base.body);
            assert!(
                schema.is_valid(&nulls_dropped),
                "{}: {:?}",
                case.name,
                schema.check(&base.object.body)
            );
        }
        let outcome = case.run(Some(InstallOutput::Full));
        for (schema, files) in
            [(&control, &outcome.control_plane), (&management, &outcome.management_plane)]
        {
            for value in &files.patched {
                assert!(schema.is_valid(&without_nulls(value)), "{}", case.name);
                checked += 1;
            }
        }
    }
    assert!(checked >= 12, "only {checked} checked");
}

/// Without a base: the wanted fields, as the Components lay them over a resource.
#[test]
fn fields_of_components_are_valid() {
    let mut checked = 0;
    for case in cases() {
        let outcome = case.run(None);
        for (kind, files) in [
            ("ControlPlane", &outcome.control_plane),
            ("ManagementPlane", &outcome.management_plane),
        ] {
            let part = partial(schema(kind).document(), "/properties/spec").expect("spec");
            let schema = Schema::compile(part).expect("a schema");
            for component in &files.components {
                if let Some(spec) = component.files["fields.yaml"].get("spec") {
                    assert!(schema.is_valid(&without_nulls(spec)), "{}: {spec}", case.name);
                    checked += 1;
                }
            }
        }
    }
    assert!(checked >= 8, "only {checked} checked");
}

/// What the API server drops before it validates.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.iter()
                .filter(|(_, v)| !v.is_null())
                .map(|(k, v)| (k.clone(), without_nulls(v)))
                .collect(),
        ),
        other => other.clone(),
    }
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
