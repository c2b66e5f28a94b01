//! Writers of findings and results: one file a format. They compute nothing, and they are
//! siblings: none imports another.

pub mod access;
pub mod diff;
mod escape;
mod findings;
mod github;
mod gitlab;
mod json;
mod junit;
mod sarif;
mod shown;
pub mod text;
pub mod traffic;
pub mod translation;
pub mod visible;
mod xml;

pub use findings::{About, Checked, Counts, Findings, Outcome};
pub use github::github;
pub use gitlab::gitlab;
pub use json::json;
pub use junit::junit;
pub use sarif::sarif;
pub use shown::Shown;
