//! Every tree has its spec: what belongs to no environment is found, listed and deleted on purpose only.

use std::path::Path;

use serde_json::Value;

use super::{commit_all, git, replace, repository, run, write};

const POLICY: &str = "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: waypoint-deny-rules, namespace: httpbin}\nspec: {action: ALLOW, rules: [{}]}\n";
const RENDERED: &str =
    "rendered/brownfield/cp-cluster-1/mesh/httpbin/authorizationpolicy-waypoint-deny-rules.yaml";

fn listed(root: &Path, since: &str) -> Vec<String> {
    let ran = run(root, &["list", "--changed-since", since, "--format", "json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let matrix: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let include = matrix["include"].as_array().expect("a list");
    include.iter().map(|e| e["environment"].as_str().expect("a name").to_owned()).collect()
}

fn move_spec(root: &Path, to: &str) {
    let spec = root.join("environments/brownfield/environment.yaml");
    std::fs::rename(spec, root.join("environments/brownfield").join(to)).expect("renamed");
}

/// Whatever takes the spec out of sight, the jobs of CI see its tree.
#[test]
fn a_tree_whose_spec_was_taken_away_is_listed_and_fails_the_check() {
    type Hide = fn(&Path);
    let ways: [(&str, Hide); 8] = [
        ("renamed", |root| move_spec(root, "environment.yaml.bak")),
        ("another ending", |root| move_spec(root, "environment.yml")),
        ("another case", |root| move_spec(root, "Environment.yaml")),
        ("deleted", |root| {
            std::fs::remove_dir_all(root.join("environments/brownfield")).expect("removed");
        }),
        ("folder renamed", |root| {
            let at = |name: &str| root.join("environments").join(name);
            std::fs::rename(at("brownfield"), at("brownfield.old")).expect("renamed");
        }),
        ("made a base", |root| {
            replace(
                &root.join("environments/brownfield"),
                "  name: brownfield\n",
                "  labels: {}\n",
            );
        }),
        ("a name that is no text", |root| {
            use std::os::unix::ffi::OsStrExt;
            let name = std::ffi::OsStr::from_bytes(b"\xff.yaml");
            std::fs::write(root.join("environments/brownfield").join(name), "").expect("written");
        }),
        ("a link", |root| {
            let at = root.join("environments/brownfield");
            std::fs::rename(&at, root.join("elsewhere")).expect("renamed");
            std::os::unix::fs::symlink("../elsewhere", &at).expect("a link");
        }),
    ];
    for (way, hide) in ways {
        let folder = repository();
        let root = folder.path();
        hide(root);
        replace(&root.join("gitops/argocd/brownfield"), "git.example.com", "git.evil.example");
        write(root, RENDERED, POLICY);
        let ran = run(root, &["check"]);
        assert_ne!(ran.code, 0, "{way}: {}", ran.stderr);
        let ran = run(root, &["render"]);
        assert_ne!(ran.code, 0, "{way}: {}", ran.stderr);
        if matches!(way, "a link" | "folder renamed" | "a name that is no text") {
            // nothing is listed at all then, which fails the job
            assert_ne!(run(root, &["list", "--changed-since", "HEAD"]).code, 0);
            continue;
        }
        assert!(listed(root, "HEAD").contains(&"brownfield".to_owned()), "{way}");
        let ran = run(root, &["check", "brownfield"]);
        assert_eq!(ran.code, 4, "{way}: {}", ran.stderr);
        assert!(ran.stderr.contains("brownfield"), "{way}: {}", ran.stderr);
        assert_eq!(run(root, &["check", "greenfield"]).code, 0, "{way}: not its fault");
    }
}

#[test]
fn what_no_lock_lists_fails_the_check_wherever_an_applier_may_read_it() {
    for (path, concerns_all) in [
        ("rendered/loose.yaml", true),
        ("gitops/argocd/root.yaml", true),
        ("gitops/apps/root.yaml", true),
        ("rendered/brownfield/loose.yaml", false),
        ("rendered/brownfield/cp-cluster-1/loose.yaml", false),
        ("rendered/brownfield/other-cluster/mesh/loose.yaml", false),
        ("rendered/brownfield/cp-cluster-1/kustomization.yaml", false),
        ("gitops/argocd/brownfield/loose.yaml", false),
        ("gitops/flux/brownfield/cp-cluster-1/loose.yml", false),
    ] {
        let folder = repository();
        let root = folder.path();
        write(root, path, POLICY);
        assert_eq!(run(root, &["check"]).code, 4, "{path}");
        assert_eq!(run(root, &["check", "brownfield"]).code, 4, "{path}");
        let other = run(root, &["check", "greenfield"]);
        assert_eq!(other.code == 4, concerns_all, "{path}: {}", other.stderr);
        assert_ne!(run(root, &["render"]).code, 0, "{path}");
        let listed = listed(root, "HEAD");
        assert!(listed.contains(&"brownfield".to_owned()), "{path}: {listed:?}");
    }
    // what people write for each other is left alone
    let folder = repository();
    for path in ["rendered/README.md", "gitops/.gitkeep", "rendered/brownfield/OWNERS"] {
        write(folder.path(), path, "# to read\n");
    }
    assert_eq!(run(folder.path(), &["check"]).code, 0);
}

#[test]
fn prune_names_a_stale_tree_and_deletes_it_when_it_is_told_to() {
    let folder = repository();
    let root = folder.path();
    assert_eq!(run(root, &["prune"]).code, 0, "there is none");
    let ran = run(root, &["prune", "brownfield"]);
    assert_eq!(ran.code, 2, "it has a spec: {}", ran.stderr);
    std::fs::remove_dir_all(root.join("environments/brownfield")).expect("removed");
    write(root, "rendered/brownfield/cp-cluster-1/mesh/mine.yaml", POLICY);
    let all = ["prune", "--allow-empty-unit", "--allow-namespace-removal", "--allow-shrink"];
    let ran = run(root, &all);
    assert_eq!(ran.code, 3, "a file of somebody else: {}", ran.stderr);
    std::fs::remove_file(root.join("rendered/brownfield/cp-cluster-1/mesh/mine.yaml"))
        .expect("removed");
    let ran = run(root, &["prune"]);
    assert_eq!(ran.code, 5, "{}", ran.stderr);
    assert!(ran.stderr.contains("--allow-namespace-removal"), "{}", ran.stderr);
    assert_eq!(git(root, &["status", "--porcelain", "rendered", "gitops"]), "", "nothing is gone");
    let ran = run(root, &all);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    commit_all(root, "pruned");
    assert_eq!(git(root, &["ls-files", "rendered/brownfield", "gitops/argocd/brownfield"]), "");
    assert_eq!(run(root, &["check"]).code, 0);
}
