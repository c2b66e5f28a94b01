//! Replaces folders that belong together: an environment's tree, and what each applier is told of it.

use std::fs;

use super::{Claim, DiskError, build, os, swap};
use crate::tree::{Change, Tree};

/// What becomes of one folder.
#[derive(Clone, Copy, Debug)]
pub struct Replacement<'a> {
    /// The right to write it.
    pub claim: &'a Claim,
    /// What it is to hold.
    pub tree: &'a Tree,
    /// The change that leads there; an empty one touches nothing.
    pub change: &'a Change,
}

/// Makes the changes: afterwards every folder is the new one. On an error every folder is the old
/// one, or, where the system failed after the last exchange, the new one; never a mixture.
///
/// All that takes space is written and synced beside the folders before the first of them is
/// replaced, and what has been replaced is put back where another cannot be. Between the renames a
/// run can be killed: then each folder by itself is old or new, the first ones new, which
/// `waypost check` tells and the next render mends.
///
/// # Errors
/// When a change is not allowed ([`Change::is_allowed`]) or not one of its tree; when the system
/// refuses.
pub fn replace(all: &[Replacement<'_>]) -> Result<(), DiskError> {
    if let Some(refused) = all.iter().find(|one| !one.change.is_allowed()) {
        return Err(DiskError::Mismatch { path: refused.claim.folder().shown() });
    }
    let all: Vec<&Replacement<'_>> = all.iter().filter(|one| !one.change.is_empty()).collect();
    let mut replaced = Vec::new();
    let done = all.iter().try_for_each(|one| one.build()).and_then(|()| {
        for one in &all {
            let old = swap::put_in_place(one.claim.folder(), one.claim.method())?;
            replaced.push((*one, old));
        }
        Ok(())
    });
    if let Err(error) = done {
        // the first error is the one to tell; the next run deletes what stays
        for (one, old) in replaced.iter().rev() {
            let _ = swap::put_back(one.claim.folder(), old);
        }
        for one in all {
            let _ = swap::recover(one.claim.folder());
        }
        return Err(error);
    }
    let synced = all.iter().try_for_each(|one| swap::sync_parent(one.claim.folder()));
    for (one, old) in replaced {
        // the new folder is in place: what cannot be deleted is deleted by the next run
        let _ = build::retire(&old, one.claim.folder(), one.change);
        let Change { create, update, unchanged, carried, .. } = one.change;
        if [create, update, unchanged, carried].into_iter().all(Vec::is_empty) {
            // nothing is in it: git would not keep it either
            let _ = fs::remove_dir(one.claim.folder().path());
        }
    }
    synced
}

impl Replacement<'_> {
    /// Writes the new folder beside the old one, whole and on the disk.
    fn build(&self) -> Result<(), DiskError> {
        let new = self.claim.folder().new_tree();
        build::build(&new, self.claim.folder(), self.tree, self.change)?;
        os::sync_tree(&new).map_err(DiskError::io("sync", &new))
    }
}
