//! A namespace, its workloads and Services.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::{NamespaceName, ObjectName, SecuritySetting, Waypoint};
use crate::diagnostic::Span;
use crate::k8s::{LabelSelector, Labels};

/// How a namespace's or workload's traffic is handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DataplaneMode {
    /// A sidecar in every pod.
    Sidecar,
    /// ztunnel, and a waypoint where there is one.
    Ambient,
    /// Outside the mesh.
    None,
}

impl fmt::Display for DataplaneMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DataplaneMode::Sidecar => "sidecar",
            DataplaneMode::Ambient => "ambient",
            DataplaneMode::None => "none",
        })
    }
}

/// Who makes the Namespace object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lifecycle {
    /// It exists; only its mesh labels are ours.
    #[default]
    Adopt,
    /// The tree creates it.
    Create,
}

/// What the spec says of a namespace's waypoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaypointChoice {
    /// Nothing: the cluster's default, or else whoever makes the waypoints, decides.
    Unsaid,
    /// That it has one, or none.
    Said,
}

/// A namespace of a cluster.
#[derive(Clone, Debug)]
pub struct Namespace {
    /// Its name.
    pub name: NamespaceName,
    /// Who makes the object.
    pub lifecycle: Lifecycle,
    /// Its mode before any migration stage.
    pub mode: DataplaneMode,
    /// `istio.io/rev` by which sidecars are injected, instead of `istio-injection`.
    pub revision: Option<String>,
    /// The waypoint it gets once it is ambient.
    pub waypoint: Option<Waypoint>,
    /// What the spec says of it.
    pub waypoint_choice: WaypointChoice,
    /// Labels the spec or the inventory gives the Namespace besides the mesh's own. Rendered for
    /// created namespaces only.
    pub labels: Labels,
    /// Its workloads, by kind and name.
    pub workloads: BTreeMap<(WorkloadKind, ObjectName), Workload>,
    /// Its Services, by name.
    pub services: BTreeMap<ObjectName, Service>,
    /// What makes pods besides the workloads: nothing here restarts them.
    pub other_pods: Vec<OtherPods>,
    /// Names of whatever else access tests may speak of: ServiceEntries, WorkloadEntries, and what
    /// makes pods but cannot be restarted.
    pub others: BTreeSet<String>,
    /// What TSB's hierarchy comes to here.
    pub security: SecuritySetting,
    /// FQN of the workspace that owns it, if any.
    pub workspace: Option<String>,
    /// Gateways whose traffic enters here, besides the cluster's own: principals of their pods.
    pub gateways: Vec<super::Principal>,
    /// Where the user wrote it.
    pub origin: Span,
}

impl Namespace {
    /// True where its pods, or those of a workload, are ambient before any stage.
    pub fn has_ambient(&self) -> bool {
        let own = self.workloads.values().any(|w| w.mode == Some(DataplaneMode::Ambient));
        self.mode == DataplaneMode::Ambient || own
    }

    /// True where its pods, or those of a workload, are in the mesh before any stage.
    pub fn is_in_mesh(&self) -> bool {
        let is_in = |mode: DataplaneMode| mode != DataplaneMode::None;
        is_in(self.mode) || self.workloads.values().filter_map(|w| w.mode).any(is_in)
    }
}

/// Kinds that have a pod template and can be restarted by it (facts/gitops-delivery.md 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "Kubernetes' own kinds")]
pub enum WorkloadKind {
    DaemonSet,
    Deployment,
    StatefulSet,
}

impl WorkloadKind {
    /// The kind's name.
    pub fn as_str(self) -> &'static str {
        match self {
            WorkloadKind::DaemonSet => "DaemonSet",
            WorkloadKind::Deployment => "Deployment",
            WorkloadKind::StatefulSet => "StatefulSet",
        }
    }
}

/// A workload.
#[derive(Clone, Debug)]
pub struct Workload {
    /// Its kind.
    pub kind: WorkloadKind,
    /// Its name.
    pub name: ObjectName,
    /// Its own mode, where the spec sets one: on the pod template, since a label on the
    /// Deployment enrols nothing (facts/istio-ambient.md §1.1).
    pub mode: Option<DataplaneMode>,
    /// What selects its pods; `None` where its manifest is not known.
    pub selector: Option<LabelSelector>,
    /// The Service of a StatefulSet, where its manifest says.
    pub service_name: Option<String>,
    /// Labels of its pod template.
    pub pod_labels: Labels,
    /// Service account of its pods.
    pub service_account: ObjectName,
    /// Replicas, where the manifest says.
    pub replicas: Option<u32>,
    /// How its pods stand to the mesh whatever their namespace says.
    pub pods: PodOptions,
    /// Where it was read.
    pub origin: Span,
}

/// What a pod template says of its part in the mesh, whatever the namespace says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PodOptions {
    /// It refuses a sidecar: `sidecar.istio.io/inject: "false"`.
    pub refuses_sidecar: bool,
    /// It shares the node's network: neither sidecar nor ztunnel takes its traffic.
    pub host_network: bool,
}

/// What makes pods, or is one, and has no template that the tree can annotate: a Rollout, a Job or
/// CronJob, a bare Pod, or the Pod of an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherPods {
    /// Kind of the object.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// What made it, where that is no workload: kind and name.
    pub owner: Option<(String, String)>,
    /// Labels of the pods.
    pub pod_labels: Labels,
    /// How the pods stand to the mesh whatever their namespace says.
    pub pods: PodOptions,
    /// The spec says that they were restarted since the namespace moved.
    pub restarted: bool,
    /// Where it was read.
    pub origin: Span,
}

impl OtherPods {
    /// True where the pods have a sidecar in a namespace of sidecars, and keep it until somebody
    /// restarts them.
    pub fn keep_sidecars(&self) -> bool {
        !self.restarted && !self.pods.refuses_sidecar && !self.pods.host_network
    }
}

impl fmt::Display for OtherPods {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}`", self.kind, self.name)?;
        match &self.owner {
            Some((kind, name)) => write!(f, " of {kind} `{name}`"),
            None => Ok(()),
        }
    }
}

/// A Service.
#[derive(Clone, Debug)]
pub struct Service {
    /// Its name.
    pub name: ObjectName,
    /// Its pods.
    pub selector: Labels,
    /// Its ports.
    pub ports: Vec<ServicePort>,
    /// Where it was read.
    pub origin: Span,
}

/// A port of a Service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServicePort {
    /// Its name, where it has one.
    pub name: Option<String>,
    /// The port clients use.
    pub port: u16,
    /// The pod's port: a number, or the name of a container port. Default: `port`.
    pub target_port: Option<String>,
    /// `appProtocol`.
    pub app_protocol: Option<String>,
}
