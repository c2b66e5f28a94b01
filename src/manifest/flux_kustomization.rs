//! `kustomize.toolkit.fluxcd.io/v1` Kustomization: Flux's, not the file of kustomize.

use serde::Serialize;

use super::Metadata;

/// A Kustomization of Flux: one folder of a source, applied to its own cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FluxKustomization {
    /// Metadata.
    pub metadata: Metadata,
    /// The Kustomizations that must be ready at the same revision before, by name.
    pub depends_on: Vec<String>,
    /// Folders of Components that are built on top, from `path`.
    pub components: Vec<String>,
    /// How often drift is looked for.
    pub interval: String,
    /// After how long a run that failed is tried again.
    pub retry_interval: String,
    /// How long health is waited for.
    pub timeout: String,
    /// The unit's folder in the source, from `./`.
    pub path: String,
    /// Deletes what has left the folder.
    pub prune: bool,
    /// What becomes of the objects when the Kustomization goes.
    pub deletion_policy: String,
    /// Kind of the source.
    pub source_kind: String,
    /// Name of the source.
    pub source_name: String,
    /// Waits until everything that is applied is healthy, whatever is listed beside it.
    pub wait: bool,
    /// Objects that must be healthy; they need not be of this unit.
    pub health_checks: Vec<HealthCheck>,
    /// What healthy means for kinds that Flux has no rule for.
    pub health_expressions: Vec<HealthExpression>,
}

/// An object that must be healthy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct HealthCheck {
    /// Its API version.
    pub api_version: String,
    /// Its kind.
    pub kind: String,
    /// Its namespace; `None` for what is in none.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

/// What healthy means for a kind, in CEL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HealthExpression {
    /// The API version of the kind.
    pub api_version: String,
    /// The kind.
    pub kind: String,
    /// True where the object is as it should be.
    pub current: String,
    /// True where it never will be.
    pub failed: Option<String>,
}
