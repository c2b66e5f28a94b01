//! Who gains and who loses in the states between two meshes, for people and for programs.

use serde_json::{Value, json};

use super::diff::{Compared, comparison_json, comparison_markdown, comparison_text};
use crate::report::escape::calm_cell;
use crate::simulate::Comparison;

/// A state that is neither the one before nor the one after.
#[derive(Clone, Debug, PartialEq)]
pub struct Between {
    /// Which, in words.
    pub state: String,
    /// What it opens, or shuts, that is so on neither side.
    pub comparison: Comparison,
}

/// For a terminal.
pub fn between_text(all: &[Between]) -> String {
    let lines = |of: &Between| {
        let text = comparison_text(Compared::whole(&of.comparison));
        let inner: String = text.lines().map(|line| format!("  {line}\n")).collect();
        format!("meanwhile, while {}:\n{inner}", of.state)
    };
    all.iter().map(lines).collect()
}

/// For a pull request.
pub fn between_markdown(all: &[Between]) -> String {
    let part = |of: &Between| {
        let table = comparison_markdown(Compared::whole(&of.comparison));
        format!("\nMeanwhile, while {}:\n\n{table}", calm_cell(&of.state))
    };
    all.iter().map(part).collect()
}

/// For a program.
pub fn between_json(all: &[Between]) -> Value {
    let state = |of: &Between| {
        let mut value = comparison_json(Compared::whole(&of.comparison));
        value["state"] = json!(of.state);
        value
    };
    all.iter().map(state).collect()
}
