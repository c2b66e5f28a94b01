//! Reads an environment's folder into digests.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::folder::is_folder;
use super::{Claim, DiskError, EnvironmentFolder, os};
use crate::tree::digest::{Digest, Hasher};
use crate::tree::local::Local;
use crate::tree::lock::{Lock, LockError};
use crate::tree::scope::cluster_of_lock;

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
    let one = |buffer: &mut Vec<u8>, path: String| -> Result<_, DiskError> {
        let full = root.join(&path);
        let path = folder.in_tree(path);
        let refused = |e| DiskError::io("read", &full)(e);
        let mut file = os::open_options().read(true).open(&full).map_err(refused)?;
        let lock = match cluster_of_lock(&path) {
            None => None,
            Some(_) => {
                let mut bytes = Vec::new();
                file.read_to_end(&mut bytes).map_err(refused)?;
                Some(bytes)
            }
        };
        let digest = match &lock {
            Some(bytes) => Digest::of(bytes),
            None => digest_of(&mut file, buffer).map_err(refused)?,
        };
        Ok((path, digest, lock))
    };
    // collected before the first error is looked for, so that it is always the same one
    let read: Vec<_> = files.into_par_iter().map_init(|| vec![0; 64 * 1024], one).collect();
    let read = read.into_iter().collect::<Result<Vec<_>, DiskError>>()?;
    let mut local = empty();
    for (path, _, lock) in &read {
        if let (Some(cluster), Some(bytes)) = (cluster_of_lock(path), lock) {
            let lock = match std::str::from_utf8(bytes) {
                Ok(text) => Lock::parse(text),
                Err(_) => Err(LockError::NotText),
            };
            local.locks.insert(cluster.to_owned(), lock);
        }
    }
    local.files = read.into_iter().map(|(path, digest, _)| (path, digest)).collect();
    Ok(local)
}

fn digest_of(file: &mut fs::File, buffer: &mut [u8]) -> io::Result<Digest> {
    let mut hasher = Hasher::default();
    loop {
        match file.read(buffer) {
            Ok(0) => return Ok(hasher.finish()),
            Ok(n) => hasher.update(&buffer[..n]),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
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
