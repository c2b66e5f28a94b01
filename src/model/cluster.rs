//! A cluster, its control plane, and the management plane.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{ClusterName, Namespace, NamespaceName, Platform, TrustDomain, Waypoint};
use crate::diagnostic::{Places, Span};
use crate::k8s::{Labels, Object};

/// A cluster.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// Its name in TSB.
    pub name: ClusterName,
    /// What it runs on.
    pub platform: Platform,
    /// The trust domain of its workloads.
    pub trust_domain: TrustDomain,
    /// Fields of Istio's MeshConfig there, which nothing renders.
    pub mesh_config: Map<String, Value>,
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

    /// The value at a pointer below `spec`.
    fn spec(&self, pointer: &str) -> Option<&Value> {
        self.body.get("spec")?.pointer(pointer)
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
    pub cni: Map<String, Value>,
    /// Environment variables of the XCP edge, by `env[-1]` patches of an EdgeXcp overlay.
    pub edge_env: Vec<EdgeEnv>,
    /// Further fields, merged into `spec` last.
    pub spec: Map<String, Value>,
    /// Where the values above stand, by JSON pointer: `/ambient`, `/cni/binaryDirectory`,
    /// `/edge/env/0`, `/spec/components/…`. What is missing is blamed on `origin`.
    pub places: Places,
    /// Where the user wrote it.
    pub origin: Span,
}

impl ControlPlane {
    /// Whether the finished resource runs ambient mode: by the free fields, else by `ambient`, else
    /// by the base. Where a base says nothing it does not (facts/tsb.md, "Ambient switch"). `None`
    /// where there is no base that would say: not known.
    pub fn runs_ambient(&self) -> Option<bool> {
        const ENABLE: &str = "/components/istio/ambient/enable";
        if let Some(value) = free(&self.spec, ENABLE) {
            return Some(value == &Value::Bool(true));
        }
        if self.ambient.is_some() {
            return self.ambient;
        }
        self.base.as_ref().map(|base| base.spec(ENABLE) == Some(&Value::Bool(true)))
    }

    /// The namespace of istio-cni, where it is not the control plane's own
    /// (`kubeSpec.CNI.cniDaemonsetNamespace`).
    pub fn cni_namespace(&self) -> Option<&str> {
        const AT: &str = "/components/istio/kubeSpec/CNI/cniDaemonsetNamespace";
        let own = free(&self.spec, AT).or_else(|| self.cni.get("cniDaemonsetNamespace"));
        own.or_else(|| self.base.as_ref()?.spec(AT))?.as_str()
    }

    /// Whether TSB makes a waypoint in an ambient namespace by what the free fields and the base
    /// say. A level that says nothing of `enable` is on, and so is a cluster that says nothing at
    /// all; an entry of a namespace wins over the cluster's (facts/tsb.md, "Ambient settings").
    pub fn tsb_makes_waypoint(&self, namespace: &NamespaceName, labels: &Labels) -> bool {
        const WAYPOINTS: &str = "/components/istio/ambient/waypoints";
        let is_on = |config: Option<&Value>| {
            config.and_then(|config| config.get("enable")).and_then(Value::as_bool)
        };
        let said = |below: &str| {
            let at = format!("{WAYPOINTS}/{below}");
            let base = self.base.as_ref().and_then(|base| base.spec(&at));
            [free(&self.spec, &at), base]
        };
        let entries = said("namespaceLevel").into_iter().flatten().filter_map(Value::as_array);
        let entry = entries.flatten().find(|entry| {
            let name = entry.get("name").and_then(Value::as_str);
            let selector = entry.pointer("/selector/labels").and_then(Value::as_object);
            let selects = |(key, value): (&String, &Value)| {
                labels.get(key).map(String::as_str) == value.as_str()
            };
            name == Some(namespace.as_str())
                || (name.is_none() && selector.is_some_and(|s| s.iter().all(selects)))
        });
        match entry {
            Some(entry) => is_on(entry.get("config")).unwrap_or(true),
            None => said("clusterLevel").into_iter().find_map(is_on).unwrap_or(true),
        }
    }
}

/// The value at a pointer in the free fields below `spec`.
fn free<'a>(spec: &'a Map<String, Value>, pointer: &str) -> Option<&'a Value> {
    let (first, rest) = pointer.strip_prefix('/')?.split_once('/')?;
    spec.get(first)?.pointer(&format!("/{rest}"))
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
    pub spec: Map<String, Value>,
    /// Where the values above stand, by JSON pointer: `/oap/spmAgentReceiver`, `/spec/…`.
    pub places: Places,
    /// Where the user wrote it.
    pub origin: Span,
}
