//! What a render may not lose unasked: Argo CD and Flux prune what leaves the tree, and Flux does
//! so even when nothing is left (facts/gitops-delivery.md 1.8, 4.6, T17–T19).

use std::collections::{BTreeMap, BTreeSet};

use super::files::Tree;
use super::local::Local;
use super::lock::Lock;
use super::place::FilePlace;
use super::scope::Scope;
use crate::diagnostic::Diagnostic;
use crate::k8s::ObjectRef;

/// What a run may do that is refused otherwise; nothing by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowances {
    /// A unit that had objects may have none, and lose its Application or Kustomization.
    pub empty_unit: bool,
    /// A Namespace object may go.
    pub namespace_removal: bool,
    /// A cluster may lose more than a fifth of its objects.
    pub shrink: bool,
    /// Objects may change their unit, and a cluster its name.
    pub moves: bool,
}

/// Does a cluster lose so much that somebody has to say that it is meant? More than a fifth, whatever
/// the size: of four objects it may not lose one.
pub fn is_much(lost: usize, of: usize) -> bool {
    lost * 5 > of
}

/// The objects of a cluster, each with the units it is in.
type Objects<'a> = BTreeMap<&'a ObjectRef, BTreeSet<&'a str>>;

/// Compares a cluster's locks before and after.
///
/// The objects of a cluster are those of its units in the old lock; one is lost when no unit has
/// it any more; a file that changes its name or folder inside a unit loses nothing.
pub(super) fn guard_cluster(
    cluster: &str,
    old: &Lock,
    new: &Lock,
    allowances: &Allowances,
) -> Vec<Diagnostic> {
    if old.files == new.files {
        return Vec::new();
    }
    let (before, after) = (objects(cluster, old), objects(cluster, new));
    let Allowances { empty_unit, namespace_removal, shrink, moves } = *allowances;
    let lost: Vec<&ObjectRef> =
        before.keys().filter(|object| !after.contains_key(*object)).copied().collect();
    let mut refusals = Vec::new();
    if !empty_unit {
        refusals.extend(emptied_units(cluster, &before, &after));
    }
    if !namespace_removal {
        refusals.extend(removed_namespaces(cluster, &lost));
    }
    if !shrink && is_much(lost.len(), before.len()) {
        refusals.push(shrunken(cluster, &lost, before.len()));
    }
    if !moves {
        refusals.extend(moved_objects(cluster, &before, &after));
    }
    refusals
}

/// What an applier was told and would be told no more: it keeps nothing of it in order from then
/// on, and prunes nothing either.
pub(super) fn guard_delivery(old: &Lock, new: &Lock, allowances: &Allowances) -> Vec<Diagnostic> {
    if allowances.empty_unit {
        return Vec::new();
    }
    let kept: BTreeSet<&ObjectRef> =
        new.files.values().filter_map(|e| e.object.as_deref()).collect();
    let lost: Vec<&ObjectRef> = old
        .files
        .values()
        .filter_map(|entry| entry.object.as_deref())
        .filter(|object| !kept.contains(object))
        .filter(|o| matches!(o.kind.as_str(), "Application" | "ApplicationSet" | "Kustomization"))
        .collect();
    if lost.is_empty() {
        return Vec::new();
    }
    let message = format!("what an applier is told would go: {}", first_of(&lost));
    vec![Diagnostic::error("delivery-removed", message).help(
        "what they applied stays in the cluster, and nobody keeps it in order any more; if this is meant, allow it with `--allow-empty-unit` and delete by hand what shall not stay",
    )]
}

/// A cluster that vanishes while a new one has most of its objects: a renamed folder.
pub(super) fn guard_renamed_clusters(
    tree: &Tree,
    local: &Local,
    rendered: &BTreeSet<&str>,
    scope: &Scope,
    allowances: &Allowances,
) -> Vec<Diagnostic> {
    if allowances.moves || !scope.is_whole_cluster() {
        return Vec::new();
    }
    let gone: Vec<&String> = local
        .locks
        .keys()
        .filter(|c| scope.covers_cluster(c) && !rendered.contains(c.as_str()))
        .collect();
    if gone.is_empty() {
        return Vec::new();
    }
    let mut appeared: BTreeMap<&str, BTreeSet<&ObjectRef>> = BTreeMap::new();
    for (path, file) in tree.iter() {
        let cluster = FilePlace::of(path).cluster;
        if rendered.contains(cluster) && !local.locks.contains_key(cluster) {
            appeared.entry(cluster).or_default().extend(file.object());
        }
    }
    let mut refusals = Vec::new();
    for gone in gone {
        let Some(lock) = local.lock(gone) else { continue };
        let before = objects(gone, lock);
        let shared = |objects: &BTreeSet<&ObjectRef>| {
            before.keys().filter(|object| objects.contains(*object)).count()
        };
        if let Some((new, _)) = appeared.iter().find(|(_, o)| shared(o) * 2 > before.len()) {
            refusals.push(
                Diagnostic::error(
                    "cluster-renamed",
                    format!(
                        "cluster folder `{gone}` goes, and `{new}` comes with most of its objects"
                    ),
                )
                .help(recipe("the folder")),
            );
        }
    }
    refusals
}

