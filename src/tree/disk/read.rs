//! Reads an environment's folder into digests.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::folder::is_folder;
use super::{Claim, DiskError, EnvironmentFolder, os};
use crate::tree::digest::Digest;
use crate::tree::local::Local;
use crate::tree::lock::{Lock, LockError};
use crate::tree::place::cluster_of_lock;

/// Reads a folder without the right to write it.
///
/// # Errors
/// When another run is writing it, or a killed one left it half replaced; when anything in it is
/// a link or no file; when the system refuses.
pub fn read(folder: &EnvironmentFolder) -> Result<Local, DiskError> {
    let _reader = Claim::wait_for_none(folder)?;
    if fs::symlink_metadata(folder.journal()).is_ok() {
        return Err(DiskError::Interrupted { path: folder.path() });
    }
    let before = identity(folder);
    let local = read_unguarded(folder)?;
    if identity(folder) == before {
        Ok(local)
    } else {
        Err(DiskError::Busy { path: folder.path(), process: None })
    }
}

fn identity(folder: &EnvironmentFolder) -> Option<(u64, u64)> {
    fs::symlink_metadata(folder.path()).ok().and_then(|m| os::identity(&m))
}

pub(super) fn read_unguarded(folder: &EnvironmentFolder) -> Result<Local, DiskError> {
    let empty = || Local { folder: folder.shown(), holds: folder.holds(), ..Local::default() };
    if !folder.exists()? {
        return Ok(empty());
    }
    let root = folder.path();
    let Entries { files, .. } = entries(&root)?;
    let one = |bytes: &mut Vec<u8>, path: String| -> Result<_, DiskError> {
        let full = root.join(&path);
        let path = folder.in_tree(path);
        let refused = |e| DiskError::io("read", &full)(e);
        bytes.clear();
        let mut file = os::open_options().read(true).open(&full).map_err(refused)?;
        file.read_to_end(bytes).map_err(refused)?;
        let is_crlf = bytes.windows(2).any(|pair| pair == b"\r\n");
        let lock = cluster_of_lock(&path).map(|_| match std::str::from_utf8(bytes) {
            Ok(text) if is_crlf => Lock::parse(&text.replace("\r\n", "\n")),
            Ok(text) => Lock::parse(text),
            Err(_) => Err(LockError::NotText),
        });
        Ok((path, Digest::of_text(bytes), is_crlf, lock))
    };
    // collected before the first error is looked for, so that it is always the same one
    let read: Vec<_> = files.into_par_iter().map_init(Vec::new, one).collect();
    let read = read.into_iter().collect::<Result<Vec<_>, DiskError>>()?;
    let mut local = empty();
    for (path, digest, is_crlf, lock) in read {
        if let (Some(cluster), Some(lock)) = (cluster_of_lock(&path), lock) {
            local.locks.insert(cluster.to_owned(), lock);
        }
        if is_crlf {
            local.crlf.insert(path.clone());
        }
        local.files.insert(path, digest);
    }
    Ok(local)
}

/// What lies in a folder: files, and folders, each before what is in it.
#[derive(Default)]
pub(super) struct Entries {
    pub(super) files: Vec<String>,
    pub(super) folders: Vec<PathBuf>,
}

/// Lists a folder.
///
/// # Errors
/// At the first entry, by name, that is neither a file nor a folder, or whose name is not UTF-8.
pub(super) fn entries(root: &Path) -> Result<Entries, DiskError> {
    list(root, String::new())
}

fn list(root: &Path, below: String) -> Result<Entries, DiskError> {
    let folder = if below.is_empty() { root.to_owned() } else { root.join(&below) };
    // its entry said that it is one; it may have changed since
    if !is_folder(&folder)? {
        return Ok(Entries::default());
    }
    let refused = |e| DiskError::io("list", &folder)(e);
    let mut found: Vec<fs::DirEntry> =
        fs::read_dir(&folder).and_then(Iterator::collect).map_err(refused)?;
    found.sort_by_cached_key(fs::DirEntry::file_name);
    let mut entries = Entries::default();
    let mut inner = Vec::new();
    for entry in found {
        let full = || entry.path();
        let name = entry.file_name();
        let name = name.to_str().ok_or_else(|| DiskError::NotText { path: full() })?;
        let path = if below.is_empty() { name.to_owned() } else { format!("{below}/{name}") };
        let kind = entry.file_type().map_err(refused)?;
        if kind.is_symlink() {
            return Err(DiskError::Symlink { path: full() });
        } else if kind.is_dir() {
            inner.push(path);
        } else if kind.is_file() {
            entries.files.push(path);
        } else {
            return Err(DiskError::Kind { path: full(), expected: "a file" });
        }
    }
    entries.folders.push(folder);
    let inner: Vec<_> = inner.into_par_iter().map(|path| list(root, path)).collect();
    for inner in inner {
        let Entries { files, folders } = inner?;
        entries.files.extend(files);
        entries.folders.extend(folders);
    }
    Ok(entries)
}
