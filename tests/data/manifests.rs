//! Objects of files that others wrote.

use std::path::Path;

use walkdir::WalkDir;
use waypost::k8s::Object;

pub use crate::support::objects;

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
