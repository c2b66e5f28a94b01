//! `waypost list`: what CI makes its jobs from.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::program::{copy, copy_of, project, waypost};

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

/// A git repository of both examples with their trees, in which brownfield also reads `apps/`, and
/// greenfield extends `shared/base`.
fn repository() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    for name in ["environments", "rendered"] {
        copy(&project().join(name), &root.join(name));
    }
    let base = "apiVersion: waypost.dev/v1alpha1\nkind: Environment\nspec: {}\n";
    write(root, "shared/base/environment.yaml", base);
    let object =
        "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: NAME, namespace: client}\n";
    write(root, "apps/cp-cluster-1/a.yaml", &object.replace("NAME", "a"));
    write(root, "apps/cp-cluster-1/z.yaml", &object.replace("NAME", "z"));
    edit(
        root,
        "environments/brownfield/environment.yaml",
        "inventory: [",
        "inventory: [../../apps, ",
    );
    edit(
        root,
        "environments/greenfield/environment.yaml",
        "spec:\n",
        "spec:\n  extends: ../../shared/base\n",
    );
    write(root, "README.md", "read me\n");
    write(root, ".gitignore", "*.ignored.yaml\n");
    for name in ["brownfield", "greenfield"] {
        let ran = waypost(root, &["render", name, "--force"]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
    }
    git(root, &["init", "--quiet"]);
    commit(root);
    folder
}

fn git(root: &Path, arguments: &[&str]) {
    let ran = Command::new("git")
        .arg("-C")
        .arg(root)
        .args(["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"])
        .args(arguments)
        .output()
        .expect("git runs");
    assert!(ran.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
}

fn commit(root: &Path) {
    git(root, &["add", "--all"]);
    git(root, &["commit", "--quiet", "--message", "a state"]);
}

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    std::fs::write(path, text).expect("a file is written");
}

fn edit(root: &Path, path: &str, from: &str, to: &str) {
    let text = std::fs::read_to_string(root.join(path)).expect("a file");
    assert!(text.contains(from), "{path} has no `{from}`");
    write(root, path, &text.replacen(from, to, 1));
}

/// The environments that a change since the last commit touches.
fn touched(root: &Path) -> Vec<String> {
    let ran = waypost(root, &["list", "--changed-since", "HEAD", "--format", "json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let matrix: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let include = matrix["include"].as_array().expect("a list");
    include.iter().map(|e| e["environment"].as_str().expect("a name").to_owned()).collect()
}

#[test]
fn what_changed_names_the_environments_it_touches_and_whatever_cannot_be_ruled_out() {
    let folder = repository();
    let root = folder.path();
    assert_eq!(touched(root), Vec::<String>::new());

    let (brownfield, greenfield) = ("brownfield", "greenfield");
    let both = [brownfield, greenfield];
    let lock = "rendered/greenfield/cp-cluster-1/waypost.lock";
    let cases: &[(&str, &str, &[&str])] = &[
        ("a file that no environment reads", "write README.md", &[]),
        (
            "a file of its folder that it does not name",
            "write environments/brownfield/NOTES",
            &[brownfield],
        ),
        ("its tree", "write rendered/greenfield/cp-cluster-1/mesh/x.yaml", &[greenfield]),
        ("a source elsewhere", "append apps/cp-cluster-1/a.yaml", &[brownfield]),
        ("a new file in a source's folder", "object apps/cp-cluster-1/b.yaml", &[brownfield]),
        (
            "a new file that git is told to ignore",
            "object apps/cp-cluster-1/b.ignored.yaml",
            &[brownfield],
        ),
        ("a file that is gone", "remove apps/cp-cluster-1/a.yaml", &[brownfield]),
        ("what it extends", "append shared/base/environment.yaml", &[greenfield]),
        ("a template", "write templates/notes.txt", &both),
        ("a schema", "write schemas/example.dev/thing_v1.json", &both),
        ("another version's tree", "version", &[greenfield]),
        ("a tree without a lock", "unlock", &[greenfield]),
    ];
    for (what, change, wanted) in cases {
        match change.split_once(' ') {
            Some(("write", path)) => write(root, path, "{}\n"),
            Some(("append", path)) => edit(root, path, "\n", "\n# a comment\n"),
            Some(("object", path)) => {
                let text = std::fs::read_to_string(root.join("apps/cp-cluster-1/a.yaml"));
                write(root, path, &text.expect("a file").replace("name: a,", "name: b,"));
            }
            Some(("remove", path)) => {
                std::fs::remove_file(root.join(path)).expect("a file");
            }
            // committed, so that only the lock's text can tell
            _ if *change == "version" => {
                edit(root, lock, "\ntool ", "\ntool 9.");
                commit(root);
            }
            _ => {
                std::fs::remove_file(root.join(lock)).expect("a lock");
                commit(root);
            }
        }
        assert_eq!(touched(root), *wanted, "{what}");
        git(root, &["reset", "--quiet", "--hard"]);
        git(root, &["clean", "--quiet", "-dfx"]);
    }
}

#[test]
fn what_changed_is_seen_from_a_folder_of_a_larger_repository_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().join("mesh");
    for name in ["environments", "rendered"] {
        copy(&project().join(name), &root.join(name));
    }
    git(folder.path(), &["init", "--quiet"]);
    write(folder.path(), "elsewhere", "a\n");
    git(folder.path(), &["add", "elsewhere"]);
    git(folder.path(), &["commit", "--quiet", "--message", "a state"]);
    assert_eq!(touched(&root), ["brownfield", "greenfield"], "nothing of it is committed");
    commit(folder.path());
    write(folder.path(), "elsewhere", "b\n");
    assert_eq!(touched(&root), Vec::<String>::new());
    edit(&root, "environments/greenfield/environment.yaml", "\n", "\n# a comment\n");
    assert_eq!(touched(&root), ["greenfield"]);
}

#[test]
fn a_revision_that_is_not_there_is_said() {
    let folder = repository();
    for revision in ["nowhere", "--output=x", "HEAD~7"] {
        let option = format!("--changed-since={revision}");
        let ran = waypost(folder.path(), &["list", &option]);
        assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{}", ran.stderr);
        assert!(ran.stderr.contains(&format!("no revision `{revision}`")), "{}", ran.stderr);
    }
    assert!(!folder.path().join("x").exists());
    let bare = copy_of("greenfield");
    let ran = waypost(bare.path(), &["list", "--changed-since", "HEAD"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("is in no git repository"), "{}", ran.stderr);
}
