//! What the user typed: raw documents, every value with its place.

pub mod tsb;
