//! `docs/security.md` names tests that exist, for every threat.

use std::collections::BTreeSet;
use std::io::Read;
use std::process::{Command, Stdio};

use regex::Regex;

use crate::program::project;

fn functions() -> BTreeSet<String> {
    let function = Regex::new(r"\bfn ([a-z_0-9]+)\(").expect("a pattern");
    let mut names = BTreeSet::new();
    for folder in ["src", "tests"] {
        for entry in walkdir::WalkDir::new(project().join(folder)) {
            let path = entry.expect("an entry").into_path();
            if path.extension().is_some_and(|end| end == "rs") {
                let text = std::fs::read_to_string(&path).expect("a text");
                names.extend(function.captures_iter(&text).map(|found| found[1].to_owned()));
            }
        }
    }
    names
}

/// The rows of a page's tables, each with the tests in its last cell, which must be there.
fn rows(page: &str) -> Vec<(String, usize)> {
    let text = std::fs::read_to_string(project().join("docs").join(page)).expect("the page");
    let (names, name) = (functions(), Regex::new("`([a-z_0-9]+)`").expect("a pattern"));
    let mut rows = Vec::new();
    for row in text.lines().filter(|line| line.starts_with("| ") && !line.contains("tests |")) {
        let cell = row.trim_end_matches(" |").rsplit(" | ").next().expect("a cell");
        let tests: Vec<&str> =
            name.captures_iter(cell).map(|found| found.get(1).expect("it").as_str()).collect();
        for test in &tests {
            assert!(names.contains(*test), "no test is called `{test}`");
        }
        let first = row.trim_start_matches("| ").split(' ').next().expect("a cell");
        rows.push((first.to_owned(), tests.len()));
    }
    rows
}

#[test]
fn every_threat_has_a_test_that_exists() {
    let rows = rows("security.md");
    assert!(rows.iter().all(|(_, tests)| *tests > 0), "{rows:?}");
    let numbers = rows.iter().filter_map(|(first, _)| first.strip_prefix('T')?.parse().ok());
    assert_eq!(numbers.collect::<BTreeSet<u32>>(), (1..=34).collect());
}

#[test]
fn every_fault_of_others_has_a_test_that_exists() {
    let rows = rows("regressions.md");
    let numbers = rows.iter().filter_map(|(first, _)| first.parse().ok());
    assert_eq!(numbers.collect::<BTreeSet<u32>>(), (1..=36).collect());
    assert!(rows.iter().all(|(_, tests)| *tests > 0), "{rows:?}");
}

#[test]
fn dependencies_are_locked_and_judged() {
    let at = |name: &str| std::fs::read_to_string(project().join(name)).expect("a file");
    assert!(at("Cargo.lock").contains("name = \"waypost\""));
    assert!(at("deny.toml").contains("[advisories]") || at("deny.toml").contains("[licenses]"));
    let run = at(".ci/run");
    let tests = run.lines().filter(|line| line.starts_with("cargo ") && line.contains(" test"));
    assert!(tests.clone().count() > 0 && tests.clone().all(|line| line.contains("--locked")));
}

#[test]
fn a_pipe_that_nobody_reads_is_no_success() {
    for arguments in [&["schema", "controlplane"][..], &["render", "--stdout"], &["list"]] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_waypost"))
            .env_clear()
            .arg("-C")
            .arg(project())
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        drop(child.stdout.take());
        let mut said = String::new();
        let mut stderr = child.stderr.take().expect("a pipe");
        stderr.read_to_string(&mut said).expect("UTF-8");
        let status = child.wait().expect("it ends");
        assert_eq!(status.code(), Some(1), "{arguments:?}: {said}");
        assert!(!said.contains("panicked"), "{said}");
    }
}
