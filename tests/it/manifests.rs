//! What is said of manifests: `tests/manifests/<code>/err-*.yaml` draws the finding and reads as
//! `err-*.out` says; `ok-*.yaml` draws none at all. `page.out` is what the example on a rule's own
//! page reads as. `WAYPOST_BLESS=1` writes the `.out` files.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test may fail this way")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use waypost::diagnostic::{Diagnostic, Sources, sort};
use waypost::k8s::{Object, objects_of};
use waypost::report::text;
use waypost::simulate::{ClusterId, Mesh, Options as MeshOptions};
use waypost::validate::catalogue::embedded;
use waypost::validate::duplicates;
use waypost::validate::manifests::{Options, Validator};
use waypost::validate::rule::{RULES, RuleInput, RuleObjects, Settings, check_all, redact};
use waypost::yaml::{Budget, read};

/// Everything that is found in a text, sorted, as it reads.
fn check(
    validator: &Validator,
    code: &str,
    name: &str,
    written: &str,
) -> (Vec<Diagnostic>, String) {
    let mut sources = Sources::default();
    let id = sources.add(name, written);
    let (documents, mut found) = read(id, written, &Budget::MANIFESTS);
    let (objects, more): (Vec<Object>, _) = objects_of(documents);
    found.extend(more);
    for object in &objects {
        validator.check(object, &mut found);
    }
    duplicates(&objects, &mut found);
    let mut settings = Settings::default();
    if code == "namespace-first" {
        settings.units.insert(id, "mesh".to_owned());
    }
    if code == "trust-domains-differ" {
        settings.trust_domains = vec!["east.local".to_owned(), "west.local".to_owned()];
        settings.services_elsewhere.insert(("httpbin".to_owned(), "httpbin".to_owned()));
    }
    let (mesh, _) = Mesh::from_objects(&objects, &MeshOptions::default());
    let input = RuleObjects::applied_together(&objects);
    check_all(&RuleInput::new(input, (&mesh, ClusterId::FIRST), &settings), &mut found);
    sort(&mut found);
    redact(&mut found, &mut sources, &objects);
    let shown = text::render(&found, &sources, false);
    (found, shown)
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/manifests")
}

fn below(path: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = fs::read_dir(path).unwrap().map(|e| e.unwrap().path()).collect();
    all.sort();
    all
}

fn expect(path: &Path, shown: &str, faults: &mut Vec<String>) {
    if std::env::var_os("WAYPOST_BLESS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, shown).unwrap();
    } else if fs::read_to_string(path).unwrap_or_default() != shown {
        faults.push(format!("{} reads otherwise:\n{shown}", path.display()));
    }
}

#[test]
fn every_fixture_reads_as_it_should() {
    let (validator, _) = Validator::new(&embedded(), &[], Options::default());
    let mut faults = Vec::new();
    let mut seen = 0;
    for code in below(&folder()) {
        let name = code.file_name().unwrap().to_string_lossy().into_owned();
        for path in below(&code) {
            let file = path.file_name().unwrap().to_string_lossy().into_owned();
            let Some(stem) = file.strip_suffix(".yaml") else { continue };
            seen += 1;
            let (found, shown) =
                check(&validator, &name, &file, &fs::read_to_string(&path).unwrap());
            if stem.starts_with("ok-") {
                if !found.is_empty() {
                    faults.push(format!("{} is not silent:\n{shown}", path.display()));
                }
            } else if found.iter().any(|d| d.code == name) {
                expect(&path.with_extension("out"), &shown, &mut faults);
            } else {
                faults.push(format!("{} does not draw {name}:\n{shown}", path.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
    assert!(seen > 60, "the fixtures are gone: {seen}");
}

#[test]
fn the_example_of_every_page_reads_as_it_should() {
    let (validator, _) = Validator::new(&embedded(), &[], Options::default());
    let mut faults = Vec::new();
    for rule in RULES {
        let page = rule.page();
        let example = page.split("\n## Example\n").nth(1).unwrap();
        let example = example.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
        let (found, shown) = check(&validator, rule.code, "example.yaml", example);
        assert!(found.iter().any(|d| d.code == rule.code), "{}", rule.code);
        expect(&folder().join(rule.code).join("page.out"), &shown, &mut faults);
    }
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

/// A finding without a fixture is a sentence that nobody has read.
#[test]
fn every_code_of_the_manifest_checks_has_a_fixture() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/validate");
    let mut codes = BTreeSet::new();
    for path in [
        "metadata.rs",
        "gateway.rs",
        "istio/attachment.rs",
        "istio/authorization_policy.rs",
        "istio/match_value.rs",
        "istio/peer_authentication.rs",
        "istio/request_authentication.rs",
    ] {
        let text = fs::read_to_string(source.join(path)).unwrap();
        for call in ["Diagnostic::error(", "Diagnostic::warning("] {
            for part in text.split(call).skip(1) {
                codes.insert(part.split('"').nth(1).unwrap().to_owned());
            }
        }
    }
    assert!(codes.len() > 20, "the codes are written otherwise now: {codes:?}");
    // 256 KiB are no fixture; a unit test shows it
    codes.remove("annotations-too-large");
    let without: Vec<&String> = codes
        .iter()
        .filter(|code| {
            let path = folder().join(code);
            !path.is_dir()
                || !below(&path).iter().any(|f| f.extension().is_some_and(|e| e == "out"))
        })
        .collect();
    assert!(without.is_empty(), "no tests/manifests/<code>/err-*.yaml for {without:?}");
}

/// The committed trees, as each cluster gets them: what we render draws none of our own rules.
#[test]
fn rendered_trees_draw_nothing() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("rendered");
    let mut seen = 0;
    for cluster in below(&root).iter().flat_map(|environment| below(environment)) {
        let mut sources = Sources::default();
        let mut settings = Settings::default();
        let mut objects = Vec::new();
        for unit in below(&cluster).into_iter().filter(|p| p.is_dir()) {
            let name = unit.file_name().unwrap().to_string_lossy().into_owned();
            for path in files_below(&unit) {
                let text = fs::read_to_string(&path).unwrap();
                let id = sources.add(path.to_string_lossy(), text.as_str());
                settings.units.insert(id, name.clone());
                let (documents, found) = read(id, &text, &Budget::MANIFESTS);
                assert_eq!(found, [], "{}", path.display());
                // a copy of the user's base, and patches over it, are no objects of ours
                if !path.components().any(|c| c.as_os_str() == "patches") {
                    objects.extend(objects_of(documents).0);
                }
            }
        }
        seen += objects.len();
        let mut found = Vec::new();
        let (mesh, _) = Mesh::from_objects(&objects, &MeshOptions::default());
        let input = RuleObjects::applied_together(&objects);
        check_all(&RuleInput::new(input, (&mesh, ClusterId::FIRST), &settings), &mut found);
        duplicates(&objects, &mut found);
        sort(&mut found);
        assert!(found.is_empty(), "{}", text::render(&found, &sources, false));
    }
    assert!(seen > 40, "the trees are gone");
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    below(folder)
        .into_iter()
        .flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|e| e == "yaml"))
        .collect()
}
