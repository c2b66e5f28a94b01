//! istiod's own words, recorded (`tests/mesh/record`): `tests/ambientz/NAME.json` is what it said to ztunnel of
//! `NAME.yaml`. What only a run knows is left out of it.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;
use waypost::simulate::{Mesh, Options};

use super::mesh_and_findings;

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ambientz")
}

/// What waypost says, in the shape of the recordings.
fn said(mesh: &Mesh) -> [(&'static str, Vec<Value>); 3] {
    let cluster = mesh.clusters().next().unwrap().0;
    let ambient = mesh.ambient(cluster);
    let mut workloads: Vec<Value> = ambient.workloads.into_iter().map(|w| w.json).collect();
    // pods of waypoints are made by a controller, which is not there
    workloads.retain(|w| !w["uid"].as_str().unwrap().contains("/Deployment/"));
    for workload in &mut workloads {
        workload.as_object_mut().unwrap().remove("uid");
    }
    let services = ambient.services.into_iter().map(|s| s.json).collect();
    let policies =
        mesh.authorizations(cluster).iter().map(|a| serde_json::to_value(a).unwrap()).collect();
    [("workloads", workloads), ("services", services), ("policies", policies)]
}

#[test]
fn what_istiod_said_is_said() {
    let mut seen = BTreeSet::new();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "yaml") {
            continue;
        }
        let yaml = std::fs::read_to_string(&path).unwrap();
        let recorded = std::fs::read_to_string(path.with_extension("json")).unwrap();
        let recorded: Value = serde_json::from_str(&recorded).unwrap();
        let (mesh, _) = mesh_and_findings(&yaml, &Options::default());
        for (what, ours) in said(&mesh) {
            assert_eq!(Value::from(ours), recorded[what], "{what} of {}", path.display());
        }
        seen.extend(path.file_stem().map(std::ffi::OsStr::to_os_string));
    }
    assert!(seen.len() >= 2, "{seen:?}");
}
