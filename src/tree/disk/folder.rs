//! Where an environment's folder is, and the names beside it that a run uses.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::DiskError;
use crate::tree::local::Holds;
use crate::tree::path::check_name;

/// The folder of an environment: a root that the user names, and a path below it that we do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvironmentFolder {
    root: PathBuf,
    below: Vec<String>,
    name: String,
    holds: Holds,
}

impl EnvironmentFolder {
    /// `root` may lie behind symbolic links; `below`, such as `rendered/brownfield`, may not.
    ///
    /// # Errors
    /// When `below` is not a plain relative path. The disk is not looked at.
    pub fn new(root: &Path, below: &str) -> Result<Self, DiskError> {
        let refuse = |rule| DiskError::Name { path: below.to_owned(), rule };
        let mut parts: Vec<String> = Vec::new();
        for part in below.split('/') {
            check_name(part).map_err(refuse)?;
            parts.push(part.to_owned());
        }
        let name = parts.pop().ok_or_else(|| refuse("has an empty part"))?;
        // `.<name>.waypost-journal` must be a file name too
        if name.len() > 200 {
            return Err(refuse("has a name of more than 200 bytes"));
        }
        let root = if root.as_os_str().is_empty() { Path::new(".") } else { root };
        Ok(Self { root: root.to_owned(), below: parts, name, holds: Holds::Units })
    }

    /// As [`EnvironmentFolder::new`], of what an applier is told: `gitops/argocd/brownfield`. Its
    /// paths begin with the environment's name, under which its one lock is.
    ///
    /// # Errors
    /// When `below` is not a plain relative path. The disk is not looked at.
    pub fn of_delivery(root: &Path, below: &str) -> Result<Self, DiskError> {
        Ok(Self { holds: Holds::Delivery, ..Self::new(root, below)? })
    }

    /// What it is for.
    pub(super) fn holds(&self) -> Holds {
        self.holds
    }

    /// A path of the tree as it lies in the folder.
    pub(super) fn inside<'p>(&self, path: &'p str) -> &'p str {
        match self.holds {
            Holds::Units => path,
            Holds::Delivery => path.split_once('/').map_or(path, |(_, inside)| inside),
        }
    }

    /// The path in the tree of what lies in the folder.
    pub(super) fn in_tree(&self, inside: String) -> String {
        match self.holds {
            Holds::Units => inside,
            Holds::Delivery => format!("{}/{inside}", self.name),
        }
    }

    /// The folder itself.
    pub fn path(&self) -> PathBuf {
        self.parent().join(&self.name)
    }

    /// The folder as people should see it: below the root, where it lies in a folder of ours
    /// there, and as they named the root where it does not.
    ///
    /// Of what an applier is told it is the folder above: the environment's name is in the paths.
    pub(super) fn shown(&self) -> String {
        let inside = self.below.join("/");
        match self.holds {
            Holds::Delivery if inside.is_empty() => return self.parent().display().to_string(),
            Holds::Delivery => return inside,
            Holds::Units if inside.is_empty() => return self.path().display().to_string(),
            Holds::Units => {}
        }
        self.below.iter().map(|part| format!("{part}/")).chain([self.name.clone()]).collect()
    }

    pub(super) fn parent(&self) -> PathBuf {
        self.below.iter().fold(self.root.clone(), |path, part| path.join(part))
    }

    /// The tree that is being built, and after the exchange the old one.
    pub(super) fn new_tree(&self) -> PathBuf {
        self.beside("new")
    }

    /// The old tree between two renames.
    pub(super) fn old_tree(&self) -> PathBuf {
        self.beside("old")
    }

    /// Exists while two renames replace the folder.
    pub(super) fn journal(&self) -> PathBuf {
        self.beside("journal")
    }

    /// Is held while a run writes.
    pub(super) fn run_lock(&self) -> PathBuf {
        self.beside("run")
    }

    fn beside(&self, purpose: &str) -> PathBuf {
        self.parent().join(format!(".{}.waypost-{purpose}", self.name))
    }

    /// Looks at each folder below the root, down to the environment's. False where that is
    /// missing.
    pub(super) fn exists(&self) -> Result<bool, DiskError> {
        let mut path = self.root.clone();
        for part in self.below.iter().chain([&self.name]) {
            path.push(part);
            if !is_folder(&path)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Makes the folder that the environment's lies in: the folders that were not there, the
    /// deepest last.
    pub(super) fn make_parent(&self) -> Result<Vec<PathBuf>, DiskError> {
        self.exists()?;
        let parent = self.parent();
        let mut missing: Vec<PathBuf> = parent
            .ancestors()
            .take_while(|path| !path.as_os_str().is_empty() && !path.exists())
            .map(Path::to_owned)
            .collect();
        missing.reverse();
        fs::create_dir_all(&parent).map_err(DiskError::io("make the folder", &parent))?;
        Ok(missing)
    }
}

/// True for a folder, false for nothing.
///
/// # Errors
/// For anything else.
pub(super) fn is_folder(path: &Path) -> Result<bool, DiskError> {
    match fs::symlink_metadata(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(e) => Err(DiskError::io("look at", path)(e)),
        Ok(found) if found.is_symlink() => Err(DiskError::Symlink { path: path.to_owned() }),
        Ok(found) if found.is_dir() => Ok(true),
        Ok(_) => Err(DiskError::Kind { path: path.to_owned(), expected: "a folder" }),
    }
}