fn objects<'l>(cluster: &'l str, lock: &'l Lock) -> Objects<'l> {
    let mut objects = Objects::new();
    for (path, entry) in &lock.files {
        let place = FilePlace::listed(cluster, path);
        if let (Some(unit), Some(object)) = (place.area(), &entry.object)
            && place.is_applied()
        {
            objects.entry(object).or_default().insert(unit);
        }
    }
    objects
}

fn emptied_units(cluster: &str, before: &Objects, after: &Objects) -> Vec<Diagnostic> {
    let full: BTreeSet<&str> = after.values().flatten().copied().collect();
    let mut count: BTreeMap<&str, usize> = BTreeMap::new();
    for unit in before.values().flatten().filter(|unit| !full.contains(*unit)) {
        *count.entry(unit).or_default() += 1;
    }
    let refusal = |(unit, n): (&str, usize)| {
        let objects = counted(n, "object");
        Diagnostic::error(
            "unit-emptied",
            format!("unit `{cluster}/{unit}` would be empty, and {objects} pruned"),
        )
        .help("if this is meant, allow it with `--allow-empty-unit`")
    };
    count.into_iter().map(refusal).collect()
}

fn removed_namespaces(cluster: &str, lost: &[&ObjectRef]) -> Vec<Diagnostic> {
    let refusal = |namespace: &&ObjectRef| {
        Diagnostic::error(
            "namespace-removed",
            format!(
                "Namespace `{}` of cluster `{cluster}` would be pruned, with everything that lives in it",
                namespace.name
            ),
        )
        .help("if this is meant, allow it with `--allow-namespace-removal`; annotations that keep a Namespace (`argocd.argoproj.io/sync-options: Prune=false`, `kustomize.toolkit.fluxcd.io/prune: disabled`) must be applied one commit before it leaves the tree")
    };
    let is_namespace = |o: &&&ObjectRef| o.group.is_empty() && o.kind == "Namespace";
    lost.iter().filter(is_namespace).map(refusal).collect()
}

fn shrunken(cluster: &str, lost: &[&ObjectRef], all: usize) -> Diagnostic {
    Diagnostic::error(
        "cluster-shrinks",
        format!(
            "cluster `{cluster}` would lose {} of its {}, more than a fifth: {}",
            lost.len(),
            counted(all, "object"),
            first_of(lost)
        ),
    )
    .help("look whether a source is missing from the environment; if this is meant, allow it with `--allow-shrink`")
}

fn moved_objects(cluster: &str, before: &Objects, after: &Objects) -> Vec<Diagnostic> {
    let mut moves: BTreeMap<(&str, &str), Vec<&ObjectRef>> = BTreeMap::new();
    for (&object, old) in before {
        let Some(new) = after.get(object) else { continue };
        if let (Some(from), Some(to)) = (old.difference(new).next(), new.difference(old).next()) {
            moves.entry((from, to)).or_default().push(object);
        }
    }
    let refusal = |((from, to), objects): ((&str, &str), Vec<&ObjectRef>)| {
        Diagnostic::error(
            "objects-moved",
            format!(
                "{} of cluster `{cluster}` would move from unit `{from}` to unit `{to}`: {}",
                counted(objects.len(), "object"),
                first_of(&objects)
            ),
        )
        .help(recipe("the objects"))
    };
    moves.into_iter().map(refusal).collect()
}

/// facts/gitops-delivery.md 3.1.12
fn recipe(what: &str) -> String {
    format!(
        "the Application or Kustomization that loses them would prune them; in two steps: first commit and apply `argocd.argoproj.io/sync-options: Prune=false` and `kustomize.toolkit.fluxcd.io/prune: disabled` on the objects (or `prune: false` on the Kustomization), then move {what} with `--allow-moves`, and take the annotations off when the new owner has applied them"
    )
}

