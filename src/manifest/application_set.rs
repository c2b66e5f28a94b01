//! `argoproj.io/v1alpha1` ApplicationSet with a list generator and progressive syncs.

use serde::Serialize;

use super::Metadata;
use super::application::SyncPolicy;
use crate::k8s::Labels;

/// An ApplicationSet: one Application for each element.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ApplicationSet {
    /// Metadata.
    pub metadata: Metadata,
    /// What the Applications differ in.
    pub elements: Vec<Element>,
    /// The units in the order in which they are synced: each when the Applications of the one
    /// before are healthy.
    pub steps: Vec<String>,
    /// The AppProject of all of them. It is no field of the elements: who may write those must
    /// not choose it (facts/gitops-delivery.md 2.1.9).
    pub project: String,
    /// The repository.
    pub repo_url: String,
    /// A full reference, or a commit.
    pub revision: String,
    /// Labels of all of them.
    pub labels: Labels,
    /// What each takes of its element beside the texts: a text of Go's templates.
    pub template_patch: String,
}

/// One Application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Element {
    /// Its name.
    pub name: String,
    /// The cluster.
    pub cluster: String,
    /// The unit.
    pub unit: String,
    /// The unit's folder in the repository.
    pub path: String,
    /// Where objects go that name no namespace.
    pub namespace: String,
    /// Its annotations.
    pub annotations: Labels,
    /// How it is synced.
    pub sync: SyncPolicy,
}
