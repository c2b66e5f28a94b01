//! What lies in an environment's folder, as it was read.

use std::collections::BTreeMap;

use super::digest::Digest;
use super::lock::{Lock, LockError};
use super::scope::unit_of;

/// The files of an environment's folder by digest, and its locks. `disk` reads it; it is empty
/// where the folder is missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Local {
    /// The folder as people should see it, such as `rendered/brownfield`; for messages.
    pub folder: String,
    /// Every file by path relative to the folder, the locks too. Paths of files that we did not
    /// write follow no rule.
    pub files: BTreeMap<String, Digest>,
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

    /// How many objects the locks list in units.
    pub fn objects_in_units(&self) -> usize {
        let locks =
            self.locks.iter().filter_map(|(cluster, lock)| Some((cluster, lock.as_ref().ok()?)));
        locks
            .map(|(cluster, lock)| {
                let applied = |path: &str| unit_of(&format!("{cluster}/{path}")).is_some();
                let objects = lock.files.iter().filter(|(_, entry)| entry.object.is_some());
                objects.filter(|(path, _)| applied(path)).count()
            })
            .sum()
    }
}
