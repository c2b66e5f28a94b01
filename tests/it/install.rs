//! Install resources, case by case: findings, patches, Components; and what holds for all of them.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::Value;
use waypost::model::InstallOutput;
use waypost::translate::install::InstallFiles;
use waypost::yaml::emit;

use crate::install_case::{Case, Outcome, cases};

/// Each case's `expected.out`; written anew with `BLESS=1`.
#[test]
fn cases_come_to_what_is_expected() {
    let mut wrong = Vec::new();
    for case in cases() {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("tests/install")
            .join(&case.name)
            .join("expected.out");
        let text = describe(&case, &case.run(None));
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&path, &text).expect("written");
        }
        let expected = std::fs::read_to_string(&path).unwrap_or_default();
        if text != expected {
            wrong.push(format!("==== {}\n---- expected\n{expected}\n---- got\n{text}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The patches over the base give exactly the finished resource, which is the full output.
#[test]
fn overlay_and_full_output_agree() {
    let mut compared = 0;
    for case in cases() {
        let overlay = case.run(Some(InstallOutput::Overlay));
        let full = case.run(Some(InstallOutput::Full));
        for (overlay, full) in [
            (&overlay.control_plane, &full.control_plane),
            (&overlay.management_plane, &full.management_plane),
        ] {
            assert_eq!(overlay.patched, full.patched, "{}", case.name);
            assert!(full.patches.is_empty(), "{}", case.name);
            let Some(patched) = overlay.patched.first() else { continue };
            let mut built = overlay.resources[0].clone();
            for patch in &overlay.patches {
                let patch: json_patch::Patch =
                    serde_json::from_value(patch.body.clone()).expect("JSON6902");
                json_patch::patch(&mut built, &patch).expect("applies");
            }
            assert_eq!(&built, patched, "{}", case.name);
            assert_eq!(full.resources[0], *patched, "{}", case.name);
            compared += 1;
        }
    }
    assert!(compared >= 8, "only {compared} cases have a base");
}

/// No Component carries a list in a strategic merge, nor a whole resource.
#[test]
fn components_hold_no_list_to_merge() {
    fn has_list(value: &Value) -> bool {
        match value {
            Value::Array(_) => true,
            Value::Object(map) => map.values().any(has_list),
            _ => false,
        }
    }
    let mut seen = 0;
    for case in cases() {
        let outcome = case.run(None);
        for files in [&outcome.control_plane, &outcome.management_plane] {
            for component in &files.components {
                assert!(!has_list(&component.files["fields.yaml"]), "{}", case.name);
                seen += 1;
            }
        }
    }
    assert!(seen > 5, "only {seen} Components seen");
}

fn describe(case: &Case, outcome: &Outcome) -> String {
    let mut text = String::new();
    for diagnostic in &outcome.found {
        let place = diagnostic.primary.as_ref().map(|p| case.sources.place(p.span));
        let _ = writeln!(
            text,
            "{}[{}] {}: {}",
            diagnostic.severity,
            diagnostic.code,
            place.unwrap_or_default(),
            diagnostic.message
        );
        if let Some(help) = &diagnostic.help {
            let _ = writeln!(text, "  help: {help}");
        }
    }
    for files in [&outcome.control_plane, &outcome.management_plane] {
        files_text(files, &mut text);
    }
    text
}

fn files_text(files: &InstallFiles, text: &mut String) {
    let mut section = |title: String, value: &Value| {
        let _ = write!(text, "//// {title}\n{}", emit(value).expect("emitted"));
    };
    for resource in &files.resources {
        // the untouched copy of a base is beside this file already
        let is_copy = !files.patched.is_empty()
            && resource["kind"] == files.patched[0]["kind"]
            && *resource != files.patched[0];
        if !is_copy {
            section(
                format!("resource {}", resource["kind"].as_str().unwrap_or_default()),
                resource,
            );
        }
    }
    for patch in &files.patches {
        section(format!("{} for {}", patch.file, patch.target.selector()), &patch.body);
    }
    for component in &files.components {
        for (file, value) in &component.files {
            section(format!("{}/{file}", component.name), value);
        }
    }
}
