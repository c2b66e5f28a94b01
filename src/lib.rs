#![doc = "draft"]
pub mod diagnostic;
pub mod k8s;
pub mod model;
pub mod translate;
pub mod validate;
pub mod yaml;
