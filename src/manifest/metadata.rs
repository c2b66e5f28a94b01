//! `metadata` of what we emit.

use serde::Serialize;

use crate::k8s::Labels;

/// Name, namespace, labels, annotations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Metadata {
    /// Name.
    pub name: String,
    /// Namespace; `None` for what is not in one.
    pub namespace: Option<String>,
    /// Labels.
    pub labels: Labels,
    /// Annotations.
    pub annotations: Labels,
}

impl Metadata {
    /// Of an object in a namespace.
    pub fn namespaced(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { name: name.into(), namespace: Some(namespace.into()), ..Self::default() }
    }

    /// The same with one more label.
    #[must_use]
    pub fn label(mut self, key: &str, value: impl Into<String>) -> Self {
        self.labels.insert(key.to_owned(), value.into());
        self
    }

    pub(super) fn identity(&self) -> (String, Option<String>) {
        (self.name.clone(), self.namespace.clone())
    }
}
