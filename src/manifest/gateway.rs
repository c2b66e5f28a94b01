//! `gateway.networking.k8s.io/v1` Gateway, as a waypoint.

use serde::Serialize;

use super::Metadata;
use crate::k8s::Labels;

/// A Gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Gateway {
    /// Metadata.
    pub metadata: Metadata,
    /// `istio-waypoint`.
    pub class: String,
    /// What goes to the objects that Istio makes of it; TSB's own Gateways have none.
    pub infrastructure: Option<Infrastructure>,
    /// Listeners.
    pub listeners: Vec<Listener>,
}

/// `spec.infrastructure`. Both maps are always given where the Gateway is applied: where one is
/// absent Istio copies the Gateway's own to the waypoint's pods, and an applier's tracking
/// annotation would restart them (facts/gitops-delivery.md 1.4; seen on a real istiod).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Infrastructure {
    /// Labels of the generated objects.
    pub labels: Labels,
    /// Their annotations.
    pub annotations: Labels,
    /// The ConfigMap with patches of the generated objects.
    pub parameters_ref: Option<ParametersRef>,
}

/// A ConfigMap in the Gateway's namespace (facts/istio-ambient.md §3.6).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ParametersRef {
    /// Its name.
    pub name: String,
}

/// A listener. The fields that the CRD would default are given: what is applied is what is read
/// back, and nothing shows as drift (facts/istio-ambient.md §3.3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listener {
    /// Name.
    pub name: String,
    /// Port.
    pub port: u16,
    /// Protocol.
    pub protocol: String,
    /// `allowedRoutes.namespaces.from`: whose objects may name this waypoint.
    pub routes_from: String,
}
