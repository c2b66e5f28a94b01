//! What Istio and Kubernetes objects say, as far as access depends on it. Unknown fields are
//! ignored here: finding them is validation's task.

mod authentication;
mod authorization;
mod gateway;
mod network_policy;
mod route;
mod service;
mod traffic;
mod workload;

pub use authentication::{JwtHeader, JwtRule, PeerAuthentication, RequestAuthentication};
pub use authorization::{AuthorizationPolicy, Condition, Operation, Rule, Source};
pub use gateway::{Gateway, GatewayClass, GatewayServer, IstioGateway, Listener};
pub use network_policy::{NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort, NetworkPolicyRule};
pub use route::{Route, RouteDestination, RouteRef, RouteRule, VirtualRoute, VirtualService};
pub use service::{
    Endpoint, EndpointSlice, Endpoints, IntOrText, Location, Resolution, Service, ServiceEntry,
    ServiceEntryPort, ServiceEntrySpec, ServicePort, WorkloadEntry,
};
pub use traffic::{
    ClientTls, DestinationRule, LoadBalancer, OutboundMode, Sidecar, Subset, TlsMode, TrafficPolicy,
};
pub use workload::{ContainerPort, PodSpec, PodTemplate, Scheduled, Templated};

use serde::{Deserialize, Deserializer};

use crate::k8s::{Labels, TargetRef};

/// `null` is taken as absent.
pub(super) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// The part of an object that carries a `spec`.
#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de> + Default"))]
pub struct Specified<T> {
    /// `spec`.
    #[serde(default, deserialize_with = "or_default")]
    pub spec: T,
}

/// `selector` of an Istio policy: labels only.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkloadSelector {
    /// Labels that must all be there. Absent is told apart from empty: the ambient index does so
    /// (facts/istio-ambient.md §4.2).
    #[serde(default)]
    pub match_labels: Option<Labels>,
}

impl WorkloadSelector {
    /// True when every label is there; without labels, always.
    pub fn matches(&self, labels: &Labels) -> bool {
        self.match_labels
            .as_ref()
            .is_none_or(|wanted| wanted.iter().all(|(k, v)| labels.get(k) == Some(v)))
    }

    /// True when no label is asked for.
    pub fn is_empty(&self) -> bool {
        self.match_labels.as_ref().is_none_or(Labels::is_empty)
    }
}

/// `targetRef` and `targetRefs` as one list.
pub fn targets<'a>(
    one: Option<&'a TargetRef>,
    many: &'a [TargetRef],
) -> impl Iterator<Item = &'a TargetRef> {
    many.iter().chain(one)
}
