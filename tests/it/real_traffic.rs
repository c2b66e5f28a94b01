//! `sources.traffic`: what a change means for real callers, in the diff and in the plan of a migration.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail this way"
)]

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::program::{copy, copy_of, project, waypost};

/// The brownfield example with a log in which `client/sleep` uses a path that no access test names, and
/// with a policy of the team that holds from the last stage on, which refuses it.
fn environment(edits: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = copy_of("brownfield");
    let own = folder.path().join("environments/brownfield");
    copy(&project().join("tests/replay/plan"), &own);
    let path = own.join("environment.yaml");
    let mut text = fs::read_to_string(&path).expect("a spec");
    let sources = "    access: [access.yaml]\n    direct: [direct]\n    traffic: [traffic]\n";
    for (old, new) in [("    access: [access.yaml]\n", sources)].iter().chain(edits) {
        assert!(text.contains(old), "{old}");
        text = text.replace(old, new);
    }
    fs::write(path, text).expect("written");
    folder
}

fn json(folder: &Path, arguments: &[&str]) -> (i32, Value) {
    let ran = waypost(folder, arguments);
    (ran.code, serde_json::from_str(&ran.stdout).unwrap_or_else(|e| panic!("{e}: {}", ran.stderr)))
}

const PLAN: &[&str] = &["diff", "brownfield", "--every-stage"];

#[test]
fn the_plan_names_the_step_that_refuses_a_real_caller_and_ends_with_3() {
    let folder = environment(&[]);
    let (code, plan) = json(folder.path(), &[PLAN, &["--format", "json"]].concat());
    assert_eq!(code, 3);
    let steps = plan["environments"].as_array().expect("steps");
    let changing: Vec<&Value> = steps
        .iter()
        .filter(|step| step["traffic"]["changes"].as_array().is_some_and(|c| !c.is_empty()))
        .collect();
    let [step] = changing.as_slice() else { panic!("{changing:?}") };
    assert_eq!(step["name"], "brownfield, bookinfo/enrollment");
    let change = &step["traffic"]["changes"][0];
    assert_eq!(change["from"], "client/sleep");
    assert_eq!(change["to"], "bookinfo/productpage:9080");
    assert_eq!(change["request"], "GET /internal/report");
    assert_eq!(change["requests"], 2);
    assert!(
        change["then"]["answer"]
            .as_str()
            .is_some_and(|a| a.contains("ns[bookinfo]-policy[no-reports]-rule[0]")),
        "{change}"
    );
    // the steps that are done are not weighed: the log is of what they came to
    let asked = steps.iter().filter(|step| step["traffic"]["state"] == "replayed").count();
    assert_eq!((steps.len(), asked), (9, 3));
    let last = steps.last().expect("a step");
    assert_eq!(last["name"], "brownfield, bookinfo/workloads");
    assert!(
        last["traffic"]["sentence"]
            .as_str()
            .is_some_and(|s| s
                .starts_with("0 of 8 requests of the sample change, 2 changed by an earlier step")),
        "{last}"
    );
    let edges = &step["traffic"]["edges"][0];
    assert_eq!((&edges["from"]["namespace"], &edges["lost"]), (&"client".into(), &2.into()));
}

#[test]
fn the_plan_says_in_text_who_loses_what() {
    let folder = environment(&[]);
    let ran = waypost(folder.path(), PLAN);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    let line =
        "traffic: client/sleep loses bookinfo/productpage:9080: 2 requests, GET /internal/report";
    assert!(ran.stdout.contains(line), "{}", ran.stdout);
    assert!(ran.stdout.contains("2 requests of real traffic changed"), "{}", ran.stdout);
}

#[test]
fn the_page_draws_who_calls_whom() {
    let folder = environment(&[]);
    let ran = waypost(folder.path(), &[PLAN, &["--format", "html"]].concat());
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stdout.contains("<svg class=\"calls\""), "no drawing");
    let title = "client → bookinfo: 4 requests, 2 of them refused then";
    assert!(ran.stdout.contains(title), "no arc");
}

#[test]
fn a_caller_that_moves_after_what_it_calls_is_told_with_its_requests() {
    let stage = |name: &str| format!("    - {{name: {name}, namespaces: [cp-cluster-1/{name}]}}\n");
    let [client, httpbin, bookinfo] = ["client", "httpbin", "bookinfo"].map(stage);
    let before = format!("{client}{httpbin}{bookinfo}");
    let after = format!("{bookinfo}{client}{httpbin}");
    let folder =
        environment(&[("    reached: httpbin\n", "    reached: none\n"), (&before, &after)]);
    let (_, plan) = json(folder.path(), &[PLAN, &["--format", "json"]].concat());
    let first = &plan["environments"][0];
    assert_eq!(first["name"], "brownfield, bookinfo/mesh");
    let order = first["traffic"]["order"].as_array().expect("a list");
    assert!(
        order.iter().any(|text| text.as_str().is_some_and(|t| {
            t.starts_with("`client` calls `bookinfo` (4 requests) and moves after it")
        })),
        "{first}"
    );
}

