//! Objects of files that others wrote.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may fail this way"
)]

use std::path::Path;

use walkdir::WalkDir;
use waypost::diagnostic::Sources;
use waypost::k8s::{Object, objects_of};
use waypost::yaml::{Budget, read};

/// The objects of one text. What is not YAML, or no object, is left out.
pub fn objects(text: &str) -> Vec<Object> {
    let mut sources = Sources::default();
    let file = sources.add("input", text);
    let (documents, _) = read(file, text, &Budget::MANIFESTS);
    objects_of(documents).0
}

/// The objects of a file.
pub fn objects_of_file(path: &Path) -> Vec<Object> {
    objects(&std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display())))
}

/// The objects of all YAML files below a folder, in the order of their paths.
pub fn objects_below(folder: &Path) -> Vec<Object> {
    objects_to(folder, usize::MAX)
}

/// The objects of the YAML files of a folder itself.
pub fn objects_in(folder: &Path) -> Vec<Object> {
    objects_to(folder, 1)
}

fn objects_to(folder: &Path, depth: usize) -> Vec<Object> {
    WalkDir::new(folder)
        .max_depth(depth)
        .sort_by_file_name()
        .into_iter()
        .filter_map(Result::ok)
        .filter(|e| e.path().extension().is_some_and(|x| x == "yaml" || x == "yml"))
        .filter_map(|e| std::fs::read_to_string(e.path()).ok())
        .flat_map(|text| objects(&text))
        .collect()
}

/// The rows of a tab-separated table, its heading left out.
pub fn rows(path: &Path) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    text.lines().skip(1).map(|l| l.split('\t').map(str::to_owned).collect()).collect()
}
