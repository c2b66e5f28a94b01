//! Writers of findings and results: one file a format. They compute nothing.

pub mod access;
pub mod text;
