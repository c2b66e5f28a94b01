//! Absent is not "none": a source that gives nothing is an error, and what is published is what a commit
//! holds.

use std::path::Path;

use super::{commit_all, git, repository, run, write};

const ACCOUNT: &str =
    "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: more, namespace: client}\n";

/// A repository whose spec names a submodule, with its own repository.
fn with_submodule() -> (tempfile::TempDir, tempfile::TempDir) {
    let (inner, outer) = (tempfile::tempdir().expect("a folder"), repository());
    write(inner.path(), "more.yaml", ACCOUNT);
    commit_all(inner.path(), "inner");
    let (root, url) = (outer.path(), format!("file://{}", inner.path().display()));
    git(
        root,
        &["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", &url, "vendor/more"],
    );
    super::replace(
        &root.join("environments/brownfield"),
        "    inventory: [inventory",
        "    inventory: [../../vendor/more, inventory",
    );
    let ran = run(root, &["render", "brownfield", "--force"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    commit_all(root, "with a submodule");
    (outer, inner)
}

fn clone(from: &Path, arguments: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("file://{}", from.display());
    let to = folder.path().join("clone");
    let to = to.to_str().expect("UTF-8").to_owned();
    let mut words = vec!["clone", "--quiet"];
    words.extend_from_slice(arguments);
    words.extend([url.as_str(), to.as_str()]);
    git(from, &words);
    folder
}

#[test]
fn a_source_that_gives_nothing_is_an_error() {
    let inventory = "environments/brownfield/inventory";
    type Lose = fn(&Path);
    let ways: [(&str, Lose); 4] = [
        ("emptied", |root| {
            let folder = root.join("environments/brownfield/inventory");
            for (path, _) in crate::program::files(&folder) {
                std::fs::write(folder.join(path), "").expect("written");
            }
        }),
        ("commented out", |root| {
            std::fs::write(root.join("environments/brownfield/tsb-config.yaml"), "# none\n")
                .expect("written");
        }),
        ("no test", |root| {
            std::fs::write(root.join("environments/brownfield/access.yaml"), "").expect("written");
        }),
        ("gone", |root| {
            std::fs::remove_dir_all(root.join("environments/brownfield/inventory")).expect("gone");
        }),
    ];
    for (way, lose) in ways {
        let folder = repository();
        lose(folder.path());
        for verb in [
            &["render", "brownfield"][..],
            &["check"],
            &["publish", "--branch", "x", "--allow-dirty"],
        ] {
            let ran = run(folder.path(), verb);
            assert_eq!(ran.code, 3, "{way}, {verb:?}: {}", ran.stderr);
        }
        assert_eq!(
            git(folder.path(), &["status", "--porcelain", "rendered"]),
            "",
            "{way}: {inventory}"
        );
    }
}

#[test]
fn a_sparse_checkout_that_leaves_a_source_out_is_named() {
    let up = repository();
    let here = clone(up.path(), &["--no-checkout"]);
    let root = here.path().join("clone");
    let file = std::fs::read_dir(up.path().join("environments/brownfield/inventory"))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
        .min()
        .expect("a file");
    let left_out = format!("!/environments/brownfield/inventory/{file}");
    git(&root, &["sparse-checkout", "set", "--no-cone", "/*", &left_out]);
    git(&root, &["checkout", "--quiet"]);
    assert!(!root.join("environments/brownfield/inventory").join(&file).exists());
    for verb in [
        &["render", "brownfield"][..],
        &["check", "brownfield"],
        &["publish", "--branch", "x", "--new-branch", "brownfield"],
    ] {
        let ran = run(&root, verb);
        assert_eq!(ran.code, 3, "{verb:?}: {}", ran.stderr);
        assert!(ran.stderr.contains("git sparse-checkout"), "{verb:?}: {}", ran.stderr);
    }
    assert_eq!(run(&root, &["check", "greenfield"]).code, 0, "all of it is here");
}

#[test]
fn a_submodule_is_asked_for_what_it_holds() {
    let (outer, inner) = with_submodule();
    let root = outer.path();
    let publish =
        |root: &Path, branch: &str| run(root, &["publish", "--branch", branch, "--new-branch"]);
    let ran = publish(root, "env/clean");
    assert_eq!(ran.code, 0, "it is as the commit names it: {}", ran.stderr);
    // a file of its own that nobody committed, a change, another commit
    write(root, "vendor/more/other.yaml", &ACCOUNT.replace("more", "other"));
    let ran = publish(root, "env/a");
    assert_eq!(ran.code, 5, "{}", ran.stderr);
    assert!(ran.stderr.contains("in submodule `vendor/more`"), "{}", ran.stderr);
    commit_all(&root.join("vendor/more"), "another");
    let ran = publish(root, "env/a");
    assert_eq!(ran.code, 5, "{}", ran.stderr);
    assert!(ran.stderr.contains("stands at another commit"), "{}", ran.stderr);
    drop(inner);
    // a clone of CI without its submodules
    let here = clone(root, &[]);
    let root = here.path().join("clone");
    for verb in [
        &["render", "brownfield"][..],
        &["check", "brownfield"],
        &["publish", "--branch", "x", "--new-branch"],
    ] {
        let ran = run(&root, verb);
        assert_eq!(ran.code, 3, "{verb:?}: {}", ran.stderr);
        assert!(ran.stderr.contains("empty-source"), "{verb:?}: {}", ran.stderr);
    }
    assert_eq!(git(&root, &["status", "--porcelain"]), "", "nothing was written");
}

#[test]
fn what_the_commit_holds_and_is_not_here_is_not_published() {
    let folder = repository();
    let root = folder.path();
    write(root, "environments/brownfield/inventory/zz.yaml", ACCOUNT);
    let ran = run(root, &["render", "brownfield", "--force"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    commit_all(root, "more");
    std::fs::remove_file(root.join("environments/brownfield/inventory/zz.yaml")).expect("gone");
    let ran = run(root, &["publish", "--branch", "x"]);
    assert_eq!(ran.code, 5, "{}", ran.stderr);
    assert!(ran.stderr.contains("of the commit is not here"), "{}", ran.stderr);
}
