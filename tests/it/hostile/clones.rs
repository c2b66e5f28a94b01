//! Clones that cannot answer: one finding names the cause and the way out.

use std::path::Path;

use super::{commit_all, git, repository, run, run_with, write};

fn clone(from: &Path, to: &Path, arguments: &[&str]) {
    let url = format!("file://{}", from.display());
    let to = to.to_str().expect("UTF-8");
    let mut words = vec!["clone", "--quiet"];
    words.extend_from_slice(arguments);
    words.extend([url.as_str(), to]);
    git(from, &words);
}

/// A repository whose second commit changes a rendered file.
fn two_commits() -> tempfile::TempDir {
    let folder = repository();
    let root = folder.path();
    super::replace(
        // the one environment alone has it: else the content is there by another path
        &root.join("rendered/brownfield/cp-cluster-1/mesh/bookinfo"),
        "mode: STRICT",
        "mode: PERMISSIVE",
    );
    commit_all(root, "second");
    git(root, &["config", "uploadpack.allowFilter", "true"]);
    folder
}

#[test]
fn a_partial_clone_says_that_it_is_one() {
    let (up, folder) = (two_commits(), tempfile::tempdir().expect("a folder"));
    for filter in ["blob:none", "tree:0"] {
        let here = folder.path().join(filter.replace(':', "-"));
        clone(up.path(), &here, &[&format!("--filter={filter}")]);
        let ran = run(&here, &["diff", "--base", "HEAD~1"]);
        assert_eq!(ran.code, 1, "{filter}: {}", ran.stderr);
        assert!(ran.stderr.contains("clone without `--filter`"), "{filter}: {}", ran.stderr);
    }
    // what the help says works
    let here = folder.path().join("blob-none");
    git(&here, &["fetch", "--quiet", "--refetch", "--no-filter", "origin"]);
    let ran = run(&here, &["diff", "--base", "HEAD~1"]);
    assert!(ran.stdout.contains("STRICT → PERMISSIVE"), "{}{}", ran.stdout, ran.stderr);
}

#[test]
fn a_shallow_clone_names_the_depth() {
    let (up, folder) = (two_commits(), tempfile::tempdir().expect("a folder"));
    let here = folder.path().join("shallow");
    clone(up.path(), &here, &["--depth=1"]);
    for arguments in [["diff", "--base", "HEAD~1"], ["list", "--changed-since", "HEAD~1"]] {
        let ran = run(&here, &arguments);
        assert_eq!(ran.code, 1, "{}", ran.stderr);
        assert!(ran.stderr.contains("fetch-depth: 0"), "{}", ran.stderr);
    }
}

#[test]
fn a_bare_clone_has_no_working_tree() {
    let (up, folder) = (two_commits(), tempfile::tempdir().expect("a folder"));
    let here = folder.path().join("bare");
    clone(up.path(), &here, &["--bare"]);
    let ran = run(&here, &["list", "--changed-since", "HEAD"]);
    assert_ne!(ran.code, 0, "{}", ran.stdout);
    let ran = run(&here, &["diff", "--base", "HEAD"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("git worktree add"), "{}", ran.stderr);
}

#[test]
fn a_linked_working_tree_answers_as_its_repository_does_and_says_when_that_is_gone() {
    let (up, folder) = (two_commits(), tempfile::tempdir().expect("a folder"));
    let (main, linked) = (folder.path().join("main"), folder.path().join("linked"));
    clone(up.path(), &main, &[]);
    git(&main, &["worktree", "add", "--quiet", "--detach", linked.to_str().expect("UTF-8")]);
    let of = |root: &Path| run(root, &["diff", "--base", "HEAD~1"]).stdout;
    assert_eq!(of(&main), of(&linked));
    std::fs::rename(&main, folder.path().join("moved")).expect("moved");
    let ran = run(&linked, &["diff", "--base", "HEAD~1"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("not a git repository: "), "{}", ran.stderr);
    assert!(ran.stderr.contains("git worktree repair"), "{}", ran.stderr);
}

/// git of a container, whose checkout belongs to another user: its own words are passed on.
#[test]
fn a_repository_of_another_user_is_told_in_git_s_own_words() {
    let folder = repository();
    let bin = tempfile::tempdir().expect("a folder");
    let refusal = "fatal: detected dubious ownership in repository at '/w'\nTo add an exception for this directory, call:\n\n\tgit config --global --add safe.directory /w";
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in *--get-regexp*) exit 1;; esac\ncat >&2 <<'E'\n{refusal}\nE\nexit 128\n"
    );
    write(bin.path(), "git", &script);
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(bin.path().join("git"), mode).expect("made a program");
    let path = format!("{}:{}", bin.path().display(), std::env::var("PATH").expect("a PATH"));
    for arguments in [
        &["list", "--changed-since", "HEAD"][..],
        &["diff", "--base", "HEAD"],
        &["publish", "--branch", "x"],
        &["access", "diff", "HEAD:brownfield", "brownfield"],
    ] {
        let ran = run_with(folder.path(), arguments, &[("PATH", path.as_str())]);
        assert_eq!(ran.code, 1, "{arguments:?}: {}", ran.stderr);
        assert!(ran.stderr.contains("dubious ownership"), "{arguments:?}: {}", ran.stderr);
        assert!(ran.stderr.contains("safe.directory"), "{arguments:?}: {}", ran.stderr);
    }
}

