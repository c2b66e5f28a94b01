//! `patches` against `kustomize build`.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{env, fs, thread};

use crate::generate::Case;
use crate::kustomize;
use crate::support::{Outcome, build, by_name, cases, objects};

/// What a comparison shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Same,
    /// The same, and no object is another than before.
    SameUntouched,
    BothRefuse,
    /// We refuse what kustomize takes, for a reason that is on the list of differences.
    Stricter(&'static str),
    /// We refuse what kustomize takes without such a reason.
    Refused,
    /// We take what kustomize refuses.
    Looser,
    Different,
}

/// Reasons to refuse what kustomize takes (`src/render/patch/mod.rs`).
const LISTED: [&str; 5] =
    ["patch-directive", "patch-identity", "patch-label", "patch-list-element", "patches-fight"];

/// The same of JSON6902 patches, which share their codes with what both refuse.
const LISTED_OPERATIONS: [&str; 3] = ["`replace`: ", "`copy`: ", "notes of its own"];

fn compare(ours: &Outcome, theirs: &Result<String, String>) -> Verdict {
    let errors: Vec<_> = ours.errors.iter().filter(|c| **c != "patches-fight").collect();
    match (errors.as_slice(), theirs) {
        ([], Ok(theirs)) if by_name(&ours.objects) == by_name(&objects(theirs)) => Verdict::Same,
        ([], Ok(_)) => Verdict::Different,
        ([], Err(_)) => Verdict::Looser,
        (_, Err(_)) => Verdict::BothRefuse,
        (codes, Ok(_)) => {
            let by_code = LISTED.into_iter().find(|c| codes.contains(&c));
            let said = |part: &&str| ours.findings.iter().any(|f| f.contains(part));
            by_code
                .or_else(|| LISTED_OPERATIONS.into_iter().find(said))
                .map_or(Verdict::Refused, Verdict::Stricter)
        }
    }
}

/// `expected.yaml` beside a case is what kustomize makes of it; where it is absent, kustomize refuses.
/// With `WAYPOST_BLESS` it is written anew.
#[test]
fn hand_written_patches_mean_what_they_mean_to_kustomize() {
    let folders = cases("patches");
    assert!(folders.len() >= 40, "only {} cases", folders.len());
    let mut wrong = Vec::new();
    for folder in &folders {
        let theirs = kustomize::build(folder);
        keep(folder, "expected.yaml", theirs.as_deref().ok());
        let verdict = compare(&build(folder), &theirs);
        if !matches!(verdict, Verdict::Same | Verdict::BothRefuse) {
            wrong.push((folder.file_name().unwrap(), verdict));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The deliberate differences: `kustomize.yaml` is what kustomize makes of a case, and we do not.
#[test]
fn every_listed_difference_is_one() {
    for folder in cases("patch-differences") {
        let theirs = kustomize::build(&folder)
            .unwrap_or_else(|e| panic!("{}: kustomize refuses it, too: {e}", folder.display()));
        keep(&folder, "kustomize.yaml", Some(&theirs));
        let ours = build(&folder);
        assert!(
            !ours.errors.is_empty() || by_name(&ours.objects) != by_name(&objects(&theirs)),
            "{} differs no more",
            folder.display()
        );
    }
}

/// Compares a committed file with what kustomize says now, or writes it.
fn keep(folder: &Path, name: &str, text: Option<&str>) {
    let path = folder.join(name);
    if env::var_os("WAYPOST_BLESS").is_some() {
        match text {
            Some(text) => write(&path, text),
            None => _ = fs::remove_file(&path),
        }
    }
    assert_eq!(
        fs::read_to_string(&path).ok().as_deref(),
        text,
        "{} is not what kustomize says; WAYPOST_BLESS=1 writes it anew",
        path.display()
    );
}

/// 300 cases; `WAYPOST_PATCH_CASES` and `WAYPOST_PATCH_SEED` ask for others.
#[test]
fn generated_patches_mean_what_they_mean_to_kustomize() {
    let number = |name: &str, default: u64| match env::var(name) {
        Ok(text) => text.parse().unwrap(),
        Err(_) => default,
    };
    let (cases, seed) = (number("WAYPOST_PATCH_CASES", 300), number("WAYPOST_PATCH_SEED", 1));
    let next = AtomicU64::new(0);
    let verdicts = Mutex::new(BTreeMap::<Verdict, Vec<u64>>::new());
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let folder = tempfile::tempdir().unwrap();
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= cases {
                        break;
                    }
                    let seed = seed * 1_000_000 + index;
                    let verdict = generated(seed, folder.path());
                    verdicts.lock().unwrap().entry(verdict).or_default().push(seed);
                }
            });
        }
    });
    let verdicts = verdicts.into_inner().unwrap();
    let count = |v: Verdict| verdicts.get(&v).map_or(0, Vec::len) as u64;
    for (verdict, seeds) in &verdicts {
        println!("{verdict:?}: {}", seeds.len());
    }
    let wrong: Vec<_> = verdicts
        .iter()
        .filter(|(v, _)| matches!(v, Verdict::Different | Verdict::Looser | Verdict::Refused))
        .map(|(v, seeds)| (v, &seeds[..seeds.len().min(10)]))
        .collect();
    assert!(wrong.is_empty(), "seeds: {wrong:?}");
    let compared = count(Verdict::Same) + count(Verdict::BothRefuse);
    assert!(compared * 3 >= cases * 2, "only {compared} of {cases} cases compare");
    assert!(
        count(Verdict::Same) * 2 >= cases,
        "only {} of {cases} are taken",
        count(Verdict::Same)
    );
}

fn generated(seed: u64, folder: &Path) -> Verdict {
    let case = Case::new(seed);
    write(&folder.join("kustomization.yaml"), &case.kustomization());
    write(&folder.join("resources.yaml"), &case.resources());
    let ours = build(folder);
    let theirs = kustomize::build(folder);
    let mut verdict = compare(&ours, &theirs);
    if verdict == Verdict::Same && by_name(&ours.objects) == by_name(&case.resources) {
        verdict = Verdict::SameUntouched;
    }
    if env::var_os("WAYPOST_PATCH_SHOW").is_some()
        && !matches!(verdict, Verdict::Same | Verdict::SameUntouched | Verdict::BothRefuse)
    {
        let ours: Vec<_> = ours
            .objects
            .iter()
            .map(|o| waypost::yaml::emit(o).unwrap())
            .chain(ours.findings)
            .collect();
        println!(
            "==== {seed} {verdict:?}\n{}\n---- resources\n{}\n---- ours\n{}\n---- theirs\n{}",
            case.kustomization(),
            case.resources(),
            ours.join("---\n"),
            theirs.unwrap_or_else(|e| e),
        );
    }
    verdict
}

#[expect(clippy::disallowed_methods, reason = "input for another program")]
fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
}
