//! Two trees: every object and every other file that they do not have alike.

use std::collections::{BTreeMap, BTreeSet};

use super::file::{FileChange, FileRole};
use super::identity::{pair, renamed_clusters};
use super::kustomization::is_beyond_lists;
use super::noise::{Ignored, Noise};
use super::object::{ChangeKind, ObjectChange};
use super::version::{ObjectVersion, versions};
use crate::diagnostic::Diagnostic;
use crate::tree::{Differing, FilePlace, LOCK_NAME, Lock};

/// How to compare.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Fields that the user does not want to see.
    pub ignored: Ignored,
}

/// What two trees of an environment do not have alike.
#[derive(Clone, Debug, Default)]
pub struct TreeDiff {
    /// The objects, by cluster, namespace, kind and name.
    pub objects: Vec<ObjectChange>,
    /// The files that are not objects, or hold something else too, by path.
    pub files: Vec<FileChange>,
    /// What the locks say of stages, by cluster and namespace.
    pub stages: Vec<StageChange>,
    /// How many objects the lock of a cluster lists that are applied, before; of the clusters whose
    /// lock changed.
    pub objects_before: BTreeMap<String, usize>,
    /// Cluster folders that took the place of others: the old name, and the new one.
    pub renamed_clusters: BTreeMap<String, String>,
    /// How many of what there are.
    pub counts: Counts,
}

/// How far a namespace has come in the migration, by the locks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageChange {
    /// Its cluster.
    pub cluster: String,
    /// Its name.
    pub namespace: String,
    /// What it had reached; `None` where the lock did not name it.
    pub before: Option<String>,
    /// What it has reached.
    pub after: Option<String>,
}

/// How many of what; each object is counted once, by what became of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Objects that came.
    pub added: usize,
    /// Objects that went.
    pub removed: usize,
    /// Objects that go by another name.
    pub renamed: usize,
    /// Objects that lie elsewhere.
    pub moved: usize,
    /// Objects that changed where they lie.
    pub changed: usize,
    /// Of those: with nothing that anybody needs to read.
    pub hidden_objects: usize,
    /// Other files.
    pub files: usize,
    /// Of those: with nothing that anybody needs to read.
    pub hidden_files: usize,
}

impl Counts {
    /// Objects of a kind of change.
    pub fn of(&self, kind: ChangeKind) -> usize {
        match kind {
            ChangeKind::Added => self.added,
            ChangeKind::Removed => self.removed,
            ChangeKind::Renamed => self.renamed,
            ChangeKind::Moved => self.moved,
            ChangeKind::Changed => self.changed,
        }
    }

    /// All objects that are not as they were.
    pub fn objects(&self) -> usize {
        ChangeKind::ALL.into_iter().map(|kind| self.of(kind)).sum()
    }

    fn add(&mut self, kind: ChangeKind) {
        let count = match kind {
            ChangeKind::Added => &mut self.added,
            ChangeKind::Removed => &mut self.removed,
            ChangeKind::Renamed => &mut self.renamed,
            ChangeKind::Moved => &mut self.moved,
            ChangeKind::Changed => &mut self.changed,
        };
        *count += 1;
    }
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        let Self { added, removed, renamed, moved, changed, hidden_objects, files, hidden_files } =
            other;
        self.added += added;
        self.removed += removed;
        self.renamed += renamed;
        self.moved += moved;
        self.changed += changed;
        self.hidden_objects += hidden_objects;
        self.files += files;
        self.hidden_files += hidden_files;
    }
}

impl TreeDiff {
    /// True only where the trees are equal, byte for byte.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty() && self.files.is_empty()
    }

    /// Takes in what appliers are told, whose paths lie elsewhere: to be shown, and counted. What
    /// its locks say is the same as those of the tree.
    pub fn absorb(&mut self, told: Self) {
        let Self { objects, files, counts, .. } = told;
        self.objects.extend(objects);
        self.files.extend(files);
        self.counts += counts;
    }

    /// How much of each noise there is.
    pub fn hidden(&self) -> BTreeMap<Noise, usize> {
        let mut hidden = BTreeMap::new();
        let objects = self.objects.iter().filter_map(ObjectChange::noise);
        for noise in objects.chain(self.files.iter().filter_map(|file| file.noise)) {
            *hidden.entry(noise).or_default() += 1;
        }
        hidden
    }

    /// The files that should hold objects and cannot be read so.
    pub fn unreadable(&self) -> impl Iterator<Item = (&str, &Diagnostic)> {
        self.files.iter().filter_map(|file| match &file.role {
            FileRole::Unreadable(why) => Some((file.path.as_str(), &**why)),
            FileRole::Lock
            | FileRole::Kustomization { .. }
            | FileRole::Build(_)
            | FileRole::Other => None,
        })
    }
}

