//! Which cluster an object belongs to: every one that declares its namespace, or of these the one
//! whose folder it lies in.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{ByCluster, object};
use crate::diagnostic::{Diagnostic, FileId, Span};
use crate::k8s::{Object, ObjectRef};
use crate::model::{ClusterName, NamespaceName};
use crate::resolve::name::{Clusters, did_you_mean};
use crate::spec::Placed;

/// Puts objects into the clusters, and says what fits nowhere.
pub(super) fn place(
    objects: Vec<Placed>,
    clusters: &Clusters,
    found: &mut Vec<Diagnostic>,
) -> ByCluster {
    let mut placing = Placing::new(clusters);
    for Placed { object, cluster } in objects {
        placing.place(Arc::new(object), cluster, found);
    }
    report_homeless(placing.homeless, found);
    report_lost(placing.lost, clusters, found);
    placing.placed
}

/// Objects on their way into the clusters.
struct Placing<'c> {
    clusters: Vec<&'c ClusterName>,
    /// Clusters by the namespaces they declare.
    declaring: BTreeMap<&'c str, Vec<&'c ClusterName>>,
    placed: ByCluster,
    /// Where each object of a cluster was read first.
    seen: BTreeMap<&'c ClusterName, BTreeMap<ObjectRef, Span>>,
    homeless: Homeless,
    lost: Lost,
}

/// Objects that name no namespace and live in one: the first of each file, and how many.
type Homeless = BTreeMap<FileId, (Arc<Object>, usize)>;

/// Namespaces that no cluster declares, with the cluster whose folder asks for them: the first
/// object that is in them, and how many.
type Lost = BTreeMap<(String, Option<String>), (Span, usize)>;

impl<'c> Placing<'c> {
    fn new(clusters: &'c Clusters) -> Self {
        let mut declaring: BTreeMap<&str, Vec<&ClusterName>> = BTreeMap::new();
        for cluster in clusters.values() {
            for namespace in cluster.namespaces.keys() {
                declaring.entry(namespace.as_str()).or_default().push(&cluster.name);
            }
        }
        Self {
            clusters: clusters.keys().collect(),
            declaring,
            placed: clusters.keys().map(|name| (name.clone(), Vec::new())).collect(),
            seen: BTreeMap::new(),
            homeless: Homeless::new(),
            lost: Lost::new(),
        }
    }

    fn place(&mut self, object: Arc<Object>, folder: Option<String>, found: &mut Vec<Diagnostic>) {
        if object.namespace.is_none() && object::lives_in_a_namespace(&object.gvk) {
            let file = object.span().file;
            self.homeless.entry(file).or_insert_with(|| (Arc::clone(&object), 0)).1 += 1;
            return;
        }
        let is_namespace = object.gvk.is("", "Namespace");
        let namespace = if is_namespace { Some(&object.name) } else { object.namespace.as_ref() };
        let candidates = match namespace {
            Some(namespace) => {
                self.declaring.get(namespace.as_str()).map(Vec::as_slice).unwrap_or_default()
            }
            None => self.clusters.as_slice(),
        };
        let targets: Vec<&ClusterName> = candidates
            .iter()
            .copied()
            .filter(|name| folder.as_deref().is_none_or(|f| f == name.as_str()))
            .collect();
        if let (Some(namespace), true) = (namespace, targets.is_empty()) {
            let first = (object.name_span(), 0);
            self.lost.entry((namespace.clone(), folder)).or_insert(first).1 += 1;
        }
        for target in targets {
            self.put(target, &object, found);
        }
    }

    fn put(&mut self, target: &'c ClusterName, object: &Arc<Object>, found: &mut Vec<Diagnostic>) {
        let seen = self.seen.entry(target).or_default();
        let reference = object.reference();
        // what has no name of its own, such as `generateName`, is another object each time
        let before = if object.name.is_empty() { None } else { seen.get(&reference).copied() };
        if let Some(before) = before {
            found.push(
                Diagnostic::warning(
                    "duplicate-object",
                    format!("{reference} is there twice in cluster `{target}`"),
                )
                .at(object.name_span(), "this one is left out")
                .also(before, "this one counts")
                .help(
                    "remove one of them, or put each into a folder that bears its cluster's name",
                ),
            );
            return;
        }
        seen.insert(reference, object.name_span());
        if let Some(objects) = self.placed.get_mut(target) {
            objects.push(Arc::clone(object));
        }
    }
}

fn report_homeless(homeless: Homeless, found: &mut Vec<Diagnostic>) {
    for (object, count) in homeless.into_values() {
        let left_out = match count {
            1 => "this object is left out".to_owned(),
            n => format!("this object and {} more of this file are left out", n - 1),
        };
        found.push(
            Diagnostic::warning(
                "missing-namespace",
                format!("{} names no namespace", object.reference()),
            )
            .at(object.name_span(), left_out)
            .help("add `metadata.namespace`: `kubectl apply -n` is not known here"),
        );
    }
}

/// How many namespaces that no cluster declares are named one by one.
const NAMED: usize = 50;

fn report_lost(lost: Lost, clusters: &Clusters, found: &mut Vec<Diagnostic>) {
    let more = lost.len().saturating_sub(NAMED);
    let next = lost.values().nth(NAMED).map(|(span, _)| *span);
    for ((namespace, folder), (span, count)) in lost.into_iter().take(NAMED) {
        let who = match &folder {
            Some(cluster) => format!("cluster `{cluster}` does not declare"),
            None => "no cluster declares".to_owned(),
        };
        let what = match count {
            1 => "1 object is left out".to_owned(),
            n => format!("{n} objects are left out"),
        };
        let known = clusters
            .values()
            .filter(|c| folder.as_deref().is_none_or(|name| name == c.name.as_str()))
            .flat_map(|c| c.namespaces.keys().map(NamespaceName::as_str));
        found.push(
            Diagnostic::warning(
                "undeclared-namespace",
                format!("namespace `{namespace}` is in the sources, but {who} it: {what}"),
            )
            .at(span, "first here")
            .help(did_you_mean(&namespace, known).unwrap_or_else(|| {
                "declare it in the cluster's `namespaces`, with `mode: none` if it stays outside the mesh".to_owned()
            })),
        );
    }
    if let Some(span) = next {
        found.push(
            Diagnostic::warning(
                "undeclared-namespace",
                format!("{more} more namespaces are in the sources that no cluster declares: their objects are left out"),
            )
            .at(span, "the next one is here")
            .help("give `sources` only what belongs to the clusters' namespaces"),
        );
    }
}
