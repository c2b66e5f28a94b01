//! What the user typed: unknown keys are refused, and every value keeps its place.

mod patch;

pub use patch::{RawPatch, RawPatchOptions, RawTarget};
