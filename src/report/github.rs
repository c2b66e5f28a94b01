//! Workflow commands of GitHub Actions: findings as annotations on the lines of a pull request.
//!
//! GitHub shows at most ten errors and ten warnings of a step, so errors come first
//! (docs.github.com, "Workflow commands for GitHub Actions").

use std::fmt::Write;

use super::findings::{Findings, level, primary};
use crate::diagnostic::Severity;

/// Writes one command a line, errors first.
pub fn github(findings: &Findings<'_>) -> String {
    let mut out = String::new();
    let mut diagnostics: Vec<_> = findings.diagnostics.iter().collect();
    diagnostics.sort_by_key(|d| d.severity);
    for diagnostic in diagnostics {
        let command = match diagnostic.severity {
            Severity::Note => "notice",
            other => level(other),
        };
        let mut properties = String::new();
        if let Some(place) = primary(diagnostic, findings.sources) {
            let span = place.span;
            let path = property(findings.path(span.file));
            // writing to a String cannot fail
            let _ = write!(properties, "file={path},line={},", span.start.line);
            // a column means something on one line only
            if span.start.line == span.end.line {
                let _ = write!(
                    properties,
                    "col={},endColumn={},",
                    span.start.column,
                    span.end.column.max(span.start.column)
                );
            } else {
                let _ = write!(properties, "endLine={},", span.end.line);
            }
        }
        let text = message(&Findings::whole_text(diagnostic));
        let _ =
            writeln!(out, "::{command} {properties}title={}::{text}", property(diagnostic.code));
    }
    out
}

fn message(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}
