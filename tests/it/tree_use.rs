//! The tree as people meet it: half rendered, merged by git, asked for what does not exist.

use std::path::Path;

use crate::program::{copy_of, files, waypost};

const LOCK: &str = "rendered/brownfield/cp-cluster-1/waypost.lock";

fn render(folder: &Path, arguments: &[&str]) -> String {
    let ran = waypost(folder, &[&["render", "brownfield"], arguments].concat());
    assert_eq!(ran.code, 0, "{arguments:?}: {}", ran.stderr);
    ran.stderr
}

fn assert_clean(folder: &Path, arguments: &[&str]) {
    let ran = waypost(folder, &[&["check", "brownfield"], arguments].concat());
    assert_eq!(ran.code, 0, "{arguments:?}: {}", ran.stderr);
}

#[test]
fn a_render_after_one_of_a_unit_at_another_stage_renders_all() {
    let folder = copy_of("brownfield");
    render(folder.path(), &[]);
    let whole = files(&folder.path().join("rendered"));
    render(folder.path(), &["--unit", "mesh", "--stage", "bookinfo"]);
    assert_ne!(whole, files(&folder.path().join("rendered")));
    assert_clean(folder.path(), &["--unit", "mesh", "--stage", "bookinfo"]);
    assert_eq!(waypost(folder.path(), &["check", "brownfield"]).code, 4);
    render(folder.path(), &[]);
    assert_eq!(whole, files(&folder.path().join("rendered")));
    assert_clean(folder.path(), &[]);
}

#[test]
fn a_render_after_a_first_one_of_a_unit_renders_the_rest() {
    let folder = copy_of("brownfield");
    render(folder.path(), &["--unit", "mesh"]);
    assert_clean(folder.path(), &["--unit", "mesh"]);
    assert_eq!(waypost(folder.path(), &["check", "brownfield"]).code, 4);
    render(folder.path(), &[]);
    assert!(folder.path().join("rendered/brownfield/cp-cluster-1/platform").is_dir());
    assert_clean(folder.path(), &[]);
}

#[test]
fn a_lock_that_git_could_not_merge_is_written_anew() {
    let folder = copy_of("brownfield");
    render(folder.path(), &[]);
    let lock = std::fs::read_to_string(folder.path().join(LOCK)).expect("the lock");
    let torn = format!("<<<<<<< HEAD\n{lock}=======\n{lock}>>>>>>> main\n");
    std::fs::write(folder.path().join(LOCK), torn).expect("a conflict");
    assert_eq!(waypost(folder.path(), &["check", "brownfield"]).code, 4);
    render(folder.path(), &[]);
    assert_eq!(std::fs::read_to_string(folder.path().join(LOCK)).expect("the lock"), lock);
    assert_clean(folder.path(), &[]);
}

#[test]
fn what_does_not_exist_is_wrong_usage() {
    let folder = copy_of("brownfield");
    for (arguments, word) in [
        (["--unit", "meshs"], "platform, tsb, mesh, enrollment, workloads"),
        (["--cluster", "cp-cluster-9"], "it has cp-cluster-1"),
        (["--stage", "htpbin"], "did you mean `httpbin`?"),
        (["--stage", "client/meshes"], "use mesh, enrollment or workloads"),
        (["--out", "environments"], "use another one"),
        (["--out", "./environments/brownfield"], "use another one"),
    ] {
        let ran = waypost(folder.path(), &[&["render", "brownfield"][..], &arguments].concat());
        assert_eq!(ran.code, 2, "{arguments:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(word), "{arguments:?}: {}", ran.stderr);
    }
    assert!(!folder.path().join("rendered").exists());
}

#[test]
fn a_refused_render_leaves_no_folder() {
    let folder = copy_of("brownfield");
    let tsb = folder.path().join("environments/brownfield/tsb-config.yaml");
    let text = std::fs::read_to_string(&tsb).expect("the example");
    std::fs::write(&tsb, text.replacen("displayName", "displyName", 1)).expect("a mistake");
    let ran = waypost(folder.path(), &["render", "brownfield", "--out", "a/b"]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(!folder.path().join("a").exists());
}

#[cfg(unix)]
#[test]
fn what_the_disk_refuses_is_told_before_what_to_do() {
    let folder = copy_of("brownfield");
    std::fs::create_dir(folder.path().join("real")).expect("a folder");
    std::os::unix::fs::symlink("real", folder.path().join("rendered")).expect("a link");
    let ran = waypost(folder.path(), &["render", "brownfield"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let lines: Vec<&str> = ran.stderr.lines().rev().take(2).collect();
    assert!(lines[0].starts_with("help: put the file"), "{}", ran.stderr);
    assert!(
        lines[1].starts_with("error[tree-symlink]: ") && lines[1].ends_with("is a symbolic link"),
        "{lines:?}"
    );
}

#[test]
fn validate_tells_what_stops_a_later_stage() {
    let folder = copy_of("brownfield");
    let spec = folder.path().join("environments/brownfield/environment.yaml");
    let text = std::fs::read_to_string(&spec).expect("the example");
    let keeps = "name: bookinfo, mode: sidecar, workloads: [{kind: Deployment, name: productpage-v1, mode: sidecar}]";
    std::fs::write(&spec, text.replace("name: bookinfo, mode: sidecar", keeps)).expect("a spec");
    assert_eq!(waypost(folder.path(), &["render"]).code, 0);
    let ran = waypost(folder.path(), &["validate"]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert_eq!(ran.stderr.matches("error[sidecar-in-ambient]").count(), 1, "{}", ran.stderr);
}

#[test]
fn names_that_are_none_are_wrong_usage() {
    let folder = tempfile::tempdir().expect("a folder");
    for arguments in [&["schema", "enviroment"][..], &["init", "--name", "Not_A_Name"]] {
        let ran = waypost(folder.path(), arguments);
        assert_eq!(ran.code, 2, "{arguments:?}: {}", ran.stderr);
    }
}
