//! git is asked about a stranger's tree: no program that the tree names is started.

use std::path::Path;

use super::{commit_all, examples, git, run, run_with, write};

/// Everything that asks git.
fn verbs(base: &str) -> Vec<Vec<String>> {
    let at_base = format!("{base}:brownfield");
    [
        vec!["list", "--changed-since", base, "--format", "json"],
        vec!["diff", "--base", base, "--format", "markdown"],
        vec!["diff", "--base", base, "--merge-base"],
        vec!["diff", "--base", base, "--head", "HEAD"],
        vec!["access", "diff", &at_base, "brownfield"],
        vec!["check"],
        vec!["publish", "--branch", "live", "--new-branch"],
        vec!["publish", "--branch", "live", "--new-branch", "--allow-dirty"],
    ]
    .iter()
    .map(|words| words.iter().map(|word| (*word).to_owned()).collect())
    .collect()
}

fn run_all(folder: &Path, base: &str, trap: &Path) {
    for verb in verbs(base) {
        let words: Vec<&str> = verb.iter().map(String::as_str).collect();
        let ran = run(folder, &words);
        assert!(!trap.exists(), "{words:?} ran code of the tree: {}", ran.stderr);
    }
}

fn touch(path: &Path) -> String {
    format!("touch {}", path.display())
}

/// A committed folder that is a bare repository, whose settings name a program: git takes it for the
/// repository of whoever is in it.
#[test]
fn a_repository_embedded_in_the_tree_is_refused_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let (root, trap) = (folder.path().join("mono"), folder.path().join("ran"));
    std::fs::create_dir(&root).expect("a folder");
    examples(&root.join("mesh"));
    std::fs::remove_dir_all(root.join("mesh/.git")).expect("removed");
    commit_all(&root, "base");
    let base = git(&root, &["rev-parse", "HEAD"]);
    // at the folder itself, and above it
    for at in ["mesh", ""] {
        let inside = root.join(at);
        for name in ["objects/info", "refs/heads"] {
            write(&inside, &format!("{name}/.keep"), "");
        }
        let objects = root.join(".git/objects");
        write(&inside, "objects/info/alternates", &objects.display().to_string());
        write(&inside, "HEAD", "ref: refs/heads/main\n");
        let config = format!(
            "[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tworktree = {}\n\tfsmonitor = \"{}; false\"\n",
            inside.display(),
            touch(&trap)
        );
        write(&inside, "config", &config);
        if at.is_empty() {
            // the outer folder has a `.git`, which comes first: its own settings hold
            run_all(&root, &base, &trap);
        } else {
            // the trap works where nobody looks
            let _ = std::process::Command::new("git")
                .arg("-C")
                .arg(&inside)
                .args(["-c", "safe.bareRepository=all", "status"])
                .output();
            assert!(trap.exists(), "this git does not run the trap: the test proves nothing");
            std::fs::remove_file(&trap).expect("removed");
            run_all(&inside, &base, &trap);
            let ran = run(&inside, &["list", "--changed-since", &base]);
            assert_eq!(ran.code, 1, "{}", ran.stderr);
            assert!(ran.stderr.contains("`HEAD`, `objects` and `refs`"), "{}", ran.stderr);
            assert!(ran.stderr.contains("help: delete these names"), "{}", ran.stderr);
        }
        for name in ["HEAD", "config"] {
            std::fs::remove_file(inside.join(name)).expect("removed");
        }
        for name in ["objects", "refs"] {
            std::fs::remove_dir_all(inside.join(name)).expect("removed");
        }
    }
}

/// A clone may include a file of the tree into its settings, as teams do for what they share.
#[test]
fn settings_that_a_tree_brings_start_no_program() {
    let folder = tempfile::tempdir().expect("a folder");
    let (root, trap) = (folder.path().join("a"), folder.path().join("ran"));
    examples(&root);
    let base = git(&root, &["rev-parse", "HEAD"]);
    let touch = touch(&trap);
    let hook = "hooks/reference-transaction";
    write(&root, hook, &format!("#!/bin/sh\n{touch}\n"));
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(root.join(hook), mode).expect("made a program");
    write(&root, ".gitattributes", "* filter=trap diff=trap\n");
    write(
        &root,
        ".gitconfig",
        &format!(
            "[core]\n\tfsmonitor = \"{touch}; false\"\n\thooksPath = {}\n\tpager = \"{touch}\"\n[diff]\n\texternal = \"{touch}\"\n[diff \"trap\"]\n\tcommand = \"{touch}\"\n\ttextconv = \"{touch}; cat\"\n[filter \"trap\"]\n\tclean = \"{touch}; cat\"\n\tsmudge = \"{touch}; cat\"\n\trequired = true\n[log]\n\tshowSignature = true\n[gpg]\n\tprogram = \"{touch}\"\n[remote \"origin\"]\n\tuploadpack = \"{touch};\"\n",
            root.join("hooks").display()
        ),
    );
    git(&root, &["add", "--all"]);
    git(&root, &["commit", "--quiet", "-m", "pr"]);
    git(&root, &["config", "include.path", "../.gitconfig"]);
    // files whose times changed are read again, which asks filters
    let access = root.join("environments/brownfield/access.yaml");
    let text = std::fs::read_to_string(&access).expect("a file");
    std::fs::write(&access, text + "# more\n").expect("written");
    let _ = git(&root, &["status"]);
    assert!(trap.exists(), "this git does not run the trap: the test proves nothing");
    std::fs::remove_file(&trap).expect("removed");
    run_all(&root, &base, &trap);
    git(&root, &["config", "--unset", "include.path"]);
    assert!(!git(&root, &["branch", "--list", "live"]).is_empty(), "it was published");
}

/// git runs hooks with `GIT_DIR` set, and `rebase --exec` too: the repository asked is that of `-C`.
#[test]
fn the_repository_is_that_of_the_folder_also_in_a_hook() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mono, other, linked) =
        (folder.path().join("mono"), folder.path().join("other"), folder.path().join("wt"));
    examples(&other);
    std::fs::create_dir(&mono).expect("a folder");
    examples(&mono.join("mesh"));
    std::fs::remove_dir_all(mono.join("mesh/.git")).expect("removed");
    commit_all(&mono, "base");
    git(&mono, &["worktree", "add", "--quiet", linked.to_str().expect("UTF-8"), "-b", "wt"]);
    let git_dir = git(&linked, &["rev-parse", "--absolute-git-dir"]);
    let index = format!("{git_dir}/index");
    let hook = [
        ("GIT_DIR", git_dir.as_str()),
        ("GIT_INDEX_FILE", index.as_str()),
        ("GIT_PREFIX", "mesh/"),
        ("GIT_WORK_TREE", "/nowhere"),
        ("GIT_CONFIG_PARAMETERS", "'core.worktree=/nowhere'"),
    ];
    let mesh = linked.join("mesh");
    let ran = run_with(&mesh, &["diff", "--base", "HEAD"], &hook);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.starts_with("no changes"), "{}", ran.stdout);
    let ran = run_with(&mesh, &["list", "--changed-since", "HEAD"], &hook);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{}", ran.stderr);
    let ran = run_with(&mesh, &["publish", "--branch", "env/a"], &hook);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let ran = run_with(&other, &["publish", "--branch", "env/z", "--allow-dirty"], &hook);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(git(&mono, &["branch", "--list", "env/z"]), "");
    assert!(!git(&other, &["branch", "--list", "env/z"]).is_empty());
}
