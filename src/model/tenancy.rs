//! A TSB resource, whatever form it was written in.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::Fqn;
use crate::diagnostic::Span;
use crate::k8s::{GroupVersionKind, Labels, Object};

/// A TSB resource, free of the form it was written in: `translate` writes it in either.
#[derive(Clone, Debug)]
pub struct TsbResource {
    /// Group, version and kind as Kubernetes knows them (`tsb.tetrate.io`, not
    /// `api.tsb.tetrate.io`).
    pub gvk: GroupVersionKind,
    /// Its own name; empty where TSB gives none (AccessBindings in tctl form).
    pub name: String,
    /// Where it hangs in the hierarchy.
    pub position: Position,
    /// The Kubernetes namespace that the user gave it.
    pub namespace: Option<String>,
    /// Its labels. TSB propagates them into what it generates.
    pub labels: Labels,
    /// Its annotations, without those that say the position.
    pub annotations: Labels,
    /// Everything beside `apiVersion`, `kind` and `metadata`.
    pub body: Map<String, Value>,
    /// Whether anybody knows this kind.
    pub standing: Standing,
    /// Where its name stands in the user's file.
    pub origin: Span,
    /// The document it was read from, for checks that point at single fields.
    pub source: Arc<Object>,
}

/// Where a resource hangs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Position {
    /// Nowhere: roles, and kinds that nobody here knows.
    None,
    /// Below this parent.
    Below(Fqn),
    /// It is about this resource (AccessBindings).
    About(Fqn),
}

/// How well a resource is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A TSB kind of facts/tsb.md.
    Known,
    /// An Istio object of a group in DIRECT mode.
    Direct,
    /// A kind of a TSB group that nobody here knows: it passes through as it was written.
    Unknown,
}