#[test]
fn a_log_that_is_not_there_is_a_finding_and_never_no_change() {
    let folder = environment(&[("traffic: [traffic]", "traffic: [traffic, yesterday.log.gz]")]);
    let ran = waypost(folder.path(), PLAN);
    assert!(ran.stderr.contains("warning[no-traffic]"), "{}", ran.stderr);
    assert!(ran.stderr.contains("environment.yaml:17:24"), "{}", ran.stderr);
    assert!(!ran.stdout.contains("of the sample change"), "{}", ran.stdout);
    assert!(ran.stdout.contains("traffic was not asked"), "{}", ran.stdout);
    // who asks to be stopped is stopped, as by anything that was not looked at
    let ran = waypost(folder.path(), &[PLAN, &["--fail-on", "traffic"]].concat());
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    // nobody else needs it
    let ran = waypost(folder.path(), &["validate", "brownfield"]);
    assert!(!ran.stderr.contains("no-traffic"), "{}", ran.stderr);
}

#[test]
fn a_log_outside_of_the_repository_is_refused() {
    let folder = environment(&[("traffic: [traffic]", "traffic: [../../../yesterday.log]")]);
    let ran = waypost(folder.path(), PLAN);
    assert_eq!(ran.code, 3, "{}", ran.stdout);
    assert!(ran.stderr.contains("error[path-outside]"), "{}", ran.stderr);
}

#[cfg(unix)]
#[test]
fn a_log_behind_a_link_is_refused() {
    let folder = environment(&[("traffic: [traffic]", "traffic: [link.log]")]);
    let own = folder.path().join("environments/brownfield");
    std::os::unix::fs::symlink("/etc/hostname", own.join("link.log")).expect("a link");
    let ran = waypost(folder.path(), PLAN);
    assert_eq!(ran.code, 3, "{}", ran.stdout);
    assert!(ran.stderr.contains("error[symlink]"), "{}", ran.stderr);
}

/// A repository in which the last stage is reached by a change.
fn pull_request() -> tempfile::TempDir {
    let folder = environment(&[]);
    let base = folder.path().join("base");
    let ran = waypost(folder.path(), &["render", "brownfield"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    for part in ["environments", "rendered", "gitops"] {
        copy(&folder.path().join(part), &base.join(part));
    }
    let path = folder.path().join("environments/brownfield/environment.yaml");
    let text = fs::read_to_string(&path).expect("a spec");
    fs::write(path, text.replace("    reached: httpbin\n", "    reached: bookinfo\n"))
        .expect("written");
    let ran = waypost(folder.path(), &["render", "brownfield"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    folder
}

#[test]
fn the_comment_of_a_pull_request_names_the_caller_first() {
    let folder = pull_request();
    let arguments = ["diff", "brownfield", "--base", "base", "--format", "markdown"];
    let ran = waypost(folder.path(), &arguments);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let comment = ran.stdout;
    let caller = comment
        .find("- `client/sleep` loses `bookinfo/productpage:9080`: 2 requests")
        .expect("the caller");
    let first = comment.find("\n- ").expect("a list");
    assert_eq!(first + 1, caller, "{comment}");
    assert!(comment.contains("2 of 8 requests of the sample change"), "{comment}");
    assert!(!comment.contains("Nobody gains or loses access"), "{comment}");
    let ran = waypost(folder.path(), &[&arguments[..4], &["--fail-on", "traffic"]].concat());
    assert_eq!(ran.code, 5, "{}", ran.stderr);
}

#[test]
fn the_comment_says_that_no_request_changes_where_none_does() {
    let folder = pull_request();
    let log = folder.path().join("environments/brownfield/traffic/access.log");
    let text = fs::read_to_string(&log).expect("a log");
    fs::write(&log, text.replace("/internal/report", "/api/v1/products")).expect("written");
    let arguments = ["diff", "brownfield", "--base", "base", "--format", "markdown"];
    let ran = waypost(folder.path(), &arguments);
    assert!(ran.stdout.contains("0 of 8 requests of the sample change"), "{}", ran.stdout);
    let ran = waypost(folder.path(), &[&arguments[..4], &["--fail-on", "traffic"]].concat());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

/// Formats of findings said nothing of real traffic.
#[test]
fn every_format_of_findings_names_the_caller_and_how_many_requests_change() {
    let folder = pull_request();
    let written = |format: &str| {
        let arguments = ["diff", "brownfield", "--base", "base", "--format", format];
        let ran = waypost(folder.path(), &arguments);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ran.stdout
    };
    for format in ["github", "gitlab", "sarif"] {
        let text = written(format);
        let caller = "`client/sleep` loses `bookinfo/productpage:9080`: 2 requests";
        assert!(text.contains(caller), "{format}: {text}");
        assert!(text.contains("traffic-lost"), "{format}: {text}");
        assert!(text.contains("2 of 8 requests of the sample change"), "{format}: {text}");
    }
    let commands = written("github");
    let first = commands.lines().next().unwrap_or_default();
    assert!(first.contains("title=traffic-lost"), "callers come first: {commands}");
    let cases = written("junit");
    let lost = "name=\"client/sleep loses bookinfo/productpage:9080: 2 requests\"";
    assert!(cases.contains(lost), "{cases}");
    assert!(cases.contains("name=\"2 of 8 requests of the sample change"), "{cases}");
}

/// A log that is not there is no log without requests, in any format.
#[test]
fn every_format_of_findings_says_that_real_traffic_was_not_asked() {
    let folder = pull_request();
    fs::remove_dir_all(folder.path().join("environments/brownfield/traffic")).expect("gone");
    for format in ["github", "gitlab", "sarif", "junit"] {
        let arguments = ["diff", "brownfield", "--base", "base", "--format", format];
        let ran = waypost(folder.path(), &arguments);
        assert!(ran.stdout.contains("traffic-not-asked"), "{format}: {}", ran.stdout);
        assert!(!ran.stdout.contains("requests of the sample change"), "{format}: {}", ran.stdout);
    }
}
