//! Core `v1` ConfigMap.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Metadata;

/// Documents by key; each is written as the YAML text of its value.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ConfigMap {
    /// Metadata.
    pub metadata: Metadata,
    /// The documents.
    pub documents: BTreeMap<String, serde_json::Value>,
}
