//! JUnit's XML, for whatever shows test results: a suite for each file, a case for each object.
//! An object without a schema is skipped, not passed.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::findings::{Checked, Findings, Outcome};
use super::xml::escaped;
use crate::diagnostic::{Diagnostic, FileId, Severity, Span};

/// Writes the report.
pub fn junit(findings: &Findings<'_>) -> String {
    let mut suites: BTreeMap<Option<FileId>, Suite<'_>> = BTreeMap::new();
    for object in findings.checked {
        suites.entry(Some(object.span.file)).or_default().cases.push((object, Vec::new()));
    }
    for diagnostic in findings.diagnostics.iter().filter(|d| d.severity == Severity::Error) {
        let span = diagnostic.primary.as_ref().map(|p| p.span);
        let suite = suites.entry(span.map(|s| s.file)).or_default();
        let case = span.and_then(|span| suite.case_of(span));
        match case {
            Some(faults) => faults.push(diagnostic),
            None => suite.others.push(diagnostic),
        }
    }
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let tests: usize = suites.values().map(Suite::tests).sum();
    let failures: usize = suites.values().map(Suite::failures).sum();
    // writing to a String cannot fail
    let _ =
        writeln!(out, "<testsuites name=\"waypost\" tests=\"{tests}\" failures=\"{failures}\">");
    for (file, suite) in &suites {
        let path = file.map(|f| findings.path(f)).unwrap_or("waypost");
        suite.write(path, &mut out);
    }
    out.push_str("</testsuites>\n");
    out
}

#[derive(Default)]
struct Suite<'a> {
    /// Objects, with their errors.
    cases: Vec<(&'a Checked, Vec<&'a Diagnostic>)>,
    /// Errors outside of any object.
    others: Vec<&'a Diagnostic>,
}

impl<'a> Suite<'a> {
    fn case_of(&mut self, span: Span) -> Option<&mut Vec<&'a Diagnostic>> {
        self.cases
            .iter_mut()
            .find(|(object, _)| object.span.start <= span.start && span.start < object.span.end)
            .map(|(_, faults)| faults)
    }

    fn tests(&self) -> usize {
        self.cases.len() + usize::from(!self.others.is_empty())
    }

    fn failures(&self) -> usize {
        let failed = |faults: &[&Diagnostic]| usize::from(!faults.is_empty());
        self.cases.iter().map(|(_, faults)| failed(faults)).sum::<usize>() + failed(&self.others)
    }

    fn skipped(&self) -> usize {
        self.cases
            .iter()
            .filter(|(o, f)| f.is_empty() && o.outcome == Outcome::NotValidated)
            .count()
    }

    fn write(&self, path: &str, out: &mut String) {
        let _ = writeln!(
            out,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" skipped=\"{}\">",
            escaped(path),
            self.tests(),
            self.failures(),
            self.skipped()
        );
        for (object, faults) in &self.cases {
            let name = escaped(format!("{} {}", object.kind, object.name).trim_end());
            let class = escaped(path);
            let _ = write!(out, "    <testcase name=\"{name}\" classname=\"{class}\"");
            match (faults.as_slice(), object.outcome) {
                ([], Outcome::NotValidated) => {
                    out.push_str(
                        "><skipped message=\"there is no schema for this kind\"/></testcase>\n",
                    );
                }
                ([], _) => out.push_str("/>\n"),
                (faults, _) => write_failure(faults, out),
            }
        }
        if !self.others.is_empty() {
            let _ = write!(out, "    <testcase name=\"{0}\" classname=\"{0}\"", escaped(path));
            write_failure(&self.others, out);
        }
        out.push_str("  </testsuite>\n");
    }
}

fn write_failure(faults: &[&Diagnostic], out: &mut String) {
    let Some(first) = faults.first() else { return };
    let _ = write!(
        out,
        ">\n      <failure type=\"{}\" message=\"{}\">",
        escaped(first.code),
        escaped(&first.message)
    );
    for fault in faults {
        let line = fault.primary.as_ref().map_or(0, |p| p.span.start.line);
        let text = Findings::whole_text(fault);
        let _ = writeln!(out, "line {line}: [{}] {}", fault.code, escaped(&text));
    }
    out.push_str("</failure>\n    </testcase>\n");
}
