//! `waypost diff` over repositories.

use std::fs;
use std::path::{Path, PathBuf};

use super::git::{commit_all, git};
use crate::program::{Ran, copy, project, waypost_with};

/// A repository with the brownfield example and its tree, committed on `main`.
fn repository() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for path in ["environments/brownfield", "rendered/brownfield"] {
        copy(&project().join(path), &folder.path().join(path));
    }
    commit_all(folder.path(), "first");
    folder
}

fn edit(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).expect("a file");
    assert!(text.contains(from), "{from}");
    fs::write(path, text.replacen(from, to, 1)).expect("a file");
}

/// Runs the program, which must find git.
fn waypost(root: &Path, arguments: &[&str]) -> Ran {
    let path = std::env::var("PATH").unwrap_or_default();
    waypost_with(root, arguments, &[("PATH", &path), ("GIT_CONFIG_GLOBAL", "/dev/null")])
}

fn render(root: &Path, arguments: &[&str]) {
    let ran = waypost(root, &[&["render"], arguments].concat());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

/// Compares with a file below `tests/diff`; written anew with `WAYPOST_BLESS=1`.
fn snapshot(name: &str, text: &str) {
    let path: PathBuf = project().join("tests/diff").join(name);
    // ids of commits are of the moment
    let scrubbed = regex::Regex::new(r"\([0-9a-f]{12}\)").expect("a pattern");
    let text = scrubbed.replace_all(text, "(COMMIT)").into_owned();
    if std::env::var_os("WAYPOST_BLESS").is_some() {
        fs::write(&path, &text).expect("a file");
    }
    let wanted = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(wanted, text, "{}", path.display());
}

/// A pull request that moves `bookinfo`, removes a deny rule and adds an environment.
fn pull_request() -> tempfile::TempDir {
    let folder = repository();
    let root = folder.path();
    let spec = root.join("environments/brownfield");
    edit(&spec.join("environment.yaml"), "reached: httpbin", "reached: bookinfo");
    let deny = "          deny:
          - from:
              fqn: organizations/tetrate/tenants/my-tenant/workspaces/client-ws
            to:
              fqn: organizations/tetrate/tenants/my-tenant/workspaces/httpbin-ws
";
    edit(&spec.join("tsb-config.yaml"), deny, "");
    copy(&project().join("environments/greenfield"), &root.join("environments/greenfield"));
    render(root, &[]);
    folder
}

#[test]
fn a_flip_a_deny_rule_and_an_environment_are_what_the_first_screen_says() {
    let folder = pull_request();
    for (format, file) in [
        ("markdown", "pull-request.md"),
        ("text", "pull-request.txt"),
        ("github", "pull-request.github"),
        ("junit", "pull-request.xml"),
    ] {
        let ran = waypost(folder.path(), &["diff", "--base", "main", "--format", format]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        snapshot(file, &ran.stdout);
        if format == "markdown" {
            let screen: String = ran.stdout.lines().take(40).collect::<Vec<_>>().join("\n");
            for told in ["`bookinfo`", "deny-rules", "environment `greenfield` is new"] {
                assert!(screen.contains(told), "{told} is not in\n{screen}");
            }
        }
    }
    let ran = waypost(folder.path(), &["diff", "--base", "main", "--exit-code", "-f", "json"]);
    assert_eq!(ran.code, 4, "{}", ran.stderr);
    let document: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(document["verdict"], "danger");
    let ran = waypost(folder.path(), &["diff", "--base", "main", "--fail-on", "danger"]);
    assert_eq!(ran.code, 5);

    // between two commits it is the same
    let work = waypost(folder.path(), &["diff", "--base", "main", "-f", "json"]).stdout;
    git(folder.path(), &["switch", "--quiet", "--create", "work"]);
    commit_all(folder.path(), "second");
    let ran = waypost(folder.path(), &["diff", "--base", "main", "--head", "work", "-f", "json"]);
    let without_head = |text: &str| -> Vec<String> {
        text.lines().filter(|line| !line.starts_with("  \"head\"")).map(str::to_owned).collect()
    };
    assert_eq!(without_head(&ran.stdout), without_head(&work));
    let ran = waypost(folder.path(), &["diff", "--base", "work"]);
    assert!(
        ran.stdout.starts_with("no changes: the trees of 2 environments are equal"),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_stale_tree_is_said_so_also_where_it_is_equal() {
    let folder = repository();
    let spec = folder.path().join("environments/brownfield/environment.yaml");
    edit(&spec, "reached: httpbin", "reached: bookinfo");
    let ran = waypost(folder.path(), &["diff", "--base", "main"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("the tree is stale"), "{}", ran.stdout);
    edit(&spec, "reached: bookinfo", "reached: nowhere");
    let ran = waypost(folder.path(), &["diff", "--base", "main"]);
    assert_eq!(ran.code, 3, "{}", ran.stdout);
}

#[test]
fn a_tree_that_cannot_be_read_ends_with_3_and_an_edit_by_hand_is_shown() {
    let folder = repository();
    let mesh = folder.path().join("rendered/brownfield/cp-cluster-1/mesh/httpbin");
    let policy = mesh.join("authorizationpolicy-waypoint-deny-rules.yaml");
    edit(&policy, "ns/client/*", "ns/nobody/*");
    let ran = waypost(folder.path(), &["diff", "--base", "HEAD"]);
    assert!(ran.stdout.contains("deny-gone"), "{}", ran.stdout);
    assert_eq!(ran.code, 0);
    fs::write(&policy, "a: [\n").expect("a file");
    let ran = waypost(folder.path(), &["diff", "--base", "HEAD"]);
    assert_eq!(ran.code, 3, "{}", ran.stdout);
}

#[test]
fn a_folder_is_as_good_as_a_revision() {
    let folder = pull_request();
    let old = repository();
    let base = old.path().to_string_lossy().into_owned();
    let of = |base: &str| {
        let ran = waypost(folder.path(), &["diff", "--base", base, "-f", "json"]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let mut value: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
        value["base"] = "".into();
        value
    };
    assert_eq!(of(&base), of("main"));
    // the trees alone, without the specs: the inventory is that of now
    let trees = old.path().join("rendered").to_string_lossy().into_owned();
    // and what appliers are told cannot be compared, which is said
    let alone = of(&trees);
    let remarks = alone["environments"][0]["remarks"].to_string();
    assert!(remarks.contains("what appliers are told was not compared"), "{remarks}");
    let of_trees = |value: &serde_json::Value| -> Vec<String> {
        let objects = value["environments"].as_array().expect("a list").iter();
        let objects = objects.flat_map(|e| e["objects"].as_array().expect("objects").clone());
        objects.filter(|o| o["cluster"] != "gitops").map(|o| o["name"].to_string()).collect()
    };
    assert_eq!(of_trees(&alone), of_trees(&of("main")));
}

#[test]
fn environments_are_compared_with_each_other() {
    let folder = repository();
    let rendered = folder.path().join("rendered");
    copy(&rendered.join("brownfield"), &rendered.join("staging"));
    fs::rename(rendered.join("staging/cp-cluster-1"), rendered.join("staging/other"))
        .expect("a folder");
    let arguments = ["diff", "--env", "brownfield", "--against", "staging"];
    let ran = waypost(folder.path(), &arguments);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.starts_with("no changes"), "{}", ran.stdout);
    assert!(
        ran.stdout.contains("cluster `other` of `staging` is compared with `cp-cluster-1`"),
        "{}",
        ran.stdout
    );
    edit(
        &rendered.join("staging/other/mesh/client/peerauthentication-default.yaml"),
        "STRICT",
        "PERMISSIVE",
    );
    let ran = waypost(folder.path(), &arguments);
    assert!(ran.stdout.contains("PERMISSIVE → STRICT"), "{}", ran.stdout);
}

#[test]
fn what_is_asked_for_and_does_not_exist() {
    let folder = repository();
    for (arguments, code, said) in [
        (vec!["diff"], 2, "--base"),
        (vec!["diff", "--base", "nowhere"], 1, "there is no revision `nowhere`"),
        (vec!["diff", "brownfeld", "--base", "main"], 2, "did you mean `brownfield`?"),
        (vec!["diff", "--base", "main", "--ignore", "a..b"], 2, "`a..b` is no field"),
        (vec!["diff", "--base", "main", "--out", "../x"], 2, "does not lie in the repository"),
    ] {
        let ran = waypost(folder.path(), &arguments);
        assert_eq!(ran.code, code, "{arguments:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(said), "{arguments:?}: {}", ran.stderr);
    }
}

/// The names of the steps that a text report tells of.
fn steps(report: &str) -> Vec<&str> {
    report.lines().filter_map(|l| l.strip_prefix("brownfield, ")?.split(':').next()).collect()
}

#[test]
fn a_migration_is_told_step_by_step() {
    let folder = repository();
    let ran = waypost(folder.path(), &["diff", "--every-stage"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let of_stages = ["client", "httpbin", "bookinfo"];
    let wanted: Vec<String> = of_stages
        .iter()
        .flat_map(|stage| ["mesh", "enrollment", "workloads"].map(|step| format!("{stage}/{step}")))
        .collect();
    assert_eq!(steps(&ran.stdout), wanted, "{}", ran.stdout);
    assert!(ran.stdout.contains("differ in 9 of 9 steps"), "{}", ran.stdout);
    for told in [
        "waypoints and policies for ambient mode are there for `cp-cluster-1/httpbin`",
        "this is the point that the spec says is reached",
        "4 access assertions hold, also in every state on the way here",
        "+ metadata.labels[\"istio.io/dataplane-mode\"]: ambient",
    ] {
        assert!(ran.stdout.contains(told), "{told}: {}", ran.stdout);
    }
    let page = waypost(folder.path(), &["diff", "brownfield", "--every-stage", "-f", "html"]);
    assert_eq!(page.code, 0, "{}", page.stderr);
    assert_eq!(page.stdout.matches("<section class=\"environment\"").count(), 9);
    // a line that only one side has was numbered `None` on the other
    assert!(page.stdout.contains("class=\"number\"></td>") && !page.stdout.contains(">None<"));
    let json = waypost(folder.path(), &["diff", "--every-stage", "-f", "json", "--no-access"]);
    let json: serde_json::Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert_eq!(json["environments"].as_array().map(Vec::len), Some(9));
}

#[test]
fn an_access_test_that_fails_on_the_way_of_a_migration_is_told_at_its_step() {
    let folder = repository();
    let tests = folder.path().join("environments/brownfield/access.yaml");
    edit(&tests, "expect: deny", "expect: allow");
    let ran = waypost(folder.path(), &["diff", "--every-stage"]);
    assert_eq!(ran.code, 3, "{}", ran.stdout);
    assert!(ran.stderr.contains("error[access-differs]"), "{}", ran.stderr);
    let of_steps = ran.stdout.matches("to 4 access assertions are not as asserted").count();
    assert_eq!(of_steps, 9, "{}", ran.stdout);
    let ran = waypost(folder.path(), &["diff", "--every-stage", "--no-access"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(!ran.stdout.contains("assertion"), "{}", ran.stdout);
}

#[test]
fn where_there_are_no_stages_there_is_no_plan() {
    let folder = tempfile::tempdir().expect("a folder");
    copy(
        &project().join("environments/greenfield"),
        &folder.path().join("environments/greenfield"),
    );
    let ran = waypost(folder.path(), &["diff", "--every-stage"]);
    assert_eq!(ran.code, 2, "{}", ran.stdout);
    assert!(ran.stderr.contains("there are no stages in greenfield"), "{}", ran.stderr);
    let ran = waypost(folder.path(), &["diff", "--every-stage", "--base", "main"]);
    assert_eq!(ran.code, 2, "{}", ran.stdout);
}

/// An empty name was the repository's own folder, so that a variable that is not set in a pipeline
/// compared the tree with itself: no changes.
/// The state of the answers about the only environment, as the base and the working tree differ.
fn access_state(root: &Path) -> String {
    let ran = waypost(root, &["diff", "--base", "HEAD", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let state = &json["environments"][0]["access"]["state"];
    state.as_str().unwrap_or_else(|| panic!("{}", ran.stdout)).to_owned()
}

#[test]
fn what_cannot_change_access_is_not_asked_although_the_spec_changed() {
    let folder = repository();
    let root = folder.path();
    let spec = root.join("environments/brownfield");
    edit(&spec.join("environment.yaml"), "istio: \"1.24\"", "istio: \"1.30\"");
    edit(&spec.join("environment.yaml"), "{for: all}", "{for: all, replicas: 2}");
    render(root, &[]);
    commit_all(root, "two replicas");
    edit(&spec.join("environment.yaml"), "replicas: 2", "replicas: 3");
    render(root, &[]);
    assert_eq!(access_state(root), "same");
    // the inventory says who is there: what it says may change answers also where the tree does not
    edit(&spec.join("inventory/httpbin.yaml"), "targetPort: 80}", "targetPort: 81}");
    render(root, &[]);
    assert_eq!(access_state(root), "simulated");
}

#[test]
fn an_empty_base_is_refused() {
    let folder = repository();
    for arguments in [["diff", "--base", ""], ["diff", "--base=.", "--head="]] {
        let ran = waypost(folder.path(), &arguments);
        assert_eq!(ran.code, 2, "{}", ran.stdout);
        assert!(ran.stderr.contains("has no name"), "{}", ran.stderr);
    }
}

#[test]
fn a_bare_repository_is_called_that() {
    let folder = tempfile::tempdir().expect("a folder");
    git(folder.path(), &["init", "--quiet", "--bare"]);
    let ran = waypost(folder.path(), &["diff", "--base", "HEAD"]);
    assert_eq!(ran.code, 1, "{}", ran.stdout);
    assert!(ran.stderr.contains("a git repository without a working tree"), "{}", ran.stderr);
}
