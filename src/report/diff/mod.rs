//! What a reviewer is told of a change: one [`Report`], computed once, and a file for each format
//! that writes it and computes nothing.

mod findings;
mod html;
mod json;
mod junit;
mod markdown;
mod report;
mod text;

pub use findings::findings;
pub use html::html;
pub use json::json;
pub use junit::junit;
pub(in crate::report) use markdown::code;
pub use markdown::{MarkdownOptions, markdown};
pub use report::{
    Access, EnvironmentReport, EnvironmentState, Migration, Origin, Origins, Report, Traffic,
    Verdict, Weighed, counted,
};
pub use text::{TextOptions, text};
