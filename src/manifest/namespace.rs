//! Core `v1` Namespace.

use serde::Serialize;

use super::Metadata;

/// A Namespace: the whole object when the tree creates it, its mesh labels when it is adopted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Namespace {
    /// Metadata; all there is.
    pub metadata: Metadata,
}
