//! Istio, Gateway API and core documents of 26 public repositories, as people wrote them, against
//! the CRDs of Istio 1.30 and the Gateway API 1.4 with their rules, and against our own schemas.
//!
//! Each of these verdicts was compared once with a real API server and istiod; the head of the list
//! says how. `real_validation.tsv` beside this file lists every object that one of the two refuses, with
//! what is wrong with it: the test fails when the list and the verdicts part.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test may fail this way")]

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use waypost::diagnostic::{Diagnostic, FileId};
use waypost::k8s::{Object, objects_of};
use waypost::validate::catalogue::embedded;
use waypost::validate::manifests::{Options, Summary, Validator, Verdict};
use waypost::yaml::{Budget, read};

use crate::crd_validation::objects_below;
use crate::data;

/// Every object, with the file it stands in.
fn objects() -> Vec<(String, Object)> {
    let root = data("real");
    let mut all = Vec::new();
    for path in files() {
        let name = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let (documents, _) = read(FileId(0), &text, &Budget::MANIFESTS);
        let (objects, _) = objects_of(documents);
        all.extend(objects.into_iter().map(|object| (name.clone(), object)));
    }
    all
}

fn files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![data("real")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "yaml" || e == "yml") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

#[cfg(feature = "cel")]
#[test]
fn real_objects_are_refused_for_known_reasons_only() {
    let mut crds = objects_below("crds/istio/1.30.3");
    crds.extend(objects_below("crds/gateway-api/v1.4.1-standard"));
    let (by_crd, _) = Validator::new([], &crds, Options::default());
    let (by_schema, _) = Validator::new(&embedded(), &[], Options::default());

    let mut list = String::new();
    let mut summary = Summary::default();
    for (file, object) in objects() {
        let (verdict, crd) = errors(&by_crd, &object);
        summary.count(&object, verdict);
        let (_, own) = errors(&by_schema, &object);
        for (line, message) in crd.union(&own) {
            let by = match (
                crd.contains(&(*line, message.clone())),
                own.contains(&(*line, message.clone())),
            ) {
                (true, true) => "both",
                (true, false) => "crd",
                _ => "own",
            };
            writeln!(list, "{file}:{line}\t{}\t{by}\t{message}", object.reference()).unwrap();
        }
    }
    // the numbers that the head of the list speaks of
    let not_validated = summary.not_validated_count();
    assert_eq!((summary.objects, summary.invalid, not_validated), (1371, 70, 129));

    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/real_validation.tsv");
    let expected = std::fs::read_to_string(&path).unwrap();
    let head: String =
        expected.lines().filter(|l| l.starts_with('#')).map(|l| format!("{l}\n")).collect();
    if std::env::var_os("WAYPOST_BLESS").is_some() {
        std::fs::write(&path, format!("{head}{list}")).unwrap();
        return;
    }
    let expected: Vec<&str> = expected.lines().filter(|l| !l.starts_with('#')).collect();
    for (at, line) in list.lines().enumerate() {
        assert_eq!(
            Some(&line),
            expected.get(at),
            "line {at} of the list; WAYPOST_BLESS=1 writes it anew"
        );
    }
    assert_eq!(list.lines().count(), expected.len());
}

/// Line and message of what is wrong with an object.
fn errors(validator: &Validator, object: &Object) -> (Verdict, BTreeSet<(u32, String)>) {
    let mut found = Vec::new();
    let verdict = validator.check(object, &mut found);
    let errors = found
        .into_iter()
        .filter(Diagnostic::is_error)
        .map(|d| (d.primary.map_or(0, |p| p.span.start.line), d.message));
    (verdict, errors.collect())
}
