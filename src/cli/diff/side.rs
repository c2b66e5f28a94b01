//! Where the two sides' trees come from, and in which files they differ.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::super::Usage;
use crate::tree::git::{BlobId, Content, Git, Revision};
use crate::tree::{Differing, disk};

/// Where trees come from.
#[derive(Clone, Debug)]
pub(super) enum Side {
    /// The working tree: the repository's folder.
    Work,
    /// A commit.
    Revision(Revision),
    /// A folder.
    Folder {
        /// The folder that holds an environment's tree by its name.
        trees: PathBuf,
        /// The repository's folder, where it is a checkout.
        checkout: Option<PathBuf>,
        /// As the user named it.
        shown: String,
    },
    /// The working tree's tree of another environment.
    Environment(String),
}

/// The environment on both sides; the names differ where two environments are compared.
#[derive(Clone, Debug)]
pub(super) struct Pair {
    pub before: String,
    pub after: String,
    /// Whether either side has it.
    pub was_there: bool,
    pub is_there: bool,
    /// By the cluster folders before, those that stand for them after.
    clusters: BTreeMap<String, String>,
}

impl Pair {
    /// The cluster before that one after stands for.
    pub(super) fn cluster_before(&self, cluster: &str) -> String {
        let old = self.clusters.iter().find(|(_, new)| *new == cluster);
        old.map_or(cluster, |(old, _)| old).to_owned()
    }

    /// Where a path of the tree before would lie after.
    fn rename(&self, path: &str) -> String {
        match path.split_once('/') {
            Some((cluster, rest)) => match self.clusters.get(cluster) {
                Some(new) => format!("{new}/{rest}"),
                None => path.to_owned(),
            },
            None => path.to_owned(),
        }
    }

    /// What a reader must know.
    pub(super) fn remarks(&self) -> Vec<String> {
        let others = self.clusters.iter().filter(|(old, new)| old != new);
        let said =
            |(old, new)| format!("cluster `{old}` of `{}` is compared with `{new}`", self.before);
        others.map(said).collect()
    }
}

/// Both sides.
pub(super) struct Trees {
    root: PathBuf,
    out: String,
    pub before: Side,
    pub after: Side,
}

impl Side {
    /// In words, for a report.
    pub(super) fn describe(&self) -> String {
        match self {
            Side::Work => "the working tree".to_owned(),
            Side::Revision(revision) if revision.commit.starts_with(&revision.name) => {
                revision.short().to_owned()
            }
            Side::Revision(revision) => format!("{} ({})", revision.name, revision.short()),
            Side::Folder { shown, .. } => format!("folder {shown}"),
            Side::Environment(name) => format!("environment {name}"),
        }
    }
}

impl Trees {
    /// Both sides are the working tree until something else is said.
    pub(super) fn new(root: &Path, out: &str) -> Self {
        let (root, out) = (root.to_owned(), out.to_owned());
        Self { root, out, before: Side::Work, after: Side::Work }
    }

    /// What a word stands for: a revision, or a folder where it is none or looks like a path.
    pub(super) fn side(&self, word: &str) -> anyhow::Result<Side> {
        if word.is_empty() {
            return Err(Usage::error("the revision or folder to compare with has no name"));
        }
        let is_path = word.starts_with(['.', '/', '~']);
        let folder = self.root.join(word);
        if is_path && folder.is_dir() {
            return self.folder(word, &folder);
        }
        let revision = self.git().and_then(|git| Ok(git.revision(word)?));
        match revision {
            Ok(revision) => Ok(Side::Revision(revision)),
            Err(_) if folder.is_dir() => self.folder(word, &folder),
            Err(error) => Err(error),
        }
    }

    fn folder(&self, word: &str, folder: &Path) -> anyhow::Result<Side> {
        let trees = folder.join(&self.out);
        let is_checkout = trees.is_dir() || folder.join("environments").is_dir();
        Ok(Side::Folder {
            trees: if is_checkout { trees } else { folder.to_owned() },
            checkout: is_checkout.then(|| folder.to_owned()),
            shown: word.to_owned(),
        })
    }

