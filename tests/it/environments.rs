//! Small environments, one idea each: `tests/cases/<name>/` has `environment/`, what it comes to at
//! each stage (`expected/<stage>/`, with what appliers are told below `gitops/`; `none` where there are no stages; what was found on the way in
//! `findings.txt`) and why (`README.md`).
//! `WAYPOST_BLESS=1` writes the trees anew; the difference is reviewed like code.

use std::path::{Path, PathBuf};

use crate::golden::compare_trees;
use crate::program::{copy, files, project, waypost};

#[test]
fn every_environment_comes_to_its_trees() {
    let mut failures = String::new();
    let cases = cases();
    for case in &cases {
        let name = case.file_name().and_then(|n| n.to_str()).expect("UTF-8");
        assert!(case.join("README.md").is_file(), "{name} does not say why it exists");
        let folder = tempfile::tempdir().expect("a folder");
        copy(&case.join("environment"), &folder.path().join("environments").join(name));
        let mut stages: Vec<PathBuf> = std::fs::read_dir(case.join("expected"))
            .expect("expected/<stage>")
            .map(|entry| entry.expect("an entry").path())
            .collect();
        stages.sort();
        assert!(!stages.is_empty(), "{name} expects nothing");
        for golden in stages {
            if let Err(difference) = stage(folder.path(), name, &golden) {
                failures.push_str(&difference);
            }
        }
    }
    assert!(failures.is_empty(), "{failures}");
    assert!(cases.len() >= 12, "only {} cases", cases.len());
}

fn stage(root: &Path, name: &str, golden: &Path) -> Result<(), String> {
    let stage = golden.file_name().and_then(|n| n.to_str()).expect("UTF-8");
    let told = format!("{stage}-gitops");
    let arguments =
        ["render", name, "--force", "--out", stage, "--gitops", &told, "--stage", stage];
    let ran = waypost(root, &arguments);
    if ran.code != 0 {
        return Err(format!("//// {name} {stage}: {}\n{}\n", ran.code, ran.stderr));
    }
    let mut rendered = files(&root.join(stage).join(name));
    if root.join(&told).is_dir() {
        let told = files(&root.join(&told));
        rendered.extend(told.into_iter().map(|(path, text)| (format!("gitops/{path}"), text)));
    }
    rendered.retain(|path, _| !path.ends_with("waypost.lock"));
    // the last lines count the files that were written
    let counts = format!("{name}: ");
    let findings: String =
        ran.stderr.split_inclusive('\n').take_while(|line| !line.starts_with(&counts)).collect();
    if !findings.is_empty() {
        rendered.insert("findings.txt".to_owned(), findings);
    }
    compare_trees(&format!("{name} {stage}"), golden, &rendered)
}

fn cases() -> Vec<PathBuf> {
    let all = std::fs::read_dir(project().join("tests/cases")).expect("cases");
    let mut cases: Vec<PathBuf> = all
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.join("environment").is_dir())
        .collect();
    cases.sort();
    cases
}
