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

/// A folder with these manifests, and what `waypost validate` says of it.
fn validate_folder(manifests: &str, more: &[(&str, &str)], arguments: &[&str]) -> Ran {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("a")).expect("made");
    for (path, text) in [("a/all.yaml", manifests)].iter().chain(more) {
        std::fs::write(folder.path().join(path), text).expect("written");
    }
    waypost(folder.path(), &[&["validate", "a"], arguments].concat())
}

fn service(annotation: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Service\nmetadata:\n  name: web\n  namespace: shop\n  annotations: {{galley.istio.io/analyze-suppress: \"{annotation}\"}}\nspec:\n  ports: [{{port: 80}}, {{name: web, port: 81}}]\n"
    )
}

/// What `istioctl analyze` takes: codes between commas to the letter, or all.
#[test]
fn the_annotation_of_istioctl_lets_notes_and_warnings_of_istios_codes_stand() {
    for annotation in ["IST0118", "*", "IST0101,IST0118"] {
        let ran = validate_folder(&service(annotation), &[], &[]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert!(!ran.stderr.contains("[port-name]"), "{annotation}: {}", ran.stderr);
        let said = "note[suppressed]: 2 findings of `port-name` (IST0118) in Service shop/web";
        assert!(ran.stderr.contains(said), "{annotation}: {}", ran.stderr);
    }
    for annotation in ["IST0101", "ist0118", "IST0101, IST0118", "port-name", ""] {
        let ran = validate_folder(&service(annotation), &[], &[]);
        assert_eq!(ran.stderr.matches("note[port-name]").count(), 2, "{annotation}");
        assert!(!ran.stderr.contains("[suppressed]"), "{annotation}: {}", ran.stderr);
    }
}

#[test]
fn the_annotation_hides_no_error_and_nothing_that_a_server_refuses() {
    // a lint's error with one of Istio's codes, and what the schema refuses
    let manifests = "\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: waypoint, namespace: shop}
spec:
  gatewayClassName: istio-waypoint
  listeners: [{name: mesh, port: 15008, protocol: HBONE}]
---
apiVersion: v1
kind: Namespace
metadata:
  name: shop
  labels: {istio.io/use-waypoint: waypint, istio.io/dataplane-mode: ambient}
  annotations: {galley.istio.io/analyze-suppress: \"*\"}
spec: {unknown: true}
";
    let ran = validate_folder(manifests, &[], &[]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("error[waypoint-missing]"), "{}", ran.stderr);
    assert!(ran.stderr.contains("error[unknown-field]"), "{}", ran.stderr);
}

const LIST: [&str; 2] = ["--suppressions", "let-stand.yaml"];

fn list(code: &str, more: &str, expires: &str) -> String {
    format!("suppress:\n{}", entry(code, more, expires))
}

#[test]
fn a_file_of_suppressions_is_for_manifests_what_the_list_is_in_an_environment() {
    let run =
        |text: &str| validate_folder(&policy_in_ambient(), &[("let-stand.yaml", text)], &LIST);
    assert_eq!(validate_folder(&policy_in_ambient(), &[], &[]).code, 3);
    let ran = run(&list("l7-deny-noop", "namespace: httpbin, ", "9999-12-31"));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(
        ran.stderr.contains("1 finding of `l7-deny-noop`: the waypoint comes"),
        "{}",
        ran.stderr
    );
    for (text, said) in [
        (list("l7-deny-noop", "namespace: other, ", "9999-12-31"), "warning[unused-suppression]"),
        (list("l7-deny-noop", "", "2024-02-29"), "error[expired-suppression]"),
        (list("secret-data", "", "9999-12-31"), "error[suppressed-secret]"),
        // what the server refuses stays refused
        (list("unknown-field", "", "9999-12-31"), "only lints can be let stand"),
        (list("l7-deny-noop", "", "31.12.2026"), "is not a day"),
        ("suppress:\n  - {code: port-name, expires: \"9999-12-31\"}\n".into(), "`reason`"),
        ("suppressions: []\n".into(), "error[unknown-field]"),
        ("suppress: []\n---\nsuppress: []\n".into(), "one document"),
        (String::new(), "one document"),
        ("- a\n".into(), "error[wrong-type]"),
    ] {
        let ran = run(&text);
        assert_eq!(ran.code, 3, "{text}{}", ran.stderr);
        assert!(ran.stderr.contains(said), "{text}{}", ran.stderr);
        assert!(ran.stderr.contains("error[l7-deny-noop]"), "{text}{}", ran.stderr);
        assert!(ran.stderr.contains("let-stand.yaml:"), "{text}{}", ran.stderr);
    }
    // beside the manifests it is none of them
    let text = list("l7-deny-noop", "", "9999-12-31");
    let beside = ["--suppressions", "./a/let-stand.yaml"];
    let ran = validate_folder(&policy_in_ambient(), &[("a/let-stand.yaml", &text)], &beside);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("1 file, 2 objects"), "{}", ran.stderr);
    // an Environment has its own list
    let folder = copy_of("greenfield");
    let ran = waypost(folder.path(), &[&["validate"], &LIST[..]].concat());
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    let ran = validate_folder(&policy_in_ambient(), &[], &LIST);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("cannot read `let-stand.yaml`"), "{}", ran.stderr);
}

/// The policy in a namespace that is shown to be ambient.
fn policy_in_ambient() -> String {
    format!(
        "\
apiVersion: v1
kind: Namespace
metadata: {{name: httpbin, labels: {{istio.io/dataplane-mode: ambient}}}}
---
{POLICY}"
    )
}
