//! What a render would change on disk, as data.

use std::collections::{BTreeMap, BTreeSet};

use super::digest::Digest;
use super::files::Tree;
use super::guard::{Allowances, guard_cluster, guard_delivery, guard_renamed_clusters};
use super::local::{Holds, Local};
use super::lock::{Lock, LockEntry, LockError};
use super::place::{FilePlace, cluster_of_lock, lock_path};
use super::scope::Scope;
use crate::diagnostic::Diagnostic;

/// What a tree was rendered from and by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provenance {
    /// Version of waypost.
    pub tool: String,
    /// By cluster. A cluster that is missing here has no stages and the digest of nothing.
    pub clusters: BTreeMap<String, ClusterProvenance>,
}

/// What the files of one cluster were rendered from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterProvenance {
    /// Digest of everything that was rendered from.
    pub input: Digest,
    /// What each namespace has reached: a stage, or a stage and a step.
    pub stages: BTreeMap<String, String>,
}

/// What [`disk::replace`](super::disk::replace) would do. Every path of the new folder
/// is in one of the lists `create`, `update`, `unchanged` and `carried`; all are sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Files that are not there yet, locks included.
    pub create: Vec<String>,
    /// Files whose bytes differ, locks included.
    pub update: Vec<String>,
    /// Files of the old lock that are not rendered any more.
    pub delete: Vec<String>,
    /// Files that are there with these bytes, locks included.
    pub unchanged: Vec<String>,
    /// Files outside of the scope, and files that waypost did not write.
    pub carried: Vec<String>,
    /// Why the folder cannot be written as it stands; a flag does not help (exit code 3).
    pub faults: Vec<Diagnostic>,
    /// What it would lose or move beyond what is allowed (exit code 5).
    pub refusals: Vec<Diagnostic>,
    pub(super) locks: BTreeMap<String, String>,
}

impl Change {
    /// True when nothing would be written or deleted.
    pub fn is_empty(&self) -> bool {
        self.create.is_empty() && self.update.is_empty() && self.delete.is_empty()
    }

    /// The text of a file that is created or updated: the tree's, or that of a lock.
    pub fn text<'a>(&'a self, tree: &'a Tree, path: &str) -> Option<&'a str> {
        let lock = self.locks.get(path).map(String::as_str);
        lock.or_else(|| tree.get(path).map(|file| file.text()))
    }

    /// True where nothing changes but locks: what is applied stays as it is.
    pub fn is_locks_alone(&self) -> bool {
        let mut paths = self.create.iter().chain(&self.update).chain(&self.delete);
        paths.all(|path| cluster_of_lock(path).is_some())
    }

    /// True when nothing speaks against writing.
    pub fn is_allowed(&self) -> bool {
        self.faults.is_empty() && self.refusals.is_empty()
    }
}

/// Compares a tree with what lies on disk.
///
/// A file that the lock does not list is never overwritten or deleted: with the very bytes that
/// would be written it counts as ours (so a lost lock can be made anew), where an applier may read it
/// it is a fault, and elsewhere it is carried over.
pub fn plan(
    tree: &Tree,
    local: &Local,
    provenance: &Provenance,
    scope: &Scope,
    allowances: &Allowances,
) -> Change {
    let mut change = Change::default();
    let shown = |path: &str| format!("{}/{path}", local.folder);
    let rendered: BTreeSet<&str> = tree
        .iter()
        .map(|(path, _)| FilePlace::of(path).cluster)
        .filter(|c| scope.covers_cluster(c))
        .collect();
    let locked = local.locks.keys().map(String::as_str).filter(|c| scope.covers_cluster(c));
    let clusters: BTreeSet<&str> = rendered.iter().copied().chain(locked).collect();
    let mut strangers: BTreeMap<&str, Vec<Diagnostic>> = BTreeMap::new();

    for (path, file) in tree.iter().filter(|(path, _)| scope.covers(path)) {
        match local.files.get(path) {
            None => change.create.push(path.to_owned()),
            Some(digest) if *digest == file.digest() && !local.crlf.contains(path) => {
                change.unchanged.push(path.to_owned());
            }
            Some(digest) if is_listed(local, path) || *digest == file.digest() => {
                change.update.push(path.to_owned());
            }
            Some(_) => {
                strangers
                    .entry(FilePlace::of(path).cluster)
                    .or_default()
                    .push(in_the_way(&shown(path)));
            }
        }
    }
    for path in local.files.keys() {
        let ours = clusters.contains(FilePlace::of(path).cluster) && scope.covers(path);
        if cluster_of_lock(path).is_some_and(|c| clusters.contains(c))
            || (ours && tree.get(path).is_some())
        {
            continue;
        }
        if ours && is_listed(local, path) {
            change.delete.push(path.clone());
        } else if ours && local.may_be_applied(path, true) {
            strangers
                .entry(FilePlace::of(path).cluster)
                .or_default()
                .push(foreign_file(&shown(path)));
        } else if !ours && scope.covers(path) && local.may_be_applied(path, false) {
            change.faults.push(foreign_file(&shown(path)));
        } else {
            change.faults.extend(blocks(path, tree, scope, shown));
            change.carried.push(path.clone());
        }
    }
    for cluster in clusters {
        let strangers = strangers.remove(cluster).unwrap_or_default();
        let old = local.lock(cluster);
        change.faults.extend(match (old, local.locks.get(cluster)) {
            (None, Some(Err(error))) => vec![invalid_lock(&shown(&lock_path(cluster)), error)],
            (None, _) => missing_lock(&shown(&lock_path(cluster)), &strangers),
            (Some(_), _) => strangers,
        });
        let new = next_lock(cluster, tree, old, provenance, scope);
        if let Some(old) = old {
            change.refusals.extend(match local.holds {
                Holds::Units => guard_cluster(cluster, old, &new, allowances),
                Holds::Delivery => guard_delivery(old, &new, allowances),
            });
        }
        change.take_lock(cluster, local, &new);
    }
    change.refusals.extend(guard_renamed_clusters(tree, local, &rendered, scope, allowances));
    let Change { create, update, delete, unchanged, carried, .. } = &mut change;
    for list in [create, update, delete, unchanged, carried] {
        // they are in order but for a few: the stable sort sees that, the unstable one does not
        list.sort();
    }
    change
}

