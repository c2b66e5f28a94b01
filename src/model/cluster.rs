//! A cluster, its control plane, and the management plane.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{ClusterName, Namespace, NamespaceName, Platform, TrustDomain, Waypoint};
use crate::diagnostic::{Places, Span};
use crate::k8s::Object;

/// A cluster.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// Its name in TSB.
    pub name: ClusterName,
    /// What it runs on.
    pub platform: Platform,
    /// The trust domain of its workloads.
    pub trust_domain: TrustDomain,
    /// What is to be set in its ControlPlane; `None` leaves it alone.
    pub control_plane: Option<ControlPlane>,
    /// The waypoint of its ambient namespaces that ask for none of their own. Each namespace's
    /// `waypoint` is filled from it already; it is kept for the ControlPlane, whose cluster level
    /// it is where TSB owns the waypoints.
    pub default_waypoint: Option<Waypoint>,
    /// Its namespaces.
    pub namespaces: BTreeMap<NamespaceName, Namespace>,
    /// Where the user wrote it.
    pub origin: Span,
}

/// The user's own resource, as it was read.
#[derive(Clone, Debug)]
pub struct InstallBase {
    /// The object, with the tree it was read from.
    pub object: Object,
    /// The same as plain data.
    pub body: Value,
    /// Where it was read.
    pub origin: Span,
    /// Where its values stand.
    pub places: Places,
}

impl InstallBase {
    /// Keeps an object as a base.
    pub fn new(object: Object) -> Self {
        let (body, origin) = (object.body.to_json(), object.name_span());
        let places = object.body.places();
        Self { object, body, origin, places }
    }
}

/// What is made of a base.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InstallOutput {
    /// A copy of the base and kustomize patches over it.
    #[default]
    Overlay,
    /// The patched resource.
    Full,
}

/// What is to be set in a cluster's ControlPlane (facts/tsb.md, "Control plane").
#[derive(Clone, Debug)]
pub struct ControlPlane {
    /// The user's resource. Without it only a kustomize Component is rendered, never a stub.
    pub base: Option<InstallBase>,
    /// What is made of it.
    pub output: InstallOutput,
    /// `components.istio.ambient.enable`; `None` leaves it alone.
    pub ambient: Option<bool>,
    /// `components.spmAgent.enabled`; `None` leaves it alone.
    pub spm_agent: Option<bool>,
    /// Overrides of the platform's `components.istio.kubeSpec.CNI`.
    pub cni: serde_json::Map<String, Value>,
    /// Environment variables of the XCP edge, by `env[-1]` patches of an EdgeXcp overlay.
    pub edge_env: Vec<EdgeEnv>,
    /// Further fields, merged into `spec` last.
    pub spec: serde_json::Map<String, Value>,
    /// Where the values above stand, by JSON pointer: `/ambient`, `/cni/binaryDirectory`,
    /// `/edge/env/0`, `/spec/components/…`. What is missing is blamed on `origin`.
    pub places: Places,
    /// Where the user wrote it.
    pub origin: Span,
}

/// One environment variable of the XCP edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgeEnv {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// What is to be set in the ManagementPlane (facts/tsb.md, "Management plane").
#[derive(Clone, Debug)]
pub struct ManagementPlane {
    /// The cluster the resource lives in.
    pub cluster: ClusterName,
    /// The user's resource. Without it only a kustomize Component is rendered: a stub that is
    /// applied would turn production into a demo installation (facts/tsb.md, "Danger: demo mode").
    pub base: Option<InstallBase>,
    /// What is made of it.
    pub output: InstallOutput,
    /// `components.oap.spmAgentReceiverEnabled`; `None` leaves it alone.
    pub spm_agent_receiver: Option<bool>,
    /// Further fields, merged into `spec` last.
    pub spec: serde_json::Map<String, Value>,
    /// Where the values above stand, by JSON pointer: `/oap/spmAgentReceiver`, `/spec/…`.
    pub places: Places,
    /// Where the user wrote it.
    pub origin: Span,
}
