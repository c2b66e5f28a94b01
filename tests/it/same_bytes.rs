//! The same input gives the same bytes, whatever the machine.

use std::path::Path;

use crate::program::{copy_of, files, project, waypost, waypost_with};

#[test]
fn whatever_the_number_of_threads_the_locale_and_the_time_zone() {
    let render = |jobs: &str, variables: &[(&str, &str)]| {
        let ran = waypost_with(
            project(),
            &["render", "brownfield", "greenfield", "--stdout", "--jobs", jobs],
            variables,
        );
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ran.stdout
    };
    let one = render("1", &[]);
    assert!(one.len() > 10_000);
    assert_eq!(one, render("8", &[]));
    assert_eq!(one, render("3", &[("LC_ALL", "tr_TR.UTF-8"), ("LANG", "tr_TR.UTF-8")]));
    assert_eq!(one, render("2", &[("TZ", "Pacific/Kiritimati"), ("HOME", "/nonexistent")]));
}

#[test]
fn whatever_the_order_of_the_folder() {
    let folder = copy_of("brownfield");
    let ran = waypost(folder.path(), &["render", "brownfield"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let before = files(&folder.path().join("rendered"));
    // the files of the inventory, made again in the opposite order
    let inventory = folder.path().join("environments/brownfield/inventory");
    let texts = files(&inventory);
    for name in texts.keys() {
        std::fs::remove_file(inventory.join(name)).expect("removed");
    }
    for (name, text) in texts.iter().rev() {
        write(&inventory.join(name), text);
    }
    let ran = waypost(folder.path(), &["check", "brownfield"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(before, files(&folder.path().join("rendered")));
}

#[test]
fn a_second_render_touches_nothing() {
    let folder = copy_of("greenfield");
    let rendered = folder.path().join("rendered/greenfield/cp-cluster-1/waypost.lock");
    let ran = waypost(folder.path(), &["render"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let before = rendered.metadata().and_then(|m| m.modified()).expect("a time");
    let ran = waypost(folder.path(), &["render"]);
    assert!(ran.stderr.contains("nothing changed"), "{}", ran.stderr);
    assert_eq!(before, rendered.metadata().and_then(|m| m.modified()).expect("a time"));
}

/// What the lock shows to be current is not rendered again; everything else is.
#[test]
fn only_what_the_lock_shows_to_be_current_is_skipped() {
    let folder = copy_of("brownfield");
    let root = folder.path();
    let render = |arguments: &[&str]| {
        let ran = waypost(root, &[&["-v", "render", "brownfield"], arguments].concat());
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        // `--verbose` says what was done
        (ran.stderr.contains("  rendered\n"), ran.stderr)
    };
    assert!(render(&[]).0, "there is no tree yet");
    let (rendered, said) = render(&[]);
    assert!(!rendered, "{said}");
    assert!(said.contains("32 objects, nothing changed"), "{said}");
    assert!(said.contains("note[owned-by-policies]"), "findings are told all the same: {said}");
    assert!(render(&["--force"]).0);
    assert!(render(&["--stage", "bookinfo"]).0, "another stage");
    assert!(render(&["--allow-shrink"]).0, "and back");

    let unit = root.join("rendered/brownfield/cp-cluster-1/mesh");
    let edited = unit.join("client/peerauthentication-default.yaml");
    let text = std::fs::read_to_string(&edited).expect("a file of the tree");
    write(&edited, &text.replace("STRICT", "DISABLE"));
    assert!(render(&[]).0, "a file was edited");
    assert_eq!(std::fs::read_to_string(&edited).expect("a file of the tree"), text);
    std::fs::remove_file(&edited).expect("removed");
    assert!(render(&[]).0, "a file is missing");
    assert_eq!(std::fs::read_to_string(&edited).expect("a file of the tree"), text);

    let spec = root.join("environments/brownfield/access.yaml");
    let access = std::fs::read_to_string(&spec).expect("a source");
    write(&spec, &format!("{access}# more\n"));
    assert!(render(&[]).0, "a source has changed");
    write(&root.join("rendered/brownfield/README.md"), "ours\n");
    assert!(!render(&[]).0, "a file outside of the units is nobody's business");
    write(&unit.join("foreign.yaml"), "a: 1\n");
    assert_eq!(waypost(root, &["render", "brownfield"]).code, 3, "a foreign file in a unit");
}

#[allow(clippy::disallowed_methods, reason = "a test changes its own copy")]
fn write(path: &Path, text: &str) {
    std::fs::write(path, text).expect("written");
}
