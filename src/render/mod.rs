//! From what is meant to what is written.

pub mod patch;
