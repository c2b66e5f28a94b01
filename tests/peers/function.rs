//! `waypost fn` called by kustomize and by kpt, and each compared with the rendered tree byte by byte.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use super::kustomize;

const STAGES: [&str; 4] = ["none", "client/mesh", "httpbin/enrollment", "bookinfo"];
const UNITS: [&str; 5] = ["platform", "tsb", "mesh", "enrollment", "workloads"];
const CLUSTER: &str = "cp-cluster-1";

fn render(out: &Path, stage: &str) {
    let status = Command::new(env!("CARGO_BIN_EXE_waypost"))
        .args(["-C", env!("CARGO_MANIFEST_DIR"), "render", "brownfield", "--stage", stage, "--out"])
        .arg(out)
        .status()
        .expect("waypost starts");
    assert!(status.success(), "{stage}");
}

/// The files of single objects, which a function gives; a kustomization, a guard, a lock and a
/// patch are none.
fn objects(folder: &Path) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = walkdir::WalkDir::new(folder)
        .into_iter()
        .map(|entry| entry.expect("an entry"))
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| {
            let path = entry.path().strip_prefix(folder).expect("below").display().to_string();
            (path, fs::read_to_string(entry.path()).expect("a text"))
        })
        .filter(|(path, _)| {
            path.ends_with(".yaml")
                && !path.ends_with("kustomization.yaml")
                && !path.contains("/patches/")
        })
        .collect();
    files.sort();
    files
}

#[test]
fn kustomize_builds_the_same_with_the_function_as_from_the_tree() {
    let mut compared = 0;
    for stage in STAGES {
        let folder = tempfile::tempdir().expect("a folder");
        render(folder.path(), stage);
        for unit in UNITS {
            let tree = folder.path().join("brownfield").join(CLUSTER).join(unit);
            if !tree.join("kustomization.yaml").is_file() {
                continue;
            }
            let called = folder.path().join("called").join(unit);
            fs::create_dir_all(&called).expect("a folder");
            generator(&called, stage, unit);
            assert_eq!(
                kustomize::build_with_functions(&called).expect("kustomize calls the function"),
                kustomize::build(&tree).expect("kustomize builds the tree"),
                "{stage} {unit}"
            );
            compared += 1;
        }
    }
    assert!(compared >= 12, "only {compared} units were compared");
}

fn generator(folder: &Path, stage: &str, unit: &str) {
    let program = folder.join("waypost-fn");
    let text = format!(
        "#!/bin/sh\nexec '{}' -C '{}' fn\n",
        env!("CARGO_BIN_EXE_waypost"),
        env!("CARGO_MANIFEST_DIR")
    );
    fs::write(&program, text).expect("written");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("executable");
    fs::write(folder.join("kustomization.yaml"), "generators: [generator.yaml]\n")
        .expect("written");
    let text = format!(
        "apiVersion: waypost.dev/v1alpha1\nkind: Render\nmetadata:\n  name: brownfield\n  \
         annotations:\n    config.kubernetes.io/function: |\n      exec: {{path: ./waypost-fn}}\n\
         spec: {{environment: brownfield, cluster: {CLUSTER}, unit: {unit}, stage: {stage}}}\n"
    );
    fs::write(folder.join("generator.yaml"), text).expect("written");
}

/// kpt writes each object to its file. A unit whose kustomization patches a base is left out here:
/// a function gives what is applied, where the tree holds the base and its patches.
#[test]
fn kpt_writes_the_files_of_the_tree() {
    for stage in STAGES {
        let folder = tempfile::tempdir().expect("a folder");
        render(folder.path(), stage);
        let written = folder.path().join("written");
        fs::create_dir(&written).expect("a folder");
        let tree: Vec<(String, String)> = objects(&folder.path().join("brownfield"))
            .into_iter()
            .filter(|(path, _)| !path.contains("/platform/"))
            .collect();
        for round in 0..2 {
            for unit in UNITS.into_iter().filter(|unit| *unit != "platform") {
                kpt(&written, stage, unit);
            }
            assert_eq!(objects(&written), tree, "{stage}, call {round}");
        }
        assert!(tree.len() >= 10, "{stage}: only {} files", tree.len());
    }
}

fn kpt(folder: &Path, stage: &str, unit: &str) {
    let exec = format!("{} -C {} fn", env!("CARGO_BIN_EXE_waypost"), env!("CARGO_MANIFEST_DIR"));
    let output = Command::new("kpt")
        .args(["fn", "eval"])
        .arg(folder)
        .args(["--exec", &exec, "--", "environment=brownfield"])
        .args([format!("stage={stage}"), format!("unit={unit}")])
        .output()
        .expect("kpt is absent: put it on the PATH (https://kpt.dev/installation)");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stage} {unit}: {said}");
}
