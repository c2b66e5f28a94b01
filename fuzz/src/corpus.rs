//! The fixtures of the project, by target.

use std::fs;
use std::path::{Path, PathBuf};

use crate::SEPARATOR;

/// A larger fixture is changed as slowly as it is read, and says no more.
const LARGEST: u64 = 6 << 10;
/// Inputs that are kept for a target.
const MOST: usize = 2_000;

/// The project's folder.
pub fn project() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// The files below some folders of the project whose names end so, in the order of their paths.
pub fn files(folders: &[&str], ends: &[&str]) -> Vec<PathBuf> {
    let mut open: Vec<PathBuf> = folders.iter().map(|folder| project().join(folder)).collect();
    let mut files = Vec::new();
    while let Some(path) = open.pop() {
        if let Ok(names) = fs::read_dir(&path) {
            open.extend(names.flatten().map(|name| name.path()));
        } else if ends.iter().any(|end| path.to_string_lossy().ends_with(end)) {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// Their texts, one an input.
pub fn texts(folders: &[&str], ends: &[&str]) -> Vec<String> {
    let small = |path: &PathBuf| path.metadata().is_ok_and(|m| m.len() <= LARGEST);
    let texts = files(folders, ends).into_iter().filter(small);
    thin(texts.filter_map(|path| fs::read_to_string(path).ok()).collect())
}

/// Inputs of several files each: all of them that lie in one folder.
pub fn folders(folder: &str, names: &[&str]) -> Vec<String> {
    let first = names.first().copied().unwrap_or_default();
    let mut all = Vec::new();
    for path in files(&[folder], &[first]) {
        let text = |name: &&str| fs::read_to_string(path.with_file_name(name)).unwrap_or_default();
        let parts: Vec<String> = names.iter().map(text).collect();
        if parts.iter().map(String::len).sum::<usize>() as u64 <= LARGEST {
            all.push(parts.join(SEPARATOR));
        }
    }
    thin(all)
}

/// At most so many, from everywhere alike.
fn thin(texts: Vec<String>) -> Vec<String> {
    let step = texts.len().div_ceil(MOST).max(1);
    texts.into_iter().step_by(step).collect()
}
