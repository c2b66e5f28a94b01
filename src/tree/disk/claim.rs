//! The right to write an environment's folder: one run at a time.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use super::{DiskError, EnvironmentFolder, SwapMethod, os, read, swap};
use crate::tree::Local;

/// Held by the one run that may write a folder; given back when dropped, or when the process dies.
#[derive(Debug)]
pub struct Claim {
    folder: EnvironmentFolder,
    method: SwapMethod,
    /// The folders above it that were made for it, the deepest last.
    made: Vec<PathBuf>,
    // the lock goes with the file
    _file: File,
}

impl Claim {
    /// Takes the right, and repairs what a killed run left.
    ///
    /// # Errors
    /// When another run has it; when a folder on the way is a link; when the system refuses.
    pub fn take(folder: EnvironmentFolder, method: SwapMethod) -> Result<Self, DiskError> {
        let made = folder.make_parent()?;
        let path = folder.run_lock();
        let refused = |e| DiskError::io("write", &path)(e);
        let mut options = os::open_options();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = loop {
            let file = options.open(&path).map_err(refused)?;
            match file.try_lock() {
                Ok(()) if is_still_at(&file, &path) => break file,
                // its owner has ended in between, and taken the file away
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(busy(&folder, file)),
                Err(TryLockError::Error(e)) => return Err(refused(e)),
            }
        };
        let named = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()));
        named.map_err(refused)?;
        let claim = Self { folder, method, made, _file: file };
        swap::recover(&claim.folder)?;
        Ok(claim)
    }

    /// Keeps writers out while it is held, where a run has left its lock file; there is nothing to
    /// hold where none has.
    pub(super) fn wait_for_none(folder: &EnvironmentFolder) -> Result<Option<File>, DiskError> {
        folder.exists()?;
        let path = folder.run_lock();
        let refused = |e| DiskError::io("read", &path)(e);
        let file = match os::open_options().read(true).open(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(refused)?,
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Err(busy(folder, file)),
            Err(TryLockError::Error(e)) => Err(refused(e)),
        }
    }

    /// The folder.
    pub fn folder(&self) -> &EnvironmentFolder {
        &self.folder
    }

    /// Reads the folder.
    ///
    /// # Errors
    /// When anything in it is a link or no file; when the system refuses.
    pub fn read(&self) -> Result<Local, DiskError> {
        read::read_unguarded(&self.folder)
    }

    /// How its folder is replaced.
    pub(super) fn method(&self) -> SwapMethod {
        self.method
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // whoever opened it before this looks whether it is still there
        if cfg!(unix) {
            let _ = fs::remove_file(self.folder.run_lock());
        }
        // a run that wrote nothing leaves nothing; a folder that holds something stays
        for folder in self.made.iter().rev() {
            let _ = fs::remove_dir(folder);
        }
    }
}

fn is_still_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(held), Ok(found)) => os::identity(&held) == os::identity(&found),
        _ => false,
    }
}

fn busy(folder: &EnvironmentFolder, file: File) -> DiskError {
    let mut text = String::new();
    let process = match file.take(32).read_to_string(&mut text) {
        Ok(_) => text.trim().parse().ok(),
        Err(_) => None,
    };
    DiskError::Busy { path: folder.path(), process }
}
