//! `source.toolkit.fluxcd.io/v1` GitRepository.

use serde::Serialize;

use super::Metadata;

/// A repository that Flux reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GitRepository {
    /// Metadata.
    pub metadata: Metadata,
    /// Its address.
    pub url: String,
    /// How often it is asked.
    pub interval: String,
    /// A full reference; `None` where a commit is given.
    pub reference: Option<String>,
    /// A commit.
    pub commit: Option<String>,
}
