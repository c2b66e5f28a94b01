//! What the tree of an environment holds.

use std::collections::BTreeMap;
use std::ops::Bound;

use super::digest::Digest;
use super::path::{PathError, check_path};
use crate::k8s::ObjectRef;

/// One file: its text, the digest of it, and the object in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeFile {
    text: String,
    digest: Digest,
    object: Option<ObjectRef>,
}

impl TreeFile {
    /// A file. `object` is the one object in it; `None` for what describes objects or is none
    /// (`kustomization.yaml`, patches of a Component).
    pub fn new(text: String, object: Option<ObjectRef>) -> Self {
        Self { digest: Digest::of(text.as_bytes()), text, object }
    }

    /// Its text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its object.
    pub fn object(&self) -> Option<&ObjectRef> {
        self.object.as_ref()
    }

    /// The digest of its text.
    pub fn digest(&self) -> Digest {
        self.digest
    }
}

/// Every file of an environment but the locks, by path relative to `rendered/<env>`:
/// `<cluster>/<unit>/<namespace|_cluster>/<kind>-<name>.yaml`, `<cluster>/<unit>/kustomization.yaml`,
/// and areas that are no units, such as `<cluster>/expected/…`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    files: BTreeMap<String, TreeFile>,
    /// Every file and folder by its name in lower case; `None` where that is its name.
    names: BTreeMap<String, Name>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Name {
    is_file: bool,
    actual: Option<String>,
}

impl Tree {
    /// Adds a file.
    ///
    /// # Errors
    /// When the path is not one that a tree may hold, or does not go together with what is there.
    /// The tree is then as before.
    pub fn add(&mut self, path: impl Into<String>, file: TreeFile) -> Result<(), PathError> {
        let path = path.into();
        check_path(&path)?;
        if self.files.contains_key(&path) {
            return Err(PathError::Twice { path });
        }
        let folded = path.to_ascii_lowercase();
        let ends: Vec<usize> =
            path.match_indices('/').map(|(i, _)| i).chain([path.len()]).collect();
        for &end in &ends {
            let (here, is_file) = (&path[..end], end == path.len());
            let Some(name) = self.names.get(&folded[..end]) else { break };
            let other = name.actual.as_deref().unwrap_or(&folded[..end]).to_owned();
            if other != here {
                return Err(PathError::CaseCollision { path, other });
            }
            match (name.is_file, is_file) {
                (false, false) => {}
                (true, _) => return Err(PathError::FolderIsFile { path, other }),
                (false, true) => {
                    let below = self.files.range(format!("{path}/")..).next();
                    let needs = below.map_or_else(|| path.clone(), |(p, _)| p.clone());
                    return Err(PathError::FolderIsFile { path: needs, other: path });
                }
            }
        }
        for end in ends {
            let actual = (path[..end] != folded[..end]).then(|| path[..end].to_owned());
            self.names
                .entry(folded[..end].to_owned())
                .or_insert(Name { is_file: end == path.len(), actual });
        }
        self.files.insert(path, file);
        Ok(())
    }

    /// The file of a path.
    pub fn get(&self, path: &str) -> Option<&TreeFile> {
        self.files.get(path)
    }

    /// All files, by path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &TreeFile)> {
        self.files.iter().map(|(path, file)| (path.as_str(), file))
    }

    /// The files of a folder, whose path ends in a slash.
    pub fn below<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = (&'a str, &'a TreeFile)> {
        self.files
            .range::<str, _>((Bound::Included(folder), Bound::Unbounded))
            .take_while(move |(path, _)| path.starts_with(folder))
            .map(|(path, file)| (path.as_str(), file))
    }

    /// A file of the tree that cannot lie on one disk with a file of this path, which is not in
    /// the tree: one is a folder for the other, or they differ by case only.
    pub(super) fn conflict(&self, path: &str) -> Option<String> {
        let folded = path.to_ascii_lowercase();
        let ends = path.match_indices('/').map(|(i, _)| i).chain([path.len()]);
        for end in ends {
            let name = self.names.get(folded.get(..end)?)?;
            let actual = name.actual.as_deref().unwrap_or(&folded[..end]);
            if name.is_file || end == path.len() || actual != &path[..end] {
                let below = format!("{actual}/");
                let file = if name.is_file { None } else { self.below(&below).next() };
                return Some(file.map_or(actual, |(path, _)| path).to_owned());
            }
        }
        None
    }

    /// How many files there are.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(paths: &[&str]) -> Result<Tree, PathError> {
        let mut tree = Tree::default();
        for path in paths {
            tree.add(*path, TreeFile::new(String::new(), None))?;
        }
        Ok(tree)
    }

    fn code(paths: &[&str]) -> &'static str {
        tree(paths).err().map_or("", |e| e.code())
    }

    #[test]
    fn paths_that_do_not_go_together() {
        assert_eq!(code(&["c/mesh/a.yaml", "c/mesh/a.yaml"]), "path-twice");
        assert_eq!(code(&["c/mesh/a.yaml", "c/mesh/A.yaml"]), "path-case-collision");
        assert_eq!(code(&["c/mesh/a.yaml", "C/mesh/b.yaml"]), "path-case-collision");
        assert_eq!(code(&["c/Mesh/a/x", "c/mesh/b/x"]), "path-case-collision");
        assert_eq!(code(&["c/mesh/a", "c/mesh/a/b"]), "path-folder-is-file");
        assert_eq!(code(&["c/mesh/a/b/c", "c/mesh/a"]), "path-folder-is-file");
        assert_eq!(code(&["c/mesh/a/b", "c/mesh/a.yaml", "c/mesh/A-b", "d/mesh/a"]), "");
    }

    #[test]
    fn refused_path_leaves_no_trace() {
        let mut tree = tree(&["c/mesh/x/a.yaml"]).expect("good paths");
        let before = tree.clone();
        let refused = tree.add("c/mesh/X/new/b.yaml", TreeFile::new(String::new(), None));
        assert!(refused.is_err());
        assert_eq!(tree, before);
    }
}
