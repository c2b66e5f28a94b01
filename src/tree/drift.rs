//! Where the tree on disk is not what a render would leave there.

use std::collections::BTreeSet;

use super::change::{MOVE_IT, Provenance, next_lock};
use super::digest::Digest;
use super::files::Tree;
use super::local::Local;
use super::place::{FilePlace, cluster_of_lock, lock_path};
use super::scope::Scope;
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
    /// waypost did not write it, and it lies where a file belongs, or where an applier may read it.
    Foreign,
    /// It is as it would be written, but the lock does not list it, or with other bytes.
    Unlisted,
    /// The lock lists it, but it is gone and would not be written.
    ExtraInLock,
    /// It is as it should be but for its line ends, as so many files are.
    LineEnds(usize),
    /// The lock of a cluster is missing.
    LockMissing,
    /// The lock of a cluster cannot be read.
    LockInvalid(String),
    /// The lock names another input or other stages.
    LockStale,
    /// The lock names another input, and was written by this other version of waypost.
    LockOfVersion(String),
}

/// Compares a tree with what lies on disk, file by file. The answer is empty exactly when a
/// render would change nothing.
pub fn check(tree: &Tree, local: &Local, provenance: &Provenance, scope: &Scope) -> Vec<Drift> {
    let rendered = tree.iter().map(|(path, _)| FilePlace::of(path).cluster);
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
        // of a lock, what it says is told
        .filter(|path| cluster_of_lock(path).is_none_or(|of| !local.locks.contains_key(of)));
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
    // git changed them all alike: they are one finding
    let is_ours = |path: &&String| {
        let cluster = FilePlace::of(path).cluster;
        scope.covers(path) && clusters.contains(cluster) && drift.iter().all(|d| d.path != **path)
    };
    let mut crlf = local.crlf.iter().filter(is_ours).cloned();
    let first = crlf.next().map(|path| (path, crlf.count() + 1));
    drift.extend(first.map(|(path, count)| Drift { path, kind: DriftKind::LineEnds(count) }));
    drift.sort();
    drift
}