fn counted(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

fn first_of(objects: &[&ObjectRef]) -> String {
    const SHOWN: usize = 3;
    let mut text: Vec<String> = objects.iter().take(SHOWN).map(|o| format!("`{o}`")).collect();
    if objects.len() > SHOWN {
        text.push(format!("and {} more", objects.len() - SHOWN));
    }
    text.join(", ")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::digest::Digest;
    use super::super::files::TreeFile;
    use super::super::lock::LockEntry;
    use super::*;

    /// A lock of objects `<Kind>-<name>` in these files.
    fn lock(paths: &[&str]) -> Lock {
        let files = paths.iter().map(|path| {
            let entry =
                LockEntry { digest: Digest::default(), object: object_of(path).map(Arc::new) };
            ((*path).to_owned(), entry)
        });
        Lock { files: files.collect(), ..Lock::default() }
    }

    fn object_of(path: &str) -> Option<ObjectRef> {
        let (kind, name) = path.rsplit('/').next()?.split_once('-')?;
        Some(ObjectRef {
            group: String::new(),
            kind: kind.into(),
            namespace: None,
            name: name.into(),
        })
    }

    fn codes(old: &[&str], new: &[&str], allowances: Allowances) -> Vec<&'static str> {
        let refusals = guard_cluster("c", &lock(old), &lock(new), &allowances);
        refusals.iter().map(|d| d.code).collect()
    }

    #[test]
    fn more_than_a_fifth_of_the_objects() {
        let ten: Vec<String> = (0..10).map(|n| format!("mesh/Gateway-{n}")).collect();
        let ten: Vec<&str> = ten.iter().map(String::as_str).collect();
        let none = Allowances::default();
        assert_eq!(codes(&ten, &ten[2..], none), Vec::<&str>::new());
        assert_eq!(codes(&ten, &ten[3..], none), ["cluster-shrinks"]);
        assert_eq!(codes(&ten[..4], &ten[..3], none), ["cluster-shrinks"]);
        let shrink = Allowances { shrink: true, ..none };
        assert_eq!(codes(&ten, &ten[3..], shrink), Vec::<&str>::new());
    }

    #[test]
    fn object_that_changes_its_file_or_is_only_expected_is_not_lost() {
        let none = Allowances::default();
        let old = ["mesh/a/Gateway-x", "expected/Policy-y"];
        assert_eq!(codes(&old, &["mesh/b/Gateway-x"], none), Vec::<&str>::new());
    }

    #[test]
    fn unit_that_loses_all_its_objects() {
        let old = ["mesh/Gateway-1", "mesh/Gateway-2", "tsb/Tenant-t", "tsb/kustomization.yaml"];
        let allowed = Allowances { shrink: true, ..Allowances::default() };
        let new = ["mesh/Gateway-1", "mesh/Gateway-2", "tsb/kustomization.yaml"];
        assert_eq!(codes(&old, &new, allowed), ["unit-emptied"]);
        assert_eq!(codes(&new, &new[..2], allowed), Vec::<&str>::new());
        let allowed = Allowances { empty_unit: true, ..allowed };
        assert_eq!(codes(&old, &new, allowed), Vec::<&str>::new());
    }

    #[test]
    fn namespace_that_goes_whatever_the_size() {
        let old: Vec<String> = (0..50).map(|n| format!("mesh/Namespace-n{n}")).collect();
        let old: Vec<&str> = old.iter().map(String::as_str).collect();
        assert_eq!(codes(&old, &old[1..], Allowances::default()), ["namespace-removed"]);
        let allowed = Allowances { namespace_removal: true, ..Allowances::default() };
        assert_eq!(codes(&old, &old[1..], allowed), Vec::<&str>::new());
    }

    #[test]
    fn object_that_changes_its_unit() {
        let old = ["mesh/Gateway-1", "mesh/Gateway-2", "tsb/Tenant-t"];
        let new = ["mesh/Gateway-1", "tsb/Gateway-2", "tsb/Tenant-t"];
        let refusals = guard_cluster("c", &lock(&old), &lock(&new), &Allowances::default());
        let [refusal] = &refusals[..] else { panic!("{refusals:?}") };
        assert_eq!(
            refusal.message,
            "1 object of cluster `c` would move from unit `mesh` to unit `tsb`: `Gateway 2`"
        );
        assert!(refusal.help.as_deref().unwrap_or_default().contains("in two steps"));
        let allowed = Allowances { moves: true, ..Allowances::default() };
        assert_eq!(codes(&old, &new, allowed), Vec::<&str>::new());
    }

    #[test]
    fn unit_renamed_by_another_version_of_the_tool() {
        let moved = Allowances { empty_unit: true, ..Allowances::default() };
        assert_eq!(codes(&["net/Gateway-1"], &["mesh/Gateway-1"], moved), ["objects-moved"]);
    }

    #[test]
    fn cluster_that_comes_back_under_another_name() {
        let mut tree = Tree::default();
        for path in ["new/mesh/Gateway-1", "new/mesh/Gateway-2", "other/mesh/Gateway-9"] {
            tree.add(path, TreeFile::new(String::new(), object_of(path))).expect("a path");
        }
        let locks = [("old".to_owned(), Ok(lock(&["mesh/Gateway-1", "mesh/Gateway-2"])))];
        let local = Local { locks: locks.into(), ..Local::default() };
        let rendered = BTreeSet::from(["new", "other"]);
        let refusals = |allowances| {
            guard_renamed_clusters(&tree, &local, &rendered, &Scope::default(), &allowances)
        };
        let messages: Vec<_> =
            refusals(Allowances::default()).into_iter().map(|d| d.message).collect();
        assert_eq!(
            messages,
            ["cluster folder `old` goes, and `new` comes with most of its objects"]
        );
        assert_eq!(refusals(Allowances { moves: true, ..Allowances::default() }), []);
    }
}
