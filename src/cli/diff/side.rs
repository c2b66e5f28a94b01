//! Where the two sides' trees come from, and in which files they differ.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::super::Usage;
use crate::diff::is_list;
use crate::model::Target;
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

/// The files of an environment that differ.
#[derive(Clone, Debug, Default)]
pub(super) struct Differ {
    /// Of its tree, by path in the environment's folder.
    pub tree: Vec<Differing>,
    /// Of what appliers are told of it, by path below the repository's folder.
    pub told: Vec<Differing>,
}

/// Both sides.
pub(super) struct Trees {
    root: PathBuf,
    out: String,
    told: String,
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
    pub(super) fn new(root: &Path, out: &str, told: &str) -> Self {
        let (root, out, told) = (root.to_owned(), out.to_owned(), told.to_owned());
        Self { root, out, told, before: Side::Work, after: Side::Work }
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

    /// The folders of a side that hold an environment's folder by its name: of its tree, and of what
    /// each applier is told; below the repository's folder.
    fn folders(&self) -> Vec<String> {
        let told = Target::ALL.iter().map(|target| format!("{}/{target}", self.told));
        [self.out.clone()].into_iter().chain(told).collect()
    }

    /// Where a folder of a side lies on disk; `None` of a revision, and of what appliers are told
    /// where the side is a folder of trees alone.
    fn on_disk(&self, side: &Side, folder: &str) -> Option<PathBuf> {
        match side {
            Side::Work | Side::Environment(_) => Some(self.root.join(folder)),
            Side::Folder { trees, .. } if folder == self.out => Some(trees.clone()),
            Side::Folder { checkout, .. } => {
                checkout.as_ref().map(|folder_of| folder_of.join(folder))
            }
            Side::Revision(_) => None,
        }
    }

    /// The folder in which logs lie that the spec after names: git has no part in them.
    pub(super) fn logs_root(&self) -> &Path {
        match &self.after {
            Side::Folder { checkout: Some(root), .. } => root,
            _ => &self.root,
        }
    }

    /// What of the comparison could not be made, in a sentence.
    pub(super) fn not_compared(&self) -> Option<String> {
        let alone = [&self.before, &self.after].into_iter().find_map(|side| match side {
            Side::Folder { checkout: None, shown, .. } => Some(shown),
            _ => None,
        })?;
        let is_there = [&self.before, &self.after]
            .into_iter()
            .filter_map(|side| self.on_disk(side, &self.told))
            .any(|folder| folder.is_dir());
        is_there.then(|| {
            format!("what appliers are told was not compared: folder `{alone}` holds trees alone, and no `{}`", self.told)
        })
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
        let mut names = Vec::new();
        for below in self.folders() {
            names.extend(match (side, self.on_disk(side, &below)) {
                (Side::Revision(revision), _) => {
                    self.below_root()?;
                    self.git()?.folders(revision, &below)?
                }
                (_, Some(folder)) => folders_in(&folder)?,
                (_, None) => Vec::new(),
            });
        }
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
    pub(super) fn differing(&self, pairs: &[Pair]) -> anyhow::Result<Vec<Differ>> {
        let head = match (&self.before, &self.after) {
            (Side::Revision(base), Side::Work) => Some((base, None)),
            (Side::Revision(base), Side::Revision(head)) => Some((base, Some(head))),
            _ => None,
        };
        if let Some((base, head)) = head {
            return self.differing_in_git(pairs, base, head);
        }
        pairs
            .iter()
            .map(|pair| {
                let mut differ =
                    Differ { tree: self.differing_in_folders(pair, &self.out)?, told: Vec::new() };
                // what two environments are told is never alike
                if pair.before == pair.after && self.not_compared().is_none() {
                    for folder in self.folders().into_iter().skip(1) {
                        let files = self.differing_in_folders(pair, &folder)?.into_iter();
                        let named = |file: Differing| Differing {
                            path: format!("{folder}/{}/{}", pair.after, file.path),
                            ..file
                        };
                        differ.told.extend(files.map(named));
                    }
                }
                Ok(differ)
            })
            .collect()
    }

    fn differing_in_folders(&self, pair: &Pair, below: &str) -> anyhow::Result<Vec<Differing>> {
        match (self.on_disk(&self.before, below), self.on_disk(&self.after, below)) {
            (Some(before), Some(after)) => {
                let rename = |path: &str| pair.rename(path);
                let (before, after) = (before.join(&pair.before), after.join(&pair.after));
                Ok(disk::compare(&before, &after, rename)?.0)
            }
            _ => {
                let (before, after) = (
                    self.files_below(&self.before, below, &pair.before)?,
                    self.files_below(&self.after, below, &pair.after)?,
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
    ) -> anyhow::Result<Vec<Differ>> {
        let git = self.git()?;
        self.below_root()?;
        let tops = self.folders();
        let folders: Vec<String> = tops
            .iter()
            .flat_map(|top| pairs.iter().map(move |pair| format!("{top}/{}", pair.after)))
            .collect();
        let folders: Vec<&str> = folders.iter().map(String::as_str).collect();
        let changed = git.changed(base, head, &folders)?;
        let mut blobs: Vec<BlobId> = Vec::new();
        for side in changed.iter().flat_map(|path| [&path.before, &path.after]) {
            if let Some(Content::Blob(id)) = side {
                blobs.push(id.clone());
            }
        }
        let mut texts = git.read(&blobs)?.into_iter();
        let mut by_name: BTreeMap<&str, Differ> = BTreeMap::new();
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
            if before == after {
                continue;
            }
            let below = |top: &String| {
                let below = path.path.strip_prefix(top.as_str())?.strip_prefix('/')?;
                below.split_once('/')
            };
            let place = tops.iter().enumerate().find_map(|(at, top)| Some((at, below(top)?)));
            let Some((at, (name, rest))) = place else { continue };
            let differ = by_name.entry(name).or_default();
            match at {
                0 => differ.tree.push(Differing { path: rest.to_owned(), before, after }),
                _ => differ.told.push(Differing { path: path.path.clone(), before, after }),
            }
        }
        Ok(pairs
            .iter()
            .map(|pair| by_name.remove(pair.after.as_str()).unwrap_or_default())
            .collect())
    }

    /// What appliers are told of an environment: every file, by its path below the repository's
    /// folder.
    pub(super) fn told(
        &self,
        side: &Side,
        name: &str,
    ) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
        let mut all = BTreeMap::new();
        for folder in self.folders().into_iter().skip(1) {
            let files = self.files_below(side, &folder, name)?;
            all.extend(
                files.into_iter().map(|(path, bytes)| (format!("{folder}/{name}/{path}"), bytes)),
            );
        }
        Ok(all)
    }

    /// Every file of an environment's tree.
    pub(super) fn files(
        &self,
        side: &Side,
        name: &str,
    ) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
        self.files_below(side, &self.out, name)
    }

    /// The paths of an environment's tree, and those files that say what is applied.
    pub(super) fn lists(&self, side: &Side, name: &str) -> anyhow::Result<disk::Listed> {
        if let Some(folder) = self.on_disk(side, &self.out) {
            return Ok(disk::read_some(&folder.join(name), is_list)?);
        }
        // git reads what it is asked for at once
        let mut files = self.files(side, name)?;
        let paths = files.keys().cloned().collect();
        files.retain(|path, _| is_list(path));
        Ok(disk::Listed { paths, read: files })
    }

    fn files_below(
        &self,
        side: &Side,
        folder: &str,
        name: &str,
    ) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
        let Side::Revision(revision) = side else {
            return match self.on_disk(side, folder) {
                Some(folder) => Ok(disk::read_some(&folder.join(name), |_| true)?.read),
                None => Ok(BTreeMap::new()),
            };
        };
        let git = self.git()?;
        self.below_root()?;
        let below = format!("{folder}/{name}/");
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
