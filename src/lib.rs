#![doc = "draft"]
pub mod diagnostic;
pub mod k8s;
pub mod model;
pub mod simulate;
pub mod validate;
pub mod yaml;
