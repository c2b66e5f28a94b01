//! Everything that one environment was written as.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{AccessTest, Environment, RawPatch};
use crate::diagnostic::{FileId, Span, Spanned};
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
    /// What exists in the clusters, without `managedFields`.
    pub inventory: Vec<Placed>,
    /// Istio objects of DIRECT mode.
    pub direct: Vec<Placed>,
    /// Access tests.
    pub access: Vec<AccessTest>,
    /// Access logs and metrics: the paths that are named, relative to the repository, with the
    /// places that name them. Reading is left to who replays them: they may be large, and not there.
    pub traffic: Vec<Spanned<String>>,
    /// Patches, with the files that they name.
    pub patches: Vec<PatchEntry>,
}

/// An entry of `patches`.
#[derive(Clone, Debug)]
pub struct PatchEntry {
    /// The entry as it is typed.
    pub raw: Spanned<RawPatch>,
    /// The file of its `path`, and its text.
    pub file: Option<(FileId, Arc<str>)>,
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
