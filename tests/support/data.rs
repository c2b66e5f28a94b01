//! Input that others wrote: where it lies, and the objects of its texts.

#![allow(clippy::panic, reason = "a test may fail this way")]

use std::path::PathBuf;

use waypost::diagnostic::Sources;
use waypost::k8s::{Object, objects_of};
use waypost::yaml::{Budget, read};

/// The data folder, or why there is none.
pub fn root() -> Result<PathBuf, String> {
    let root = std::env::var_os("WAYPOST_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data"),
        PathBuf::from,
    );
    if root.is_dir() {
        return Ok(root);
    }
    Err(format!("the data folder {} is absent: set WAYPOST_DATA to where it lies", root.display()))
}

/// A path below the data folder.
pub fn data(path: &str) -> PathBuf {
    root().unwrap_or_else(|why| panic!("{why}")).join(path)
}

/// The objects of one text. What is not YAML, or no object, is left out.
pub fn objects(text: &str) -> Vec<Object> {
    let mut sources = Sources::default();
    let file = sources.add("input", text);
    let (documents, _) = read(file, text, &Budget::MANIFESTS);
    objects_of(documents).0
}
