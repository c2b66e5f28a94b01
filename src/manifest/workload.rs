//! `apps/v1` Deployment, StatefulSet or DaemonSet: only the pod template's mesh metadata.

use serde::{Serialize, Serializer};

use super::Metadata;
use crate::k8s::{LabelSelector, Labels};
use crate::model::WorkloadKind;

/// What of a workload is ours: labels and annotations of its pod template.
///
/// The object is partial on purpose. Applied server-side it changes these fields of the workload
/// that exists; where none exists the API server refuses it (it has no containers), so that it can
/// never make one. The same text is a strategic-merge patch for the overlay of whoever owns the
/// workload.
///
/// What cannot be changed is said beside it, as it is, and an empty list of containers, which takes
/// none away: Flux reads a workload into its type before it applies it, so that fields the type
/// always writes would come out as nulls and empty texts, and the API server refuses those
/// (`fluxcd/pkg/ssa/normalize`, seen with Flux 2.9).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Workload {
    /// Kind.
    #[serde(serialize_with = "as_text")]
    pub kind: WorkloadKind,
    /// Metadata.
    pub metadata: Metadata,
    /// Its selector, which never changes; `None` where its manifest is not known.
    pub selector: Option<LabelSelector>,
    /// The Service of a StatefulSet, which never changes either.
    pub service_name: Option<String>,
    /// Labels of the pod template.
    pub pod_labels: Labels,
    /// Annotations of the pod template. A changed one restarts the pods.
    pub pod_annotations: Labels,
}

fn as_text<S: Serializer>(kind: &WorkloadKind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(kind.as_str())
}
