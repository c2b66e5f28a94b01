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
    assert_eq!(of(&trees)["counts"], of("main")["counts"]);
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