#[test]
fn a_branch_of_a_working_tree_that_is_gone_is_freed_by_prune() {
    let folder = repository();
    let root = folder.path();
    let gone = tempfile::tempdir().expect("a folder");
    let there = gone.path().join("gone");
    git(root, &["branch", "env/a"]);
    git(root, &["worktree", "add", "--quiet", there.to_str().expect("UTF-8"), "env/a"]);
    let ran = run(root, &["publish", "--branch", "env/a"]);
    assert!(ran.stderr.contains("switch that working tree"), "{}", ran.stderr);
    std::fs::remove_dir_all(&there).expect("removed");
    let ran = run(root, &["publish", "--branch", "env/a"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("git worktree prune"), "{}", ran.stderr);
    git(root, &["worktree", "prune"]);
    assert_eq!(run(root, &["publish", "--branch", "env/a"]).code, 0);
}

/// git for Windows changes line ends in what it checks out (`core.autocrlf`).
#[test]
fn a_clone_of_windows_is_as_rendered_or_told_why_it_is_not() {
    let (up, folder) = (repository(), tempfile::tempdir().expect("a folder"));
    let here = folder.path().join("windows");
    clone(up.path(), &here, &["--config=core.autocrlf=true"]);
    let ran = run(&here, &["check"]);
    assert_eq!(ran.code, 4, "{}", ran.stderr);
    let findings: Vec<&str> = ran.stderr.lines().filter(|line| line.starts_with("error")).collect();
    assert!(findings.iter().all(|line| line.starts_with("error[line-ends]")), "{findings:?}");
    // a finding for the tree and for each applier of each environment
    assert_eq!(findings.len(), 6, "{findings:?}");
    assert!(ran.stderr.contains("core.autocrlf"), "{}", ran.stderr);
    assert!(ran.stderr.contains(".gitattributes"), "{}", ran.stderr);
    // a render writes them with line feeds, and nothing changes for git
    assert_eq!(run(&here, &["render"]).code, 0);
    git(&here, &["-c", "core.safecrlf=false", "add", "--all"]);
    assert_eq!(git(&here, &["status", "--porcelain"]), "");
    assert_eq!(run(&here, &["check"]).code, 0);
    assert!(run(&here, &["diff", "--base", "HEAD"]).stdout.starts_with("no changes"));

    // with the attributes of docs/repository.md everything is as rendered, though specs are not
    write(up.path(), ".gitattributes", "rendered/** text eol=lf\ngitops/** text eol=lf\n");
    commit_all(up.path(), "attributes");
    let here = folder.path().join("with-attributes");
    clone(up.path(), &here, &["--config=core.autocrlf=true"]);
    let spec = std::fs::read(here.join("environments/brownfield/environment.yaml")).expect("it");
    assert!(spec.windows(2).any(|pair| pair == b"\r\n"), "the clone is none of Windows");
    let ran = run(&here, &["check"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let ran = run(&here, &["publish", "--branch", "x", "--new-branch"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(run(&here, &["render", "--force"]).code, 0);
    git(&here, &["-c", "core.safecrlf=false", "add", "--all"]);
    assert_eq!(git(&here, &["status", "--porcelain"]), "");
}
