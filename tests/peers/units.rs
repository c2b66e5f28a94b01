//! Every rendered unit, built by `kubectl kustomize`, comes to the objects that waypost itself says
//! are applied; at every step of every example.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

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
            guarded(&cluster.join(unit), &theirs);
            built += 1;
        }
    }
    built
}

/// With its guard, as Flux builds it, a unit comes to the same bytes; without the objects of any of
/// its namespaces, or without any, it is not built, so that nothing is pruned.
fn guarded(unit: &Path, built: &str) {
    if !unit.join("_guard").is_dir() {
        return;
    }
    let path = unit.join("kustomization.yaml");
    let text = std::fs::read_to_string(&path).expect("a kustomization");
    let mut list: Value = serde_yaml::from_str(&text).expect("YAML");
    list["components"] = json!(["_guard"]);
    let build = |resources: Vec<&str>| {
        let mut list = list.clone();
        list["resources"] = json!(resources);
        std::fs::write(&path, list.to_string()).expect("written");
        try_kustomize(unit)
    };
    let all = list["resources"].as_array().expect("a list");
    let all: Vec<&str> = all.iter().filter_map(Value::as_str).collect();
    assert_eq!(build(all.clone()).as_deref(), Ok(built), "{}", unit.display());
    let folder = |resource: &str| resource.split('/').next().map(str::to_owned);
    let folders: BTreeSet<_> = all.iter().map(|resource| folder(resource)).collect();
    for gone in &folders {
        let rest = all.iter().filter(|resource| folder(resource) != *gone).copied().collect();
        let refusal = build(rest).expect_err("it is not built");
        assert!(refusal.contains("no resource matches strategic merge patch"), "{refusal}");
    }
    assert!(build(Vec::new()).is_err());
    std::fs::write(&path, text).expect("written");
}

fn kustomize(unit: &Path) -> String {
    match try_kustomize(unit) {
        Ok(built) => built,
        Err(refusal) => panic!("kubectl kustomize {}: {refusal}", unit.display()),
    }
}

fn try_kustomize(unit: &Path) -> Result<String, String> {
    let output = Command::new("kubectl")
        .arg("kustomize")
        .arg(unit)
        .output()
        .expect("kubectl is needed for this test group");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
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
