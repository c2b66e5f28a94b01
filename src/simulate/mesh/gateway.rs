//! Gateways, and who uses which waypoint (facts/istio-ambient.md §2, §3).

use crate::diagnostic::Span;
use crate::k8s::{LabelSelector, Labels};

use super::{NamespaceId, WorkloadId};

/// A gateway of a mesh.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GatewayId(pub(in crate::simulate) u32);

/// A Gateway that istiod makes pods for.
#[derive(Clone, Debug)]
pub struct Gateway {
    /// Its namespace.
    pub namespace: NamespaceId,
    /// Its name.
    pub name: String,
    /// Its class.
    pub class: String,
    /// What it is.
    pub kind: GatewayKind,
    /// What it takes traffic for, where labels name it as a waypoint.
    pub serves: Serves,
    /// Whose objects may name it.
    pub allowed: Allowed,
    /// Its pods are known: istiod makes them, or a manifest shows what does.
    pub pods_shown: bool,
    /// The workload that stands for its pods.
    pub workload: WorkloadId,
    /// Where it stands.
    pub span: Span,
}

/// What a gateway is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GatewayKind {
    /// A waypoint of Istio's.
    Waypoint,
    /// An ingress or egress gateway.
    Ingress,
    /// Between the networks of one mesh.
    EastWest,
    /// Of a class of others: their proxies are not Istio's.
    Foreign,
}

/// `istio.io/waypoint-for` (§2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Serves {
    /// Traffic addressed to a service.
    Service,
    /// Traffic addressed to a pod.
    Workload,
    /// Both.
    All,
    /// Neither.
    None,
}

impl Serves {
    /// Reads the label; a word that is not known is not heard.
    pub fn parse(word: Option<&str>) -> Self {
        match word {
            Some("workload") => Serves::Workload,
            Some("all") => Serves::All,
            Some("none") => Serves::None,
            _ => Serves::Service,
        }
    }

    /// True when it takes traffic addressed to a service.
    pub fn services(self) -> bool {
        matches!(self, Serves::Service | Serves::All)
    }

    /// True when it takes traffic addressed to a pod.
    pub fn workloads(self) -> bool {
        matches!(self, Serves::Workload | Serves::All)
    }
}

/// `allowedRoutes.namespaces` of the listener: whose objects may name this waypoint (§3.3).
#[derive(Clone, Debug, PartialEq)]
pub enum Allowed {
    /// Those of its own namespace.
    Same,
    /// All.
    All,
    /// Those of namespaces with these labels.
    Selector(LabelSelector),
}

/// Where a waypoint stands at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WaypointState {
    /// It has an address and pods.
    #[default]
    Ready,
    /// It has no address yet: traffic flows as if there were none (§2.2).
    NotProgrammed,
    /// It has an address and no pod that is ready: connections fail (§2.2).
    NoReadyPods,
}

/// What a `use-waypoint` label comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Binding {
    /// No label, or `none`.
    #[default]
    Unbound,
    /// A waypoint, for as long as it is ready.
    Bound(GatewayId),
    /// The label names a Gateway that does not exist: skipped.
    Missing {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// The Gateway does not admit the namespace (`AttachmentDenied`): skipped.
    Refused(GatewayId),
    /// The Gateway does not serve this kind of traffic (`UnsupportedTrafficType`): skipped.
    Unserved(GatewayId),
}

/// The waypoint that labels name: namespace and name; `None` without one or with `none`.
pub(super) fn named<'a>(
    object: &'a Labels,
    namespace: &'a Labels,
    own: &'a str,
    elsewhere: bool,
) -> Option<(&'a str, &'a str)> {
    // the object's label, else the namespace's: no falling back from a waypoint that is missing
    let labels = if object.contains_key(USE_WAYPOINT) { object } else { namespace };
    let name = labels.get(USE_WAYPOINT)?;
    let written = labels.get("istio.io/use-waypoint-namespace").filter(|_| elsewhere);
    let namespace = written.map_or(own, String::as_str);
    (name != "none" && !name.is_empty()).then_some((namespace, name))
}

const USE_WAYPOINT: &str = "istio.io/use-waypoint";