    /// The commit in which the side after left the one before.
    pub(super) fn merge_base(&self) -> anyhow::Result<Side> {
        let git = self.git()?;
        let head = match &self.after {
            Side::Revision(revision) => revision.clone(),
            Side::Work => git.revision("HEAD")?,
            Side::Folder { .. } | Side::Environment(_) => {
                return Err(Usage::error("a folder has no merge base"));
            }
        };
        match &self.before {
            Side::Revision(base) => Ok(Side::Revision(git.merge_base(base, &head)?)),
            _ => Err(Usage::error("a folder has no merge base: name a revision as the base")),
        }
    }

    /// The repository.
    pub(super) fn git(&self) -> anyhow::Result<Git> {
        Ok(Git::open(&self.root)?)
    }

    fn folder_of(&self, side: &Side) -> Option<PathBuf> {
        match side {
            Side::Work | Side::Environment(_) => Some(self.root.join(&self.out)),
            Side::Folder { trees, .. } => Some(trees.clone()),
            Side::Revision(_) => None,
        }
    }

    /// The environments that either side has a tree of, by name.
    pub(super) fn environments(&self) -> anyhow::Result<Vec<Pair>> {
        let (before, after) = (self.names(&self.before)?, self.names(&self.after)?);
        let pair = |name: &String| Pair {
            before: name.clone(),
            after: name.clone(),
            was_there: before.contains(name),
            is_there: after.contains(name),
            clusters: BTreeMap::new(),
        };
        Ok(before.union(&after).map(pair).collect())
    }

    fn names(&self, side: &Side) -> anyhow::Result<BTreeSet<String>> {
        let names = match (side, self.folder_of(side)) {
            (Side::Revision(revision), _) => self.git()?.folders(revision, self.below_root()?)?,
            (_, Some(folder)) => folders_in(&folder)?,
            (_, None) => Vec::new(),
        };
        Ok(names.into_iter().filter(|name| !name.starts_with('.')).collect())
    }

    /// Two environments of the working tree. Clusters of one name stand for each other, then those
    /// that are called alike but for the environment's name, then the only one that is left.
    pub(super) fn pair(&self, before: &str, after: &str) -> anyhow::Result<Pair> {
        let folder = self.root.join(&self.out);
        let clusters = |name: &str| -> anyhow::Result<BTreeSet<String>> {
            let clusters = folders_in(&folder.join(name))?;
            if clusters.is_empty() {
                return Err(Usage::error(format!("there is no tree `{}/{name}`", self.out)));
            }
            Ok(clusters.into_iter().collect())
        };
        let (mut old, mut new) = (clusters(before)?, clusters(after)?);
        let mut paired = BTreeMap::new();
        let ways: [&dyn Fn(&str) -> String; 2] =
            [&|cluster| cluster.to_owned(), &|cluster| cluster.replace(before, after)];
        for way in ways {
            for cluster in old.clone() {
                if new.remove(&way(&cluster)) {
                    old.remove(&cluster);
                    paired.insert(cluster.clone(), way(&cluster));
                }
            }
        }
        if let (1, Some(one), 1, Some(other)) = (old.len(), old.first(), new.len(), new.first()) {
            paired.insert(one.clone(), other.clone());
        }
        Ok(Pair {
            before: before.to_owned(),
            after: after.to_owned(),
            was_there: true,
            is_there: true,
            clusters: paired,
        })
    }

    /// For each environment the files that differ, by path.
    pub(super) fn differing(&self, pairs: &[Pair]) -> anyhow::Result<Vec<Vec<Differing>>> {
        let head = match (&self.before, &self.after) {
            (Side::Revision(base), Side::Work) => Some((base, None)),
            (Side::Revision(base), Side::Revision(head)) => Some((base, Some(head))),
            _ => None,
        };
        if let Some((base, head)) = head {
            return self.differing_in_git(pairs, base, head);
        }
        pairs.iter().map(|pair| self.differing_in_folders(pair)).collect()
    }

