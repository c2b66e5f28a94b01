//! A render that is denied what it needs: space, the right to write, open files, a home. What is left is
//! the old tree or the new one, and the run says which. (facts/gitops-delivery.md 8.3 T13)
//!
//! The disks are small file systems in memory, which root alone may mount: for others these tests say
//! that they were not run.

#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::{Command, Output};

use super::{copy, project, run};
use crate::program::{copy_of, files};

/// The two points of the migration that the renders go between.
const OLD: &str = "client";
const NEW: &str = "bookinfo";

/// A file system of its own, until it is dropped.
struct Disk {
    folder: tempfile::TempDir,
}

impl Disk {
    /// `None`, and a word, where this user may not mount.
    fn mount(size: &str) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let options = format!("size={size},mode=0755");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "waypost-test"])
            .arg(folder.path())
            .output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self { folder });
        }
        println!("NOT RUN: a file system is mounted by root alone");
        None
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn remount(&self, how: &str) {
        let options = format!("remount,{how}");
        let done = Command::new("mount").args(["-o", &options]).arg(self.path()).output();
        assert!(done.expect("mount runs").status.success(), "{options}");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.path()).output();
    }
}

fn tree(root: &Path) -> std::collections::BTreeMap<String, String> {
    // beside these, a run that failed leaves what the next one removes
    let folders = ["rendered/brownfield", "gitops/argocd/brownfield", "gitops/flux/brownfield"];
    let below = |folder: &str| {
        let path = root.join(folder);
        let found = if path.exists() { files(&path) } else { Default::default() };
        let named = |(path, text)| (format!("{folder}/{path}"), text);
        found.into_iter().map(named).collect::<Vec<(String, String)>>()
    };
    folders.into_iter().flat_map(below).collect()
}

fn to(stage: &str) -> [&str; 5] {
    ["render", "brownfield", "--stage", stage, "--allow-shrink"]
}

/// The program by way of a shell that sets a limit first.
fn limited(root: &Path, limit: &str, arguments: &[&str]) -> Output {
    Command::new("sh")
        .env_clear()
        .args(["-c", &format!("{limit}; exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_waypost"), "-C"])
        .arg(root)
        .args(arguments)
        .output()
        .expect("a shell runs")
}

#[test]
fn a_full_disk_leaves_one_tree_or_the_other() {
    let Some(disk) = Disk::mount("2m") else { return };
    let root = disk.path();
    copy(&project().join("environments/brownfield"), &root.join("environments/brownfield"));
    let [new, old] = [NEW, OLD].map(|stage| {
        let ran = run(root, &to(stage));
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        tree(root)
    });
    let told = |tree: &std::collections::BTreeMap<String, String>| {
        tree.clone().into_iter().filter(|(path, _)| path.starts_with("gitops/")).collect::<Vec<_>>()
    };
    assert_ne!(told(&old), told(&new), "appliers are told of something else, too");
    let ballast = root.join("ballast");
    let mut failed = 0;
    for left in [0, 1, 2, 4, 8, 16, 24, 32, 48, 64, 80, 96, 112, 128, 160, 192, 256, 384] {
        fill(&ballast, left);
        let ran = run(root, &to(NEW));
        let now = tree(root);
        let said = format!("{left} pages left: {}", ran.stderr);
        assert!(now == old || now == new, "a mixture, {said}");
        assert_eq!(ran.code == 0, now == new, "{said}");
        if ran.code != 0 {
            failed += 1;
            assert_eq!(ran.code, 1, "{said}");
            assert!(ran.stderr.contains("cannot write `"), "it says what, {said}");
            assert!(ran.stderr.contains("No space left"), "it says why, {said}");
        }
        std::fs::remove_file(&ballast).expect("the ballast goes");
        // with space again it goes on, and back
        for (stage, tree_of) in [(NEW, &new), (OLD, &old)] {
            let ran = run(root, &to(stage));
            assert_eq!(ran.code, 0, "{said}; then {}", ran.stderr);
            assert_eq!(&tree(root), tree_of);
        }
    }
    assert!(failed > 2, "{failed} renders found the disk full");
}

/// A file that leaves so many pages of 4 KiB.
fn fill(path: &Path, left: usize) {
    use std::io::Write;
    let mut file = std::fs::File::create(path).expect("a file");
    let page = [b'x'; 4096];
    let mut pages: u64 = 0;
    while file.write_all(&page).is_ok() {
        pages += 1;
    }
    file.set_len(pages.saturating_sub(left as u64) * 4096).expect("shorter");
}

#[test]
fn a_disk_that_is_read_only_keeps_its_tree_and_is_named() {
    let Some(disk) = Disk::mount("8m") else { return };
    let root = disk.path();
    copy(&project().join("environments/brownfield"), &root.join("environments/brownfield"));
    assert_eq!(run(root, &to(OLD)).code, 0);
    let old = tree(root);
    disk.remount("ro");
    let ran = run(root, &to(NEW));
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stderr.to_lowercase().contains("read-only"), "{}", ran.stderr);
    assert_eq!(tree(root), old);
    // what only reads goes on
    let ran = run(root, &["check", "--stage", OLD]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    disk.remount("rw");
    assert_eq!(run(root, &to(NEW)).code, 0);
}

#[test]
fn with_eight_open_files_a_render_works_or_leaves_what_was() {
    let folder = copy_of("brownfield");
    let root = folder.path();
    let [new, old] = [NEW, OLD].map(|stage| {
        assert_eq!(run(root, &to(stage)).code, 0);
        tree(root)
    });
    for files in [6, 7, 8, 9, 10, 12, 16] {
        let output = limited(root, &format!("ulimit -n {files}"), &to(NEW));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let now = tree(root);
        assert!(now == old || now == new, "{files}: a mixture: {said}");
        assert!(!said.contains("panicked"), "{files}: {said}");
        // the program's own codes, or the loader's, which cannot open a library
        let code = output.status.code();
        assert!(
            !said.contains("unknown-environment"),
            "{files}: what is not read is there: {said}"
        );
        assert!(matches!(code, Some(0 | 1 | 3 | 4 | 127)), "{files}: {code:?}: {said}");
        assert_eq!(code == Some(0), now == new, "{files}: {said}");
        assert_eq!(run(root, &to(OLD)).code, 0, "{files}");
        assert_eq!(tree(root), old, "{files}");
    }
}

#[test]
fn as_many_open_files_as_macos_gives_are_enough_to_render_and_to_check() {
    let folder = copy_of("brownfield");
    for arguments in [&["render", "brownfield"][..], &["check", "brownfield"], &["list"]] {
        let output = limited(folder.path(), "ulimit -n 256", arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {said}");
    }
}

#[test]
fn nobodys_home_and_a_narrow_umask_change_nothing() {
    let folder = super::repository();
    let root = folder.path();
    let before = tree(root);
    // the tests' programs have no HOME at all; with a mask, files are for their owner alone
    for limit in ["umask 077", "umask 000", "HOME=/nowhere; export HOME"] {
        for arguments in [&["render", "--force"][..], &["check"], &["list"]] {
            let output = limited(root, limit, arguments);
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(0), "{limit}, {arguments:?}: {said}");
        }
        assert_eq!(tree(root), before, "{limit}");
    }
    let ran = run(root, &["diff", "--base", "HEAD", "--exit-code"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
}
