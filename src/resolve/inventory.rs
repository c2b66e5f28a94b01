//! What exists in the clusters anyway: put into the clusters that declare its namespace, and read
//! as far as the model wants it.

mod object;
mod placing;
mod pods;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub(super) use self::pods::Restarted;
use super::name::{Clusters, did_you_mean};
use super::namespace::is_mesh_label;
use crate::diagnostic::{Diagnostic, Span};
use crate::k8s::Object;
use crate::model::{
    Cluster, ClusterName, DataplaneMode, Lifecycle, Namespace, NamespaceName, ObjectName,
    StageDefinition, Workload, WorkloadKind,
};
use crate::spec::Placed;

/// Objects of each cluster.
type ByCluster = BTreeMap<ClusterName, Vec<Arc<Object>>>;

/// Puts the inventory into the clusters, fills their namespaces from it, and says what fits nowhere.
pub(super) fn place(
    inventory: Vec<Placed>,
    clusters: &mut Clusters,
    restarted: &BTreeMap<ClusterName, Restarted>,
    found: &mut Vec<Diagnostic>,
) -> ByCluster {
    let is_given = !inventory.is_empty();
    let placed = placing::place(inventory, clusters, found);
    for (name, objects) in &placed {
        let Some(cluster) = clusters.get_mut(name) else { continue };
        let declared = declared_workloads(cluster);
        fill(cluster, objects, found);
        pods::fill(cluster, objects);
        if let Some(named) = restarted.get(name) {
            pods::restarted(cluster, named, found);
        }
        if is_given {
            check_held(cluster, objects, found);
            check_workloads(cluster, &declared, found);
        }
    }
    placed
}

/// Puts objects of DIRECT mode into the clusters.
pub(super) fn place_direct(
    direct: Vec<Placed>,
    clusters: &Clusters,
    found: &mut Vec<Diagnostic>,
) -> ByCluster {
    placing::place(direct, clusters, found)
}

/// Kinds of hand-written policies that a waypoint enforces instead of a sidecar.
const POLICIES: [&str; 2] = ["AuthorizationPolicy", "RequestAuthentication"];

/// Takes the policies out of what the user applies that are the tree's: those of namespaces that a
/// stage moves.
pub(super) fn adopt(direct: &mut ByCluster, stages: &[StageDefinition]) -> ByCluster {
    let mut adopted = ByCluster::new();
    for (cluster, objects) in direct {
        let moves = |namespace: &str| {
            let mut ids = stages.iter().flat_map(|stage| &stage.namespaces);
            ids.any(|id| id.cluster == *cluster && id.namespace.as_str() == namespace)
        };
        let is_ours = |object: &mut Arc<Object>| {
            POLICIES.iter().any(|kind| object.gvk.is("security.istio.io", kind))
                && moves(object.namespace_or_default())
        };
        let ours: Vec<Arc<Object>> = objects.extract_if(.., is_ours).collect();
        if !ours.is_empty() {
            adopted.insert(cluster.clone(), ours);
        }
    }
    adopted
}

/// Reads Namespaces, workloads and Services into the model.
fn fill(cluster: &mut Cluster, objects: &[Arc<Object>], found: &mut Vec<Diagnostic>) {
    for object in objects {
        let is_namespace = object.gvk.is("", "Namespace");
        let name = if is_namespace { Some(&object.name) } else { object.namespace.as_ref() };
        let Some(namespace) = name.and_then(|n| cluster.namespaces.get_mut(n.as_str())) else {
            continue;
        };
        if is_namespace {
            fill_namespace(namespace, object, found);
        } else if let Some(kind) = object::workload_kind(&object.gvk) {
            match object::workload(kind, object) {
                Ok(workload) => add_workload(namespace, workload),
                Err(diagnostic) => found.push(*diagnostic),
            }
        } else if object.gvk.is("", "Service") {
            match object::service(object) {
                Ok(service) => {
                    namespace.services.insert(service.name.clone(), service);
                }
                Err(diagnostic) => found.push(*diagnostic),
            }
        } else if OTHERS.iter().any(|(group, kind)| object.gvk.is(group, kind)) {
            namespace.others.insert(object.name.clone());
        }
    }
}

/// What access tests may speak of besides the model's workloads and Services.
const OTHERS: [(&str, &str); 5] = [
    ("", "Pod"),
    ("batch", "CronJob"),
    ("batch", "Job"),
    ("networking.istio.io", "ServiceEntry"),
    ("networking.istio.io", "WorkloadEntry"),
];

