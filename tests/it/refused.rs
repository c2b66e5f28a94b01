//! Wrong input: one clear finding each, exit code 3, and nothing written.

use std::path::Path;
use std::process::Command;

use crate::program::{Ran, copy_of, waypost};

/// Changes one file of a copy of the brownfield example and renders it.
fn with(file: &str, change: impl Fn(&str) -> String) -> Ran {
    with_changes(&[(file, &change)])
}

/// What a test does to a file.
pub type Change<'a> = (&'a str, &'a dyn Fn(&str) -> String);

/// Changes files of a copy of the brownfield example and renders it.
pub fn with_changes(changes: &[Change<'_>]) -> Ran {
    let folder = copy_of("brownfield");
    for (file, change) in changes {
        let path = folder.path().join("environments/brownfield").join(file);
        let text = std::fs::read_to_string(&path).expect("the example's file");
        let changed = change(&text);
        assert_ne!(text, changed, "the change must change something");
        write(&path, &changed);
    }
    let ran = waypost(folder.path(), &["render", "brownfield"]);
    let written = folder.path().join("rendered/brownfield").exists();
    assert!(!written, "nothing may be written\n{}", ran.stderr);
    ran
}

pub fn one_finding(ran: &Ran, code: &str, place: &str) {
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    let errors = ran.stderr.lines().filter(|l| l.starts_with("error[")).count();
    assert_eq!(errors, 1, "{}", ran.stderr);
    assert!(code.is_empty() || ran.stderr.contains(&format!("error[{code}]")), "{}", ran.stderr);
    assert!(ran.stderr.contains(place), "no `{place}` in\n{}", ran.stderr);
    assert!(ran.stderr.contains("found 1 error"), "{}", ran.stderr);
}

#[test]
fn a_duplicate_key() {
    let ran = with("environment.yaml", |t| {
        t.replace("  organization: tetrate\n", "  organization: tetrate\n  organization: acme\n")
    });
    one_finding(&ran, "duplicate-key", "environment.yaml:11:3");
    assert!(ran.stderr.contains("first here"), "{}", ran.stderr);
}

#[test]
fn a_misspelt_field() {
    let ran = with("environment.yaml", |t| t.replace("trustDomain:", "trustDomian:"));
    one_finding(&ran, "unknown-field", "environment.yaml:");
    assert!(ran.stderr.contains("did you mean `trustDomain`?"), "{}", ran.stderr);
}

#[test]
fn an_unknown_namespace() {
    let ran =
        with("environment.yaml", |t| t.replace("[cp-cluster-1/httpbin]", "[cp-cluster-1/htpbin]"));
    one_finding(&ran, "unknown-namespace", "environment.yaml:");
    assert!(ran.stderr.contains("httpbin"), "{}", ran.stderr);
}

#[test]
fn a_trust_domain_that_is_none() {
    let ran = with("environment.yaml", |t| {
        t.replace("cp-cluster-1.tsb.local", "spiffe://cp-cluster-1.tsb.local")
    });
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert_eq!(ran.stderr.lines().filter(|l| l.starts_with("error[")).count(), 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("spiffe://"), "{}", ran.stderr);
}

#[test]
fn an_alias_bomb() {
    let ran = with("tsb-config.yaml", |_| {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for n in 1..10 {
            let before = format!("*a{}", n - 1);
            let list = vec![before; 10].join(", ");
            text.push_str(&format!("a{n}: &a{n} [{list}]\n"));
        }
        text
    });
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("error[alias-bomb]"), "{}", ran.stderr);
}

#[test]
fn a_name_that_climbs_out_of_the_tree() {
    let ran =
        with("environment.yaml", |t| t.replace("{name: httpbin, mode", "{name: ../httpbin, mode"));
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("`../httpbin`"), "{}", ran.stderr);
}

/// The guide's list as printed, indentation restored: `my-organization` beside `tetrate`.
#[test]
fn the_guides_own_configuration() {
    let ran = with("tsb-config.yaml", |_| {
        include_str!("../cases/guide-slips/tsb-config.yaml").to_owned()
    });
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("my-organization"), "{}", ran.stderr);
    assert!(ran.stderr.contains("tsb-config.yaml:"), "{}", ran.stderr);
}

#[test]
fn wrong_usage_ends_with_2() {
    let folder = copy_of("brownfield");
    for arguments in
        [&["rendr"][..], &["render", "--jobs", "0"], &["render", "--stdout", "--out", "x"]]
    {
        assert_eq!(waypost(folder.path(), arguments).code, 2, "{arguments:?}");
    }
}

