//! A pull request by a stranger, in clones that nobody set up: nothing of it runs, nothing of it hides,
//! and what cannot be told is not called safe.

mod clones;
mod git_runs_nothing;
mod hidden_trees;
mod owners;
mod promotion;
mod redirected;
mod sources;
mod starved;
mod system_calls;
mod threats;
mod visible;

use std::path::Path;

use crate::diff::git::{commit_all, git};
use crate::program::{Ran, copy, project, waypost_with};

/// The project's own example environments with their trees, as a repository with one commit.
fn examples(root: &Path) {
    for name in ["environments", "rendered", "gitops", "templates"] {
        copy(&project().join(name), &root.join(name));
    }
    commit_all(root, "base");
}

/// As [`examples`], in a folder of its own.
fn repository() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    examples(folder.path());
    folder
}

/// Runs the program with git at hand, and nobody's settings.
fn run(root: &Path, arguments: &[&str]) -> Ran {
    run_with(root, arguments, &[])
}

fn run_with(root: &Path, arguments: &[&str], more: &[(&str, &str)]) -> Ran {
    let path = std::env::var("PATH").expect("a PATH");
    let mut variables = vec![
        ("PATH", path.as_str()),
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_AUTHOR_NAME", "t"),
        ("GIT_AUTHOR_EMAIL", "t@example.com"),
        ("GIT_COMMITTER_NAME", "t"),
        ("GIT_COMMITTER_EMAIL", "t@example.com"),
    ];
    variables.extend_from_slice(more);
    waypost_with(root, arguments, &variables)
}

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    std::fs::write(path, text).expect("a file is written");
}

/// Replaces a text in every file below a folder.
fn replace(folder: &Path, from: &str, to: &str) {
    let mut count = 0;
    for (path, text) in crate::program::files(folder) {
        if text.contains(from) {
            std::fs::write(folder.join(path), text.replace(from, to)).expect("written");
            count += 1;
        }
    }
    assert!(count > 0, "no file below {} has `{from}`", folder.display());
}
