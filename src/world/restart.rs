//! Pods that were not restarted since the labels of their namespace changed.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::RESTART_TOKEN;
use crate::simulate::{Mesh, PodState, Workload, WorkloadId};

/// Labels say what new pods would be. Where the token on the pod template still says `sidecar`, or
/// nothing restarts them, the pods were not restarted since, and have their sidecars. `kept` is what
/// nothing restarts, as cluster, namespace, kind and name. Gives back what they would be.
pub(super) fn not_restarted(
    mesh: &mut Mesh,
    kept: &BTreeSet<[String; 4]>,
) -> BTreeMap<WorkloadId, PodState> {
    let kept: BTreeSet<[&str; 4]> =
        kept.iter().map(|own| own.each_ref().map(String::as_str)).collect();
    let is_kept = |w: &Workload| {
        let namespace = mesh.namespace(w.namespace);
        let cluster = mesh.options(namespace.cluster).cluster.as_str();
        kept.contains(&[cluster, namespace.name.as_str(), w.kind.as_str(), w.name.as_str()])
    };
    let old: BTreeMap<WorkloadId, PodState> = mesh
        .workloads()
        .filter(|(id, w)| {
            let is_old = w.annotations.get(RESTART_TOKEN).is_some_and(|mode| mode == "sidecar");
            mesh.state(*id) == PodState::Ambient && (is_old || is_kept(w))
        })
        .map(|(id, _)| (id, mesh.state(id)))
        .collect();
    old.keys().for_each(|id| mesh.set_state(*id, PodState::SidecarHbone));
    old
}
