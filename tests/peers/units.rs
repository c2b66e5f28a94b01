//! Every rendered unit, built by `kubectl kustomize`, comes to the objects that waypost itself says
//! are applied; at every step of every example.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

const STEPS: [&str; 10] = [
    "none",
    "client/mesh",
    "client/enrollment",
    "client",
    "httpbin/mesh",
    "httpbin/enrollment",
    "httpbin",
    "bookinfo/mesh",
    "bookinfo/enrollment",
    "bookinfo",
];
const UNITS: [&str; 5] = ["platform", "tsb", "mesh", "enrollment", "workloads"];

fn waypost(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_waypost"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(arguments)
        .output()
        .expect("waypost starts");
    assert!(
        output.status.success(),
        "waypost {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// The objects of a stream by identity.
fn objects(text: &str) -> BTreeMap<String, Value> {
    let mut objects = BTreeMap::new();
    for document in serde_yaml::Deserializer::from_str(text) {
        let value: Value = serde::Deserialize::deserialize(document).expect("YAML");
        if value.is_null() {
            continue;
        }
        let metadata = &value["metadata"];
        let identity = format!(
            "{} {} {} {}",
            value["apiVersion"], value["kind"], metadata["namespace"], metadata["name"]
        );
        assert!(objects.insert(identity.clone(), value).is_none(), "{identity} twice");
    }
    objects
}

fn compare(environment: &str, arguments: &[&str]) -> usize {
    let out = tempfile::tempdir().expect("a folder");
    let folder = out.path().to_str().expect("UTF-8");
    waypost(&[&["render", environment, "--out", folder], arguments].concat());
    let mut built = 0;
    for cluster in std::fs::read_dir(out.path().join(environment)).expect("the tree") {
        let cluster = cluster.expect("an entry").path();
        let name = cluster.file_name().expect("a name").to_string_lossy().into_owned();
        for unit in UNITS {
            if !cluster.join(unit).join("kustomization.yaml").is_file() {
                continue;
            }
            let theirs = kustomize(&cluster.join(unit));
            let ours = waypost(
                &[
                    &["render", environment, "--stdout", "--cluster", &name, "--unit", unit],
                    arguments,
                ]
                .concat(),
            );
            assert_eq!(
                objects(&theirs),
                objects(&ours),
                "{environment} {name}/{unit} {arguments:?}"
            );
            assert!(!objects(&ours).is_empty());
            built += 1;
        }
    }
    built
}

fn kustomize(unit: &Path) -> String {
    let output = Command::new("kubectl")
        .arg("kustomize")
        .arg(unit)
        .output()
        .expect("kubectl is needed for this test group");
    assert!(
        output.status.success(),
        "kubectl kustomize {}: {}",
        unit.display(),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn every_unit_of_the_brownfield_example_at_every_step() {
    let built: usize = STEPS.iter().map(|step| compare("brownfield", &["--stage", step])).sum();
    assert!(built >= 4 * STEPS.len(), "{built} units");
}

#[test]
fn every_unit_of_the_greenfield_example() {
    assert!(compare("greenfield", &[]) >= 3);
}
