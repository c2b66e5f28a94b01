//! What a reviewer is told of a change: one [`Report`], computed once, and a file for each format
//! that writes it and computes nothing.

mod report;

pub use report::{Access, EnvironmentReport, EnvironmentState, Migration, Origin, Report, Verdict};
