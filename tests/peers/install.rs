//! Install resources through kustomize: the patches over the base give the finished resource, and
//! a Component that does not fit its resource fails the build.
//!
//! Needs `kubectl` and `kustomize`; `WAYPOST_KUBECTL` and `WAYPOST_KUSTOMIZE` name others than
//! those of the path.

#![allow(clippy::expect_used, clippy::panic, reason = "a test may fail this way")]

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use waypost::diagnostic::FileId;
use waypost::k8s::Object;
use waypost::model::{InstallBase, InstallOutput};
use waypost::translate::install::{Component, InstallFiles};
use waypost::yaml::{Budget, emit, read};

use crate::install_case::cases;

/// What both programs make of a folder: the objects, or the error.
fn build(folder: &Path) -> Result<Vec<Value>, String> {
    let program =
        |variable: &str, name: &str| std::env::var(variable).unwrap_or_else(|_| name.to_owned());
    let kubectl = run(&program("WAYPOST_KUBECTL", "kubectl"), "kustomize", folder);
    let kustomize = run(&program("WAYPOST_KUSTOMIZE", "kustomize"), "build", folder);
    match (&kubectl, &kustomize) {
        (Ok(a), Ok(b)) => assert_eq!(a, b, "kubectl and kustomize differ"),
        (Err(_), Err(_)) => {}
        _ => panic!("kubectl and kustomize differ:\n{kubectl:?}\n{kustomize:?}"),
    }
    kubectl
}

fn run(program: &str, verb: &str, folder: &Path) -> Result<Vec<Value>, String> {
    let output = Command::new(program)
        .arg(verb)
        .arg(folder)
        .output()
        .unwrap_or_else(|e| panic!("`{program}` is needed for this test: {e}"));
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let (documents, _) = read(FileId::default(), &text, &Budget::MANIFESTS);
    Ok(documents.into_iter().map(|document| document.root.into_json()).collect())
}

#[expect(clippy::disallowed_methods, reason = "input for another program")]
fn write(folder: &Path, file: &str, value: &Value) {
    std::fs::create_dir_all(folder).expect("a folder");
    std::fs::write(folder.join(file), emit(value).expect("emitted")).expect("written");
}

#[test]
fn kustomize_makes_the_finished_resource_of_the_overlay() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut compared = 0;
    for case in cases() {
        let outcome = case.run(Some(InstallOutput::Overlay));
        for files in [&outcome.control_plane, &outcome.management_plane] {
            let Some(patched) = files.patched.first() else { continue };
            let unit = folder.path().join(format!("{}-{compared}", case.name));
            write(&unit, "base.yaml", &files.resources[0]);
            for patch in &files.patches {
                write(&unit, &patch.file, &patch.body);
            }
            let entries: Vec<Value> = files.patches.iter().map(|patch| patch.entry()).collect();
            write(
                &unit,
                "kustomization.yaml",
                &json!({
                    "apiVersion": "kustomize.config.k8s.io/v1beta1",
                    "kind": "Kustomization",
                    "resources": ["base.yaml"],
                    "patches": entries,
                }),
            );
            assert_eq!(build(&unit), Ok(vec![patched.clone()]), "{}", case.name);
            compared += 1;
        }
    }
    assert!(compared >= 8, "only {compared} compared");
}

/// The user's kustomization: one resource, and Components.
fn with_components(
    folder: &Path,
    resource: &Value,
    components: &[&Component],
) -> Result<Vec<Value>, String> {
    let mut names = Vec::new();
    for component in components {
        for (file, value) in &component.files {
            write(&folder.join("components").join(&component.name), file, value);
        }
        names.push(format!("../components/{}", component.name));
    }
    write(&folder.join("user"), "resource.yaml", resource);
    write(
        &folder.join("user"),
        "kustomization.yaml",
        &json!({"resources": ["resource.yaml"], "components": names}),
    );
    build(&folder.join("user"))
}

fn control_plane(case: &str) -> InstallFiles {
    crate::install_case::case(case).run(None).control_plane
}

fn bare() -> Value {
    json!({
        "apiVersion": "install.tetrate.io/v1alpha1",
        "kind": "ControlPlane",
        "metadata": {"name": "controlplane", "namespace": "istio-system"},
        "spec": {"hub": "registry.example.com/tetrate"},
    })
}

