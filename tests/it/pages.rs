//! Every finding has a page: `waypost explain CODE` never shrugs at a code that waypost prints.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test may fail this way")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;
use waypost::diagnostic::page::{page, subjects};
use waypost::validate::rule;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let of = |path: PathBuf| if path.is_dir() { files_below(&path) } else { vec![path] };
    entries.flat_map(of).collect()
}

/// The program's own text, without its tests.
fn sources() -> Vec<(PathBuf, String)> {
    let mut all = Vec::new();
    for path in files_below(&root().join("src")) {
        if path.extension().is_some_and(|e| e == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            all.push((path, text.split("#[cfg(test)]").next().unwrap().to_owned()));
        }
    }
    all
}

/// The ways in which a code is written. `Diagnostic::error(code, …)` takes it from one of the others.
const WRITTEN: [&str; 8] = [
    r#"Diagnostic::(?:error|warning|note)\(\s*"([a-z0-9-]+)""#,
    r#"Fault::new\([^"]*?"([a-z-]+)""#,
    r#"(?:const CODE: &str|let code) = "([a-z-]+)""#,
    r#"\bcode: "([a-z-]+)""#,
    r#"refusal\("([a-z-]+)""#,
    // the codes of errors and flags
    r#"\{ \.\. \} => "([a-z-]+)""#,
    r#"Reason::\w+ => "([a-z0-9-]+)""#,
    r#"\(\s*"([a-z]+(?:-[a-z]+)+)",\s*(?:"|format!|if |Danger|Notice)"#,
];

/// Kebab-case words in such places that are no codes.
const NO_CODES: [&str; 1] = ["istio-injection"];

#[test]
fn every_code_in_the_program_has_a_page() {
    let mut codes: BTreeMap<String, PathBuf> = BTreeMap::new();
    let patterns: Vec<Regex> = WRITTEN.iter().map(|p| Regex::new(p).unwrap()).collect();
    for (path, text) in sources() {
        for found in patterns.iter().flat_map(|p| p.captures_iter(&text)) {
            codes.insert(found[1].to_owned(), path.clone());
        }
    }
    assert!(codes.len() > 300, "the codes are written otherwise now: {}", codes.len());
    let without: Vec<_> = codes.iter().filter(|(code, _)| !has_page(code)).collect();
    assert!(without.is_empty(), "no section of docs/findings/*.md for {without:?}");
}

/// What the fixtures show has really been printed, whatever way its code is written in.
#[test]
fn every_code_in_what_tests_expect_has_a_page() {
    let printed = Regex::new(r"\b(?:error|warning|note)\[([a-z][a-z0-9-]+)\]").unwrap();
    let mut codes: BTreeSet<String> = BTreeSet::new();
    for path in files_below(&root().join("tests")) {
        let Ok(text) = fs::read_to_string(&path) else { continue };
        codes.extend(printed.captures_iter(&text).map(|found| found[1].to_owned()));
    }
    assert!(codes.len() > 150, "the fixtures are gone: {}", codes.len());
    let without: Vec<_> = codes.iter().filter(|code| !has_page(code)).collect();
    assert!(without.is_empty(), "no section of docs/findings/*.md for {without:?}");
}

fn has_page(code: &str) -> bool {
    NO_CODES.contains(&code) || rule::explain(code).is_some() || page(code).is_some()
}

#[test]
fn pages_are_of_codes_that_exist_and_say_what_to_do() {
    let program: String = sources().into_iter().map(|(_, text)| text).collect();
    let mut seen = BTreeSet::new();
    for subject in subjects() {
        assert!(subject.title.starts_with("Findings about "), "{}", subject.title);
        for (code, text) in subject.pages {
            assert!(program.contains(&format!("\"{code}\"")), "nothing is called `{code}`");
            assert!(seen.insert(code), "`{code}` has two pages");
            let parts: Vec<&str> = text.split("\n\n").collect();
            assert!(parts.len() >= 2, "`{code}` says too little");
            assert!(parts.iter().any(|part| part.starts_with("Do: ")), "`{code}` has no way out");
            assert!(page(code).unwrap().starts_with(&format!("# {code}\n\n")));
        }
    }
}
