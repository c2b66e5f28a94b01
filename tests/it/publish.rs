//! `waypost publish`: a branch that is written without a checkout, whole or not at all, and that
//! never loses what others put there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use waypost::tree::branch::{Branch, Commit, Edit};
use waypost::tree::git::Git;

use crate::program::{Ran, copy, copy_of, files, waypost, waypost_with};

const BRANCH: &str = "deploy/brownfield";

fn git(root: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .arg("-C")
        .arg(root)
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .expect("git starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {arguments:?}: {said}");
    String::from_utf8(output.stdout).expect("UTF-8").trim_end().to_owned()
}

fn repository(root: &Path) {
    git(root, &["init", "--quiet", "--initial-branch", "main"]);
    git(root, &["config", "user.name", "Ada"]);
    git(root, &["config", "user.email", "ada@example.com"]);
    git(root, &["config", "commit.gpgsign", "false"]);
}

fn commit_all(root: &Path, message: &str) {
    git(root, &["add", "--all"]);
    git(root, &["commit", "--quiet", "--allow-empty", "-m", message]);
}

fn example() -> tempfile::TempDir {
    let folder = copy_of("brownfield");
    repository(folder.path());
    commit_all(folder.path(), "Begin\n\nWith the guide.");
    folder
}

fn branch(root: &Path) -> Branch {
    Branch::open(&Git::open(root).expect("a repository"), BRANCH).expect("a branch")
}

fn publish(root: &Path, more: &[&str]) -> Ran {
    let arguments = [&["publish", "--branch", BRANCH], more].concat();
    let path = std::env::var("PATH").expect("a PATH");
    waypost_with(root, &arguments, &[("PATH", &path), ("GIT_CONFIG_NOSYSTEM", "1")])
}

fn edit_spec(root: &Path, from: &str, to: &str) {
    let spec = root.join("environments/brownfield/environment.yaml");
    let text = std::fs::read_to_string(&spec).expect("a spec");
    assert!(text.contains(from), "no `{from}`");
    std::fs::write(&spec, text.replace(from, to)).expect("written");
}

/// What is on a branch: path, text.
fn on_branch(root: &Path) -> BTreeMap<String, String> {
    let list = git(root, &["ls-tree", "-r", "--name-only", BRANCH]);
    let text = |path: &str| git(root, &["cat-file", "blob", &format!("{BRANCH}:{path}")]) + "\n";
    list.lines().map(|path| (path.to_owned(), text(path))).collect()
}

/// Puts a file onto the branch as somebody else would.
fn others_put(root: &Path, path: &str, text: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let there = folder.path().join("there");
    git(root, &["worktree", "add", "--quiet", there.to_str().expect("UTF-8"), BRANCH]);
    let file = there.join(path);
    std::fs::create_dir_all(file.parent().expect("a folder")).expect("made");
    std::fs::write(file, text).expect("written");
    commit_all(&there, "By somebody else");
    git(root, &["worktree", "remove", "--force", there.to_str().expect("UTF-8")]);
}

