//! `waypost explain`.

use serde_json::Value;

use crate::program::{copy_of, project, waypost};

const HTTPBIN: [&str; 4] = ["explain", "namespace/cp-cluster-1/httpbin", "--env", "brownfield"];

/// The guide's denial: the client is refused by the rule that the guide wrote, at its line.
#[test]
fn a_namespace_of_the_guide() {
    let ran = waypost(project(), &[&HTTPBIN[..], &["--stage", "httpbin"]].concat());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    const FILE: &str = "environments/brownfield/tsb-config.yaml";
    let config = std::fs::read_to_string(project().join(FILE)).expect("the example");
    let lines: Vec<&str> = config.lines().collect();
    let after = |title: &str| {
        let at = ran.stdout.lines().position(|line| line.trim() == title);
        let place = ran.stdout.lines().nth(at.expect(title) + 1).expect("a place");
        let line = place.split(':').nth(1).and_then(|line| line.parse::<usize>().ok());
        (place.trim(), line.expect("a line"))
    };
    let (place, line) = after("cp-cluster-1.tsb.local/ns/client/*");
    assert!(place.starts_with(&format!("because of TenantSetting tenant-settings, {FILE}:")));
    assert!(lines[line - 1..=line].join("").contains("client-ws"), "{place}");
    let (place, line) =
        after("workspace: organizations/tetrate/tenants/my-tenant/workspaces/httpbin-ws");
    assert!(place.contains("Workspace httpbin-ws"), "{place}");
    assert!(lines[line - 1].contains("httpbin"), "{place}");
    assert!(ran.stdout.contains("stage httpbin: ambient"), "{}", ran.stdout);
    assert!(ran.stdout.contains("  AuthorizationPolicy waypoint-deny-rules\n"), "{}", ran.stdout);
}

#[test]
fn the_stage_decides_which_policies_there_are() {
    let ran =
        waypost(project(), &[&HTTPBIN[..], &["--stage", "none", "--format", "json"]].concat());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let reports: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let report = &reports[0];
    assert_eq!(report["dataplaneMode"], "sidecar");
    let names: Vec<_> = report["policies"]
        .as_array()
        .expect("policies")
        .iter()
        .map(|p| p["name"].clone())
        .collect();
    assert_eq!(names, ["allow", "deny-rules", "default"]);
    assert_eq!(report["callers"][0]["principal"], "cp-cluster-1.tsb.local/ns/client/*");
    assert_eq!(report["callers"][0]["action"], "deny");
    assert_eq!(report["callers"][0]["because"][0]["document"], "TenantSetting tenant-settings");
}

/// What a lower level replaced is named, with where it stands and why it does not hold.
#[test]
fn what_was_overridden_and_why() {
    let folder = copy_of("brownfield");
    let path = folder.path().join("environments/brownfield/tsb-config.yaml");
    let mut text = std::fs::read_to_string(&path).expect("the example");
    text.push_str(
        "---
apiVersion: api.tsb.tetrate.io/v2
kind: WorkspaceSetting
metadata: {name: own, organization: tetrate, tenant: my-tenant, workspace: httpbin-ws}
spec:
  defaultSecuritySetting:
    authorization: {mode: NAMESPACE}
",
    );
    write(&path, &text);
    let ran = waypost(folder.path(), &HTTPBIN);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let line = text.lines().count();
    let expected = format!(
        "  NAMESPACE at organizations/tetrate/tenants/my-tenant/workspaces/httpbin-ws: holds
    WorkspaceSetting own, environments/brownfield/tsb-config.yaml:{line}:27
"
    );
    assert!(ran.stdout.contains(&expected), "{}", ran.stdout);
    assert!(
        ran.stdout.contains(
            "  RULES at organizations/tetrate/tenants/my-tenant: replaced by a lower level\n"
        ),
        "{}",
        ran.stdout
    );
    assert!(!ran.stdout.contains("refused:"), "{}", ran.stdout);
}

#[test]
fn what_is_not_there() {
    let ran = waypost(project(), &["explain", "namespace/cp-cluster-1/htpbin"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    assert!(ran.stderr.contains("did you mean `cp-cluster-1/httpbin`?"), "{}", ran.stderr);
    let ran = waypost(project(), &["explain", "namespace/httpbin"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    assert!(ran.stderr.contains("namespace/<cluster>/<namespace>"), "{}", ran.stderr);
}

/// What a faulty environment says of access must not be used.
#[test]
fn nothing_is_explained_of_a_faulty_environment() {
    let folder = copy_of("brownfield");
    let path = folder.path().join("environments/brownfield/tsb-config.yaml");
    let text = std::fs::read_to_string(&path).expect("the example");
    write(&path, &text.replacen("mode: RULES", "mode: RULEZ", 1));
    let ran = waypost(folder.path(), &HTTPBIN);
    assert_eq!((ran.code, ran.stdout.as_str()), (3, ""), "{}", ran.stderr);
    assert!(ran.stderr.contains("RULEZ"), "{}", ran.stderr);
}

/// A value that an environment takes from its base is found in the base's file, its own in its own.
#[test]
fn where_a_value_comes_from() {
    let folder = copy_of("brownfield");
    let environments = folder.path().join("environments");
    std::fs::create_dir(environments.join("child")).expect("a folder");
    write(
        &environments.join("child/environment.yaml"),
        "apiVersion: waypost.dev/v1alpha1
kind: Environment
metadata: {name: child}
spec:
  extends: ../brownfield
  clusters:
  - name: cp-cluster-1
    platform: kind
",
    );
    let value =
        |route: &str| waypost(folder.path(), &["explain", "value", route, "--env", "child"]);
    let ran = value("spec.clusters[cp-cluster-1].platform");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(
        ran.stdout,
        "child spec/clusters/cp-cluster-1/platform: \"kind\"\n  environments/child/environment.yaml:8:15\n"
    );
    let ran = value("/spec/clusters/0/trustDomain");
    assert!(
        ran.stdout.contains("  environments/brownfield/environment.yaml:25:18\n"),
        "{}",
        ran.stdout
    );
    let ran = value("spec.clusters[cp-cluster-1].controlPlane");
    assert_eq!(ran.stdout.lines().count(), 8, "{}", ran.stdout);
    let ran = value("spec.clusters[cp-cluster-1].platfrom");
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    assert!(ran.stderr.contains("did you mean `platform`?"), "{}", ran.stderr);
}

#[allow(clippy::disallowed_methods, reason = "a test changes its own copy")]
fn write(path: &std::path::Path, text: &str) {
    std::fs::write(path, text).expect("written");
}
