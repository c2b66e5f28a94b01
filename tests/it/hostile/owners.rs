//! Two environments that come to one name: an error that names both.

use std::path::Path;

use super::{run, write};

/// An environment with one cluster, that Argo CD and Flux are told of.
fn environment(root: &Path, name: &str, cluster: &str) {
    let folder = format!("environments/{name}");
    let ran = run(root, &["init", "made", "--name", name]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let from = root.join("made/environments").join(name);
    std::fs::create_dir_all(root.join("environments")).expect("a folder");
    std::fs::rename(&from, root.join(&folder)).expect("moved");
    let spec = format!("{folder}/environment.yaml");
    let text = std::fs::read_to_string(root.join(&spec)).expect("a spec");
    let text = text.replace("cluster-1", cluster);
    let told =
        "  delivery: {targets: [argocd, flux], repoURL: \"https://git.example.com/mesh.git\"}\n";
    write(root, &spec, &(text + told));
}

#[test]
fn names_that_two_environments_render_are_an_error_that_names_both() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    environment(root, "prod", "eu-west");
    environment(root, "prod-eu", "west");
    let ran = run(root, &["render"]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    let said = "environments `prod-eu` and `prod` both render `Application argocd/prod-eu-west-";
    assert!(ran.stderr.contains("name-collides") && ran.stderr.contains(said), "{}", ran.stderr);
    assert!(root.join("gitops/argocd/prod").is_dir());
    assert!(!root.join("gitops/argocd/prod-eu").exists(), "nothing was written of the second");
    let ran = run(root, &["check", "prod-eu"]);
    assert_eq!(ran.code, 4, "nothing is rendered either: {}", ran.stderr);
    assert!(ran.stderr.contains("name-collides"), "{}", ran.stderr);
    // a Flux is one of its cluster, in which the other is not
    let flux = "Kustomization flux-system/";
    assert!(!ran.stderr.contains(flux), "{}", ran.stderr);
    // by another name they live side by side
    let spec = root.join("environments/prod-eu/environment.yaml");
    let text = std::fs::read_to_string(&spec).expect("a spec");
    std::fs::write(&spec, text.replace("west", "south")).expect("written");
    assert_eq!(run(root, &["render"]).code, 0);
    assert_eq!(run(root, &["check"]).code, 0);
}

#[test]
fn objects_that_two_environments_apply_to_one_cluster_are_an_error_that_names_both() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    environment(root, "red", "west");
    environment(root, "blue", "west");
    let ran = run(root, &["render"]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    let said = "environments `red` and `blue` both apply `";
    assert!(ran.stderr.contains("error[applied-twice]"), "{}", ran.stderr);
    assert!(
        ran.stderr.contains(said) && ran.stderr.contains("to cluster `west`"),
        "{}",
        ran.stderr
    );
    assert!(!root.join("rendered/red").exists(), "nothing was written of the second");
    // one of them alone asks the lock of the other
    for verb in ["check", "render"] {
        let ran = run(root, &[verb, "red"]);
        assert!(ran.code >= 3 && ran.stderr.contains("applied-twice"), "{verb}: {}", ran.stderr);
    }
    // a cluster has one platform: this is another of that name, or the platform is wrong
    let spec = root.join("environments/red/environment.yaml");
    let text = std::fs::read_to_string(&spec).expect("a spec");
    std::fs::write(&spec, text.replace("platform: generic", "platform: gke")).expect("written");
    for arguments in [&["render", "--force"][..], &["check"], &["check", "red"]] {
        let ran = run(root, arguments);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert!(ran.stderr.contains("note[applied-twice]"), "{}", ran.stderr);
        assert!(ran.stderr.contains("is `gke` here and `generic` there"), "{}", ran.stderr);
    }
    // by its trust domain it is another one for sure
    let other = "platform: gke\n    trustDomain: other.example.com";
    std::fs::write(&spec, text.replace("platform: generic", other)).expect("written");
    assert_eq!(run(root, &["render"]).code, 0);
    let ran = run(root, &["check"]);
    assert!(ran.code == 0 && !ran.stderr.contains("applied-twice"), "{}", ran.stderr);
    // what no applier is told of is nobody's
    let text = text.lines().filter(|line| !line.contains("delivery:")).collect::<Vec<_>>();
    std::fs::write(&spec, text.join("\n") + "\n").expect("written");
    let ran = run(root, &["render", "red"]);
    assert!(!ran.stderr.contains("applied-twice"), "{}", ran.stderr);
}
