//! Manifest to object: by template, parsed back, checked to be the one object it claims, in
//! canonical order.
//!
//! What reaches the tree is the emitter's text of this value, never the template's own text.

mod canonical;
mod formatter;
pub mod patch;
mod templates;

pub use canonical::canonical;
pub use templates::{Override, RenderedObject, Renderer, built_in};
