//! Branches that promotion tools work on (GitOps Promoter's contract for other hydrators).

use std::path::Path;

use serde_json::Value;

use super::{commit_all, git, replace, repository, run, write};

fn publish(root: &Path, branch: &str, more: &[&str]) -> crate::program::Ran {
    run(root, &[&["publish", "--branch", branch, "--hydrator-metadata"], more].concat())
}

fn reach(root: &Path, from: &str, to: &str) {
    let (from, to) = (format!("reached: {from}"), format!("reached: {to}"));
    replace(&root.join("environments/brownfield"), &from, &to);
    commit_all(root, &to);
}

fn reached(root: &Path) -> String {
    let text = std::fs::read_to_string(root.join("environments/brownfield/environment.yaml"));
    let text = text.expect("a spec");
    let line = text.lines().find_map(|line| line.trim().strip_prefix("reached: "));
    line.expect("a stage").split(' ').next().expect("a word").to_owned()
}

#[test]
fn the_next_branch_starts_from_the_active_one() {
    let folder = repository();
    let root = folder.path();
    git(root, &["checkout", "--quiet", "--detach"]);
    assert_eq!(publish(root, "env/prod", &[]).code, 0);
    reach(root, &reached(root), "bookinfo");
    let ran = publish(root, "env/prod-next", &[]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("a new branch"), "{}", ran.stderr);
    let prod = git(root, &["rev-parse", "env/prod"]);
    assert_eq!(git(root, &["merge-base", "env/prod", "env/prod-next"]), prod);
    assert_eq!(git(root, &["rev-list", "--count", "env/prod..env/prod-next"]), "1");
    // another one by name
    let ran = publish(root, "env/test", &["--from", "env/prod"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(git(root, &["merge-base", "env/prod", "env/test"]), prod);
}

#[test]
fn a_commit_that_changes_no_manifest_makes_none_and_is_noted() {
    let folder = repository();
    let root = folder.path();
    git(root, &["checkout", "--quiet", "--detach"]);
    assert_eq!(publish(root, "env/prod", &[]).code, 0);
    let before = git(root, &["rev-parse", "env/prod"]);
    let note = || -> Value {
        let text = git(root, &["notes", "--ref=hydrator.metadata", "show", "env/prod"]);
        serde_json::from_str(&text).expect("JSON")
    };
    assert_eq!(note()["drySha"], git(root, &["rev-parse", "HEAD"]));
    let spec = root.join("environments/brownfield/environment.yaml");
    let text = std::fs::read_to_string(&spec).expect("a spec");
    std::fs::write(&spec, text + "# a comment\n").expect("written");
    commit_all(root, "a comment");
    let ran = publish(root, "env/prod", &[]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{}", ran.stderr);
    write(root, "other.txt", "x\n");
    commit_all(root, "something else");
    assert_eq!(publish(root, "env/prod", &[]).code, 0);
    assert_eq!(git(root, &["rev-parse", "env/prod"]), before);
    assert_eq!(note()["drySha"], git(root, &["rev-parse", "HEAD"]));
}

#[test]
fn metadata_lies_where_the_promoter_looks_for_it() {
    let folder = repository();
    let root = folder.path();
    git(root, &["checkout", "--quiet", "--detach"]);
    let ran = publish(root, "env/prod", &["--metadata-path", "apps/mesh"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let text = git(root, &["show", "env/prod:apps/mesh/hydrator.metadata"]);
    let metadata: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(metadata["drySha"], git(root, &["rev-parse", "HEAD"]));
}

/// A clone of CI has one branch: another one may be where it was cloned from.
#[test]
fn a_branch_that_was_not_fetched_is_not_made_anew() {
    let up = repository();
    git(up.path(), &["checkout", "--quiet", "--detach"]);
    assert_eq!(publish(up.path(), "env/a", &[]).code, 0);
    git(up.path(), &["checkout", "--quiet", "main"]);
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path().join("ci");
    let (url, to) = (format!("file://{}", up.path().display()), here.to_str().expect("UTF-8"));
    git(up.path(), &["clone", "--quiet", "--single-branch", "--branch=main", &url, to]);
    let ran = publish(&here, "env/a", &[]);
    assert_eq!(ran.code, 5, "{}", ran.stderr);
    assert!(
        ran.stderr.contains("git fetch origin env/a:refs/remotes/origin/env/a"),
        "{}",
        ran.stderr
    );
    git(&here, &["fetch", "--quiet", "origin", "env/a:refs/remotes/origin/env/a"]);
    let ran = publish(&here, "env/a", &[]);
    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (0, ""),
        "what is there is the same: {}",
        ran.stderr
    );
    let ran = publish(&here, "env/b", &["--new-branch"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("a new branch"), "{}", ran.stderr);
}

#[test]
fn a_commit_is_signed_where_it_is_asked_for() {
    let folder = repository();
    let root = folder.path();
    let bin = tempfile::tempdir().expect("a folder");
    let said = bin.path().join("said");
    // what git reads of gpg: a line of status, and a signature
    let script = format!(
        "#!/bin/sh\necho \"$@\" > {}\ncat > /dev/null\necho '[GNUPG:] SIG_CREATED D' >&2\nprintf -- '-----BEGIN PGP SIGNATURE-----\\n\\nabc\\n-----END PGP SIGNATURE-----\\n'\n",
        said.display()
    );
    write(bin.path(), "gpg", &script);
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(bin.path().join("gpg"), mode).expect("made a program");
    let program = bin.path().join("gpg").display().to_string();
    git(root, &["config", "gpg.program", &program]);
    git(root, &["checkout", "--quiet", "--detach"]);
    let is_signed = |branch: &str| {
        git(root, &["cat-file", "commit", branch])
            .contains("\ngpgsig -----BEGIN PGP SIGNATURE-----")
    };
    assert_eq!(publish(root, "env/plain", &[]).code, 0);
    assert!(!is_signed("env/plain"));
    let ran = publish(root, "env/signed", &["--gpg-sign=KEY1"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(is_signed("env/signed"));
    assert!(std::fs::read_to_string(&said).expect("asked").contains("KEY1"));
    assert_eq!(publish(root, "env/own", &["--gpg-sign"]).code, 0);
    assert!(is_signed("env/own"));
    // a key that cannot sign leaves no branch
    std::fs::write(bin.path().join("gpg"), "#!/bin/sh\nexit 2\n").expect("written");
    let ran = publish(root, "env/none", &["--gpg-sign"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert_eq!(git(root, &["branch", "--list", "env/none"]), "");
}
