//! Patch cases without the program they are compared with: `tests/peers` proves the expectations.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]

#[path = "../support/patches.rs"]
mod support;

use std::fs;
use std::path::Path;

use support::{Outcome, build, by_name, cases, objects};

#[test]
fn cases_that_mean_what_they_mean_to_kustomize() {
    for folder in cases("patches") {
        let ours = build(&folder);
        match fs::read_to_string(folder.join("expected.yaml")) {
            Ok(expected) => {
                assert_eq!(ours.errors, [""; 0], "{}: {:?}", folder.display(), ours.findings);
                assert_eq!(
                    by_name(&ours.objects),
                    by_name(&objects(&expected)),
                    "{}",
                    folder.display()
                );
            }
            Err(_) => assert!(!ours.errors.is_empty(), "{} is refused", folder.display()),
        }
        check_findings(&folder, &ours);
    }
}

#[test]
fn cases_that_differ_from_kustomize() {
    for folder in cases("patch-differences") {
        let ours = build(&folder);
        let theirs = fs::read_to_string(folder.join("kustomize.yaml")).unwrap();
        let differs = by_name(&ours.objects) != by_name(&objects(&theirs));
        assert!(differs || !ours.errors.is_empty(), "{} differs", folder.display());
        check_findings(&folder, &ours);
    }
}

/// `findings.txt` holds what is said of a case; where it is absent, nothing is. With
/// `WAYPOST_BLESS` it is written anew.
fn check_findings(folder: &Path, ours: &Outcome) {
    let path = folder.join("findings.txt");
    let found: String = ours.findings.iter().map(|f| format!("{f}\n")).collect();
    if std::env::var_os("WAYPOST_BLESS").is_some() {
        bless(&path, &found);
    }
    assert_eq!(fs::read_to_string(&path).unwrap_or_default(), found, "{}", folder.display());
}

#[expect(clippy::disallowed_methods, reason = "expectations of a test")]
fn bless(path: &Path, text: &str) {
    if text.is_empty() {
        fs::remove_file(path).ok();
    } else {
        fs::write(path, text).unwrap();
    }
}
