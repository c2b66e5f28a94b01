//! The log lines that the guide prints, replayed at the stages that it prints them at.

use std::fs;

use crate::program::{Ran, copy_of, project, waypost, waypost_reading};

fn replayed(of: &str, log: &str, more: &[&str]) -> Ran {
    let log = format!("tests/replay/guide/{log}.log");
    let arguments = ["access", "replay", of, &log, "--fail-on", "disagreement"];
    waypost(project(), &[&arguments, more].concat())
}

/// Every line that ztunnel and waypoints print in the guide: its verdict is the simulator's, and so is the
/// rule that it names. The guide prints no line of a sidecar's Envoy. One identity of another cluster
/// in it, of the waypoint's own way on, is written as the cluster's.
#[test]
fn verdicts_and_rules_of_the_guides_lines_are_the_simulators() {
    for (stage, requests) in [("client", 2), ("httpbin", 2), ("bookinfo", 3)] {
        let ran = replayed(&format!("brownfield@{stage}"), stage, &["--fail-on", "unknown"]);
        assert_eq!(ran.code, 0, "{stage}: {} {}", ran.stdout, ran.stderr);
        let said = format!("0 of {requests} requests of the sample change\n");
        assert!(ran.stderr.ends_with(&said), "{stage}: {}", ran.stderr);
    }
    let pods = ["--pods", "tests/replay/guide/pods.yaml", "--fail-on", "unknown"];
    let ran = replayed("greenfield", "greenfield", &pods);
    assert_eq!(ran.code, 0, "{} {}", ran.stdout, ran.stderr);
}

/// A rule's name counts: with another one, the same line is a disagreement.
#[test]
fn a_guides_line_that_names_another_rule_disagrees() {
    let path = project().join("tests/replay/guide/httpbin.log");
    let log = fs::read_to_string(path).unwrap();
    let changed = log.replace("policy[waypoint-deny-rules]", "policy[deny-rules]");
    assert_ne!(log, changed);
    let arguments = ["access", "replay", "brownfield@httpbin", "-", "--fail-on", "disagreement"];
    let ran = waypost_reading(project(), &arguments, &changed);
    assert_eq!(ran.code, 5, "{} {}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("waypoint-deny-rules"), "{}", ran.stdout);
}

/// The same lines where they do not belong: httpbin's refusal at a stage at which httpbin has no waypoint
/// yet is refused there too, by a sidecar and another rule, and that is said.
#[test]
fn a_guides_line_at_another_stage_disagrees() {
    let ran = replayed("brownfield@client", "httpbin", &[]);
    assert_eq!(ran.code, 5, "{} {}", ran.stdout, ran.stderr);
}

/// What tests of the guide's lines would not miss, beside those that `suggest` writes without logs: a log
/// shows no rule that nobody runs into.
#[test]
fn tests_of_the_guides_lines_miss_rules_that_nobody_meets() {
    let missed = |logs: &[&str]| {
        let ran = waypost(project(), &[&["access", "suggest", "brownfield"], logs].concat());
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let folder = copy_of("brownfield");
        let tests = folder.path().join("environments/brownfield/access.yaml");
        fs::write(tests, &ran.stdout).unwrap();
        let ran = waypost(folder.path(), &["access", "test", "brownfield"]);
        assert_eq!(ran.code, 0, "what is suggested holds: {}", ran.stdout);
        let ran = waypost(folder.path(), &["access", "test", "brownfield", "--mutate"]);
        ran.stderr.lines().last().unwrap_or_default().to_owned()
    };
    let logs = [
        "--from-logs",
        "tests/replay/guide/client.log",
        "--from-logs",
        "tests/replay/guide/httpbin.log",
        "--from-logs",
        "tests/replay/guide/bookinfo.log",
        "--pods",
        "tests/replay/guide/pods.yaml",
    ];
    assert_eq!(missed(&[]), "20 mutants, 0 that no test notices");
    assert_eq!(missed(&logs), "20 mutants, 8 that no test notices");
}