fn with_overlays() -> Value {
    let mut resource = bare();
    resource["spec"]["components"] = json!({"xcp": {"kubeSpec": {"overlays": [
        {"apiVersion": "v1", "kind": "K", "name": "the-users-own", "patches": []},
    ]}}});
    resource
}

fn named<'a>(files: &'a InstallFiles, name: &str) -> &'a Component {
    files.components.iter().find(|c| c.name == name).expect("the Component")
}

#[test]
fn the_fitting_component_keeps_the_users_overlays() {
    let files = control_plane("guide-without-base");
    let fields = named(&files, "controlplane");
    let append = named(&files, "controlplane-xcp-overlays-append");
    let create = named(&files, "controlplane-xcp-overlays-create");
    for (resource, component, names) in [
        (with_overlays(), append, vec!["the-users-own", "edge-xcp"]),
        (bare(), create, vec!["edge-xcp"]),
    ] {
        // in either order
        for components in [[fields, component], [component, fields]] {
            let folder = tempfile::tempdir().expect("a folder");
            let built = with_components(folder.path(), &resource, &components).expect("built");
            let spec = &built[0]["spec"];
            let overlays = spec["components"]["xcp"]["kubeSpec"]["overlays"].as_array();
            let found: Vec<_> = overlays.expect("a list").iter().map(|o| &o["name"]).collect();
            assert_eq!(found, names);
            assert_eq!(spec["components"]["istio"]["ambient"]["enable"], true);
            assert_eq!(spec["hub"], "registry.example.com/tetrate");
        }
    }
}

/// The Components over a resource come to what an overlay over it as base comes to.
#[test]
fn components_agree_with_the_overlay() {
    let files = control_plane("guide-without-base");
    for (resource, list) in [(with_overlays(), "append"), (bare(), "create")] {
        let list = named(&files, &format!("controlplane-xcp-overlays-{list}"));
        let folder = tempfile::tempdir().expect("a folder");
        let components = [named(&files, "controlplane"), list];
        let built = with_components(folder.path(), &resource, &components).expect("built");

        let mut case = crate::install_case::case("guide-without-base");
        let text = emit(&resource).expect("emitted");
        let (mut documents, _) = read(FileId::default(), &text, &Budget::SPEC);
        let object = Object::from_node(documents.remove(0).root).expect("an object");
        let cluster = case.environment.clusters.values_mut().next().expect("a cluster");
        let plane = cluster.control_plane.as_mut().expect("a control plane");
        plane.base = Some(InstallBase::new(object));
        assert_eq!(built, case.run(None).control_plane.patched);
    }
}

#[test]
fn the_wrong_component_fails_the_build() {
    let files = control_plane("guide-without-base");
    let append = named(&files, "controlplane-xcp-overlays-append");
    let create = named(&files, "controlplane-xcp-overlays-create");
    for (resource, component, wanted) in
        [(bare(), append, "add operation"), (with_overlays(), create, "test")]
    {
        let folder = tempfile::tempdir().expect("a folder");
        let error = with_components(folder.path(), &resource, &[component]).expect_err("refused");
        assert!(error.contains(wanted), "{error}");
    }
}

#[test]
fn every_component_fails_without_its_resource() {
    let mut other = bare();
    other["metadata"]["name"] = json!("another");
    let mut tried = 0;
    for case in cases() {
        for component in &case.run(None).control_plane.components {
            let folder = tempfile::tempdir().expect("a folder");
            let error = with_components(folder.path(), &other, &[component]).expect_err("refused");
            assert!(
                error.contains("no resource matches") || error.contains("no matches"),
                "{error}"
            );
            tried += 1;
        }
    }
    assert!(tried >= 6, "only {tried} tried");
}

#[test]
fn lists_set_outright_replace_and_the_rest_stays() {
    let files = control_plane("free-fields-without-base");
    let mut resource = bare();
    resource["spec"]["imagePullSecrets"] = json!([{"name": "old"}]);
    let folder = tempfile::tempdir().expect("a folder");
    let built = with_components(folder.path(), &resource, &[named(&files, "controlplane")]);
    let spec = &built.expect("built")[0]["spec"];
    assert_eq!(spec["imagePullSecrets"], json!([{"name": "new"}]));
    assert_eq!(spec["meshExpansion"], json!({}));
    assert_eq!(
        spec["components"]["istio"]["kubeSpec"]["deployment"]["env"],
        json!([{"name": "A", "value": "1"}])
    );
}