    fn differing_in_folders(&self, pair: &Pair) -> anyhow::Result<Vec<Differing>> {
        match (self.folder_of(&self.before), self.folder_of(&self.after)) {
            (Some(before), Some(after)) => {
                let rename = |path: &str| pair.rename(path);
                let (before, after) = (before.join(&pair.before), after.join(&pair.after));
                Ok(disk::compare(&before, &after, rename)?.0)
            }
            _ => {
                let (before, after) = (
                    self.files(&self.before, &pair.before)?,
                    self.files(&self.after, &pair.after)?,
                );
                Ok(Differing::between(views(&before), views(&after)))
            }
        }
    }

    fn differing_in_git(
        &self,
        pairs: &[Pair],
        base: &Revision,
        head: Option<&Revision>,
    ) -> anyhow::Result<Vec<Vec<Differing>>> {
        let (git, out) = (self.git()?, self.below_root()?);
        let folders: Vec<String> =
            pairs.iter().map(|pair| format!("{out}/{}", pair.after)).collect();
        let folders: Vec<&str> = folders.iter().map(String::as_str).collect();
        let changed = git.changed(base, head, &folders)?;
        let mut blobs: Vec<BlobId> = Vec::new();
        for side in changed.iter().flat_map(|path| [&path.before, &path.after]) {
            if let Some(Content::Blob(id)) = side {
                blobs.push(id.clone());
            }
        }
        let mut texts = git.read(&blobs)?.into_iter();
        let mut by_name: BTreeMap<&str, Vec<Differing>> = BTreeMap::new();
        for path in &changed {
            let mut bytes = |side: &Option<Content>| match side {
                None => Ok(None),
                Some(Content::Blob(_)) => Ok(texts.next()),
                Some(Content::Work) => Ok(disk::read_file(&self.root, &path.path)?),
                Some(Content::NoFile) => Err(anyhow::anyhow!(
                    "`{}` is a symbolic link or another repository: a tree holds files",
                    path.path
                )),
            };
            let (before, after) = (bytes(&path.before)?, bytes(&path.after)?);
            let below = path.path.strip_prefix(out).and_then(|rest| rest.strip_prefix('/'));
            let Some((name, rest)) = below.and_then(|rest| rest.split_once('/')) else { continue };
            if before != after {
                let file = Differing { path: rest.to_owned(), before, after };
                by_name.entry(name).or_default().push(file);
            }
        }
        Ok(pairs
            .iter()
            .map(|pair| by_name.remove(pair.after.as_str()).unwrap_or_default())
            .collect())
    }

    /// Every file of an environment's tree.
    pub(super) fn files(
        &self,
        side: &Side,
        name: &str,
    ) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
        let Side::Revision(revision) = side else {
            let folder = self.folder_of(side).unwrap_or_default();
            return Ok(disk::read_all(&folder.join(name))?);
        };
        let git = self.git()?;
        let below = format!("{}/{name}/", self.below_root()?);
        let (paths, blobs): (Vec<String>, Vec<BlobId>) =
            git.files(revision, &below)?.into_iter().unzip();
        let paths = paths.iter().filter_map(|path| path.strip_prefix(&below).map(str::to_owned));
        Ok(paths.zip(git.read(&blobs)?).collect())
    }

    /// The folder of the trees, as a path in the repository.
    pub(super) fn below_root(&self) -> anyhow::Result<&str> {
        let is_plain = !self.out.is_empty()
            && self.out.split('/').all(|part| !matches!(part, "" | "." | ".."));
        if is_plain {
            return Ok(&self.out);
        }
        Err(Usage::error(format!(
            "`{}` does not lie in the repository's folder: name it from there to compare revisions",
            self.out
        )))
    }

    /// The folder of the trees, as the user named it.
    pub(super) fn out(&self) -> &str {
        &self.out
    }

    /// The repository's folder.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }
}

/// The names of the folders in a folder; none where it is missing.
fn folders_in(folder: &Path) -> anyhow::Result<Vec<String>> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.with_context(|| format!("cannot list `{}`", folder.display()))?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.with_context(|| format!("cannot list `{}`", folder.display()))?;
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            names.extend(entry.file_name().into_string());
        }
    }
    names.sort();
    Ok(names)
}

fn views(files: &BTreeMap<String, Vec<u8>>) -> impl Iterator<Item = (&str, &[u8])> {
    files.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice()))
}
