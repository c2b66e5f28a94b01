//! `suppress` of an Environment: findings that are let stand, and never for longer than was said.

use crate::program::{Ran, copy_of, waypost};

/// A deny rule that ztunnel cannot read, in a namespace that is ambient.
const POLICY: &str = "\
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: deny-admin, namespace: httpbin}
spec:
  action: DENY
  rules:
  - to:
    - operation: {paths: [/admin]}
";

/// `waypost validate` of greenfield with that policy and these entries.
fn validate(entries: &str) -> Ran {
    let folder = copy_of("greenfield");
    let environment = folder.path().join("environments/greenfield");
    std::fs::write(environment.join("inventory/policy.yaml"), POLICY).expect("written");
    let spec = environment.join("environment.yaml");
    let text = std::fs::read_to_string(&spec).expect("a spec");
    let text = text.replacen("spec:\n", &format!("spec:\n  suppress:\n{entries}"), 1);
    std::fs::write(spec, text).expect("written");
    waypost(folder.path(), &["validate", "greenfield"])
}

fn entry(code: &str, more: &str, expires: &str) -> String {
    format!("  - {{code: {code}, {more}reason: the waypoint comes, expires: \"{expires}\"}}\n")
}

#[test]
fn a_finding_is_let_stand_until_the_day_and_is_counted() {
    let forever = "9999-12-31";
    assert_eq!(validate("  []\n").code, 3);
    for more in [
        "",
        "kind: AuthorizationPolicy, namespace: httpbin, name: deny-admin, ",
        "cluster: cp-cluster-1, ",
    ] {
        let ran = validate(&entry("l7-deny-noop", more, forever));
        assert_eq!(ran.code, 0, "{more}: {}", ran.stderr);
        let said = "1 finding of `l7-deny-noop`: the waypoint comes";
        assert!(
            ran.stderr.contains(said) && ran.stderr.contains("until 9999-12-31"),
            "{}",
            ran.stderr
        );
    }
}

#[test]
fn what_is_about_something_else_lets_nothing_stand_and_is_said() {
    for more in
        ["name: deny-users, ", "namespace: client, ", "kind: Gateway, ", "cluster: cp-cluster-2, "]
    {
        let ran = validate(&entry("l7-deny-noop", more, "9999-12-31"));
        assert_eq!(ran.code, 3, "{more}: {}", ran.stderr);
        assert!(ran.stderr.contains("error[l7-deny-noop]"), "{}", ran.stderr);
        assert!(ran.stderr.contains("warning[unused-suppression]"), "{}", ran.stderr);
    }
}

#[test]
fn an_expired_suppression_is_a_finding_and_so_is_what_it_hid() {
    let ran = validate(&entry("l7-deny-noop", "", "2024-02-29"));
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("error[expired-suppression]"), "{}", ran.stderr);
    assert!(ran.stderr.contains("it was for: the waypoint comes"), "{}", ran.stderr);
    assert!(ran.stderr.contains("error[l7-deny-noop]"), "{}", ran.stderr);
}

#[test]
fn entries_that_can_mean_nothing_are_refused() {
    let ran = validate(&entry("l7-deny-nop", "", "9999-12-31"));
    assert!(ran.stderr.contains("error[unknown-lint]"), "{}", ran.stderr);
    assert!(ran.stderr.contains("did you mean `l7-deny-noop`?"), "{}", ran.stderr);
    let ran = validate(&entry("secret-text", "", "9999-12-31"));
    assert!(ran.stderr.contains("error[suppressed-secret]"), "{}", ran.stderr);
    let ran = validate(&entry("l7-deny-noop", "", "31.12.2026"));
    assert!(ran.code == 3 && ran.stderr.contains("is not a day"), "{}", ran.stderr);
    let without = "  - {code: l7-deny-noop, expires: \"9999-12-31\"}\n";
    let ran = validate(without);
    assert!(ran.code == 3 && ran.stderr.contains("`reason`"), "{}", ran.stderr);
}

#[test]
fn a_token_in_the_spec_is_refused_by_render_and_shown_by_nobody() {
    let token = format!("ghp_{}", "a1B2".repeat(9));
    let folder = copy_of("greenfield");
    let environment = folder.path().join("environments/greenfield");
    let spec = environment.join("environment.yaml");
    let text = std::fs::read_to_string(&spec).expect("a spec");
    let patch = format!(
        "spec:\n  patches:\n  - target: {{kind: Gateway}}\n    patch: [{{op: add, path: /metadata/annotations/a, value: {token}}}]\n"
    );
    std::fs::write(&spec, text.replacen("spec:\n", &patch, 1)).expect("written");
    for arguments in
        [&["render", "greenfield"][..], &["render", "--stdout"], &["validate"], &["check"]]
    {
        let ran = waypost(folder.path(), arguments);
        assert_eq!(ran.code, 3, "{arguments:?}: {}", ran.stderr);
        assert!(ran.stderr.contains("error[secret-text]"), "{}", ran.stderr);
        assert!(!ran.stderr.contains(&token) && !ran.stdout.contains(&token), "{}", ran.stderr);
    }
    assert!(!folder.path().join("rendered").exists());
}
