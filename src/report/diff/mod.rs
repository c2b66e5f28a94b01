//! What a reviewer is told of a change: one [`Report`], computed once, and a file for each format
//! that writes it and computes nothing.

mod html;
mod json;
mod report;
mod text;

pub use html::html;
pub use json::json;
pub use report::{
    Access, EnvironmentReport, EnvironmentState, Migration, Origin, Origins, Report, Verdict,
};
pub use text::{TextOptions, text};