impl Change {
    fn take_lock(&mut self, cluster: &str, local: &Local, new: &Lock) {
        let path = lock_path(cluster);
        match local.locks.get(cluster) {
            None if new.files.is_empty() => {}
            Some(_) if new.files.is_empty() => self.delete.push(path),
            Some(Ok(old)) if old == new && !local.crlf.contains(&path) => self.unchanged.push(path),
            found => {
                let list = if found.is_some() { &mut self.update } else { &mut self.create };
                list.push(path.clone());
                self.locks.insert(path, new.to_text());
            }
        }
    }
}

/// The lock of a cluster after a render: the lines of what is rendered, and the old ones of what
/// is not replaced.
///
/// Where units are chosen, the head stays as it was, because the rest of the cluster still comes
/// from the old input; where that changes files of another input or stage, it names no input any
/// more, because there is none that all of them come from. The version of the tool alone changes
/// nothing.
pub(super) fn next_lock(
    cluster: &str,
    tree: &Tree,
    old: Option<&Lock>,
    provenance: &Provenance,
    scope: &Scope,
) -> Lock {
    let folder = format!("{cluster}/");
    // sorted already: collected, a map is built without a search for each path
    let mut files: BTreeMap<String, LockEntry> = tree
        .below(&folder)
        .filter(|(path, _)| scope.covers(path))
        .map(|(path, file)| {
            let entry = LockEntry { digest: file.digest(), object: file.shared_object() };
            (path[folder.len()..].to_owned(), entry)
        })
        .collect();
    for (path, entry) in old.iter().flat_map(|old| &old.files) {
        if !scope.covers(&format!("{folder}{path}")) {
            files.insert(path.clone(), entry.clone());
        }
    }
    let given = provenance.clusters.get(cluster).cloned().unwrap_or_default();
    let (input, stages) = match old {
        _ if scope.is_whole_cluster() => (given.input, given.stages),
        None => (Digest::default(), given.stages),
        Some(old) => {
            let other = (old.input, &old.stages) != (given.input, &given.stages);
            let mixed = other && old.files != files;
            (if mixed { Digest::default() } else { old.input }, old.stages.clone())
        }
    };
    let mut lock = Lock { tool: provenance.tool.clone(), input, stages, files };
    if let Some(old) = old
        && (old.input, &old.stages, &old.files) == (lock.input, &lock.stages, &lock.files)
    {
        lock.tool.clone_from(&old.tool);
    }
    lock
}

/// True when the old lock lists a file.
pub(super) fn is_listed(local: &Local, path: &str) -> bool {
    let FilePlace { cluster, below } = FilePlace::of(path);
    local.lock(cluster).is_some_and(|lock| lock.files.contains_key(below))
}

/// A carried file that lies where the new tree needs a folder, or the other way round, or that
/// differs from a new file by case.
fn blocks(
    path: &str,
    tree: &Tree,
    scope: &Scope,
    shown: impl Fn(&str) -> String,
) -> Option<Diagnostic> {
    let other = tree.conflict(path).filter(|other| scope.covers(other))?;
    let message = format!(
        "file `{}`, which waypost did not write, cannot lie beside `{}`",
        shown(path),
        shown(&other)
    );
    Some(Diagnostic::error("file-in-the-way", message).help(
        "move the file elsewhere: one of the two needs a folder where the other is a file, or they differ by case only",
    ))
}

fn in_the_way(path: &str) -> Diagnostic {
    Diagnostic::error(
        "file-in-the-way",
        format!("file `{path}` would be overwritten, but waypost did not write it"),
    )
    .help("move the file elsewhere or delete it, then render again")
}

/// What to do about a foreign file.
pub(super) const MOVE_IT: &str =
    "move it out of this folder: Argo CD and Flux may read whatever lies there";

fn foreign_file(path: &str) -> Diagnostic {
    Diagnostic::error(
        "foreign-file",
        format!("file `{path}` may be applied, but waypost did not write it"),
    )
    .help(MOVE_IT)
}

fn invalid_lock(lock: &str, error: &LockError) -> Diagnostic {
    Diagnostic::error("lock-invalid", format!("lock `{lock}` cannot be read: {error}")).help(
        "take one whole version of it out of git (`git checkout --ours`, `--theirs` or `HEAD`), then render again",
    )
}

/// Without a lock every file is a stranger: one finding for all of them.
fn missing_lock(lock: &str, strangers: &[Diagnostic]) -> Vec<Diagnostic> {
    let Some(first) = strangers.first() else { return Vec::new() };
    let more = match strangers.len() {
        1 => String::new(),
        n => format!(", one of {n} such files"),
    };
    let message = format!("lock `{lock}` is missing: {}{more}", first.message);
    vec![Diagnostic::error("lock-missing", message).help(
        "take the lock out of git again, or move the cluster's folder away, then render again",
    )]
}
