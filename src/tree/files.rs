//! What the tree of an environment holds.

use std::collections::{BTreeMap, HashSet};
use std::ops::Bound;
use std::sync::Arc;

use super::digest::Digest;
use super::path::{PathError, check_path};
use super::place::Place;
use crate::k8s::ObjectRef;

/// One file: its text, the digest of it, and the object in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeFile {
    text: Arc<str>,
    digest: Digest,
    object: Option<Arc<ObjectRef>>,
    place: Option<Place>,
}

impl TreeFile {
    /// A file. `object` is the one object in it; `None` for what describes objects or is none
    /// (`kustomization.yaml`, patches of a Component).
    pub fn new(text: String, object: Option<ObjectRef>) -> Self {
        Self {
            digest: Digest::of(text.as_bytes()),
            text: text.into(),
            object: object.map(Arc::new),
            place: None,
        }
    }

    /// The file of an object of a cluster.
    pub fn of_object(text: String, object: ObjectRef, place: Place) -> Self {
        Self { place: Some(place), ..Self::new(text, Some(object)) }
    }

    /// Where its object is: `None` for what is no object of a cluster.
    pub fn place(&self) -> Option<&Place> {
        self.place.as_ref()
    }

    /// Its text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its text, for what outlives the tree.
    pub fn shared_text(&self) -> Arc<str> {
        Arc::clone(&self.text)
    }

    /// Its object.
    pub fn object(&self) -> Option<&ObjectRef> {
        self.object.as_deref()
    }

    /// Its object, for what outlives the tree: a lock lists the same ones.
    pub(super) fn shared_object(&self) -> Option<Arc<ObjectRef>> {
        self.object.clone()
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
    /// Every folder on the way to a file.
    folders: HashSet<String>,
    /// Files and folders whose name is not in lower case, by its lower case form. Names of objects
    /// and kinds are: this is small, or empty.
    mixed: BTreeMap<String, String>,
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
        let is_lower = !path.bytes().any(|b| b.is_ascii_uppercase());
        if !(is_lower && self.mixed.is_empty()) {
            self.check_case(&path)?;
        }
        if self.folders.contains(&path) {
            let below = self.files.range(format!("{path}/")..).next();
            let needs = below.map_or_else(|| path.clone(), |(p, _)| p.clone());
            return Err(PathError::FolderIsFile { path: needs, other: path });
        }
        let parent = path.rfind('/').map_or("", |end| &path[..end]);
        if !self.folders.contains(parent) {
            let file = folders_of(&path).find(|f| self.files.contains_key(*f)).map(str::to_owned);
            if let Some(other) = file {
                return Err(PathError::FolderIsFile { path, other });
            }
            self.folders.extend(folders_of(&path).map(str::to_owned));
        }
        if !is_lower {
            for name in folders_of(&path).chain([path.as_str()]) {
                let folded = name.to_ascii_lowercase();
                if folded != name {
                    self.mixed.insert(folded, name.to_owned());
                }
            }
        }
        self.files.insert(path, file);
        Ok(())
    }

    /// Some file systems do not tell names apart that differ by case only.
    fn check_case(&self, path: &str) -> Result<(), PathError> {
        for name in folders_of(path).chain([path]) {
            match self.called(name) {
                Some(other) if other != name => {
                    return Err(PathError::CaseCollision { path: path.to_owned(), other });
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The file or folder that bears a name, whatever its case.
    fn called(&self, name: &str) -> Option<String> {
        let folded = name.to_ascii_lowercase();
        match self.mixed.get(&folded) {
            Some(actual) => Some(actual.clone()),
            None => (self.files.contains_key(&folded) || self.folders.contains(&folded))
                .then_some(folded),
        }
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
        for name in folders_of(path).chain([path]) {
            let actual = self.called(name)?;
            let is_file = self.files.contains_key(&actual);
            if is_file || name == path || actual != name {
                let below = format!("{actual}/");
                let file = if is_file { None } else { self.below(&below).next() };
                return Some(file.map_or(actual.as_str(), |(path, _)| path).to_owned());
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

/// The folders on the way to a path, from the outermost.
fn folders_of(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(end, _)| &path[..end])
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
