//! Builds the new folder beside the old one, and takes the old one away.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use rayon::prelude::*;

use super::{DiskError, os, read};
use crate::tree::Tree;
use crate::tree::change::Change;
use crate::tree::scope::cluster_of_lock;

/// Writes the new folder. In each unit `kustomization.yaml` comes last, and in each cluster the
/// lock, so that a reader who meets an unfinished folder can tell.
pub(super) fn build(new: &Path, old: &Path, tree: &Tree, change: &Change) -> Result<(), DiskError> {
    let Change { create, update, delete: _, unchanged, carried, faults: _, refusals: _, locks } =
        change;
    make_folders(new, [create, update, unchanged, carried].into_iter().flatten())?;
    let keep = |path: &String| link(&old.join(path), &new.join(path));
    [unchanged, carried]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .into_par_iter()
        .try_for_each(keep)?;
    let write = |path: &String| {
        let text = match locks.get(path) {
            Some(text) => text,
            None => tree
                .get(path)
                .map(|f| f.text())
                .ok_or_else(|| DiskError::Mismatch { path: path.clone() })?,
        };
        let full = new.join(path);
        write_file(&full, text).map_err(DiskError::io("write", &full))
    };
    for step in [Step::File, Step::Kustomization, Step::Lock] {
        let paths: Vec<&String> =
            [create, update].into_iter().flatten().filter(|path| Step::of(path) == step).collect();
        paths.into_par_iter().try_for_each(write)?;
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    File,
    Kustomization,
    Lock,
}

impl Step {
    fn of(path: &str) -> Self {
        if cluster_of_lock(path).is_some() {
            Step::Lock
        } else if path.ends_with("/kustomization.yaml") {
            Step::Kustomization
        } else {
            Step::File
        }
    }
}

fn make_folders<'a>(new: &Path, paths: impl Iterator<Item = &'a String>) -> Result<(), DiskError> {
    let mut folders = BTreeSet::from([""]);
    for path in paths {
        let parents = path.rmatch_indices('/').map(|(end, _)| &path[..end]);
        for folder in parents {
            if !folders.insert(folder) {
                break;
            }
        }
    }
    for folder in folders {
        let full = new.join(folder);
        fs::create_dir(&full).map_err(DiskError::io("make the folder", &full))?;
    }
    Ok(())
}

fn write_file(path: &Path, text: &str) -> io::Result<()> {
    let mut file = os::open_options().write(true).create_new(true).open(path)?;
    file.write_all(text.as_bytes())
}

/// A file under a second name; a copy where the file system has no second names, or keeps files
/// of others from getting one.
fn link(old: &Path, new: &Path) -> Result<(), DiskError> {
    if fs::hard_link(old, new).is_ok() {
        return Ok(());
    }
    let mut source = os::open_options().read(true).open(old).map_err(DiskError::io("read", old))?;
    let refused = |e| DiskError::io("write", new)(e);
    let mut copy = os::open_options().write(true).create_new(true).open(new).map_err(refused)?;
    io::copy(&mut source, &mut copy).map_err(refused)?;
    let permissions = source.metadata().map_err(refused)?.permissions();
    copy.set_permissions(permissions).map_err(refused)
}

/// Deletes the old folder, now under another name. A file that came into it after it was read is
/// not ours to delete: it moves to the new folder.
pub(super) fn retire(old: &Path, current: &Path, change: &Change) -> Result<(), DiskError> {
    let Change { update, delete, unchanged, carried, .. } = change;
    let was_read = |path: &String| {
        [unchanged, update, delete, carried]
            .into_iter()
            .any(|list| list.binary_search(path).is_ok())
    };
    let read::Entries { files, folders } = read::entries(old)?;
    files.par_iter().try_for_each(|path| {
        let (from, to) = (old.join(path), current.join(path));
        if was_read(path) {
            fs::remove_file(&from).map_err(DiskError::io("delete", &from))
        } else {
            to.parent()
                .map_or(Ok(()), fs::create_dir_all)
                .and_then(|()| fs::hard_link(&from, &to))
                .and_then(|()| fs::remove_file(&from))
                .map_err(DiskError::io("carry over", &from))
        }
    })?;
    for folder in folders.iter().rev() {
        fs::remove_dir(folder).map_err(DiskError::io("delete", folder))?;
    }
    Ok(())
}

/// Deletes a folder that a run left half built, or a whole one that it had replaced already.
pub(super) fn discard(folder: &Path) -> Result<(), DiskError> {
    #[expect(clippy::disallowed_methods, reason = "only folders of our own names come here")]
    fs::remove_dir_all(folder).map_err(DiskError::io("delete", folder))
}
