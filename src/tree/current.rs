//! Whether a tree must be rendered at all.

use std::collections::{BTreeMap, BTreeSet};

use super::change::Provenance;
use super::local::Local;
use super::lock::Lock;
use super::place::{FilePlace, cluster_of_lock};

/// True when the locks say that this very input was rendered, by this version and for these
/// stages, and every file is as they say. Rendering is deterministic: it would give the same
/// bytes again.
pub fn is_current(local: &Local, provenance: &Provenance) -> bool {
    let known: BTreeSet<&str> = provenance.clusters.keys().map(String::as_str).collect();
    let locked: BTreeSet<&str> = local.locks.keys().map(String::as_str).collect();
    if known.is_empty() || known != locked {
        return false;
    }
    // git changed the line ends: written anew they are as they should be
    if !local.crlf.is_empty() {
        return false;
    }
    let mut locks: BTreeMap<&str, &Lock> = BTreeMap::new();
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
        locks.insert(cluster, lock);
    }
    // a file that no lock lists would be a finding
    local.files.keys().filter(|path| cluster_of_lock(path).is_none()).all(|path| {
        let FilePlace { cluster, below } = FilePlace::of(path);
        let lock = locks.get(cluster);
        let is_listed = lock.is_some_and(|lock| lock.files.contains_key(below));
        is_listed || !local.may_be_applied(path, lock.is_some())
    })
}
