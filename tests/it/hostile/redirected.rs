//! What appliers are told, and what they build, is compared as what is applied is.

use std::path::Path;

use serde_json::Value;

use super::{replace, repository, run, write};

fn diff(root: &Path) -> (Value, String) {
    let json = run(root, &["diff", "--base", "HEAD", "--format", "json"]);
    let markdown = run(root, &["diff", "--base", "HEAD", "--format", "markdown"]);
    (serde_json::from_str(&json.stdout).expect("JSON"), markdown.stdout)
}

fn codes(diff: &Value, level: &str) -> Vec<String> {
    let flags = diff["environments"].as_array().expect("environments").iter();
    let flags = flags.flat_map(|e| e["flags"].as_array().expect("flags").clone());
    let mut codes: Vec<String> = flags
        .filter(|flag| flag["level"] == level)
        .map(|flag| flag["code"].as_str().expect("a code").to_owned())
        .collect();
    codes.sort();
    codes.dedup();
    codes
}

#[test]
fn an_applier_that_is_told_something_else_is_a_danger() {
    let argocd = "gitops/argocd/brownfield";
    let flux = "gitops/flux/brownfield";
    for (folder, from, to) in [
        (argocd, "repoURL: https://git.example.com", "repoURL: https://git.evil.example"),
        (argocd, "- https://git.example.com/mesh.git", "- '*'"),
        (argocd, "refs/heads/main", "refs/heads/other"),
        (argocd, "path: rendered/brownfield/cp-cluster-1/mesh", "path: docs/x"),
        (
            argocd,
            "name: cp-cluster-1\n    namespace: bookinfo",
            "name: other\n    namespace: bookinfo",
        ),
        (argocd, "project: waypost-brownfield", "project: default"),
        (argocd, "prune: true", "prune: false"),
        (argocd, "- PruneLast=true", "- Replace=true"),
        (argocd, "kind: PeerAuthentication", "kind: '*'"),
        (flux, "url: https://git.example.com", "url: https://git.evil.example"),
        (flux, "name: refs/heads/main", "name: refs/heads/other"),
        (flux, "path: ./rendered/brownfield/cp-cluster-1/mesh", "path: ./docs/x"),
        (flux, "prune: true", "prune: false"),
        (flux, "  components:\n  - _guard\n", ""),
        (flux, "deletionPolicy: Orphan", "deletionPolicy: Delete"),
        (flux, "  wait: true\n", "  wait: true\n  targetNamespace: other\n"),
        (flux, "  wait: true\n", "  wait: true\n  patches: []\n"),
    ] {
        let repository = repository();
        let root = repository.path();
        replace(&root.join(folder), from, to);
        let (diff, markdown) = diff(root);
        let dangers = codes(&diff, "danger");
        assert_eq!(dangers, ["delivery-redirected"], "{to}: {markdown}");
        assert!(!markdown.contains("no danger"), "{to}: {markdown}");
        let ran = run(root, &["diff", "--base", "HEAD", "--fail-on", "danger"]);
        assert_eq!(ran.code, 5, "{to}: {}", ran.stderr);
    }
    // how often something is tried is nobody's danger
    let repository = repository();
    replace(&repository.path().join(flux), "interval: 10m", "interval: 5m");
    let (diff, _) = diff(repository.path());
    assert_eq!(codes(&diff, "danger"), Vec::<String>::new());
}

#[test]
fn an_applier_that_is_told_of_more_is_looked_at() {
    let folder = repository();
    let root = folder.path();
    let application = |url: &str| {
        format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: more, namespace: argocd}}\nspec:\n  project: waypost-brownfield\n  source: {{repoURL: {url}, targetRevision: refs/heads/main, path: rendered/brownfield/cp-cluster-1/mesh}}\n  destination: {{name: cp-cluster-1, namespace: client}}\n"
        )
    };
    let path = "gitops/argocd/brownfield/application-more.yaml";
    write(root, path, &application("https://git.example.com/mesh.git"));
    assert_eq!(codes(&diff(root).0, "danger"), Vec::<String>::new());
    assert_eq!(codes(&diff(root).0, "notice"), ["delivery-added"]);
    write(root, path, &application("https://git.evil.example/mesh.git"));
    assert_eq!(codes(&diff(root).0, "danger"), ["delivery-redirected"]);
    let binding = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: more}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}\n";
    write(root, path, binding);
    assert_eq!(codes(&diff(root).0, "danger"), ["delivery-redirected"]);
    std::fs::remove_file(root.join(path)).expect("removed");
    let mesh = "gitops/argocd/brownfield/application-brownfield-cp-cluster-1-mesh.yaml";
    std::fs::remove_file(root.join(mesh)).expect("removed");
    assert_eq!(codes(&diff(root).0, "danger"), ["delivery-removed"]);
}

