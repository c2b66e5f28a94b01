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

#[allow(clippy::disallowed_methods, reason = "a test changes its own copy")]
fn write(path: &Path, text: &str) {
    std::fs::write(path, text).expect("written");
}
