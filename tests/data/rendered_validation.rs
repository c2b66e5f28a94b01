//! Every file of the committed trees against the CRDs of the Istio and Gateway API releases that
//! are supported, with their rules.

#![allow(clippy::unwrap_used, reason = "a test may fail this way")]

use std::path::{Path, PathBuf};

use waypost::diagnostic::FileId;
use waypost::k8s::{Object, objects_of};
use waypost::validate::catalogue::embedded;
use waypost::validate::manifests::{Options, Summary, Validator, Verdict};
use waypost::yaml::{Budget, read};

use crate::crd_validation::objects_below;

/// Files of the committed trees, kustomize's own left out: those are no objects of a cluster.
fn rendered() -> Vec<(PathBuf, Object)> {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![project.join("rendered"), project.join("tests/cases")];
    let mut all = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let is_tree = path
                .components()
                .any(|c| matches!(c.as_os_str().to_str(), Some("rendered" | "expected")));
            if path.is_dir() {
                folders.push(path);
            } else if is_tree
                && name.ends_with(".yaml")
                && !name.starts_with("patch-")
                // fields that a user's own kustomization lays over its resource
                && !path.components().any(|c| c.as_os_str() == "components")
            {
                let text = std::fs::read_to_string(&path).unwrap();
                let (documents, found) = read(FileId(0), &text, &Budget::MANIFESTS);
                assert!(found.is_empty(), "{} {found:?}", path.display());
                all.extend(objects_of(documents).0.into_iter().map(|o| (path.clone(), o)));
            }
        }
    }
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

#[test]
fn rendered_trees_are_valid_against_every_release() {
    let rendered = rendered();
    for (istio, gateway_api) in [
        ("1.24.6", "v1.3.0-standard"),
        ("1.28.10", "v1.4.1-standard"),
        ("1.30.3", "v1.4.1-experimental"),
        ("1.31.0-rc.0", "v1.6.1-standard"),
    ] {
        let mut crds = objects_below(&format!("crds/istio/{istio}"));
        crds.extend(objects_below(&format!("crds/gateway-api/{gateway_api}")));
        crds.extend(objects_below("crds/argo-cd/v3.5.1"));
        crds.extend(objects_below("crds/flux/2.9"));
        let (validator, _) = Validator::new(&embedded(), &crds, Options::default());
        let mut summary = Summary::default();
        for (path, object) in &rendered {
            let mut found = Vec::new();
            let verdict = validator.check(object, &mut found);
            summary.count(object, verdict);
            // a DENY that a user wrote by HTTP attributes alone, and what is made of it: the lint is for them
            found.retain(|d| d.code != "deny-http-only");
            assert_eq!(found, [], "{} with Istio {istio}", path.display());
            // TSB publishes no CRDs that could be asked
            let is_tsb = object.gvk.group.ends_with("tsb.tetrate.io");
            assert!(verdict == Verdict::Valid || is_tsb, "{}: {verdict:?}", path.display());
        }
        assert!(summary.valid > 40, "{summary:?}");
    }
}
