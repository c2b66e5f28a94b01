//! Access results as text, for people and for programs.

mod between;
mod diff;
mod explain;
mod graph;
mod pairs;
mod policies;
mod replay;
mod suggest;
mod table;
mod test;
mod ztunnel;

pub use between::{Between, between_json, between_markdown, between_text};
pub use diff::{
    Compared, answer_text, comparison_json, comparison_markdown, comparison_text, not_compared,
    request_text, verb,
};
pub use explain::{explain, explain_json};
pub use graph::{dot, mermaid};
pub use pairs::{csv, json};
pub use policies::{
    PolicyFate, RuleFate, policies_json, policies_markdown, policies_summary, policies_text,
    policy_fates,
};
pub use replay::{ReplayReport, suggest_from_logs};
pub use suggest::{SuggestedCase, SuggestedTest, suggest};
pub use table::{AccessTable, Column, LARGE, Row, markdown, text};
pub use test::{CaseResult, junit, results_json};
pub use ztunnel::{columns, policies, services, workloads};
