//! `argoproj.io/v1alpha1` Application.

use serde::Serialize;

use super::Metadata;

/// An Application of Argo CD: one folder of a repository, applied to one cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Application {
    /// Metadata.
    pub metadata: Metadata,
    /// What, whereto and how.
    pub spec: ApplicationSpec,
}

/// `spec` of an Application, and of an ApplicationSet's template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ApplicationSpec {
    /// The AppProject that allows it.
    pub project: String,
    /// The repository.
    pub repo_url: String,
    /// A full reference, or a commit.
    pub revision: String,
    /// The unit's folder in the repository.
    pub path: String,
    /// The cluster, by its name in Argo CD.
    pub cluster: String,
    /// Where objects go that name no namespace. All of ours name one; a project that lists
    /// namespaces wants to see one of them here.
    pub namespace: String,
    /// How it is synced.
    pub sync: SyncPolicy,
}

/// `syncPolicy`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SyncPolicy {
    /// `None` where somebody else decides when to sync.
    pub automated: Option<Automated>,
    /// `key=value` each.
    pub options: Vec<String>,
    /// What happens after a sync that failed.
    pub retry: Retry,
}

/// Syncs by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Automated {
    /// Deletes what has left the folder.
    pub prune: bool,
}

/// What happens after a sync that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Retry {
    /// How often it is tried again.
    pub limit: u32,
    /// After how long, first.
    pub duration: String,
    /// By how much longer each time.
    pub factor: u32,
    /// After how long, at most.
    pub max_duration: String,
}