#[test]
fn a_branch_gets_the_tree_in_one_commit_for_each_change() {
    let folder = example();
    let root = folder.path();
    let before = (files(&root.join("environments")), git(root, &["status", "--porcelain"]));
    let ran = publish(root, &[]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let tip = git(root, &["rev-parse", BRANCH]);
    assert_eq!(ran.stdout, format!("{tip}\n"));
    assert_eq!(git(root, &["rev-list", "--count", BRANCH]), "1", "an orphan");
    let after = (files(&root.join("environments")), git(root, &["status", "--porcelain"]));
    assert_eq!(before, after, "nothing is checked out");

    // what a render would write
    let rendered = waypost_with(root, &["render", "brownfield", "--out", "elsewhere"], &[]);
    assert_eq!(rendered.code, 0, "{}", rendered.stderr);
    let wanted: BTreeMap<String, String> = files(&root.join("elsewhere"))
        .into_iter()
        .map(|(path, text)| (format!("rendered/{path}"), text))
        .collect();
    assert_eq!(on_branch(root), wanted);
    std::fs::remove_dir_all(root.join("elsewhere")).expect("removed");

    let message = git(root, &["log", "-1", "--format=%B", BRANCH]);
    let head = git(root, &["rev-parse", "HEAD"]);
    for line in [
        format!("Publish brownfield from {}", &head[..12]),
        format!("Argocd-reference-commit-sha: {head}"),
        "Argocd-reference-commit-author: Ada <ada@example.com>".to_owned(),
        "Argocd-reference-commit-subject: Begin".to_owned(),
        "Argocd-reference-commit-body: \"With the guide.\"".to_owned(),
        "Argocd-reference-commit-repourl: https://git.example.com/mesh.git".to_owned(),
    ] {
        assert!(message.lines().any(|l| l == line), "no `{line}` in\n{message}");
    }
    let trailers = git(root, &["log", "-1", "--format=%(trailers:key=Waypost-version)", BRANCH]);
    assert!(trailers.starts_with("Waypost-version: "), "git reads the trailers: {trailers}");

    let ran = publish(root, &[]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{}", ran.stderr);
    assert_eq!(git(root, &["rev-parse", BRANCH]), tip);

    edit_spec(root, "reached: httpbin", "reached: bookinfo");
    let ran = publish(root, &[]);
    assert_eq!(ran.code, 5, "{}", ran.stderr);
    assert!(ran.stderr.contains("error[not-committed]"), "{}", ran.stderr);
    commit_all(root, "Next");
    assert_eq!(publish(root, &[]).code, 0);
    assert_eq!(git(root, &["rev-parse", &format!("{BRANCH}~1")]), tip);

    edit_spec(root, "reached: bookinfo", "reached: none");
    commit_all(root, "Back");
    let ran = publish(root, &[]);
    assert_eq!(ran.code, 5, "{}", ran.stderr);
    assert!(ran.stderr.contains("error[cluster-shrinks]"), "{}", ran.stderr);
    let ran = publish(root, &["--allow-shrink"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(git(root, &["rev-list", "--count", BRANCH]), "3");
    assert!(!on_branch(root).keys().any(|path| path.contains("/gateway-")), "files go as well");
}

#[test]
fn what_others_put_on_the_branch_stays_and_is_never_overwritten() {
    let folder = example();
    let root = folder.path();
    assert_eq!(publish(root, &[]).code, 0);
    others_put(root, "apps/theirs.yaml", "theirs\n");
    others_put(root, "rendered/brownfield/notes.txt", "notes\n");
    edit_spec(root, "reached: httpbin", "reached: bookinfo");
    commit_all(root, "Next");
    let ran = publish(root, &[]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let there = on_branch(root);
    assert_eq!(there["apps/theirs.yaml"], "theirs\n");
    assert_eq!(there["rendered/brownfield/notes.txt"], "notes\n");
    assert_eq!(git(root, &["rev-list", "--count", BRANCH]), "4", "every commit is there");

    let gateway = "rendered/brownfield/cp-cluster-1/mesh/client/gateway-waypoint.yaml";
    others_put(root, gateway, "kind: Gateway\n");
    let tip = git(root, &["rev-parse", BRANCH]);
    let ran = publish(root, &[]);
    assert_eq!(ran.code, 5, "{}", ran.stderr);
    assert!(ran.stderr.contains("error[edited-on-branch]"), "{}", ran.stderr);
    assert!(ran.stderr.contains(gateway), "{}", ran.stderr);
    others_put(root, "rendered/brownfield/cp-cluster-1/mesh/extra.yaml", "kind: Other\n");
    let ran = publish(root, &[]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("error[foreign-file]"), "{}", ran.stderr);
    assert_eq!(git(root, &["rev-parse", &format!("{BRANCH}~1")]), tip, "nothing was published");
}

#[test]
fn metadata_for_promotion_is_written_on_request_and_over_its_own_only() {
    let folder = example();
    let root = folder.path();
    let ran = publish(root, &["--hydrator-metadata", "--path", "."]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let there = on_branch(root);
    let metadata: serde_json::Value =
        serde_json::from_str(&there["hydrator.metadata"]).expect("JSON");
    assert_eq!(metadata["drySha"], git(root, &["rev-parse", "HEAD"]).as_str());
    assert_eq!(metadata["subject"], "Begin");
    assert_eq!(
        metadata["commands"][0],
        format!("waypost publish --branch {BRANCH} --path . --hydrator-metadata")
    );
    assert!(there["README.md"].starts_with("# Manifest Hydration\n"));
    assert!(there.contains_key("brownfield/cp-cluster-1/waypost.lock"));

    // a commit that changes nothing rendered is none of the branch's
    commit_all(root, "Nothing rendered");
    let ran = publish(root, &["--hydrator-metadata", "--path", "."]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{}", ran.stderr);

    others_put(root, "README.md", "# Our branch\n");
    edit_spec(root, "reached: httpbin", "reached: bookinfo");
    commit_all(root, "Next");
    let ran = publish(root, &["--hydrator-metadata", "--path", "."]);
    assert_eq!(ran.code, 5, "{}", ran.stderr);
    assert!(ran.stderr.contains("error[not-ours]: `README.md`"), "{}", ran.stderr);
    assert_eq!(publish(root, &["--path", "."]).code, 0);
    assert_eq!(on_branch(root)["README.md"], "# Our branch\n");
}

#[test]
fn a_branch_follows_the_one_that_was_fetched() {
    let folder = example();
    let root = folder.path();
    let remote = tempfile::tempdir().expect("a folder");
    git(remote.path(), &["init", "--quiet", "--bare"]);
    git(root, &["remote", "add", "origin", remote.path().to_str().expect("UTF-8")]);
    assert_eq!(publish(root, &[]).code, 5, "it may be there already");
    assert_eq!(publish(root, &["--new-branch"]).code, 0);
    git(root, &["push", "--quiet", "origin", BRANCH]);
    let first = git(root, &["rev-parse", BRANCH]);

    // a fresh clone of CI has the remote branch only
    git(root, &["branch", "--quiet", "-D", BRANCH]);
    edit_spec(root, "reached: httpbin", "reached: bookinfo");
    commit_all(root, "Next");
    assert_eq!(publish(root, &[]).code, 0);
    assert_eq!(git(root, &["rev-parse", &format!("{BRANCH}~1")]), first);
    git(root, &["push", "--quiet", "origin", BRANCH]);
    let second = git(root, &["rev-parse", BRANCH]);

    // one that stayed behind follows what was fetched
    git(root, &["update-ref", &format!("refs/heads/{BRANCH}"), &first]);
    edit_spec(root, "reached: bookinfo", "reached: bookinfo/enrollment");
    commit_all(root, "A step back");
    let ran = publish(root, &[]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(git(root, &["rev-parse", &format!("{BRANCH}~1")]), second);

    // one that went another way is refused
    git(root, &["update-ref", &format!("refs/heads/{BRANCH}"), &first]);
    others_put(root, "x", "x\n");
    let ran = publish(root, &[]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("have diverged"), "{}", ran.stderr);
}

#[test]
fn branches_that_cannot_be_published_to_are_named() {
    let folder = example();
    let root = folder.path();
    for (branch, said) in
        [("main", "is checked out in"), ("a..b", "is no name of a branch"), ("-x", "is no name")]
    {
        let path = std::env::var("PATH").expect("a PATH");
        let arguments = ["publish", &format!("--branch={branch}")];
        let ran = waypost_with(root, &arguments, &[("PATH", &path)]);
        assert_eq!(ran.code, 1, "{branch}: {}", ran.stderr);
        assert!(ran.stderr.contains(said), "{}", ran.stderr);
    }
    let outside = copy_of("brownfield");
    let ran = publish(outside.path(), &[]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("is in no git repository"), "{}", ran.stderr);
}

/// Files that one commit writes with one text: a branch that is whole has one text in all of them.
const FILES: [&str; 4] = ["tree/a/1.yaml", "tree/a/2.yaml", "tree/b.yaml", "tree/c/d/e.yaml"];

/// Commits once, as often as it takes. False where there was nothing to change.
fn put(branch: &Branch, text: &str) -> bool {
    loop {
        let tip = branch.tip().expect("a tip");
        if branch.text(&tip, FILES[0]).expect("a text").as_deref() == Some(text) {
            return false;
        }
        let write = FILES.iter().map(|path| ((*path).to_owned(), text)).collect();
        let edit = Edit { write, delete: Vec::new() };
        match branch.commit(&tip, &edit, "A change\n").expect("git works") {
            Commit::Made(_) => return true,
            Commit::Overtaken(_) => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}

/// The text of a whole branch.
fn whole(root: &Path, commit: &str) -> String {
    let text = |path: &str| git(root, &["cat-file", "blob", &format!("{commit}:{path}")]);
    let texts: BTreeSet<String> = FILES.iter().map(|path| text(path)).collect();
    assert_eq!(texts.len(), 1, "{commit} is torn: {texts:?}");
    texts.into_iter().next().expect("one")
}

fn bare() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    repository(folder.path());
    commit_all(folder.path(), "Begin");
    folder
}

#[test]
fn a_hundred_runs_make_a_commit_for_each_change_and_none_without() {
    let folder = bare();
    let branch = branch(folder.path());
    let mut changes = 0;
    for run in 0..100 {
        // every third run changes something
        changes += usize::from(put(&branch, &format!("{}\n", run / 3)));
    }
    assert_eq!(changes, 34);
    assert_eq!(git(folder.path(), &["rev-list", "--count", BRANCH]), "34");
    for commit in git(folder.path(), &["rev-list", BRANCH]).lines() {
        whole(folder.path(), commit);
    }
    git(folder.path(), &["fsck", "--strict", "--no-dangling"]);
}

#[test]
fn two_that_publish_at_once_and_a_third_who_commits_lose_nothing() {
    let folder = bare();
    let root = folder.path();
    let open = || branch(root);
    assert!(put(&open(), "begin\n"));
    std::thread::scope(|scope| {
        for writer in ["one", "two"] {
            scope.spawn(move || {
                let branch = open();
                for n in 0..12 {
                    assert!(put(&branch, &format!("{writer} {n}\n")));
                }
            });
        }
        scope.spawn(move || {
            let branch = open();
            for n in 0..12 {
                // somebody else, who writes another file by the same means
                let (path, text) = (format!("theirs/{n}"), format!("{n}\n"));
                loop {
                    let tip = branch.tip().expect("a tip");
                    let write = BTreeMap::from([(path.clone(), text.as_str())]);
                    let edit = Edit { write, delete: Vec::new() };
                    let done = branch.commit(&tip, &edit, "Theirs\n").expect("git works");
                    if matches!(done, Commit::Made(_)) {
                        break;
                    }
                }
            }
        });
    });
    let history = git(root, &["rev-list", BRANCH]);
    assert_eq!(history.lines().count(), 1 + 12 + 12 + 12, "every commit is in the history");
    assert_eq!(git(root, &["rev-list", "--count", "--merges", BRANCH]), "0");
    let texts: BTreeSet<String> = history.lines().map(|commit| whole(root, commit)).collect();
    assert_eq!(texts.len(), 1 + 12 + 12, "every change was the newest once");
    let list = git(root, &["ls-tree", "-r", "--name-only", BRANCH, "theirs/"]);
    assert_eq!(list.lines().count(), 12);
}

const ROOT: &str = "WAYPOST_TEST_PUBLISH_ROOT";

/// The process that is killed: publishes for as long as it lives.
#[test]
#[ignore = "runs as the child of the test below"]
fn publisher() {
    let root = std::env::var(ROOT).expect("the repository");
    let branch = branch(Path::new(&root));
    let end = std::time::Instant::now() + Duration::from_secs(60);
    let id = std::process::id();
    for n in (0..).take_while(|_| std::time::Instant::now() < end) {
        put(&branch, &format!("{id} {n}\n"));
    }
}

#[test]
fn a_killed_publish_leaves_a_whole_branch() {
    let folder = bare();
    let root = folder.path();
    let branch = branch(root);
    assert!(put(&branch, "begin\n"));
    let start = std::time::Instant::now();
    assert!(put(&branch, "again\n"));
    // a process that starts, and some commits of it
    let window = 50 + 6 * u64::try_from(start.elapsed().as_millis()).expect("short");
    let mut random: u64 = 0x5eed_0008;
    let mut before = git(root, &["rev-parse", BRANCH]);
    let (mut kill, mut moved) = (0, 0);
    while kill < 25 || moved < 8 {
        kill += 1;
        assert!(kill < 400, "no kill came after a commit");
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let program = std::env::current_exe().expect("this test");
        let mut child = Command::new(program)
            .args(["publish::publisher", "--exact", "--ignored", "--quiet"])
            .env(ROOT, root)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        std::thread::sleep(Duration::from_millis((random >> 33) % window));
        child.kill().expect("killed");
        child.wait().expect("gone");
        let tip = git(root, &["rev-parse", BRANCH]);
        whole(root, &tip);
        let lost = git(root, &["rev-list", "--count", &format!("{tip}..{before}")]);
        assert_eq!(lost, "0", "kill {kill} lost a commit");
        moved += usize::from(tip != before);
        before = tip;
    }
    assert!(put(&branch, "end\n"), "the next one publishes as if nothing had been");
    git(root, &["fsck", "--strict", "--no-dangling"]);
}

/// `render` refuses to move a namespace into an error of the lints, and `publish` moved it.
#[test]
fn a_move_into_an_error_is_not_published() {
    let folder = tempfile::tempdir().expect("a folder");
    let environments = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/world/environments");
    let spec = "environments/ahead/environment.yaml";
    copy(&environments.join("ahead"), &folder.path().join("environments/ahead"));
    repository(folder.path());
    let reach = |stage: &str| {
        let file = folder.path().join(spec);
        let text = std::fs::read_to_string(&file).expect("a spec");
        let lines = text.lines().map(|line| match line.split_once("reached:") {
            Some((indent, _)) => format!("{indent}reached: {stage}\n"),
            None => format!("{line}\n"),
        });
        std::fs::write(&file, lines.collect::<String>()).expect("written");
        commit_all(folder.path(), stage);
    };
    let arguments = ["publish", "--branch", "deploy/ahead"];
    reach("till");
    let ran = waypost(folder.path(), &arguments);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let before = git(folder.path(), &["rev-parse", "deploy/ahead"]);
    reach("shop");
    let ran = waypost(folder.path(), &arguments);
    assert_eq!((ran.code, ran.stdout.as_str()), (3, ""), "{}", ran.stderr);
    assert!(ran.stderr.contains("error[l7-deny-noop]"), "{}", ran.stderr);
    assert!(ran.stderr.contains("move to `shop`"), "{}", ran.stderr);
    assert_eq!(git(folder.path(), &["rev-parse", "deploy/ahead"]), before);
}
