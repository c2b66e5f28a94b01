//! What a render may not lose unasked: Argo CD and Flux prune what leaves the tree, and Flux does
//! so even when nothing is left (facts/gitops-delivery.md 1.8, 4.6, T17–T19).

use std::collections::{BTreeMap, BTreeSet};

use super::files::Tree;
use super::local::Local;
use super::lock::Lock;
use super::scope::{Scope, cluster_of};
use crate::diagnostic::Diagnostic;
use crate::k8s::ObjectRef;

/// What a run may do that is refused otherwise; nothing by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowances {
    /// A unit that had objects may have none.
    pub empty_unit: bool,
    /// A Namespace object may go.
    pub namespace_removal: bool,
    /// A cluster may lose more than a fifth of its objects.
    pub shrink: bool,
    /// Objects may change their unit, and a cluster its name.
    pub moves: bool,
}

/// Areas of a cluster that no applier reads. Any other folder counts as a unit here, also one of
/// a name that this version does not know: it may be the unit's old name.
const NOT_APPLIED: [&str; 2] = ["components", "expected"];

/// The objects of a cluster, each with the units it is in.
type Objects<'a> = BTreeMap<&'a ObjectRef, BTreeSet<&'a str>>;

/// Compares a cluster's locks before and after.
///
/// The objects of a cluster are those of its units in the old lock; one is lost when no unit has
/// it any more. That is more than a fifth when `5 × lost > all`, whatever the size: a cluster of
/// four objects may not lose one unasked, and a file that changes its name or folder inside a
/// unit loses nothing.
pub(super) fn guard_cluster(
    cluster: &str,
    old: &Lock,
    new: &Lock,
    allowances: &Allowances,
) -> Vec<Diagnostic> {
    let (before, after) = (objects(old), objects(new));
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
    if !shrink && lost.len() * 5 > before.len() {
        refusals.push(shrunken(cluster, &lost, before.len()));
    }
    if !moves {
        refusals.extend(moved_objects(cluster, &before, &after));
    }
    refusals
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
    let mut appeared: BTreeMap<&str, BTreeSet<&ObjectRef>> = BTreeMap::new();
    for (path, file) in tree.iter() {
        let cluster = cluster_of(path);
        if rendered.contains(cluster) && !local.locks.contains_key(cluster) {
            appeared.entry(cluster).or_default().extend(file.object());
        }
    }
    let mut refusals = Vec::new();
    for gone in local.locks.keys().filter(|c| scope.covers_cluster(c)) {
        let Some(lock) = local.lock(gone).filter(|_| !rendered.contains(gone.as_str())) else {
            continue;
        };
        let before = objects(lock);
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

fn objects(lock: &Lock) -> Objects<'_> {
    let mut objects = Objects::new();
    for (path, entry) in &lock.files {
        if let (Some((unit, _)), Some(object)) = (path.split_once('/'), &entry.object)
            && !NOT_APPLIED.contains(&unit)
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
