//! Whether a tree must be rendered at all.

use std::collections::BTreeSet;

use super::change::Provenance;
use super::local::Local;
use super::scope::{cluster_of, cluster_of_lock, unit_of};

/// True when the locks say that this very input was rendered, by this version and for these
/// stages, and every file is as they say. Rendering is deterministic: it would give the same
/// bytes again.
pub fn is_current(local: &Local, provenance: &Provenance) -> bool {
    let known: BTreeSet<&str> = provenance.clusters.keys().map(String::as_str).collect();
    let locked: BTreeSet<&str> = local.locks.keys().map(String::as_str).collect();
    if known.is_empty() || known != locked {
        return false;
    }
    let mut listed = 0;
    for (cluster, wanted) in &provenance.clusters {
        // of a lock that git could not merge, both sides are known; it must be written anew
        let Some(Ok(lock)) = local.locks.get(cluster) else { return false };
        let head = (lock.tool.as_str(), lock.input, &lock.stages);
        if head != (provenance.tool.as_str(), wanted.input, &wanted.stages) {
            return false;
        }
        let as_written = lock.files.iter().all(|(path, entry)| {
            local.files.get(&format!("{cluster}/{path}")) == Some(&entry.digest)
        });
        if !as_written {
            return false;
        }
        listed += lock.files.iter().filter(|(path, _)| in_unit(cluster, path)).count();
    }
    // a file that no lock lists would be a finding
    let in_units = local
        .files
        .keys()
        .filter(|path| known.contains(cluster_of(path)) && cluster_of_lock(path).is_none())
        .filter(|path| unit_of(path).is_some())
        .count();
    in_units == listed
}

fn in_unit(cluster: &str, path: &str) -> bool {
    unit_of(&format!("{cluster}/{path}")).is_some()
}
