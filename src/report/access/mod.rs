//! Access results as text, for people and for programs.

mod explain;
mod graph;
mod table;
mod test;
mod ztunnel;

pub use explain::{explain, explain_json};
pub use graph::{dot, mermaid};
pub use table::{AccessTable, Column, Row, csv, json, markdown, text};
pub use test::{CaseResult, junit, results_json};
pub use ztunnel::{columns, policies, services, workloads};
