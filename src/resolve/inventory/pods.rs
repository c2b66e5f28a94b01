//! What makes pods besides the workloads that the tree restarts: Rollouts and the like, Jobs,
//! CronJobs, bare Pods, and the Pods of operators.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::object::{PodTemplate, options, workload_kind};
use crate::diagnostic::{Diagnostic, Spanned};
use crate::k8s::Object;
use crate::model::{Cluster, NamespaceName, OtherPods};
use crate::resolve::name::did_you_mean;
use crate::yaml::{Node, from_node};

/// Kind and name of objects of a namespace.
type Makers<'o> = BTreeSet<(&'o str, &'o str)>;

/// Fills the namespaces of a cluster with what makes pods and is no workload of theirs.
pub(super) fn fill(cluster: &mut Cluster, objects: &[Arc<Object>]) {
    let mut makers: BTreeMap<&str, Makers<'_>> = BTreeMap::new();
    for object in objects.iter().filter(|object| template(object).is_some()) {
        let namespace = object.namespace.as_deref().unwrap_or_default();
        makers.entry(namespace).or_default().insert((&object.gvk.kind, &object.name));
    }
    for object in objects.iter().filter(|object| workload_kind(&object.gvk).is_none()) {
        let Some(template) = template(object) else { continue };
        let name = object.namespace.as_deref().unwrap_or_default();
        let Some(namespace) = cluster.namespaces.get_mut(name) else { continue };
        let owner = owner(object);
        let known = makers.get(name);
        let is_made = owner.is_some_and(|owner| {
            known.is_some_and(|known| is_made_by_one_of(known, owner, object))
        });
        if is_made || is_over(object) {
            continue;
        }
        // one that does not read has been reported by whoever checks the object itself
        let read: PodTemplate = from_node(template).unwrap_or_default();
        let metadata = read.metadata.unwrap_or_default();
        let host_network = read.spec.and_then(|spec| spec.host_network);
        namespace.other_pods.push(OtherPods {
            kind: object.gvk.kind.clone(),
            name: object.name.clone(),
            owner: owner.map(|(kind, name)| (kind.to_owned(), name.to_owned())),
            pods: options(&metadata, host_network),
            pod_labels: metadata.labels.unwrap_or_default(),
            restarted: false,
            origin: object.name_span(),
        });
    }
}

/// The pod template of whatever makes pods, by its shape, as the simulator finds it.
fn template(object: &Object) -> Option<&Node> {
    if object.gvk.is("", "Pod") {
        return Some(&object.body);
    }
    let spec = object.body.get("spec")?;
    if object.gvk.is("batch", "CronJob") {
        return spec.get_path(&["jobTemplate", "spec", "template"]);
    }
    let template = spec.get("template")?;
    template.get_path(&["spec", "containers"]).map(|_| template)
}

/// Kind and name of the controller of an object.
fn owner(object: &Object) -> Option<(&str, &str)> {
    let owners = object.body.get_path(&["metadata", "ownerReferences"])?.as_list()?;
    let controls = |owner: &&Node| {
        owner.get("controller").is_some_and(|c| c.value == crate::yaml::Value::Bool(true))
    };
    let owner = owners.iter().find(controls).or_else(|| owners.first())?;
    Some((owner.get("kind")?.as_str()?, owner.get("name")?.as_str()?))
}

/// True where the owner makes pods and is among the objects, itself or by what makes it: a dump
/// often has Deployments and Pods, and not the ReplicaSets between them. Their names are those of
/// the Deployment and a hash that the Pod carries as a label.
fn is_made_by_one_of(known: &Makers<'_>, (kind, name): (&str, &str), object: &Object) -> bool {
    let above = |kind: &str, label: &str| {
        let hash = object.labels.get(label);
        let maker = hash.and_then(|hash| name.strip_suffix(hash.as_str())?.strip_suffix('-'));
        maker.is_some_and(|maker| known.contains(&(kind, maker)))
    };
    known.contains(&(kind, name))
        || (kind == "ReplicaSet"
            && (above("Deployment", "pod-template-hash")
                || above("Rollout", "rollouts-pod-template-hash")))
}

/// True for a Pod or Job that runs no more.
fn is_over(object: &Object) -> bool {
    let text = |node: &Node, key: &str| node.get(key).and_then(Node::as_str).map(str::to_owned);
    let Some(status) = object.body.get("status") else { return false };
    let phase = text(status, "phase");
    let conditions = status.get("conditions").and_then(Node::as_list).unwrap_or_default();
    let is_done = |condition: &Node| {
        matches!(text(condition, "type").as_deref(), Some("Complete" | "Failed"))
            && text(condition, "status").as_deref() == Some("True")
    };
    matches!(phase.as_deref(), Some("Succeeded" | "Failed"))
        || (object.gvk.is("batch", "Job") && conditions.iter().any(is_done))
}

/// What the spec says was restarted, by namespace.
pub(in crate::resolve) type Restarted = BTreeMap<NamespaceName, Vec<Spanned<String>>>;

/// Notes what the spec says was restarted.
pub(super) fn restarted(cluster: &mut Cluster, named: &Restarted, found: &mut Vec<Diagnostic>) {
    for (name, entries) in named {
        let Some(namespace) = cluster.namespaces.get_mut(name) else { continue };
        for entry in entries {
            let is_meant =
                |pods: &&mut OtherPods| format!("{}/{}", pods.kind, pods.name) == entry.value;
            if let Some(pods) = namespace.other_pods.iter_mut().find(is_meant) {
                pods.restarted = true;
                continue;
            }
            let known: Vec<String> = namespace
                .other_pods
                .iter()
                .map(|pods| format!("{}/{}", pods.kind, pods.name))
                .collect();
            found.push(
                Diagnostic::error(
                    "unknown-workload",
                    format!("the inventory has no `{}` in namespace `{name}` that somebody has to restart", entry.value),
                )
                .at(entry.span, "")
                .help(
                    did_you_mean(entry, known.iter().map(String::as_str)).unwrap_or_else(|| {
                        "remove it, or add its manifest to the inventory; the tree restarts Deployments, StatefulSets and DaemonSets itself".to_owned()
                    }),
                ),
            );
        }
    }
}
