//! JSON for programs. The format is frozen: a change of meaning is another `version`.
//!
//! ```text
//! {"version": 1,
//!  "counts": {"files", "objects", "valid", "invalid", "notValidated", "errors", "warnings", "notes"},
//!  "findings": [{"code", "severity", "message", "help"?, "place"?, "others"?}],
//!  "objects": [{"path", "line", "kind", "name", "outcome"}]}
//! ```
//!
//! A place is `{"path", "line", "column", "endLine", "endColumn", "label"?}`, lines and columns from
//! 1, columns in characters, the end behind the last character.

use serde_json::{Value, json};

use super::findings::{Findings, level};
use crate::diagnostic::{Diagnostic, Place};

/// Writes the findings as one JSON document with a final newline.
pub fn json(findings: &Findings<'_>) -> String {
    let counts = &findings.counts;
    let document = json!({
        "version": 1,
        "counts": {
            "files": counts.files,
            "objects": counts.objects,
            "valid": counts.valid,
            "invalid": counts.invalid,
            "notValidated": counts.not_validated,
            "errors": counts.errors,
            "warnings": counts.warnings,
            "notes": counts.notes,
        },
        "findings": findings.diagnostics.iter().map(|d| finding(findings, d)).collect::<Vec<_>>(),
        "objects": findings.checked.iter().map(|o| json!({
            "path": findings.path(o.span.file),
            "line": o.span.start.line,
            "kind": o.kind,
            "name": o.name,
            "outcome": o.outcome.as_str(),
        })).collect::<Vec<_>>(),
    });
    format!("{document:#}\n")
}

fn finding(findings: &Findings<'_>, diagnostic: &Diagnostic) -> Value {
    let mut value = json!({
        "code": diagnostic.code,
        "severity": level(diagnostic.severity),
        "message": diagnostic.message,
    });
    if let Some(help) = &diagnostic.help {
        value["help"] = help.as_str().into();
    }
    if let Some(primary) = &diagnostic.primary {
        value["place"] = place(findings, primary);
    }
    if !diagnostic.secondary.is_empty() {
        value["others"] = diagnostic.secondary.iter().map(|p| place(findings, p)).collect();
    }
    value
}

fn place(findings: &Findings<'_>, place: &Place) -> Value {
    let span = place.span;
    let mut value = json!({
        "path": findings.path(span.file),
        "line": span.start.line,
        "column": span.start.column,
        "endLine": span.end.line,
        "endColumn": span.end.column,
    });
    if !place.label.is_empty() {
        value["label"] = place.label.as_str().into();
    }
    value
}
