//! Where the tree on disk is not what a render would leave there.

use std::collections::BTreeSet;

use super::change::{Provenance, next_lock};
use super::digest::Digest;
use super::files::Tree;
use super::local::Local;
use super::scope::{Scope, cluster_of, cluster_of_lock, lock_path, unit_of};
use crate::diagnostic::Diagnostic;

/// One file that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Drift {
    /// Its path in the environment.
    pub path: String,
    /// What is wrong with it.
    pub kind: DriftKind,
}

/// What can be wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DriftKind {
    /// It is as it was written, but would be written otherwise now.
    Stale,
    /// It would be written, and never was.
    NotRendered,
    /// It is as it was written, but would be deleted now.
    NoLongerRendered,
    /// It is not as it was written: somebody changed it.
    Edited,
    /// It was written, and is gone.
    Missing,
    /// waypost did not write it, and it lies in a unit or where a file belongs.
    Foreign,
    /// It is as it would be written, but the lock does not list it, or with other bytes.
    Unlisted,
    /// The lock lists it, but it is gone and would not be written.
    ExtraInLock,
    /// The lock of a cluster is missing.
    LockMissing,
    /// The lock of a cluster cannot be read.
    LockInvalid(String),
    /// The lock names another input or other stages.
    LockStale,
}

/// Compares a tree with what lies on disk, file by file. The answer is empty exactly when a
/// render would change nothing.
pub fn check(tree: &Tree, local: &Local, provenance: &Provenance, scope: &Scope) -> Vec<Drift> {
    let rendered = tree.iter().map(|(path, _)| cluster_of(path));
    let locked = local.locks.keys().map(String::as_str);
    let clusters: BTreeSet<&str> =
        rendered.chain(locked).filter(|cluster| scope.covers_cluster(cluster)).collect();
    let mut drift = Vec::new();
    for &cluster in &clusters {
        drift.extend(lock_drift(cluster, tree, local, provenance, scope));
    }
    let listed = clusters.iter().filter_map(|cluster| Some((cluster, local.lock(cluster)?)));
    let listed = listed
        .flat_map(|(cluster, lock)| lock.files.keys().map(move |path| format!("{cluster}/{path}")));
    let on_disk = local
        .files
        .keys()
        .filter(|path| clusters.contains(cluster_of(path)) && cluster_of_lock(path).is_none());
    let paths: BTreeSet<String> = tree
        .iter()
        .map(|(path, _)| path.to_owned())
        .chain(listed)
        .chain(on_disk.cloned())
        .collect();
    for path in paths.into_iter().filter(|path| scope.covers(path)) {
        if let Some(kind) = file_drift(&path, tree, local) {
            drift.push(Drift { path, kind });
        }
    }
    drift.sort();
    drift
}

fn file_drift(path: &str, tree: &Tree, local: &Local) -> Option<DriftKind> {
    let (cluster, rest) = path.split_once('/')?;
    let lock = local.lock(cluster);
    let written: Option<Digest> = lock.and_then(|l| l.files.get(rest)).map(|e| e.digest);
    let wanted = tree.get(path);
    match (wanted.map(|f| f.digest()), written, local.files.get(path).copied()) {
        (None, None, Some(_)) => unit_of(path).map(|_| DriftKind::Foreign),
        (None, Some(_), None) => Some(DriftKind::ExtraInLock),
        (None, Some(written), Some(found)) if written == found => Some(DriftKind::NoLongerRendered),
        (None, Some(_), Some(_)) => Some(DriftKind::Edited),
        (Some(_), None, None) => Some(DriftKind::NotRendered),
        (Some(wanted), None, Some(found)) if wanted == found => lock.map(|_| DriftKind::Unlisted),
        (Some(_), None, Some(_)) => Some(DriftKind::Foreign),
        (Some(_), Some(_), None) => Some(DriftKind::Missing),
        (Some(wanted), Some(written), Some(found)) if found == wanted => {
            (wanted != written).then_some(DriftKind::Unlisted)
        }
        (Some(_), Some(written), Some(found)) if found == written => Some(DriftKind::Stale),
        (Some(_), Some(_), Some(_)) => Some(DriftKind::Edited),
        (None, None, None) => None,
    }
}

fn lock_drift(
    cluster: &str,
    tree: &Tree,
    local: &Local,
    provenance: &Provenance,
    scope: &Scope,
) -> Option<Drift> {
    let path = lock_path(cluster);
    match local.locks.get(cluster) {
        None => Some(Drift { path, kind: DriftKind::LockMissing }),
        Some(Err(error)) => Some(Drift { path, kind: DriftKind::LockInvalid(error.to_string()) }),
        Some(Ok(old)) => {
            let new = next_lock(cluster, tree, Some(old), provenance, scope);
            let stale = (old.input, &old.stages) != (new.input, &new.stages);
            // a path or a digest that differs is drift of its file
            let misnamed = old.files.keys().eq(new.files.keys())
                && old.files.values().map(|e| &e.object).ne(new.files.values().map(|e| &e.object));
            (stale || misnamed || new.files.is_empty())
                .then_some(Drift { path, kind: DriftKind::LockStale })
        }
    }
}

impl Drift {
    /// The finding: what is wrong with the file, and what to do. `folder` is the environment's
    /// folder as the reader knows it, such as `rendered/brownfield`.
    pub fn to_diagnostic(&self, folder: &str) -> Diagnostic {
        let path = format!("{folder}/{}", self.path);
        let again = "run `waypost render`, and commit the result";
        let (code, message, help) = match &self.kind {
            DriftKind::Stale => {
                ("file-stale", format!("file `{path}` is not what the spec renders to"), again)
            }
            DriftKind::NotRendered => (
                "file-stale",
                format!("file `{path}` is rendered by the spec, but not there yet"),
                again,
            ),
            DriftKind::NoLongerRendered => {
                ("file-stale", format!("file `{path}` is not rendered by the spec any more"), again)
            }
            DriftKind::Edited => (
                "file-edited",
                format!("file `{path}` was changed after it was rendered"),
                "make the change in the spec, then run `waypost render`, which overwrites the file",
            ),
            DriftKind::Missing => (
                "file-missing",
                format!("file `{path}` was deleted after it was rendered"),
                "take it out of git again, or run `waypost render`",
            ),
            DriftKind::Foreign => (
                "foreign-file",
                format!("file `{path}` was not written by waypost"),
                "move it out of the unit: Argo CD and Flux may apply whatever lies there",
            ),
            DriftKind::Unlisted => (
                "lock-stale",
                format!("file `{path}` is as rendered, but the lock does not list it so"),
                again,
            ),
            DriftKind::ExtraInLock => (
                "lock-stale",
                format!("the lock lists file `{path}`, which is neither there nor rendered"),
                again,
            ),
            DriftKind::LockMissing => (
                "lock-missing",
                format!("lock `{path}` is missing"),
                "take it out of git again, or run `waypost render`",
            ),
            DriftKind::LockInvalid(error) => (
                "lock-invalid",
                format!("lock `{path}` cannot be read: {error}"),
                "take one whole version of it out of git (`git checkout --ours`, `--theirs` or `HEAD`), then run `waypost render`",
            ),
            DriftKind::LockStale => {
                ("lock-stale", format!("lock `{path}` was written for other input"), again)
            }
        };
        Diagnostic::error(code, message).help(help)
    }
}
