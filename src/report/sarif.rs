//! SARIF 2.1.0, for code scanning: GitHub, GitLab, editors
//! (docs.oasis-open.org/sarif/sarif/v2.1.0).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::findings::{Findings, level, primary};
use crate::diagnostic::{Diagnostic, Place, Severity};

/// Writes one run. Columns are in characters, which SARIF calls `unicodeCodePoints`.
pub fn sarif(findings: &Findings<'_>) -> String {
    let mut codes: BTreeMap<&str, Severity> = BTreeMap::new();
    for diagnostic in findings.diagnostics {
        let worst = codes.entry(diagnostic.code).or_insert(diagnostic.severity);
        *worst = diagnostic.severity.min(*worst);
    }
    let index: BTreeMap<&str, usize> =
        codes.keys().enumerate().map(|(at, code)| (*code, at)).collect();
    let document = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "waypost",
                "version": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": codes.iter().map(|(code, worst)| rule(findings, code, *worst)).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "results": findings.diagnostics.iter().map(|d| result(findings, d, &index)).collect::<Vec<_>>(),
        }],
    });
    format!("{document:#}\n")
}

fn rule(findings: &Findings<'_>, code: &str, worst: Severity) -> Value {
    let mut rule = json!({"id": code, "defaultConfiguration": {"level": level(worst)}});
    if let Some(about) = (findings.about)(code) {
        rule["shortDescription"] = json!({"text": about.summary});
        rule["help"] = json!({"text": about.page, "markdown": about.page});
    }
    rule
}

fn result(
    findings: &Findings<'_>,
    diagnostic: &Diagnostic,
    index: &BTreeMap<&str, usize>,
) -> Value {
    let mut result = json!({
        "ruleId": diagnostic.code,
        "ruleIndex": index.get(diagnostic.code),
        "level": level(diagnostic.severity),
        "message": {"text": Findings::whole_text(diagnostic)},
    });
    if let Some(place) = primary(diagnostic, findings.sources) {
        result["locations"] = json!([location(findings, place, None)]);
    }
    let others: Vec<Value> = diagnostic
        .secondary
        .iter()
        .enumerate()
        .map(|(at, place)| location(findings, place, Some(at)))
        .collect();
    if !others.is_empty() {
        result["relatedLocations"] = others.into();
    }
    result
}

fn location(findings: &Findings<'_>, place: &Place, id: Option<usize>) -> Value {
    let span = place.span;
    let mut location = json!({
        "physicalLocation": {
            "artifactLocation": {"uri": uri(findings.path(span.file)), "uriBaseId": "%SRCROOT%"},
            "region": {
                "startLine": span.start.line,
                "startColumn": span.start.column,
                "endLine": span.end.line,
                "endColumn": span.end.column,
            },
        },
    });
    if let Some(id) = id {
        location["id"] = id.into();
    }
    if !place.label.is_empty() {
        location["message"] = json!({"text": place.label});
    }
    location
}

/// A relative reference: everything but unreserved characters and slashes is escaped.
fn uri(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'/') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
