//! Puts the new folder in the old one's place.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::folder::is_folder;
use super::{DiskError, EnvironmentFolder, build, os};

/// How two folders change places.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SwapMethod {
    /// In one step, where system and file system can; by two renames otherwise.
    #[default]
    Exchange,
    /// By two renames under a journal: for a moment there is no folder.
    TwoRenames,
}

const JOURNAL: &str = "waypost replaces a folder by two renames; `waypost render` finishes it\n";

/// Puts the new folder, which is complete and synced, in place. Returns where the old one is now, if
/// there was one; the folder above is not synced.
pub(super) fn put_in_place(
    folder: &EnvironmentFolder,
    method: SwapMethod,
) -> Result<PathBuf, DiskError> {
    let (current, new) = (folder.path(), folder.new_tree());
    if !folder.exists()? {
        rename(&new, &current)?;
        return Ok(new);
    }
    let exchanged = method == SwapMethod::Exchange
        && os::exchange(&new, &current).map_err(DiskError::io("replace", &current))?;
    if exchanged {
        return Ok(new);
    }
    let (old, journal) = (folder.old_tree(), folder.journal());
    write_journal(&journal).map_err(DiskError::io("write", &journal))?;
    sync_parent(folder)?;
    rename(&current, &old)?;
    rename(&new, &current)?;
    sync_parent(folder)?;
    remove_journal(folder)?;
    Ok(old)
}

/// Undoes [`put_in_place`], which returned where the old folder is: the new one lies beside it again.
pub(super) fn put_back(folder: &EnvironmentFolder, old: &Path) -> Result<(), DiskError> {
    let (current, new) = (folder.path(), folder.new_tree());
    if !is_folder(old)? {
        rename(&current, &new)?;
    } else if old == new {
        os::exchange(&new, &current).map_err(DiskError::io("replace", &current))?;
    } else {
        rename(&current, &new)?;
        rename(old, &current)?;
    }
    sync_parent(folder)
}

/// Repairs what a killed run left, so that the folder is the whole old one or the whole new one,
/// and nothing lies beside it.
///
/// | journal | folder | new | old | killed | so |
/// |---|---|---|---|---|---|
/// | – | yes | any | any | while building, or while deleting what was replaced | delete new, old |
/// | – | – | any | – | in a first run | delete new |
/// | yes | yes | yes | – | before the first rename | delete new |
/// | yes | – | yes | any | between the renames | the new one is complete: put it in place |
/// | yes | yes | – | yes | after the second | delete old |
/// | any | – | – | yes | never, unless somebody deleted something | put the old one back |
pub(super) fn recover(folder: &EnvironmentFolder) -> Result<(), DiskError> {
    let (current, new, old) = (folder.path(), folder.new_tree(), folder.old_tree());
    let journalled = fs::symlink_metadata(folder.journal()).is_ok();
    if !folder.exists()? {
        let whole = if journalled && is_folder(&new)? { Some(&new) } else { None };
        let whole = if whole.is_none() && is_folder(&old)? { Some(&old) } else { whole };
        if let Some(whole) = whole {
            rename(whole, &current)?;
            sync_parent(folder)?;
        }
    }
    if journalled {
        remove_journal(folder)?;
    }
    for left in [new, old] {
        if is_folder(&left)? {
            build::discard(&left)?;
        }
    }
    Ok(())
}

fn rename(from: &Path, to: &Path) -> Result<(), DiskError> {
    fs::rename(from, to).map_err(DiskError::io("rename", from))
}

/// Puts the names in the folder above on the disk.
pub(super) fn sync_parent(folder: &EnvironmentFolder) -> Result<(), DiskError> {
    let parent = folder.parent();
    os::sync_folder(&parent).map_err(DiskError::io("sync", &parent))
}

fn write_journal(path: &Path) -> io::Result<()> {
    let mut file = os::open_options().write(true).create_new(true).open(path)?;
    file.write_all(JOURNAL.as_bytes())?;
    file.sync_all()
}

fn remove_journal(folder: &EnvironmentFolder) -> Result<(), DiskError> {
    let journal = folder.journal();
    fs::remove_file(&journal).map_err(DiskError::io("delete", &journal))?;
    sync_parent(folder)
}
