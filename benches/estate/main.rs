//! What an estate costs: 500 namespaces in 3 clusters, 2,500 workloads with a policy each, 20 stages;
//! twice that; and what one edit costs in an environment of 25,000 objects and in one of 40,000.
//!
//! ```text
//! cargo bench --bench estate                        # everything
//! cargo bench --bench estate -- write FOLDER 500    # only the estate of 500 namespaces, to try things on
//! ```
//!
//! Seconds are those of one run; `cp -r` and `git diff` run on the same files, in memory (`/dev/shm`) where
//! there is such a folder.

#![allow(
    missing_docs,
    clippy::print_stdout,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a bench prints, and writes its own input"
)]

mod run;
mod write;

use std::fs;
use std::path::Path;

use self::run::{Took, other, waypost};
use self::write::{Size, ambient, manifests_of, write};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if let ["write", folder, namespaces] = arguments[..] {
        let namespaces = namespaces.parse().expect("a number of namespaces");
        write(Path::new(folder), "estate", &Size::of(namespaces));
        return;
    }
    let memory = Path::new("/dev/shm");
    let folder = match memory.is_dir() && std::env::var_os("TMPDIR").is_none() {
        true => tempfile::tempdir_in(memory),
        false => tempfile::tempdir(),
    };
    let folder = folder.expect("a temporary folder");
    estate(folder.path());
    access_of_100(folder.path());
    matrix(folder.path());
    one_edit(&folder.path().join("25"), 2_500);
    one_edit(&folder.path().join("40"), 4_000);
}

fn line(what: &str, took: &Took) {
    let memory = took.memory.map(|mib| format!("{mib} MiB")).unwrap_or_default();
    println!("{what:<56} {:>9.3} s {memory:>10}", took.time.as_secs_f64());
}

/// Every verb that asks the whole estate, and how that grows.
fn estate(folder: &Path) {
    let verbs: [&[&str]; 4] = [
        &["validate", "--every-stage", "estate"],
        &["diff", "--every-stage", "estate"],
        &["access", "test", "--every-stage", "estate"],
        &["access", "diff", "estate@none", "estate@stage-19"],
    ];
    let mut before: Vec<Took> = Vec::new();
    for namespaces in [250, 500, 1_000] {
        let root = folder.join(format!("estate-{namespaces}"));
        write(&root, "estate", &Size::of(namespaces));
        let all: Vec<Took> = verbs.iter().map(|verb| waypost(&root, verb)).collect();
        for (index, (verb, took)) in verbs.iter().zip(&all).enumerate() {
            line(&format!("{namespaces} namespaces: {}", verb.join(" ")), took);
            if let Some(half) = before.get(index) {
                println!("{:>56} {:>9.2} times half of it", "", took.times(half));
            }
        }
        before = all;
        fs::remove_dir_all(&root).expect("the bench's own folder");
    }
}

fn access_of_100(folder: &Path) {
    let root = folder.join("access");
    write(&root, "estate", &Size { clusters: 1, stages: 1, ..Size::of(100) });
    let took = waypost(&root, &["access", "diff", "estate@none", "estate@stage-00"]);
    line("100 namespaces of 5 workloads: access diff", &took);
}

/// What is held is that of the mesh, and not of the answers.
fn matrix(folder: &Path) {
    let mut before: Option<Took> = None;
    for namespaces in [1_500, 3_000] {
        let root = folder.join(format!("matrix-{namespaces}"));
        manifests_of(&root.join("manifests"), namespaces);
        let took = waypost(&root, &["access", "matrix", "./manifests", "--format", "json"]);
        line(&format!("{namespaces} namespaces: access matrix --format json"), &took);
        println!("{:>56} {:>9} MiB written", "", took.written >> 20);
        if let Some(half) = before {
            println!("{:>56} {:>9.2} times half of it", "", took.times(&half));
        }
        before = Some(took);
    }
}

/// One namespace is edited in an environment whose namespaces are all ambient, of ten objects each: its
/// waypoint gets a replica more.
fn one_edit(root: &Path, namespaces: usize) {
    ambient(root, namespaces, 2);
    let first = waypost(root, &["render", "estate"]);
    line(&format!("{namespaces} ambient namespaces: the first render"), &first);
    assert!(root.join("rendered/estate").is_dir(), "the environment cannot be rendered");
    let copy = other("cp", root, &["-r", "rendered", "before"]);
    line(&format!("{namespaces} ambient namespaces: cp -r of the tree"), &copy);
    ambient(root, namespaces, 3);
    for verb in [&["render", "estate"][..], &["check", "estate"], &["diff", "--base", "./before"]] {
        let took = waypost(root, verb);
        line(&format!("one namespace edited: {}", verb.join(" ")), &took);
        println!("{:>56} {:>9.2} times cp -r", "", took.times(&copy));
    }
    let git = other("git", root, &["diff", "--no-index", "--stat", "before", "rendered"]);
    line("git diff --no-index of the same trees", &git);
}
