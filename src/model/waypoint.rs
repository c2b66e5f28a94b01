//! A waypoint proxy that fronts a namespace.

use serde_json::Value;

use super::ObjectName;
use crate::diagnostic::Span;
use crate::k8s::Labels;

/// What a waypoint takes traffic for (`istio.io/waypoint-for`, facts/istio-ambient.md §2.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WaypointFor {
    /// Services and workloads: what TSB's own waypoints do (facts/tsb.md, "Waypoint Gateway").
    #[default]
    All,
    /// Traffic addressed to a Service.
    Service,
    /// Traffic addressed to a pod.
    Workload,
    /// Nothing.
    None,
}

impl WaypointFor {
    /// The label's value.
    pub fn as_str(self) -> &'static str {
        match self {
            WaypointFor::All => "all",
            WaypointFor::Service => "service",
            WaypointFor::Workload => "workload",
            WaypointFor::None => "none",
        }
    }
}

/// A waypoint and how it is customised (facts/istio-ambient.md §3.6).
#[derive(Clone, Debug, PartialEq)]
pub struct Waypoint {
    /// Name of the Gateway, and of the service account that is the waypoint's identity.
    pub name: ObjectName,
    /// What it takes traffic for.
    pub waypoint_for: WaypointFor,
    /// Number of pods; `None` leaves Istio's default.
    pub replicas: Option<u32>,
    /// `resources` of the proxy container.
    pub resources: Option<Value>,
    /// `spec` of a HorizontalPodAutoscaler, without its target.
    pub autoscaling: Option<Value>,
    /// `spec` of a PodDisruptionBudget, without its selector.
    pub pod_disruption_budget: Option<Value>,
    /// `tolerations` of its pods.
    pub tolerations: Option<Value>,
    /// Fields of its Service's `spec`.
    pub service: Option<Value>,
    /// Labels of every object that Istio makes of the Gateway.
    pub labels: Labels,
    /// Annotations of every object that Istio makes of the Gateway.
    pub annotations: Labels,
    /// `istio.io/rev` of the Gateway: the control plane that manages the waypoint.
    pub revision: Option<String>,
    /// Where the user asked for it.
    pub origin: Option<Span>,
}

impl Waypoint {
    /// A waypoint of this name with nothing set.
    pub fn named(name: ObjectName) -> Self {
        Self {
            name,
            waypoint_for: WaypointFor::default(),
            replicas: None,
            resources: None,
            autoscaling: None,
            pod_disruption_budget: None,
            tolerations: None,
            service: None,
            labels: Labels::new(),
            annotations: Labels::new(),
            revision: None,
            origin: None,
        }
    }

    /// True when the waypoint needs a parameters ConfigMap: labels and annotations go through the
    /// Gateway's `infrastructure`.
    pub fn is_customised(&self) -> bool {
        let Self { replicas, resources, autoscaling, pod_disruption_budget, .. } = self;
        replicas.is_some()
            || [resources, autoscaling, pod_disruption_budget, &self.tolerations, &self.service]
                .iter()
                .any(|value| value.is_some())
    }
}
