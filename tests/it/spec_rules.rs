//! `tests/rules/<code>/`: `err-*.yaml` draws the finding and reads as `err-*.out` says; `ok-*.yaml`
//! draws none at all.
//!
//! A fixture is the file `environments/rules/environment.yaml`. A line `# ==> path` begins another
//! file, `path` seen from the environment's folder. `WAYPOST_BLESS=1` writes the `.out` files.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use waypost::report::text;
use waypost::spec::Files;

use crate::spec::load;

#[test]
fn every_fixture_reads_as_it_should() {
    let mut faults = Vec::new();
    let mut seen = 0;
    for code in folders(&rules()) {
        let name = code.file_name().unwrap().to_string_lossy().into_owned();
        for fixture in yaml_files(&code) {
            seen += 1;
            if let Err(fault) = run(&name, &fixture) {
                faults.push(format!("{}: {fault}", fixture.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
    assert!(seen > 50, "the fixtures are gone");
}

/// Codes that no text alone can draw; tests of their own show them.
const WITHOUT_FIXTURE: [&str; 4] = ["internal", "symlink", "too-large", "unknown-environment"];

#[test]
fn every_code_of_the_spec_has_a_fixture() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut codes = BTreeSet::new();
    for room in ["spec", "resolve", "k8s", "validate/schema.rs"] {
        collect_codes(&source.join(room), &mut codes);
    }
    assert!(codes.len() > 40, "the codes are written otherwise now: {codes:?}");
    let with: BTreeSet<String> = folders(&rules())
        .iter()
        .filter(|folder| yaml_files(folder).iter().any(|f| stem(f).starts_with("err-")))
        .map(|folder| folder.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    let without: Vec<&String> = codes
        .iter()
        .filter(|code| !with.contains(*code) && !WITHOUT_FIXTURE.contains(&code.as_str()))
        .collect();
    assert!(without.is_empty(), "no tests/rules/<code>/err-*.yaml for {without:?}");
}

fn run(code: &str, fixture: &Path) -> Result<(), String> {
    let written = fs::read_to_string(fixture).unwrap();
    let (_, found, sources) = load(&files(&written), "rules");
    let rendered = text::render(&found, &sources, false);
    let stem = stem(fixture);
    if stem.starts_with("ok-") {
        return if found.is_empty() { Ok(()) } else { Err(format!("must be silent\n{rendered}")) };
    }
    if !stem.starts_with("err-") {
        return Err("a fixture is called `ok-*` or `err-*`".into());
    }
    if !found.iter().any(|d| d.code == code) {
        return Err(format!("does not draw `{code}`\n{rendered}"));
    }
    let rendered = format!("{rendered}\n{}\n", text::count(&found));
    let golden = fixture.with_extension("out");
    if std::env::var_os("WAYPOST_BLESS").is_some() {
        #[expect(clippy::disallowed_methods, reason = "a golden file, not a tree")]
        fs::write(&golden, &rendered).unwrap();
    }
    let expected = fs::read_to_string(&golden).unwrap_or_default();
    if rendered == expected {
        Ok(())
    } else {
        Err(format!("reads\n{rendered}\nbut should read\n{expected}"))
    }
}

fn files(written: &str) -> Files {
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    let mut path = "environment.yaml".to_owned();
    for line in written.split_inclusive('\n') {
        match line.strip_prefix("# ==> ") {
            Some(next) => path = next.trim().to_owned(),
            None => files.entry(path.clone()).or_default().push_str(line),
        }
    }
    let place = |path: String| match path.strip_prefix("../") {
        Some(beside) => format!("environments/{beside}"),
        None => format!("environments/rules/{path}"),
    };
    Files::Memory(files.into_iter().map(|(path, text)| (place(path), text)).collect())
}

fn collect_codes(path: &Path, codes: &mut BTreeSet<String>) {
    // TSB resources have tests of their own
    if path.ends_with("spec/tsb") || path.ends_with("resolve/tenancy") {
        return;
    }
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            collect_codes(&entry.unwrap().path(), codes);
        }
        return;
    }
    let text = fs::read_to_string(path).unwrap();
    let code = text.split("#[cfg(test)]").next().unwrap();
    for call in ["Diagnostic::error(", "Diagnostic::warning(", "Diagnostic::note(", "severity("] {
        for after in code.split(call).skip(1) {
            let Some(quoted) = after.trim_start().strip_prefix('"') else { continue };
            codes.extend(quoted.split('"').next().map(str::to_owned));
        }
    }
}

fn rules() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules")
}

fn folders(path: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> =
        fs::read_dir(path).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_dir()).collect();
    all.sort();
    all
}

fn yaml_files(path: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = fs::read_dir(path)
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "yaml"))
        .collect();
    all.sort();
    all
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap().to_string_lossy().into_owned()
}
