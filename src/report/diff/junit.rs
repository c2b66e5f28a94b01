//! The diff as JUnit's XML, for whatever shows test results: a suite for each environment, in which
//! each caller whose requests fare otherwise, each danger and each change of access is a case that failed.
//! Without any, one case passed. How much of the sample changes is a case too.

use std::fmt::Write;

use super::report::{Access, EnvironmentReport, Report, Traffic};
use crate::diff::Level;
use crate::report::traffic::{callers, sentence};
use crate::report::xml::escaped;

/// Writes the report.
pub fn junit(report: &Report) -> String {
    let suites: Vec<(&EnvironmentReport, Vec<Case>)> =
        report.environments.iter().map(|environment| (environment, cases(environment))).collect();
    let count = |f: fn(&Case) -> bool| suites.iter().flat_map(|s| &s.1).filter(|c| f(c)).count();
    let (tests, failures) = (count(|_| true), count(|case| case.failure.is_some()));
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    // writing to a String cannot fail
    let _ = writeln!(
        out,
        "<testsuites name=\"waypost diff\" tests=\"{tests}\" failures=\"{failures}\">"
    );
    for (environment, cases) in &suites {
        let name = escaped(&environment.name);
        let failures = cases.iter().filter(|case| case.failure.is_some()).count();
        let tests = cases.len();
        let _ = writeln!(
            out,
            "  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\">"
        );
        for Case { title, kind, failure } in cases {
            let title = escaped(title);
            let _ = write!(out, "    <testcase name=\"{title}\" classname=\"{name}\"");
            let _ = match failure {
                None => writeln!(out, "/>"),
                Some(text) => writeln!(
                    out,
                    ">\n      <failure type=\"{}\" message=\"{title}\">{}</failure>\n    </testcase>",
                    escaped(kind),
                    escaped(text)
                ),
            };
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

struct Case {
    title: String,
    kind: String,
    failure: Option<String>,
}

fn cases(environment: &EnvironmentReport) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut fail = |title: String, kind: &str, text: String| {
        cases.push(Case { title, kind: kind.to_owned(), failure: Some(text) });
    };
    if let Traffic::NotRead(why) = &environment.traffic {
        fail("real traffic was not asked".to_owned(), "traffic-not-asked", why.clone());
    }
    let replay = environment.traffic.replayed().map(|weighed| &weighed.replay);
    for caller in replay.into_iter().flat_map(callers) {
        let title = format!("{} {} {}: {}", caller.from, caller.verb, caller.to, caller.requests);
        let text = format!("{}\nbefore: {}\nafter: {}", caller.sent, caller.now, caller.then);
        fail(title, "traffic", text);
    }
    for (path, why) in environment.tree.unreadable() {
        fail(format!("{path} cannot be read"), "tree-unreadable", why.message.clone());
    }
    if let (Access::NotSimulated(why), false) = (&environment.access, environment.tree.is_empty()) {
        fail("access was not simulated".to_owned(), "access-not-simulated", why.clone());
    }
    for flag in environment.flags(Level::Danger) {
        let title = format!("{}: {}", flag.place(), flag.message);
        fail(title, flag.code.as_str(), flag.code.describe().to_owned());
    }
    for change in environment.access_changes() {
        fail(
            format!("{} {} access to {}", change.from, change.direction.verb(), change.to),
            "access",
            format!("before: {}\nafter: {}", change.said_before(), change.said_after()),
        );
    }
    if cases.is_empty() {
        let title = match environment.tree.is_empty() {
            true => "no changes".to_owned(),
            false => format!("no danger in {}", environment.tally()),
        };
        cases.push(Case { title, kind: String::new(), failure: None });
    }
    // beside what failed: of how many
    if let Some(replay) = replay {
        cases.push(Case { title: sentence(replay), kind: String::new(), failure: None });
    }
    cases
}
