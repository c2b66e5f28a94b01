//! Builds the new folder beside the old one, and takes the old one away.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use rayon::prelude::*;

use super::{DiskError, EnvironmentFolder, os, read};
use crate::tree::Tree;
use crate::tree::change::Change;
use crate::tree::place::cluster_of_lock;

/// Writes the new folder. In each unit `kustomization.yaml` comes last, and in each cluster the
/// lock, so that a reader who meets an unfinished folder can tell.
pub(super) fn build(
    new: &Path,
    folder: &EnvironmentFolder,
    tree: &Tree,
    change: &Change,
) -> Result<(), DiskError> {
    let old = folder.path();
    let Change { create, update, delete: _, unchanged, carried, faults: _, refusals: _, locks: _ } =
        change;
    let make = |parent: &os::OpenFolder, path: &String, origin| match origin {
        Origin::Old => {
            let path = folder.inside(path);
            link(&old.join(path), &new.join(path))
        }
        Origin::Rendered => {
            let text = change.text(tree, path);
            let text = text.ok_or_else(|| DiskError::Mismatch { path: path.clone() })?;
            let inside = folder.inside(path);
            let (_, name) = split(inside);
            let written = parent.create(name).and_then(|mut file| file.write_all(text.as_bytes()));
            written.map_err(|error| DiskError::io("write", &new.join(inside))(error))
        }
    };
    let mut folders = Folders::default();
    let mut last = [Vec::new(), Vec::new()];
    for path in unchanged.iter().chain(carried) {
        folders.add(folder.inside(path), path, Origin::Old);
    }
    for path in create.iter().chain(update) {
        match Step::of(path) {
            Step::File => folders.add(folder.inside(path), path, Origin::Rendered),
            Step::Kustomization => last[0].push(path),
            Step::Lock => last[1].push(path),
        }
    }
    for path in last.iter().flatten() {
        folders.add_folders_of(folder.inside(path));
    }
    folders.make(new, &make)?;
    for paths in last {
        paths.into_par_iter().try_for_each(|path| {
            let parent = new.join(split(folder.inside(path)).0);
            let parent = os::OpenFolder::open(&parent).map_err(DiskError::io("open", &parent))?;
            make(&parent, path, Origin::Rendered)
        })?;
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

/// Where a file of the new folder comes from.
#[derive(Clone, Copy)]
enum Origin {
    /// It is as it was.
    Old,
    /// It was rendered.
    Rendered,
}

/// What each folder holds, by its path: nearly all of them hold files only.
#[derive(Default)]
struct Folders<'a> {
    files: BTreeMap<&'a str, Vec<(&'a String, Origin)>>,
    /// Folders with folders in them.
    parents: BTreeSet<&'a str>,
}

impl<'a> Folders<'a> {
    /// A file, where it lies in the new folder and by its path in the tree.
    fn add(&mut self, inside: &'a str, path: &'a String, origin: Origin) {
        self.add_folders_of(inside).push((path, origin));
    }

    fn add_folders_of(&mut self, path: &'a str) -> &mut Vec<(&'a String, Origin)> {
        let (folder, _) = split(path);
        if !self.files.contains_key(folder) && !folder.is_empty() {
            let parents = folder.rmatch_indices('/').map(|(end, _)| &folder[..end]);
            for parent in parents.chain([""]) {
                if !self.parents.insert(parent) {
                    break;
                }
            }
        }
        self.files.entry(folder).or_default()
    }

    /// Makes the folders, one inside the other, then those that hold files only, all at once, each
    /// with its files.
    fn make(
        self,
        new: &Path,
        file: &(impl Fn(&os::OpenFolder, &'a String, Origin) -> Result<(), DiskError> + Sync),
    ) -> Result<(), DiskError> {
        let Self { files, parents } = self;
        let folder = |path: &str| {
            let full = new.join(path);
            fs::create_dir(&full).map_err(DiskError::io("make the folder", &full))
        };
        // an environment without a file is a folder too
        if !files.contains_key("") && !parents.contains("") {
            folder("")?;
        }
        parents.iter().try_for_each(|path| folder(path))?;
        files.into_par_iter().try_for_each(|(path, inside)| {
            if !parents.contains(path) {
                folder(path)?;
            }
            let full = new.join(path);
            let parent = os::OpenFolder::open(&full).map_err(DiskError::io("open", &full))?;
            inside.into_iter().try_for_each(|(path, origin)| file(&parent, path, origin))
        })
    }
}

/// The folder that a file lies in, and its name there.
fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
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
pub(super) fn retire(
    old: &Path,
    folder: &EnvironmentFolder,
    change: &Change,
) -> Result<(), DiskError> {
    let current = folder.path();
    let Change { update, delete, unchanged, carried, .. } = change;
    let was_read = |path: &String| {
        [unchanged, update, delete, carried]
            .into_iter()
            .any(|list| list.binary_search(path).is_ok())
    };
    let read::Entries { files, folders } = read::entries(old)?;
    files.par_iter().try_for_each(|path| {
        let (from, to) = (old.join(path), current.join(path));
        if was_read(&folder.in_tree(path.clone())) {
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
