//! A cluster, as it is typed: an entry of `spec.clusters`, or a `Cluster` document.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Namespace, Waypoint};
use crate::diagnostic::Spanned;

/// A cluster.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cluster {
    /// Its name in TSB.
    pub name: Spanned<String>,
    /// What it runs on.
    pub platform: Option<Spanned<String>>,
    /// The trust domain of its workloads.
    pub trust_domain: Option<Spanned<String>>,
    /// Fields of Istio's MeshConfig there.
    #[serde(default)]
    pub mesh_config: Map<String, Value>,
    /// What is to be set in its ControlPlane.
    pub control_plane: Option<Spanned<ControlPlane>>,
    /// Its waypoints.
    #[serde(default)]
    pub waypoints: Waypoints,
    /// Its namespaces.
    #[serde(default)]
    pub namespaces: Vec<Spanned<Namespace>>,
}

/// Waypoints of a cluster.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Waypoints {
    /// What an ambient namespace gets that says nothing of its own.
    pub default: Option<Spanned<Waypoint>>,
}

/// What is to be set in a cluster's ControlPlane.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ControlPlane {
    /// File that holds the user's resource.
    pub base: Option<Spanned<String>>,
    /// What is made of the base.
    pub output: Option<Spanned<InstallOutput>>,
    /// Whether Istio runs in ambient mode.
    pub ambient: Option<bool>,
    /// Whether the SPM agent runs.
    pub spm_agent: Option<bool>,
    /// Overrides of the platform's CNI settings.
    #[serde(default)]
    pub cni: Map<String, Value>,
    /// The XCP edge.
    #[serde(default)]
    pub edge: Edge,
    /// Further fields of its `spec`.
    #[serde(default)]
    pub spec: Map<String, Value>,
}

/// What is made of a base.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InstallOutput {
    /// Patches over it.
    Overlay,
    /// The patched resource.
    Full,
}

/// The XCP edge.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Edge {
    /// Whether it resolves host names itself.
    pub dns_resolution: Option<bool>,
    /// Further environment variables.
    #[serde(default)]
    pub env: Vec<EdgeEnv>,
}

/// An environment variable of the XCP edge.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EdgeEnv {
    /// Its name.
    pub name: Spanned<String>,
    /// Its value.
    pub value: String,
}