#[test]
fn a_kustomization_that_is_more_than_a_list_is_a_danger_and_access_is_not_known() {
    const UNIT: &str = "rendered/brownfield/cp-cluster-1/mesh";
    let append = |text: &'static str| {
        move |root: &Path| {
            let path = root.join(UNIT).join("kustomization.yaml");
            let old = std::fs::read_to_string(&path).expect("a file");
            std::fs::write(path, old + text).expect("written");
        }
    };
    let add = |name: &'static str, text: &'static str| {
        move |root: &Path| write(root, &format!("{UNIT}/{name}"), text)
    };
    type Way = Box<dyn Fn(&Path)>;
    let ways: Vec<Way> = vec![
        Box::new(append(
            "patches:\n- target: {kind: AuthorizationPolicy}\n  patch: |\n    - {op: replace, path: /spec/rules, value: [{}]}\n",
        )),
        Box::new(append("- https://evil.example/x.yaml\n")),
        Box::new(append("- github.com/evil/mesh//x?ref=main\n")),
        Box::new(append("- ../../../../docs/x.yaml\n")),
        Box::new(append("- more\n")),
        Box::new(append("namespace: other\n")),
        Box::new(append("components: [../x]\n")),
        Box::new(append("transformers: [x.yaml]\n")),
        Box::new(append("helmCharts: [{name: a}]\n")),
        Box::new(add("kustomization.yml", "patches: []\n")),
        Box::new(add("Kustomization", "patches: []\n")),
        Box::new(add("Chart.yaml", "name: a\n")),
        Box::new(add(".argocd-source.yaml", "kustomize: {namePrefix: a}\n")),
        Box::new(|root: &Path| {
            let guard = root.join(UNIT).join("_guard/Kustomization");
            let text = std::fs::read_to_string(&guard).expect("a guard");
            let more = "- target: {kind: AuthorizationPolicy}\n  patch: '[{op: remove, path: /spec/rules}]'\n";
            std::fs::write(guard, text + more).expect("written");
        }),
    ];
    for (at, way) in ways.iter().enumerate() {
        let folder = repository();
        let root = folder.path();
        way(root);
        let (diff, markdown) = diff(root);
        assert_eq!(codes(&diff, "danger"), ["build-overridden"], "{at}: {markdown}");
        let environments = diff["environments"].as_array().expect("environments");
        let changed = environments.iter().find(|e| e["name"] == "brownfield").expect("it");
        assert_eq!(changed["access"]["state"], "notSimulated", "{at}: {markdown}");
        assert!(!diff["gaps"].as_array().expect("gaps").is_empty());
        for comfort in ["no danger", "obody gains", "equal"] {
            assert!(!markdown.contains(comfort), "{at}: {markdown}");
        }
    }
}

/// One file that cannot be read: nobody says that access is as it was.
#[test]
fn beside_a_gap_nothing_comforts() {
    let policy = "rendered/brownfield/cp-cluster-1/mesh/httpbin/authorizationpolicy-allow.yaml";
    for text in [&b"kind: [\n"[..], b"\xff\xfe", b"a: 1\na: 2\n"] {
        let folder = repository();
        let root = folder.path();
        std::fs::write(root.join(policy), text).expect("written");
        for format in ["text", "markdown", "html", "json", "junit", "sarif", "github", "gitlab"] {
            let ran = run(root, &["diff", "--base", "HEAD", "--format", format]);
            assert_eq!(ran.code, 3, "{format}: {}", ran.stderr);
            for comfort in ["o danger found", "obody gains", "o changes:", "byte for byte"] {
                let said = ran.stdout.contains(comfort);
                // the page's other environment is equal, and says so
                let is_other =
                    format == "html" && comfort != "obody gains" && comfort != "o danger found";
                assert!(!said || is_other, "{format}: {comfort}: {}", ran.stdout);
            }
            let told = ["access was not simulated", "Access was not simulated", "notSimulated"];
            assert!(
                told.iter().any(|words| ran.stdout.contains(words)),
                "{format}: {}",
                ran.stdout
            );
        }
        for what in ["danger", "gain", "loss"] {
            let ran = run(root, &["diff", "--base", "HEAD", "--fail-on", what]);
            assert_eq!(ran.code, 3, "{}", ran.stderr);
        }
    }
}

#[test]
fn appliers_read_what_is_rendered_and_nothing_else() {
    let folder = repository();
    let root = folder.path();
    replace(
        &root.join("environments/brownfield"),
        "    revision: main\n",
        "    revision: main\n    path: docs/x\n",
    );
    let ran = run(root, &["render", "brownfield"]);
    assert!(ran.stderr.contains("warning[delivery-path]"), "{}", ran.stderr);
    super::commit_all(root, "another path");
    let policy = "docs/x/brownfield/cp-cluster-1/mesh/policy.yaml";
    write(root, policy, "kind: AuthorizationPolicy\n");
    for verb in ["check", "render"] {
        let ran = run(root, &[verb, "brownfield"]);
        assert_eq!(ran.code, 3, "{verb}: {}", ran.stderr);
        assert!(ran.stderr.contains("error[delivery-path]"), "{verb}: {}", ran.stderr);
    }
    // from a folder of the repository its own place is meant
    let mono = tempfile::tempdir().expect("a folder");
    super::examples(&mono.path().join("mesh"));
    std::fs::remove_dir_all(mono.path().join("mesh/.git")).expect("removed");
    std::fs::create_dir(mono.path().join(".git")).expect("a folder");
    let mesh = mono.path().join("mesh");
    replace(
        &mesh.join("environments/brownfield"),
        "    revision: main\n",
        "    revision: main\n    path: mesh/rendered\n",
    );
    let ran = run(&mesh, &["render", "brownfield"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(!ran.stderr.contains("delivery-path"), "{}", ran.stderr);
}
