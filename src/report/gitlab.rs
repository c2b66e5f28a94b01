//! GitLab's code quality report (docs.gitlab.com, "Code Quality report format").

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::findings::{Findings, primary};
use crate::diagnostic::Severity;

/// Writes the findings as one JSON list. A finding without a file cannot be shown there and is
/// left to the other formats.
pub fn gitlab(findings: &Findings<'_>) -> String {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let issues: Vec<Value> = findings
        .diagnostics
        .iter()
        .filter_map(|diagnostic| {
            let span = primary(diagnostic, findings.sources)?.span;
            let path = findings.path(span.file);
            // what a finding is does not depend on its line: it survives edits above it
            let identity = format!("{}\n{path}\n{}", diagnostic.code, diagnostic.message);
            let count = seen.entry(identity.clone()).or_default();
            *count += 1;
            Some(json!({
                "description": Findings::whole_text(diagnostic),
                "check_name": diagnostic.code,
                "fingerprint": fingerprint(&identity, *count),
                "severity": match diagnostic.severity {
                    Severity::Error => "major",
                    Severity::Warning => "minor",
                    Severity::Note => "info",
                },
                "location": {"path": path, "lines": {"begin": span.start.line}},
            }))
        })
        .collect();
    format!("{:#}\n", Value::Array(issues))
}

fn fingerprint(identity: &str, count: usize) -> String {
    let digest = Sha256::digest(format!("{identity}\n{count}"));
    let mut text = String::with_capacity(64);
    for byte in digest {
        // writing to a String cannot fail
        let _ = write!(text, "{byte:02x}");
    }
    text
}
