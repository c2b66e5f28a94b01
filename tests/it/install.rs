//! Install resources, case by case: findings, patches, Components; and what holds for all of them.

#![allow(clippy::expect_used, clippy::panic, reason = "a test may fail this way")]

use std::fmt::Write as _;
use std::path::PathBuf;

use proptest::prelude::*;
use serde_json::{Value, json};
use waypost::diagnostic::{FileId, has_errors};
use waypost::k8s::Object;
use waypost::model::{InstallBase, InstallOutput, Platform};
use waypost::translate::install::{InstallFiles, control_plane};
use waypost::translate::platform::profile;
use waypost::yaml::{Budget, emit, read};

use crate::install_case::{Case, Outcome, case, cases};

/// Each case's `expected.out`; written anew with `WAYPOST_BLESS=1`.
#[test]
fn cases_come_to_what_is_expected() {
    let mut wrong = Vec::new();
    for case in cases() {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("tests/install")
            .join(&case.name)
            .join("expected.out");
        let text = describe(&case, &case.run(None));
        if std::env::var_os("WAYPOST_BLESS").is_some() {
            #[expect(clippy::disallowed_methods, reason = "a golden file, not a tree")]
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

/// Each platform's settings reach the ControlPlane, and what it needs besides the tree.
#[test]
fn every_platform_has_its_settings() {
    let case = case("guide");
    for platform in Platform::ALL {
        let mut environment = case.environment.clone();
        let cluster = environment.clusters.values_mut().next().expect("a cluster");
        cluster.platform = platform;
        let cluster = environment.clusters.values().next().expect("a cluster");
        let (files, found) = control_plane(&environment, cluster);
        assert!(!has_errors(&found), "{platform}: {found:?}");
        let profile = profile(platform, environment.istio.expect("a release"));
        assert_eq!(
            files.patched[0].pointer("/spec/components/istio/kubeSpec/CNI"),
            Some(&Value::Object(profile.cni.fields())),
            "{platform}"
        );
        let kinds: Vec<_> = files.resources.iter().filter_map(|r| r["kind"].as_str()).collect();
        if platform == Platform::Gke {
            assert_eq!(kinds, ["ControlPlane", "ResourceQuota"]);
            assert_eq!(files.resources[1]["metadata"]["namespace"], "istio-system");
        } else {
            assert_eq!(kinds, ["ControlPlane"], "{platform}");
        }
        let steps = found.iter().filter(|d| d.code == "platform-manual-step").count();
        assert_eq!(steps, profile.manual.len(), "{platform}");
    }
}

/// Mappings with the keys that are merged in ways of their own.
fn fields() -> impl Strategy<Value = Value> {
    let overlay = ("[ab]", prop::collection::vec(("[xy]|env\\[-1\\]", "[AB]", "[12]"), 0..3)).prop_map(
        |(name, patches)| {
            let patches: Vec<Value> = patches
                .into_iter()
                .map(|(path, name, value)| json!({"path": path, "value": {"name": name, "value": value}}))
                .collect();
            json!({"apiVersion": "v1", "kind": "K", "name": name, "patches": patches})
        },
    );
    let leaf = prop_oneof![
        Just(Value::Null),
        Just(json!({})),
        any::<bool>().prop_map(Value::from),
        "[a/~]{0,2}".prop_map(Value::from),
        prop::collection::vec((0..3i64).prop_map(Value::from), 0..3).prop_map(Value::Array),
    ];
    leaf.prop_recursive(5, 48, 4, move |inner| {
        let entry = prop_oneof![
            3 => ("components|kubeSpec|istio|a/b|c~d|hub", inner),
            1 => prop::collection::vec(overlay.clone(), 0..3)
                .prop_map(|list| ("overlays".to_owned(), Value::Array(list))),
        ];
        prop::collection::vec(entry, 0..4)
            .prop_map(|entries| Value::Object(entries.into_iter().collect()))
    })
}

proptest! {
    /// Whatever the base and the fields: the patches give the full output.
    #[test]
    fn patches_give_the_full_output(base in fields(), free in fields()) {
        let case = case_of(&base, &free);
        let overlay = case.run(Some(InstallOutput::Overlay)).control_plane;
        let full = case.run(Some(InstallOutput::Full)).control_plane;
        let mut built = overlay.resources[0].clone();
        for patch in &overlay.patches {
            let patch: json_patch::Patch = serde_json::from_value(patch.body.clone()).expect("JSON6902");
            json_patch::patch(&mut built, &patch).expect("applies");
        }
        prop_assert_eq!(&built, &full.resources[0]);
        prop_assert_eq!(&overlay.patched, &full.patched);
        // what was laid over once is not laid over again
        let again = case_of(full.resources[0].get("spec").unwrap_or(&Value::Null), &free);
        prop_assert!(again.run(Some(InstallOutput::Overlay)).control_plane.patches.is_empty());
    }
}

/// A case with this `spec` of the base and these free fields.
fn case_of(base: &Value, free: &Value) -> Case {
    let mut case = case("no-istio");
    let base = json!({
        "apiVersion": "install.tetrate.io/v1alpha1",
        "kind": "ControlPlane",
        "metadata": {"name": "controlplane", "namespace": "istio-system"},
        "spec": base,
    });
    let text = emit(&base).expect("emitted");
    let (mut documents, _) = read(FileId::default(), &text, &Budget::SPEC);
    let object = Object::from_node(documents.remove(0).root).expect("an object");
    let cluster = case.environment.clusters.values_mut().next().expect("a cluster");
    let plane = cluster.control_plane.as_mut().expect("a control plane");
    plane.base = Some(InstallBase::new(object));
    plane.spec = free.as_object().cloned().unwrap_or_default();
    case
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