/// Compares two trees, of which the files that differ are given: whatever is not among them is
/// alike in both.
pub fn compare(differing: &[Differing], options: &Options) -> TreeDiff {
    let mut diff = TreeDiff::default();
    let (mut before, mut after) = (Vec::new(), Vec::new());
    let mut kustomizations = Vec::new();
    let (mut gone, mut new) = (BTreeSet::new(), BTreeSet::new());
    for file in differing {
        let name = file.path.rsplit('/').next().unwrap_or_default();
        if is_beyond_lists(&file.path) {
            diff.files.push(FileChange::build(file));
            continue;
        }
        match name {
            LOCK_NAME => {
                let cluster = FilePlace::of(&file.path).cluster.to_owned();
                match (&file.before, &file.after) {
                    (Some(_), None) => drop(gone.insert(cluster)),
                    (None, Some(_)) => drop(new.insert(cluster)),
                    _ => {}
                }
                diff.take_lock(file);
            }
            "kustomization.yaml" => kustomizations.push(file),
            _ if file.path.ends_with("/_guard/Kustomization") => {
                diff.files.push(FileChange::guard(file));
            }
            _ if is_no_manifest(&file.path) => {
                diff.files.push(FileChange::new(file, FileRole::Other));
            }
            _ => {
                let (old, new) = (side(file, &file.before), side(file, &file.after));
                diff.files.extend(beside_objects(file, &old, &new));
                before.extend(old.unwrap_or_default());
                after.extend(new.unwrap_or_default());
            }
        }
    }
    for file in kustomizations {
        diff.files.push(FileChange::kustomization(file, differing));
    }
    diff.files.sort_by(|a, b| a.path.cmp(&b.path));
    diff.renamed_clusters = renamed_clusters(&before, &after, &gone, &new);
    for (old, new) in pair(before, after, &diff.renamed_clusters) {
        let went_with_cluster = match (&old, &new) {
            (Some(old), Some(new)) => diff
                .renamed_clusters
                .get(old.cluster())
                .is_some_and(|cluster| cluster == new.cluster()),
            _ => false,
        };
        diff.objects.push(ObjectChange::new(old, new, went_with_cluster, &options.ignored));
    }
    diff.objects.sort_by(|a, b| order(a).cmp(&order(b)));
    for object in &diff.objects {
        diff.counts.add(object.kind());
        diff.counts.hidden_objects += usize::from(object.noise().is_some());
    }
    diff.counts.files = diff.files.len();
    diff.counts.hidden_files = diff.files.iter().filter(|file| file.noise.is_some()).count();
    diff
}

/// By cluster and namespace, what belongs to no namespace first; a Namespace before what is in it.
fn order(change: &ObjectChange) -> impl Ord + '_ {
    let reference = change.reference();
    let is_inside = reference.is_some_and(|r| r.namespace.is_some());
    let path = change.version().map(|v| v.path.as_str());
    (change.cluster(), change.namespace(), is_inside, reference.map(|r| (&r.kind, &r.name)), path)
}

/// Patches and Components: they look like objects, and are none.
fn is_no_manifest(path: &str) -> bool {
    let is_manifest = path.ends_with(".yaml") || path.ends_with(".yml") || path.ends_with(".json");
    let mut folders = path.split('/').skip(1);
    !is_manifest || folders.any(|folder| matches!(folder, "components" | "patches"))
}

type Side = Result<Vec<ObjectVersion>, Box<Diagnostic>>;

fn side(file: &Differing, bytes: &Option<Vec<u8>>) -> Side {
    let Some(bytes) = bytes else { return Ok(Vec::new()) };
    let text = std::str::from_utf8(bytes)
        .map_err(|_| Box::new(Diagnostic::error("not-text", "it is no UTF-8 text")))?;
    versions(&file.path, text)
}

/// A file that is not told by its objects: one side cannot be read, or what changed is none of
/// them, such as a comment between two documents.
fn beside_objects(file: &Differing, before: &Side, after: &Side) -> Option<FileChange> {
    match (before, after) {
        (_, Err(why)) | (Err(why), _) => {
            Some(FileChange::new(file, FileRole::Unreadable(why.clone())))
        }
        (Ok(before), Ok(after)) => {
            let texts = |versions: &[ObjectVersion]| -> Vec<String> {
                versions.iter().map(|version| version.text.clone()).collect()
            };
            (texts(before) == texts(after)).then(|| FileChange::new(file, FileRole::Other))
        }
    }
}

impl TreeDiff {
    fn take_lock(&mut self, file: &Differing) {
        self.files.push(FileChange::new(file, FileRole::Lock));
        let cluster = FilePlace::of(&file.path).cluster;
        let lock = |bytes: &Option<Vec<u8>>| {
            // one that cannot be read says nothing; `check` tells why
            let text = bytes.as_deref().and_then(|bytes| std::str::from_utf8(bytes).ok());
            text.and_then(|text| Lock::parse(text).ok()).unwrap_or_default()
        };
        let (before, after) = (lock(&file.before), lock(&file.after));
        let applied = before.files.iter().filter(|(path, entry)| {
            entry.object.is_some() && FilePlace::listed(cluster, path).is_applied()
        });
        self.objects_before.insert(cluster.to_owned(), applied.count());
        let names: BTreeSet<&String> = before.stages.keys().chain(after.stages.keys()).collect();
        for namespace in names {
            let (was, is) = (before.stages.get(namespace), after.stages.get(namespace));
            if was != is {
                self.stages.push(StageChange {
                    cluster: cluster.to_owned(),
                    namespace: namespace.clone(),
                    before: was.cloned(),
                    after: is.cloned(),
                });
            }
        }
    }
}
