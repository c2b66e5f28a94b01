//! Objects of somebody else under the names that are rendered: applying ours would replace them.

use std::collections::HashMap;

use serde_json::Value;

use super::assemble::Assembly;
use crate::diagnostic::{Diagnostic, FileId, Span};
use crate::k8s::{Object, ObjectRef};
use crate::model::{Environment, Unit};
use crate::resolve::Resolved;
use crate::yaml::{Budget, read};

/// Kinds of unit `mesh` that the tree applies whole.
const WHOLE: [(&str, &str); 5] = [
    ("", "ConfigMap"),
    ("gateway.networking.k8s.io", "Gateway"),
    ("security.istio.io", "AuthorizationPolicy"),
    ("security.istio.io", "PeerAuthentication"),
    ("security.istio.io", "RequestAuthentication"),
];

/// What Istio makes of a Gateway, under its name: one that is there already and was not made of it
/// stays, and the waypoint is not made (facts/gitops-delivery.md 9.4.2, `canManage`).
const OF_GATEWAY: [(&str, &str); 2] = [("", "Service"), ("apps", "Deployment")];

/// Names what exists in the clusters, is not ours, and has a name that is rendered.
pub(super) fn check(resolved: &Resolved, assembly: &Assembly, found: &mut Vec<Diagnostic>) {
    let mut existing: HashMap<&str, HashMap<ObjectRef, &Object>> = HashMap::new();
    for objects in [&resolved.inventory, &resolved.direct] {
        for (cluster, objects) in objects {
            let of_cluster = existing.entry(cluster.as_str()).or_default();
            let is_asked = |o: &&Object| {
                WHOLE.iter().chain(&OF_GATEWAY).any(|(group, kind)| o.gvk.is(group, kind))
            };
            let asked = objects.iter().map(AsRef::as_ref).filter(is_asked);
            of_cluster.extend(asked.map(|object| (object.reference(), object)));
        }
    }
    if existing.values().all(HashMap::is_empty) {
        return;
    }
    for (cluster, text, reference, origin) in assembly.applied(Unit::Mesh) {
        let Some(there) = existing.get(cluster) else { continue };
        let is_whole =
            WHOLE.iter().any(|(group, kind)| reference.group == *group && reference.kind == *kind);
        if let Some(object) = there.get(reference).filter(|_| is_whole)
            && !is_adopted(resolved, cluster, reference)
            && !is_ours(&resolved.environment, cluster, object, text)
        {
            found.push(taken(object, reference, origin));
        }
        if reference.kind == "Gateway" {
            for (group, kind) in OF_GATEWAY {
                let (group, kind) = (group.to_owned(), kind.to_owned());
                let made = ObjectRef { group, kind, ..reference.clone() };
                if let Some(object) = there.get(&made).filter(|object| !is_of_gateway(object)) {
                    found.push(in_the_way(object, reference, origin));
                }
            }
        }
    }
}

/// True for a policy that the spec gives to the tree: what is there of it is replaced on purpose.
fn is_adopted(resolved: &Resolved, cluster: &str, reference: &ObjectRef) -> bool {
    let adopted = resolved.adopted.get(cluster).into_iter().flatten();
    // names first: there are many objects, and few of one name
    adopted.into_iter().any(|o| o.name == reference.name && o.reference() == *reference)
}

/// True for an object that the tree applied before, in this state or another one, or that TSB made
/// of the rules that the tree now stands for.
fn is_ours(environment: &Environment, cluster: &str, object: &Object, text: &str) -> bool {
    // a team's own object of DIRECT mode has annotations of `tsb.tetrate.io`, and none of these
    let of_tsb = |key: &String| key.starts_with("xcp.tetrate.io/");
    // facts/tsb.md, "Metadata conventions and ownership"
    let managed = object.labels.get("app.kubernetes.io/managed-by").map(String::as_str);
    if managed == Some("tsb") || object.annotations.keys().chain(object.labels.keys()).any(of_tsb) {
        return true;
    }
    // what appliers write to know what they own (facts/gitops-delivery.md 2.5, 4.5)
    let unit = environment
        .clusters
        .get(cluster)
        .map(|cluster| environment.applier_name(&cluster.name, Unit::Mesh));
    let applier = object
        .annotations
        .get("argocd.argoproj.io/tracking-id")
        .and_then(|id| id.split(':').next())
        .or_else(|| object.labels.get("kustomize.toolkit.fluxcd.io/name").map(String::as_str));
    if applier.is_some() && applier == unit.as_deref() {
        return true;
    }
    let marked = ["spec", "infrastructure", "labels", "waypost.dev/managed"];
    object.body.get_path(&marked).is_some() || is_same(object, text)
}

/// True where the object says what is rendered, whatever a cluster has added to its metadata.
fn is_same(object: &Object, text: &str) -> bool {
    let parts = |mut value: Value| {
        if let Some(map) = value.as_object_mut() {
            for key in ["apiVersion", "metadata", "status"] {
                map.remove(key);
            }
        }
        value
    };
    let (documents, _) = read(FileId::default(), text, &Budget::MANIFESTS);
    let rendered = documents.first().map(|document| document.root.to_json());
    rendered.is_some_and(|rendered| parts(rendered) == parts(object.body.to_json()))
}

/// What Istio made of a Gateway carries its controller's mark (facts/gitops-delivery.md 9.4.2).
fn is_of_gateway(object: &Object) -> bool {
    object.labels.contains_key("gateway.istio.io/managed")
}

fn taken(object: &Object, reference: &ObjectRef, origin: Option<Span>) -> Diagnostic {
    let diagnostic = Diagnostic::error(
        "name-taken",
        format!("{reference} exists already, and what is rendered would replace it"),
    )
    .at(object.name_span(), "would be lost")
    .help("give the object another name where it is kept, and then in the inventory; if it may go, take it out of the inventory; if it is what was rendered before, bring the inventory up to date");
    match origin {
        Some(origin) => diagnostic.also(origin, "this asks for what is rendered"),
        None => diagnostic,
    }
}

fn in_the_way(object: &Object, gateway: &ObjectRef, origin: Option<Span>) -> Diagnostic {
    let diagnostic = Diagnostic::error(
        "name-taken",
        format!("{} has the name that Istio needs for {gateway}", object.reference()),
    )
    .at(object.name_span(), "not made of it, so the waypoint is not made")
    .help("give the waypoint another name: `waypoint: {name: …}`, or rename the object");
    match origin {
        Some(origin) => diagnostic.also(origin, "this asks for the waypoint"),
        None => diagnostic,
    }
}
