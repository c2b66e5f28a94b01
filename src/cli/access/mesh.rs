//! The mesh that a tree's objects make of what exists anyway.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::diagnostic::Diagnostic;
use crate::k8s::{Object, ObjectRef};
use crate::resolve::Resolved;
use crate::simulate::{Cluster, IstioVersion, Mesh, Options, PodState, WorkloadId};
use crate::yaml::Node;

/// What is applied, by cluster, and what TSB is expected to apply there.
#[derive(Default)]
pub(in crate::cli) struct Parts {
    clusters: BTreeMap<String, Vec<Object>>,
}

impl Parts {
    /// Adds objects of a cluster.
    pub(in crate::cli) fn add(&mut self, cluster: &str, objects: impl IntoIterator<Item = Object>) {
        match self.clusters.get_mut(cluster) {
            Some(known) => known.extend(objects),
            None => {
                self.clusters.insert(cluster.to_owned(), objects.into_iter().collect());
            }
        }
    }
}

/// A mesh as it is before anybody restarts what was not restarted.
pub(in crate::cli) struct Made {
    pub mesh: Mesh,
    /// What it was made of, cluster by cluster.
    pub clusters: Vec<(Options, Vec<Object>)>,
    /// What pods that were not restarted since their labels changed would be after it.
    pub restarted: BTreeMap<WorkloadId, PodState>,
    pub found: Vec<Diagnostic>,
}

/// The mesh of an environment, with these objects over its inventory.
pub(in crate::cli) fn mesh_of(resolved: &Resolved, mut parts: Parts) -> Made {
    let environment = &resolved.environment;
    let istio = IstioVersion::new(environment.istio.major, environment.istio.minor);
    let mut clusters = Vec::new();
    for (cluster, settings) in &environment.clusters {
        let there = resolved.inventory.get(cluster).into_iter().flatten();
        let direct = resolved.direct.get(cluster).into_iter().flatten();
        let existing: Vec<Object> = there.chain(direct).map(|o| (**o).clone()).collect();
        let options = Options {
            cluster: cluster.as_str().to_owned(),
            trust_domain: settings.trust_domain.as_str().to_owned(),
            istio,
            ..Options::default()
        };
        let applied = parts.clusters.remove(cluster.as_str()).unwrap_or_default();
        clusters.push((options, overlay(existing, applied)));
    }
    let given: Vec<Cluster<'_>> = clusters
        .iter()
        .map(|(options, objects)| Cluster { options: options.clone(), objects })
        .collect();
    let (mut mesh, found) = Mesh::from_clusters(&given);
    let restarted = not_restarted(&mut mesh);
    Made { mesh, clusters, restarted, found }
}

/// Server-side apply over what exists: mappings are merged, everything else is replaced.
fn overlay(existing: Vec<Object>, applied: Vec<Object>) -> Vec<Object> {
    let mut objects: BTreeMap<ObjectRef, Object> = BTreeMap::new();
    for object in existing {
        objects.entry(object.reference()).or_insert(object);
    }
    for object in applied {
        let reference = object.reference();
        let merged = objects.get(&reference).and_then(|old| {
            let mut value = old.body.to_json();
            merge(&mut value, object.body.to_json());
            Object::from_node(Node::from_json(&value, old.name_span())).ok()
        });
        objects.insert(reference, merged.unwrap_or(object));
    }
    objects.into_values().collect()
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                match into.get_mut(&key) {
                    Some(old) => merge(old, value),
                    None => {
                        into.insert(key, value);
                    }
                }
            }
        }
        (into, from) => *into = from,
    }
}

/// The annotation that says for which mode the pods were last started.
const TOKEN: &str = "waypost.dev/dataplane-mode";

/// Labels say what new pods would be. Where the token on the pod template still says `sidecar`, the
/// pods were not restarted since. Gives back what they would be.
fn not_restarted(mesh: &mut Mesh) -> BTreeMap<WorkloadId, PodState> {
    let old: BTreeMap<WorkloadId, PodState> = mesh
        .workloads()
        .filter(|(id, w)| {
            w.annotations.get(TOKEN).is_some_and(|mode| mode == "sidecar")
                && mesh.state(*id) == PodState::Ambient
        })
        .map(|(id, _)| (id, mesh.state(id)))
        .collect();
    old.keys().for_each(|id| mesh.set_state(*id, PodState::SidecarHbone));
    old
}
