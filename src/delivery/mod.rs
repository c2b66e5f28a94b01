//! The tree in the hands of the tools that apply it.
//!
//! - [`ResourceList`]: what a KRM function is given and gives back (`waypost fn`).
//!
//! It promises that a function gives exactly what a render applies, and that what others wrote
//! passes through.

mod resource_list;

pub use resource_list::{Call, ResourceList, results};