fn add_workload(namespace: &mut Namespace, workload: Workload) {
    let key = (workload.kind, workload.name.clone());
    // what the spec says of it stays
    let mode = namespace.workloads.get(&key).and_then(|w| w.mode);
    namespace.workloads.insert(key, Workload { mode, ..workload });
}

fn fill_namespace(namespace: &mut Namespace, object: &Object, found: &mut Vec<Diagnostic>) {
    if namespace.lifecycle == Lifecycle::Create {
        found.push(
            Diagnostic::warning(
                "namespace-exists",
                format!("namespace `{}` is to be created, but is in the inventory", namespace.name),
            )
            .at(namespace.origin, "to be created here")
            .also(object.name_span(), "exists here")
            .help("set `lifecycle: adopt`, or take the Namespace out of the inventory"),
        );
    }
    let enrolled = object.labels.get("istio.io/dataplane-mode").map(String::as_str);
    if namespace.mode == DataplaneMode::Sidecar && enrolled == Some("ambient") {
        found.push(
            Diagnostic::warning(
                "inventory-differs",
                format!("namespace `{}` is in ambient mode already", namespace.name),
            )
            .at(object.name_span(), "labelled `istio.io/dataplane-mode: ambient` here")
            .also(namespace.origin, "in sidecar mode here")
            .help("set `mode: ambient`, or bring the inventory up to date"),
        );
    }
    if namespace.revision.is_none() {
        namespace.revision = object.labels.get("istio.io/rev").cloned();
    }
    for (key, value) in object.labels.iter().filter(|(key, _)| !is_mesh_label(key)) {
        namespace.labels.entry(key.clone()).or_insert_with(|| value.clone());
    }
}

/// Namespaces that are said to exist, but of which the inventory holds nothing.
fn check_held(cluster: &Cluster, objects: &[Arc<Object>], found: &mut Vec<Diagnostic>) {
    let held: BTreeSet<&str> = objects
        .iter()
        .filter_map(|o| match &o.namespace {
            Some(namespace) => Some(namespace.as_str()),
            None => o.gvk.is("", "Namespace").then_some(o.name.as_str()),
        })
        .collect();
    for namespace in cluster.namespaces.values() {
        if namespace.lifecycle == Lifecycle::Adopt && !held.contains(namespace.name.as_str()) {
            found.push(
                Diagnostic::warning(
                    "not-in-inventory",
                    format!(
                        "namespace `{}/{}` is said to exist, but the inventory holds nothing of it",
                        cluster.name, namespace.name
                    ),
                )
                .at(namespace.origin, "")
                .help("add its manifests to the inventory, or set `lifecycle: create`"),
            );
        }
    }
}

/// Workloads that the spec names itself.
type Declared = BTreeMap<NamespaceName, Vec<(WorkloadKind, ObjectName, Span)>>;

fn declared_workloads(cluster: &Cluster) -> Declared {
    cluster
        .namespaces
        .values()
        .filter(|n| !n.workloads.is_empty())
        .map(|n| {
            let workloads =
                n.workloads.values().map(|w| (w.kind, w.name.clone(), w.origin)).collect();
            (n.name.clone(), workloads)
        })
        .collect()
}

/// A patch for a workload that is not there would be applied as half an object.
fn check_workloads(cluster: &mut Cluster, declared: &Declared, found: &mut Vec<Diagnostic>) {
    for (name, workloads) in declared {
        let Some(namespace) = cluster.namespaces.get_mut(name) else { continue };
        let unread: Vec<_> = workloads
            .iter()
            .filter(|(kind, name, origin)| {
                namespace.workloads.get(&(*kind, name.clone())).is_some_and(|w| w.origin == *origin)
            })
            .collect();
        for (kind, workload, span) in &unread {
            let known: Vec<String> = namespace
                .workloads
                .values()
                .filter(|w| !unread.iter().any(|(_, _, origin)| *origin == w.origin))
                .map(|w| w.name.to_string())
                .collect();
            found.push(
                Diagnostic::error(
                    "unknown-workload",
                    format!(
                        "the inventory has no {} `{workload}` in namespace `{name}`",
                        kind.as_str()
                    ),
                )
                .at(*span, "")
                .help(
                    did_you_mean(workload.as_str(), known.iter().map(String::as_str))
                        .unwrap_or_else(|| "add its manifest to the inventory".to_owned()),
                ),
            );
        }
        for (kind, workload, _) in unread {
            namespace.workloads.remove(&(*kind, workload.clone()));
        }
    }
}
