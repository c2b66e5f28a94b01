//! The environment's folder on disk: read, and replaced whole.
//!
//! A write builds a sibling folder (`.<env>.waypost-new`) in which unchanged and carried files are
//! hard links to the old ones, syncs it, exchanges the two folders in one step, and deletes the
//! old one. Folders that belong together are all built before the first is exchanged, so that a full disk
//! leaves all of them old. Where the file system cannot exchange, two renames under a journal do, and the next
//! run finishes what a killed one left (facts/gitops-delivery.md 8.2). Nothing is touched when
//! nothing changed. Empty folders are not carried over, as git does not.
//!
//! Symbolic links (T2): the root that the user names may be one, or lie behind one. Every folder
//! below it down to the environment's, and every entry in the environment's folder, must not be:
//! one that is, is refused by name, and files are opened so that a link is not followed.
//!
//! While a run writes, it holds `.<env>.waypost-run`, a lock that the system releases when the
//! process dies; the file goes when the run ends. A `.gitignore` of `.*.waypost-*` keeps what a
//! killed run leaves out of git.

mod build;
mod claim;
mod compare;
mod folder;
mod os;
mod read;
mod replace;
mod swap;

use std::io;
use std::path::{Path, PathBuf};

pub use claim::Claim;
pub use compare::{Listed, compare, read_file, read_some};
pub use folder::EnvironmentFolder;
pub use read::read;
pub use replace::{Replacement, replace};
pub use swap::SwapMethod;

/// Why a folder cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// The system refused.
    #[error("cannot {action} `{}`", .path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// With which file or folder.
        path: PathBuf,
        /// The answer.
        source: io::Error,
    },
    /// Another run holds the folder.
    #[error("another run of waypost{} is writing `{}`", named(*.process), .path.display())]
    Busy {
        /// The environment's folder.
        path: PathBuf,
        /// The process, where it is known.
        process: Option<u32>,
    },
    /// A symbolic link.
    #[error("`{}` is a symbolic link", .path.display())]
    Symlink {
        /// The link.
        path: PathBuf,
    },
    /// A device, socket or pipe, or a file where a folder is needed.
    #[error("`{}` is not {expected}", .path.display())]
    Kind {
        /// What was found.
        path: PathBuf,
        /// What is needed there.
        expected: &'static str,
    },
    /// A file name that is not UTF-8.
    #[error("the name of `{}` is not UTF-8 text", .path.display())]
    NotText {
        /// The file.
        path: PathBuf,
    },
    /// A folder that cannot be an environment's.
    #[error("environment folder `{}` {rule}", .path.escape_debug())]
    Name {
        /// The path that was asked for.
        path: String,
        /// What is wrong with it.
        rule: &'static str,
    },
    /// A run was killed between the two renames that replace a folder.
    #[error("a killed run left `{}` half replaced", .path.display())]
    Interrupted {
        /// The environment's folder.
        path: PathBuf,
    },
    /// The change must not be written, or is not one of this tree.
    #[error("the change does not fit the tree at `{path}`; this is a bug in waypost")]
    Mismatch {
        /// The path in the environment.
        path: String,
    },
}

impl DiskError {
    /// The stable code of the fault.
    pub fn code(&self) -> &'static str {
        match self {
            DiskError::Io { .. } => "disk-error",
            DiskError::Busy { .. } => "tree-busy",
            DiskError::Symlink { .. } => "tree-symlink",
            DiskError::Kind { .. } => "tree-entry-kind",
            DiskError::NotText { .. } => "tree-name-not-text",
            DiskError::Name { .. } => "tree-folder-name",
            DiskError::Interrupted { .. } => "tree-interrupted",
            DiskError::Mismatch { .. } => "tree-mismatch",
        }
    }

    /// What to do, where there is something.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            DiskError::Busy { .. } => Some("wait until it has ended"),
            DiskError::Symlink { .. } => {
                Some("put the file or folder itself there: appliers refuse or follow links at will")
            }
            DiskError::Kind { .. } | DiskError::NotText { .. } => Some("move it out of the tree"),
            DiskError::Interrupted { .. } => Some("run `waypost render`, which repairs it"),
            DiskError::Io { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    Some("make room, and run it again: the tree is as it was")
                }
                io::ErrorKind::PermissionDenied => {
                    Some("run it as the user whom the files belong to, or give them to this one")
                }
                io::ErrorKind::ReadOnlyFilesystem => {
                    Some("mount it for writing, or work in a clone elsewhere")
                }
                _ => None,
            },
            DiskError::Name { .. } => Some("call the environment otherwise"),
            DiskError::Mismatch { .. } => None,
        }
    }

    fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| {
            // opening a link with O_NOFOLLOW
            if os::is_link_error(&source) {
                DiskError::Symlink { path }
            } else {
                DiskError::Io { action, path, source }
            }
        }
    }
}

fn named(process: Option<u32>) -> String {
    process.map(|id| format!(" (process {id})")).unwrap_or_default()
}
