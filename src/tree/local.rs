//! What lies in an environment's folder, as it was read.

use std::collections::{BTreeMap, BTreeSet};

use super::change::Change;
use super::digest::Digest;
use super::lock::{Lock, LockError};
use super::path::is_read_by_appliers;
use super::place::FilePlace;

/// What an environment's folder is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Holds {
    /// Units by cluster, `rendered/<env>`: whatever lies in one is applied.
    #[default]
    Units,
    /// What an applier is told, `gitops/<target>/<env>`. The environment stands where a cluster
    /// does otherwise: it has one lock.
    Delivery,
}

/// The files of an environment's folder by digest, and its locks. `disk` reads it; it is empty
/// where the folder is missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Local {
    /// The folder as people should see it, such as `rendered/brownfield`; for messages.
    pub folder: String,
    /// What it is for.
    pub holds: Holds,
    /// Every file by path relative to the folder, the locks too. Paths of files that we did not
    /// write follow no rule.
    pub files: BTreeMap<String, Digest>,
    /// The files whose lines end as on Windows. Their digest is of the text with line feeds.
    pub crlf: BTreeSet<String>,
    /// The lock of every cluster that has one.
    pub locks: BTreeMap<String, Result<Lock, LockError>>,
}

impl Local {
    /// What the lock of a cluster lists, or both sides of it where git could not merge it.
    pub(super) fn lock(&self, cluster: &str) -> Option<&Lock> {
        match self.locks.get(cluster)? {
            Ok(lock) => Some(lock),
            Err(LockError::Conflict { both, .. }) => both.as_deref(),
            Err(LockError::Format { .. } | LockError::Line { .. } | LockError::NotText) => None,
        }
    }

    /// True where an applier may read a file, whoever wrote it: of a cluster that is rendered any file
    /// in a unit, and elsewhere one that its name gives away, but for what waypost keeps beside the
    /// units.
    pub(super) fn may_be_applied(&self, path: &str, is_rendered: bool) -> bool {
        let is_unit = self.holds == Holds::Units && is_rendered;
        let place = FilePlace::of(path);
        match place.unit() {
            _ if is_unit && !place.is_applied() => false,
            Some(_) if is_unit => true,
            _ => is_read_by_appliers(path),
        }
    }

    /// The files of a change that are not as their lock says: somebody else has edited them.
    pub fn edited<'a>(&self, change: &'a Change) -> Vec<&'a str> {
        let is_edited = |path: &&str| {
            let FilePlace { cluster, below } = FilePlace::of(path);
            let written = self.lock(cluster).and_then(|lock| lock.files.get(below));
            written.is_some_and(|entry| self.files.get(*path) != Some(&entry.digest))
        };
        let paths = change.update.iter().chain(&change.delete).map(String::as_str);
        paths.filter(is_edited).collect()
    }

    /// How many objects the locks list in units.
    pub fn objects_in_units(&self) -> usize {
        let locks =
            self.locks.iter().filter_map(|(cluster, lock)| Some((cluster, lock.as_ref().ok()?)));
        locks
            .map(|(cluster, lock)| {
                let applied = |path: &str| FilePlace::listed(cluster, path).unit().is_some();
                let objects = lock.files.iter().filter(|(_, entry)| entry.object.is_some());
                objects.filter(|(path, _)| applied(path)).count()
            })
            .sum()
    }
}
