//! What changed since a revision, and which environments that touches.
//!
//! A job that is not started proves nothing, so whatever cannot be ruled out counts: templates,
//! schemas and the version of waypost touch every environment.

use std::collections::BTreeSet;
use std::path::Path;

use crate::spec::{Entry, EntryKind, Files};
use crate::tree::git::Git;
use crate::tree::{LOCK_NAME, Lock};

/// What every environment is rendered with.
const OF_ALL: [&str; 2] = ["templates", "schemas"];
/// A lock has a line for each file of its cluster.
const LOCK_LIMIT: usize = 256 << 20;

/// Files that differ between a revision and what lies on disk, in either direction.
pub(super) struct Changes {
    /// Relative to the repository's folder, with forward slashes; the empty path is all of it.
    paths: BTreeSet<String>,
}

impl Changes {
    /// Asks git. A file that git does not know is new, also where it is told to ignore it: a spec
    /// reads it all the same.
    pub(super) fn since(root: &Path, revision: &str) -> anyhow::Result<Self> {
        let git = Git::open(root)?;
        let mut paths = BTreeSet::new();
        for path in git.touched(&git.revision(revision)?)? {
            match path.trim_end_matches('/') {
                "" => {}
                // git knows nothing of the folder itself, or of one above it
                path if path == "." || path.starts_with("..") => {
                    paths.insert(String::new());
                }
                path => {
                    paths.insert(path.to_owned());
                }
            }
        }
        Ok(Self { paths })
    }

    /// What touches every environment.
    pub(super) fn touching_all(&self) -> Option<&str> {
        OF_ALL.iter().find_map(|folder| self.at(folder))
    }

    /// What touches an environment, whose spec names these files and folders.
    pub(super) fn touching(&self, name: &str, out: &str, named: &BTreeSet<String>) -> Option<&str> {
        let own = [
            format!("environments/{name}"),
            format!("{out}/{name}"),
            format!("gitops/argocd/{name}"),
            format!("gitops/flux/{name}"),
        ];
        own.iter().chain(named).find_map(|path| self.at(path))
    }

    /// The first change at a path, below it, or of a folder above it: a submodule is one path.
    pub(super) fn at(&self, path: &str) -> Option<&str> {
        let path = path.trim_end_matches('/');
        if path.is_empty() {
            return self.paths.first().map(String::as_str);
        }
        let above = path.match_indices('/').map(|(at, _)| &path[..at]).chain([""]);
        let exact = above.chain([path]).find_map(|path| self.paths.get(path));
        let below = format!("{path}/");
        exact
            .or_else(|| self.paths.range(below.clone()..).next().filter(|p| p.starts_with(&below)))
            .map(String::as_str)
    }
}

/// Why the tree of an environment may be of another version of waypost than this one; `None` where
/// every lock says this one.
pub(super) fn other_version(files: &Files, out: &str, name: &str) -> Option<String> {
    let folder = format!("{out}/{name}");
    let Entry::Folder(clusters) = files.entry(&folder, 0) else {
        return Some(format!("`{folder}` does not say which version rendered it"));
    };
    let mut locks = 0;
    for (cluster, kind) in clusters {
        let path = format!("{folder}/{cluster}/{LOCK_NAME}");
        match files.entry(&path, LOCK_LIMIT) {
            Entry::Missing if kind != EntryKind::Folder => {}
            Entry::File(text) => match Lock::parse(&text) {
                Ok(lock) if lock.tool == env!("CARGO_PKG_VERSION") => locks += 1,
                Ok(lock) => return Some(format!("`{path}` is of version `{}`", lock.tool)),
                Err(error) => return Some(format!("`{path}` cannot be read: {error}")),
            },
            _ => return Some(format!("`{path}` cannot be read")),
        }
    }
    (locks == 0).then(|| format!("`{folder}` holds no lock"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_counts_at_below_and_above_a_path() {
        let paths = ["apps/a.yaml", "apps-of-others/b.yaml", "vendor/sub", "x"];
        let changes = Changes { paths: paths.map(str::to_owned).into() };
        assert_eq!(changes.at("apps"), Some("apps/a.yaml"));
        assert_eq!(changes.at("apps/a.yaml"), Some("apps/a.yaml"));
        assert_eq!(changes.at("apps/a"), None);
        assert_eq!(changes.at("app"), None);
        assert_eq!(changes.at("vendor/sub/deep/c.yaml"), Some("vendor/sub"));
        assert_eq!(changes.at("vendor"), Some("vendor/sub"));
        assert_eq!(changes.at("y"), None);
        // the first as bytes are sorted: `-` comes before `/`
        assert_eq!(changes.at(""), Some("apps-of-others/b.yaml"));
        let all = Changes { paths: [String::new()].into() };
        assert_eq!(all.at("y/z"), Some(""));
    }
}
