//! `waypost list`: what CI makes its jobs from.

use serde_json::Value;

use crate::program::{copy_of, project, waypost};

#[test]
fn the_list_is_a_matrix_of_what_is_rendered() {
    let ran = waypost(project(), &["list", "--format", "json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(ran.stdout.lines().count(), 1, "a step's output is one line");
    let matrix: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let keys: Vec<&String> = matrix.as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["include"], "another key would be a dimension of the matrix");
    let include = matrix["include"].as_array().expect("a list");
    let names: Vec<&str> = include.iter().filter_map(|e| e["environment"].as_str()).collect();
    assert_eq!(names, ["brownfield", "greenfield"]);
    for environment in include {
        let name = environment["environment"].as_str().expect("a name");
        for cluster in environment["clusters"].as_array().expect("clusters") {
            let folder = project()
                .join("rendered")
                .join(name)
                .join(cluster["name"].as_str().expect("a name"));
            let mut on_disk: Vec<String> = std::fs::read_dir(folder)
                .expect("the cluster's folder")
                .map(|entry| entry.expect("an entry"))
                .filter(|entry| entry.path().is_dir())
                .map(|entry| entry.file_name().into_string().expect("UTF-8"))
                .collect();
            on_disk.sort();
            let mut units: Vec<&str> = cluster["units"]
                .as_array()
                .expect("units")
                .iter()
                .filter_map(Value::as_str)
                .collect();
            units.sort_unstable();
            assert_eq!(units, on_disk, "{name}");
        }
    }
    let stages = include[0]["stages"].as_array().expect("stages");
    assert!(!stages.is_empty(), "brownfield migrates");
}

#[test]
fn an_environment_named_twice_is_listed_once() {
    let ran = waypost(project(), &["list", "greenfield", "greenfield"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(ran.stdout.lines().filter(|line| *line == "greenfield").count(), 1);
    assert!(!ran.stdout.contains("brownfield"), "{}", ran.stdout);
}

#[test]
fn with_one_broken_environment_nothing_is_listed() {
    let folder = copy_of("greenfield");
    let broken = folder.path().join("environments/broken");
    std::fs::create_dir_all(&broken).expect("a folder");
    std::fs::write(broken.join("environment.yaml"), "kind: [\n").expect("a file");
    let ran = waypost(folder.path(), &["list", "--format", "json"]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert_eq!(ran.stdout, "");
    assert!(ran.stderr.contains("broken"), "{}", ran.stderr);
}
