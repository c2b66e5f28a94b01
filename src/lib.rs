#![doc = "draft"]
pub mod diagnostic;
pub mod k8s;
pub mod model;
pub mod render;
pub mod spec;
pub mod validate;
pub mod yaml;
