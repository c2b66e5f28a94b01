//! `argoproj.io/v1alpha1` AppProject.

use serde::Serialize;

use super::Metadata;

/// What Applications may do: nothing that is not listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AppProject {
    /// Metadata.
    pub metadata: Metadata,
    /// What it is for.
    pub description: String,
    /// Repositories.
    pub repositories: Vec<String>,
    /// Namespaces of clusters.
    pub destinations: Vec<Destination>,
    /// Objects in no namespace.
    pub cluster_objects: Vec<ClusterObject>,
    /// Kinds in a namespace.
    pub kinds: Vec<KindRef>,
}

/// A namespace of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Destination {
    /// The cluster, by its name in Argo CD.
    pub cluster: String,
    /// The namespace.
    pub namespace: String,
}

/// An object in no namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ClusterObject {
    /// API group, empty for the core group.
    pub group: String,
    /// Kind.
    pub kind: String,
    /// Its name.
    pub name: String,
}

/// A kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct KindRef {
    /// API group, empty for the core group.
    pub group: String,
    /// Kind.
    pub kind: String,
}
