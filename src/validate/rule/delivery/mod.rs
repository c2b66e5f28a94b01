//! What Argo CD, Flux and kustomize make of the objects.

pub(super) mod kustomize_namespace;
pub(super) mod namespace_first;
pub(super) mod restart_time;
pub(super) mod substitution;
pub(super) mod tracking_id;
