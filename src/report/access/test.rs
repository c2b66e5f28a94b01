//! Results of access tests.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::report::xml::escaped_with;

/// One assertion at one state of the mesh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseResult {
    /// Name of the AccessTest.
    pub test: String,
    /// Name of the case.
    pub name: String,
    /// The point of the migration, or the folder.
    pub at: String,
    /// The transient state, where it is one.
    pub state: Option<String>,
    /// Who asks.
    pub from: String,
    /// For what.
    pub to: String,
    /// What must come of it.
    pub expected: String,
    /// What came of it.
    pub found: String,
    /// Why.
    pub reason: String,
}

impl CaseResult {
    /// True when what was asserted holds.
    pub fn passed(&self) -> bool {
        self.expected == self.found
    }
}

/// For CI servers: one suite for each AccessTest.
pub fn junit(results: &[CaseResult]) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let failed = |results: &[&CaseResult]| results.iter().filter(|r| !r.passed()).count();
    let all: Vec<&CaseResult> = results.iter().collect();
    let _ = writeln!(out, "<testsuites tests=\"{}\" failures=\"{}\">", all.len(), failed(&all));
    let mut suites: Vec<&str> = results.iter().map(|r| r.test.as_str()).collect();
    suites.sort_unstable();
    suites.dedup();
    for suite in suites {
        let own: Vec<&CaseResult> = results.iter().filter(|r| r.test == suite).collect();
        let _ = writeln!(
            out,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\">",
            escaped(suite),
            own.len(),
            failed(&own)
        );
        for result in own {
            let class = match &result.state {
                Some(state) => format!("{}, {state}", result.at),
                None => result.at.clone(),
            };
            let _ = write!(
                out,
                "    <testcase name=\"{}\" classname=\"{}\"",
                escaped(&result.name),
                escaped(&class)
            );
            if result.passed() {
                out.push_str("/>\n");
            } else {
                let _ = writeln!(
                    out,
                    ">\n      <failure message=\"expected {}, found {}\">{}</failure>\n    \
                     </testcase>",
                    result.expected,
                    result.found,
                    escaped(&result.reason)
                );
            }
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

/// Text in XML; what XML cannot hold becomes a question mark.
fn escaped(text: &str) -> String {
    escaped_with(text, '?')
}

/// For a program. Frozen: `version` goes up when a field changes its meaning.
pub fn results_json(results: &[CaseResult]) -> Value {
    let cases: Vec<Value> = results
        .iter()
        .map(|r| {
            json!({
                "test": r.test, "name": r.name, "at": r.at, "state": r.state, "from": r.from,
                "to": r.to, "expected": r.expected, "found": r.found, "passed": r.passed(),
                "reason": r.reason,
            })
        })
        .collect();
    json!({"version": 1, "cases": cases})
}