#[test]
fn an_environment_that_is_not_there() {
    let folder = copy_of("brownfield");
    let ran = waypost(folder.path(), &["render", "brownfeild"]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("did you mean `brownfield`?"), "{}", ran.stderr);
}

#[test]
fn a_stage_that_is_not_there() {
    let folder = copy_of("brownfield");
    let ran = waypost(folder.path(), &["render", "brownfield", "--stage", "htpbin"]);
    assert_ne!(ran.code, 0);
    assert!(ran.stderr.contains("did you mean `httpbin`?"), "{}", ran.stderr);
}

/// Going back a stage would take the waypoint and five policies out of the tree.
#[test]
fn a_large_loss_is_refused_until_it_is_allowed() {
    let folder = copy_of("brownfield");
    assert_eq!(waypost(folder.path(), &["render", "--stage", "bookinfo"]).code, 0);
    let refused = waypost(folder.path(), &["render", "--stage", "none"]);
    assert_eq!(refused.code, 5, "{}", refused.stderr);
    assert_eq!(
        waypost(folder.path(), &["check", "--stage", "bookinfo"]).code,
        0,
        "it is as it was"
    );
    assert_eq!(waypost(folder.path(), &["render", "--stage", "none", "--allow-shrink"]).code, 0);
}

#[test]
fn a_foreign_file_in_a_unit_is_a_problem_and_stays() {
    let folder = copy_of("brownfield");
    assert_eq!(waypost(folder.path(), &["render"]).code, 0);
    let foreign = folder.path().join("rendered/brownfield/cp-cluster-1/mesh/mine.yaml");
    write(&foreign, "apiVersion: v1\n");
    let ran = waypost(folder.path(), &["render", "--stage", "bookinfo"]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(foreign.is_file());
    assert_eq!(waypost(folder.path(), &["check"]).code, 4);
}

#[test]
fn check_names_what_is_wrong() {
    let folder = copy_of("brownfield");
    assert_eq!(waypost(folder.path(), &["render"]).code, 0);
    assert_eq!(waypost(folder.path(), &["check"]).code, 0);
    let file = folder
        .path()
        .join("rendered/brownfield/cp-cluster-1/mesh/httpbin/authorizationpolicy-waypoint-deny-rules.yaml");
    let text = std::fs::read_to_string(&file).expect("the policy");
    write(&file, &text.replace("DENY", "ALLOW"));
    let ran = waypost(folder.path(), &["check"]);
    assert_eq!(ran.code, 4, "{}", ran.stderr);
    assert!(ran.stderr.contains("authorizationpolicy-waypoint-deny-rules.yaml"), "{}", ran.stderr);
    let ran = waypost(folder.path(), &["check", "--diff"]);
    assert_eq!(ran.code, 4, "{}", ran.stderr);
    assert!(ran.stdout.contains("-  action: ALLOW\n+  action: DENY\n"), "{}", ran.stdout);
    // a render puts it right
    assert_eq!(waypost(folder.path(), &["render"]).code, 0);
    assert_eq!(std::fs::read_to_string(&file).expect("the policy"), text);
}

/// `init` makes an environment that renders.
#[test]
fn init_makes_a_working_environment() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().to_str().expect("UTF-8");
    let ran = waypost(folder.path(), &["init", root]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let ran = waypost(folder.path(), &["render"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let again = waypost(folder.path(), &["init", root]);
    assert_eq!(again.code, 1, "{}", again.stderr);
    assert!(again.stderr.contains("exists already"), "{}", again.stderr);
}

/// A link in place of an environment's folder is not followed, and not passed over either.
#[cfg(unix)]
#[test]
fn an_environment_behind_a_link() {
    let folder = copy_of("brownfield");
    let environments = folder.path().join("environments");
    std::fs::rename(environments.join("brownfield"), folder.path().join("elsewhere"))
        .expect("moved");
    std::os::unix::fs::symlink("../elsewhere", environments.join("brownfield")).expect("a link");
    for arguments in [&["render"][..], &["render", "brownfield"], &["check"]] {
        one_finding(&waypost(folder.path(), arguments), "symlink", "`environments/brownfield`");
    }
}

/// Whoever must change production does not wait for a fault in staging; a stream is whole or not.
#[test]
fn a_fault_in_one_environment_leaves_the_others_to_be_written() {
    let folder = copy_of("brownfield");
    let other = folder.path().join("environments/another");
    std::fs::create_dir(&other).expect("a folder");
    write(
        &other.join("environment.yaml"),
        "apiVersion: waypost.dev/v1alpha1\nkind: Environment\nmetadata: {name: another}\n",
    );
    let ran = waypost(folder.path(), &["render", "--stdout"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (3, ""), "{}", ran.stderr);
    let ran = waypost(folder.path(), &["render"]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(folder.path().join("rendered/brownfield/cp-cluster-1/waypost.lock").is_file());
    assert!(!folder.path().join("rendered/another").exists());
}

/// What `init` says to do next can be done from where it was said.
#[test]
fn init_says_a_command_that_works() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = |arguments: &[&str]| {
        let program = env!("CARGO_BIN_EXE_waypost");
        let ran = Command::new(program).current_dir(&folder).args(arguments).output();
        let ran = ran.expect("it starts");
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert!(ran.status.success(), "{arguments:?}: {said}");
        said
    };
    for arguments in [&["init", "mesh"][..], &["-C", "other", "init"]] {
        let said = run(arguments);
        let next = said.lines().find_map(|line| line.strip_prefix("next: waypost "));
        run(&next.expect("a next command").split(' ').collect::<Vec<_>>());
    }
    assert!(folder.path().join("other/rendered/example").is_dir());
}

#[allow(clippy::disallowed_methods, reason = "a test changes its own copy")]
fn write(path: &Path, text: &str) {
    std::fs::write(path, text).expect("written");
}

#[test]
fn advice_stands_under_every_wrong_value() {
    for (from, to, advice) in [
        ("tsb: [tsb-config.yaml]", "tsb: tsb-config.yaml", "such as `[tsb-config.yaml]`"),
        ("organization: tetrate", "organization: null", "give it a value, or remove it"),
        ("organization: tetrate", "organization: [a]", "write one text"),
        ("istio: \"1.24\"", "istio: \"v1.24\"", "did you mean `1.24`?"),
        ("trustDomain: cp-", "trustDomain: spiffe://cp-", "did you mean `cp-cluster-1.tsb.local`?"),
        ("{for: all}", "{for: all, replicas: \"2\"}", "write it without quotes"),
        ("{for: all}", "{for: all, replicas: -1}", "use a number from 0 to 1000"),
        ("{for: all}", "{for: all, name: a.b}", "for example `waypoint`"),
        ("spec:\n", "specs:\n", "did you mean `spec`?"),
    ] {
        let ran = with("environment.yaml", |t| t.replacen(from, to, 1));
        one_finding(&ran, "", "environment.yaml:");
        assert!(ran.stderr.contains(advice), "{to}: {}", ran.stderr);
    }
}

#[test]
fn one_mistake_in_a_tsb_document_is_one_error() {
    for (from, to) in [
        ("\"*/client\"", "\"client\""),
        ("\"*/client\"", "12"),
        ("mode: RULES", "mode: RULE"),
        ("fqn: organizations/tetrate", "fqn: organization/tetrate"),
        ("kind: Workspace", "kind: Workspce"),
        ("v2\n  kind: Tenant\n", "v1\n  kind: Tenant\n"),
    ] {
        let ran = with("tsb-config.yaml", |t| t.replacen(from, to, 1));
        one_finding(&ran, "", "tsb-config.yaml:");
    }
    let again = "- apiVersion: api.tsb.tetrate.io/v2\n  kind: Workspace\n  metadata: {name: client-ws, organization: tetrate, tenant: my-tenant}\n  spec: {namespaceSelector: {names: [\"*/x\"]}}\n";
    let ran = with("tsb-config.yaml", |t| format!("{t}{again}"));
    one_finding(&ran, "duplicate-resource", "tsb-config.yaml:");
}

#[test]
fn a_character_that_nobody_sees() {
    let ran =
        with("environment.yaml", |t| t.replacen("name: client", "name: \"cli\u{200b}ent\"", 1));
    one_finding(&ran, "control-character", "environment.yaml:");
    assert!(ran.stderr.contains("U+200B") && !ran.stderr.contains('\u{200b}'), "{}", ran.stderr);
}

#[test]
fn a_file_that_is_no_text_is_shown_where_it_is_none() {
    let folder = copy_of("brownfield");
    let path = folder.path().join("environments/brownfield/tsb-config.yaml");
    std::fs::write(&path, b"# one\n# tw\xff\n").expect("a file");
    let ran = waypost(folder.path(), &["render", "brownfield"]);
    one_finding(&ran, "unreadable-file", "tsb-config.yaml:2:5");
    assert!(ran.stderr.contains("save the file as UTF-8"), "{}", ran.stderr);
}

#[test]
fn a_source_without_an_object_is_told() {
    let folder = copy_of("brownfield");
    let path = folder.path().join("environments/brownfield/tsb-config.yaml");
    write(&path, "apiVersion: v1\nkind: List\nitems: []\n");
    let ran = waypost(folder.path(), &["render", "brownfield"]);
    assert!(ran.stderr.contains("error[empty-source]"), "{}", ran.stderr);
}
