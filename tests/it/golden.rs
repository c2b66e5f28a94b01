//! Golden trees: what the examples come to at every stage. `WAYPOST_BLESS=1 cargo test --test it`
//! writes them anew; the difference is reviewed like code.

use std::collections::BTreeMap;
use std::path::Path;

use crate::program::{files, project, waypost};

fn compare(environment: &str, stage: &str) {
    let out = tempfile::tempdir().expect("a folder");
    let folder = out.path().to_str().expect("UTF-8");
    let ran = waypost(project(), &["render", environment, "--stage", stage, "--out", folder]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let mut rendered = files(&out.path().join(environment));
    // the lock is about the whole input; the committed tree of the example has one
    rendered.retain(|path, _| !path.ends_with("waypost.lock"));

    let golden = project().join("tests/cases").join(environment).join("expected").join(stage);
    let same = compare_trees(&format!("{environment} {stage}"), &golden, &rendered);
    let difference = same.err().unwrap_or_default();
    assert!(difference.is_empty(), "{difference}");
}

/// Compares a rendered tree with the folder that expects it, or writes that folder anew. The error
/// shows the first file that differs.
pub fn compare_trees(
    name: &str,
    golden: &Path,
    rendered: &BTreeMap<String, String>,
) -> Result<(), String> {
    if std::env::var_os("WAYPOST_BLESS").is_some() {
        bless(golden, rendered);
    }
    let expected = if golden.is_dir() { files(golden) } else { BTreeMap::new() };
    for (path, text) in rendered {
        let before = expected.get(path).map_or("", String::as_str);
        if before != text {
            return Err(format!("//// {name} {path}\n{}", difference(before, text)));
        }
    }
    let gone: Vec<&String> = expected.keys().filter(|p| !rendered.contains_key(*p)).collect();
    if gone.is_empty() { Ok(()) } else { Err(format!("not rendered any more at {name}: {gone:?}")) }
}

fn difference(before: &str, after: &str) -> String {
    similar::TextDiff::from_lines(before, after).unified_diff().to_string()
}

#[allow(clippy::disallowed_methods, reason = "a test writes its own goldens")]
fn bless(golden: &Path, rendered: &BTreeMap<String, String>) {
    let _ = std::fs::remove_dir_all(golden);
    for (path, text) in rendered {
        let path = golden.join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("written");
    }
}

#[test]
fn brownfield_before_any_stage() {
    compare("brownfield", "none");
}

#[test]
fn brownfield_client() {
    compare("brownfield", "client");
}

#[test]
fn brownfield_httpbin() {
    compare("brownfield", "httpbin");
}

#[test]
fn brownfield_bookinfo() {
    compare("brownfield", "bookinfo");
}

#[test]
fn greenfield() {
    compare("greenfield", "none");
}

/// A stage done is the stage with its last step done, and each step adds to the one before.
#[test]
fn steps_lead_from_stage_to_stage() {
    let render = |stage: &str| {
        let ran = waypost(project(), &["render", "brownfield", "--stdout", "--stage", stage]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ran.stdout
    };
    assert_eq!(render("httpbin"), render("httpbin/workloads"));
    let steps = ["client", "httpbin/mesh", "httpbin/enrollment", "httpbin"];
    let streams: Vec<String> = steps.iter().map(|s| render(s)).collect();
    for pair in streams.windows(2) {
        assert_ne!(pair[0], pair[1]);
    }
}

/// Every example renders to the tree that is committed beside it.
#[test]
fn the_committed_trees_are_clean() {
    let ran = waypost(project(), &["check"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}
