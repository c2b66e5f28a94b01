//! Flags: each case is a folder with two trees and what is said of them.

use std::fs;
use std::path::{Path, PathBuf};

use waypost::diff::{Code, Context, Level, flags, told_flags};

use super::objects::diff;
use super::strategy::Files;
use crate::program::files;

fn cases() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diff/flags");
    let mut cases: Vec<PathBuf> =
        fs::read_dir(root).expect("cases").map(|entry| entry.expect("a case").path()).collect();
    cases.sort();
    cases
}

/// A case's two trees: files `before/…` and `after/…`, or one `trees.txt` in which `//// before PATH`
/// and `//// after PATH` begin a file, and `//// both PATH` one that is the same.
fn trees(case: &Path) -> (Files, Files) {
    let text = files(case).remove("trees.txt").expect("trees.txt");
    let (mut before, mut after) = (Files::new(), Files::new());
    for part in text.split("//// ").skip(1) {
        let (head, body) = part.split_once('\n').expect("a line");
        let (side, path) = head.split_once(' ').expect("a side and a path");
        if side != "after" {
            before.insert(path.to_owned(), body.to_owned());
        }
        if side != "before" {
            after.insert(path.to_owned(), body.to_owned());
        }
    }
    (before, after)
}

#[test]
fn every_case_says_what_is_expected() {
    let mut wrong = Vec::new();
    let mut seen = Vec::new();
    for case in cases() {
        let (mut before, mut after) = trees(&case);
        // what appliers are told lies beside the tree
        let told = |files: &mut Files| -> Files {
            let rest = files.split_off("gitops/");
            let (told, rest) = rest.into_iter().partition(|(path, _)| path.starts_with("gitops/"));
            files.extend::<Files>(rest);
            told
        };
        let (told_before, told_after) = (told(&mut before), told(&mut after));
        let told = diff(&told_before, &told_after);
        let bytes = told_before.into_iter().map(|(path, text)| (path, text.into_bytes()));
        let told = told_flags(&told, &bytes.collect());
        let diff = diff(&before, &after);
        let files_after = |cluster: &str, word: &str| {
            let here = |(path, text): &(&String, &String)| {
                path.starts_with(&format!("{cluster}/")) && text.contains(word)
            };
            let owned = |(path, text): (&String, &String)| (path.clone(), text.clone());
            after.iter().filter(here).map(owned).collect()
        };
        let mut found = flags(&diff, &Context { files_after: &files_after });
        found.extend(told);
        let said: String = found
            .iter()
            .map(|f| {
                let level = if f.level() == Level::Danger { "danger" } else { "notice" };
                format!("{level} {} [{}]: {}\n", f.code.as_str(), f.place(), f.message)
            })
            .collect();
        seen.extend(found.iter().map(|flag| flag.code));
        let expected = case.join("expected.txt");
        if std::env::var_os("WAYPOST_BLESS").is_some() {
            fs::write(&expected, &said).expect("a file");
        }
        let wanted = fs::read_to_string(&expected).unwrap_or_default();
        if said != wanted {
            wrong.push(format!("{}\n--- expected\n{wanted}--- said\n{said}", case.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let unseen: Vec<&str> =
        Code::ALL.iter().filter(|code| !seen.contains(code)).map(|code| code.as_str()).collect();
    assert!(unseen.is_empty(), "no case draws {unseen:?}");
}
