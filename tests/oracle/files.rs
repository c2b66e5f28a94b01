//! The files that cases are made of.

#![allow(clippy::panic, reason = "a test may fail this way")]

use std::path::Path;

use serde_json::Value;
use waypost::k8s::Object;

use crate::support::objects;

fn text(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))
}

/// The objects of a file.
pub fn objects_of_file(path: &Path) -> Vec<Object> {
    objects(&text(path).unwrap_or_else(|why| panic!("{why}")))
}

/// A YAML file's one document; null where it is empty.
pub fn document(path: &Path) -> Result<Value, String> {
    let text = text(path)?;
    if text.trim().is_empty() {
        return Ok(Value::Null);
    }
    serde_yaml::from_str(&text).map_err(|e| format!("{}: {e}", path.display()))
}

/// The rows of a tab-separated table of `N` columns, its heading left out.
pub fn rows<const N: usize>(path: &Path) -> Result<Vec<[String; N]>, String> {
    let row = |(number, line): (usize, &str)| {
        let cells: Vec<String> = line.split('\t').map(str::to_owned).collect();
        let found = cells.len();
        cells.try_into().map_err(|_| {
            format!("{}:{}: {found} columns instead of {N}", path.display(), number + 1)
        })
    };
    text(path)?.lines().enumerate().skip(1).map(row).collect()
}

/// The names of a folder's inputs, without their `-in.yaml`, in order.
pub fn inputs(folder: &Path) -> Result<Vec<String>, String> {
    let entries = std::fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.map_err(|e| format!("{}: {e}", folder.display()))?.file_name();
        names.extend(name.to_str().and_then(|n| n.strip_suffix("-in.yaml")).map(str::to_owned));
    }
    names.sort();
    Ok(names)
}