fn file_drift(path: &str, tree: &Tree, local: &Local) -> Option<DriftKind> {
    let FilePlace { cluster, below } = FilePlace::of(path);
    if below.is_empty() {
        return local.may_be_applied(path, false).then_some(DriftKind::Foreign);
    }
    let lock = local.lock(cluster);
    let is_rendered =
        || local.locks.contains_key(cluster) || tree.below(&format!("{cluster}/")).next().is_some();
    let written: Option<Digest> = lock.and_then(|l| l.files.get(below)).map(|e| e.digest);
    let wanted = tree.get(path);
    match (wanted.map(|f| f.digest()), written, local.files.get(path).copied()) {
        (None, None, Some(_)) => {
            local.may_be_applied(path, is_rendered()).then_some(DriftKind::Foreign)
        }
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
        None => {
            let new = next_lock(cluster, tree, None, provenance, scope);
            (!new.files.is_empty()).then_some(Drift { path, kind: DriftKind::LockMissing })
        }
        Some(Err(error)) => Some(Drift { path, kind: DriftKind::LockInvalid(error.to_string()) }),
        Some(Ok(old)) => {
            let new = next_lock(cluster, tree, Some(old), provenance, scope);
            let stale = (old.input, &old.stages) != (new.input, &new.stages);
            // a path or a digest that differs is drift of its file
            let misnamed = old.files.keys().eq(new.files.keys())
                && old.files.values().map(|e| &e.object).ne(new.files.values().map(|e| &e.object));
            let kind = match old.tool == provenance.tool {
                true => DriftKind::LockStale,
                false => DriftKind::LockOfVersion(old.tool.clone()),
            };
            (stale || misnamed || new.files.is_empty()).then_some(Drift { path, kind })
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
            DriftKind::Foreign => {
                ("foreign-file", format!("file `{path}` was not written by waypost"), MOVE_IT)
            }
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
            DriftKind::LineEnds(count) => (
                "line-ends",
                match count {
                    1 => format!(
                        "the lines of file `{path}` end as on Windows, and else it is as rendered"
                    ),
                    n => format!(
                        "the lines of {n} files end as on Windows, that of `{path}` first, and else they are as rendered"
                    ),
                },
                "git's `core.autocrlf` made them so: commit a `.gitattributes` with `rendered/** text eol=lf` and `gitops/** text eol=lf`, then `git checkout .` or `waypost render`",
            ),
            DriftKind::LockMissing => (
                "lock-missing",
                format!("lock `{path}` is missing"),
                "take it out of git again, or run `waypost render`",
            ),
            DriftKind::LockInvalid(error) => (
                "lock-invalid",
                format!("lock `{path}` cannot be read: {error}"),
                "run `waypost render`, which goes on from both sides of a merge conflict; where it cannot, take one whole version of the lock out of git",
            ),
            DriftKind::LockOfVersion(tool) => (
                "lock-stale",
                format!(
                    "lock `{path}` was written by waypost {tool}, and this is {}",
                    env!("CARGO_PKG_VERSION")
                ),
                "use that version, or render all environments with this one and commit the result",
            ),
            DriftKind::LockStale => {
                ("lock-stale", format!("lock `{path}` was written for other input"), again)
            }
        };
        Diagnostic::error(code, message).help(help)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::super::change::{ClusterProvenance, plan};
    use super::super::files::TreeFile;
    use super::super::guard::Allowances;
    use super::super::lock::{Lock, LockEntry};
    use super::*;
    use crate::model::Unit;

    const PATHS: [&str; 5] =
        ["a/mesh/x.yaml", "a/mesh/y.yaml", "a/expected/x.yaml", "a/tsb/x.yaml", "b/mesh/x.yaml"];

    /// For each path: the content that is rendered, listed in the lock, and found on disk.
    type State = Vec<[Option<u8>; 3]>;

    fn values(
        state: &State,
        locked: [bool; 2],
        input: u8,
        scope: usize,
    ) -> (Tree, Local, Provenance, Scope) {
        let digest = |content: u8| Digest::of(&[b'0' + content]);
        let mut tree = Tree::default();
        let mut local = Local::default();
        let mut locks: BTreeMap<String, Lock> = BTreeMap::new();
        for (cluster, locked) in ["a", "b"].into_iter().zip(locked) {
            if locked {
                locks.insert(cluster.to_owned(), Lock { input: digest(0), ..Lock::default() });
            }
        }
        for (path, [rendered, listed, found]) in PATHS.iter().zip(state) {
            if let Some(content) = rendered {
                let file = TreeFile::new(char::from(b'0' + content).into(), None);
                assert_eq!(tree.add(*path, file), Ok(()));
            }
            if let (Some(content), Some((cluster, rest))) = (listed, path.split_once('/'))
                && let Some(lock) = locks.get_mut(cluster)
            {
                let entry = LockEntry { digest: digest(*content), object: None };
                lock.files.insert(rest.to_owned(), entry);
            }
            if let Some(content) = found {
                local.files.insert((*path).to_owned(), digest(*content));
            }
        }
        for (cluster, lock) in locks {
            local.files.insert(lock_path(&cluster), Digest::of(lock.to_text().as_bytes()));
            local.locks.insert(cluster, Ok(lock));
        }
        let given = ClusterProvenance { input: digest(input), ..ClusterProvenance::default() };
        let clusters = [("a".to_owned(), given.clone()), ("b".to_owned(), given)].into();
        let provenance = Provenance { tool: "new".into(), clusters };
        let scope = match scope {
            0 => Scope::default(),
            1 => Scope { clusters: Some(["a".to_owned()].into()), units: None },
            _ => Scope { clusters: None, units: Some([Unit::Mesh].into()) },
        };
        (tree, local, provenance, scope)
    }

    proptest! {
        /// Of every combination of rendered, listed and found files.
        #[test]
        fn check_is_silent_exactly_when_render_changes_nothing(
            state in proptest::collection::vec(proptest::array::uniform3(proptest::option::of(0..2u8)), PATHS.len()),
            locked: [bool; 2], input in 0..2u8, scope in 0..3usize,
        ) {
            let (tree, local, provenance, scope) = values(&state, locked, input, scope);
            let drift = check(&tree, &local, &provenance, &scope);
            let all = Allowances { empty_unit: true, namespace_removal: true, shrink: true, moves: true };
            let change = plan(&tree, &local, &provenance, &scope, &all);
            prop_assert_eq!(drift.is_empty(), change.is_empty() && change.faults.is_empty(), "{:?} {:?}", drift, change);
        }

        /// No file is lost: what is on disk is kept, replaced by its new text, or deleted because
        /// the lock lists it.
        #[test]
        fn only_listed_files_are_deleted_or_replaced(
            state in proptest::collection::vec(proptest::array::uniform3(proptest::option::of(0..2u8)), PATHS.len()),
            locked: [bool; 2], scope in 0..3usize,
        ) {
            let (tree, local, provenance, scope) = values(&state, locked, 0, scope);
            let change = plan(&tree, &local, &provenance, &scope, &Allowances::default());
            let listed = |path: &str| {
                let FilePlace { cluster, below } = FilePlace::of(path);
                let lock = local.lock(cluster);
                FilePlace::of(path).is_lock() || lock.is_some_and(|l| l.files.contains_key(below))
            };
            for path in local.files.keys() {
                let kept = change.unchanged.contains(path) || change.carried.contains(path);
                let replaced = change.update.contains(path) || change.delete.contains(path);
                prop_assert!(!(kept && replaced));
                prop_assert!(!replaced || (listed(path) && scope.covers_cluster(FilePlace::of(path).cluster)));
                prop_assert!(kept || replaced || !change.is_allowed());
            }
        }
    }
}
