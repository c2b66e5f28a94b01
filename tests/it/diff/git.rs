//! A repository asked for a revision, without a checkout.

use std::fs;
use std::path::Path;
use std::process::Command;

use waypost::tree::git::{Content, Git, GitError};

/// Runs git, in an environment that no user's settings reach.
pub fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"])
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .expect("git runs");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8").trim().to_owned()
}

/// Makes a repository of a folder, with everything in it as its first commit.
pub fn commit_all(folder: &Path, message: &str) {
    if !folder.join(".git").exists() {
        git(folder, &["init", "--quiet", "--initial-branch=main"]);
    }
    git(folder, &["add", "--all"]);
    git(folder, &["commit", "--quiet", "--allow-empty", "--message", message]);
}

fn write(folder: &Path, path: &str, text: &str) {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, text).expect("a file");
}

#[test]
fn what_changed_since_a_revision_is_told_with_what_is_not_added_yet() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    for (path, text) in [
        ("sub/a/same", "1"),
        ("sub/a/edited", "1"),
        ("sub/a/gone", "1"),
        ("sub/b/x", "1"),
        ("y", "1"),
    ] {
        write(root, path, text);
    }
    write(root, ".gitignore", "*.tmp\n");
    commit_all(root, "first");
    write(root, "sub/a/edited", "2");
    write(root, "sub/a/new ä\n", "3");
    write(root, "sub/a/x.tmp", "3");
    write(root, "sub/b/x", "2");
    write(root, "y", "2");
    fs::remove_file(root.join("sub/a/gone")).expect("a file");
    let git_in = Git::open(&root.join("sub")).expect("a repository");
    let base = git_in.revision("main").expect("a revision");
    let told = |folders: &[&str]| -> Vec<String> {
        let changed = git_in.changed(&base, None, folders).expect("an answer");
        changed.into_iter().map(|c| c.path).collect()
    };
    assert_eq!(told(&["a"]), ["a/edited", "a/gone", "a/new ä\n"]);
    assert_eq!(told(&[]), ["a/edited", "a/gone", "a/new ä\n", "b/x"], "below the folder only");
    assert_eq!(told(&["missing"]), Vec::<String>::new());

    commit_all(root, "second");
    let head = git_in.revision("HEAD").expect("a revision");
    let changed = git_in.changed(&base, Some(&head), &["a"]).expect("an answer");
    let blobs: Vec<_> = changed
        .iter()
        .flat_map(|c| [&c.before, &c.after])
        .filter_map(|side| match side {
            Some(Content::Blob(id)) => Some(id.clone()),
            _ => None,
        })
        .collect();
    let texts = git_in.read(&blobs).expect("the files");
    assert_eq!(texts, [b"1", b"2", b"1", b"3"], "before and after of three paths");
    let files = git_in.files(&base, "a").expect("the files");
    assert_eq!(files.keys().collect::<Vec<_>>(), ["a/edited", "a/gone", "a/same"]);
    assert_eq!(git_in.folders(&base, ".").unwrap_or_default(), ["a", "b"]);
}

#[test]
fn a_merge_base_is_where_a_branch_left() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    commit_all(root, "first");
    let first = git(root, &["rev-parse", "HEAD"]);
    git(root, &["switch", "--quiet", "--create", "work"]);
    commit_all(root, "mine");
    git(root, &["switch", "--quiet", "main"]);
    commit_all(root, "theirs");
    let git_in = Git::open(root).expect("a repository");
    let [main, work] = ["main", "work"].map(|n| git_in.revision(n).expect("a revision"));
    let base = git_in.merge_base(&main, &work).expect("a commit");
    assert_eq!((base.name.as_str(), base.commit), ("main", first));
}

#[test]
fn what_is_missing_is_said_with_a_way_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let nothing = Git::open(folder.path()).expect_err("no repository");
    assert!(matches!(nothing, GitError::NoRepository(_)), "{nothing}");
    commit_all(folder.path(), "first");
    let git_in = Git::open(folder.path()).expect("a repository");
    for name in ["nothing", "--help", "-h", "HEAD:x", "HEAD~7", ""] {
        let error = git_in.revision(name).expect_err(name);
        assert!(matches!(error, GitError::NoRevision(_)), "{name}: {error}");
        assert!(error.help().is_some());
    }
    let blob = git_in.files(&git_in.revision("HEAD").expect("a revision"), ".");
    assert!(blob.expect("no files").is_empty());
}

#[test]
fn a_link_is_no_file() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "a", "1");
    commit_all(folder.path(), "first");
    fs::remove_file(folder.path().join("a")).expect("a file");
    std::os::unix::fs::symlink("/etc/passwd", folder.path().join("a")).expect("a link");
    let git_in = Git::open(folder.path()).expect("a repository");
    let base = git_in.revision("HEAD").expect("a revision");
    let changed = git_in.changed(&base, None, &[]).expect("an answer");
    assert_eq!(changed[0].after, Some(Content::NoFile));
}
