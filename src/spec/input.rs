//! Everything that one environment was written as.

use std::collections::BTreeMap;

use super::{AccessTest, Environment};
use crate::diagnostic::Span;
use crate::k8s::Object;
use crate::yaml::Node;

/// Everything that one environment was written as, before names are looked up.
#[derive(Clone, Debug)]
pub struct Input {
    /// The merged document.
    pub environment: Environment,
    /// The tree it was read from; every node keeps the file it was written in.
    pub document: Node,
    /// The user's ControlPlane and ManagementPlane resources, by the place of the `base` that
    /// names them.
    pub bases: BTreeMap<Span, Object>,
    /// TSB resources.
    pub tsb: Vec<Object>,
    /// What exists in the clusters.
    pub inventory: Vec<Placed>,
    /// Istio objects of DIRECT mode.
    pub direct: Vec<Placed>,
    /// Access tests.
    pub access: Vec<AccessTest>,
}

/// An object and the cluster whose folder it lay in.
#[derive(Clone, Debug)]
pub struct Placed {
    /// The object.
    pub object: Object,
    /// Name of a cluster of the environment that a folder on its path bears; `None` means every
    /// cluster that has its namespace.
    pub cluster: Option<String>,
}
