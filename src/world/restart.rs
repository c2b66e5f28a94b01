//! Pods that were not restarted since the labels of their namespace changed.

use std::collections::BTreeMap;

use crate::model::RESTART_TOKEN;
use crate::simulate::{Mesh, PodState, WorkloadId};

/// Labels say what new pods would be. Where the token on the pod template still says `sidecar`, the
/// pods were not restarted since, and have their sidecars. Gives back what they would be.
pub(super) fn not_restarted(mesh: &mut Mesh) -> BTreeMap<WorkloadId, PodState> {
    let old: BTreeMap<WorkloadId, PodState> = mesh
        .workloads()
        .filter(|(id, w)| {
            w.annotations.get(RESTART_TOKEN).is_some_and(|mode| mode == "sidecar")
                && mesh.state(*id) == PodState::Ambient
        })
        .map(|(id, _)| (id, mesh.state(id)))
        .collect();
    old.keys().for_each(|id| mesh.set_state(*id, PodState::SidecarHbone));
    old
}
