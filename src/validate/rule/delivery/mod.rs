//! What Argo CD, Flux and kustomize make of the objects.

pub(super) mod crd_version;
pub(super) mod direct_object_incomplete;
pub(super) mod directory_cascade;
pub(super) mod kustomize_namespace;
pub(super) mod namespace_first;
pub(super) mod restart_time;
pub(super) mod substitution;
pub(super) mod tracking_id;
