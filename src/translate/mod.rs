//! What a stage of the model becomes in Kubernetes. It decides; `render` writes.

pub mod install;
pub mod platform;
