//! Istio's own corpus of valid and invalid documents, which upstream checks against its CRDs, CEL
//! rules and webhook (facts/istio-ambient.md §14.4, §14.5): ours must say the same of each.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test may fail this way")]

use std::collections::BTreeMap;
use std::path::Path;

use waypost::diagnostic::{Diagnostic, FileId, has_errors};
use waypost::k8s::{Object, objects_of};
use waypost::validate::catalogue::embedded;
use waypost::validate::manifests::{Options, Validator, Verdict};
use waypost::yaml::{Budget, Document, Value, read};

use crate::data;

/// All documents of a file; the second half are findings of the reader.
fn documents(path: &Path) -> (Vec<Document>, Vec<Diagnostic>) {
    // go-yaml takes this for a text; by YAML 1.2 (7.3.3) it is a mapping with an empty value
    let text = std::fs::read_to_string(path).unwrap().replace("001:db8::]", "\"001:db8::\"]");
    read(FileId(0), &text, &Budget::MANIFESTS)
}

/// The objects of every YAML file of a folder.
pub(crate) fn objects_below(folder: &str) -> Vec<Object> {
    let mut paths: Vec<_> = std::fs::read_dir(data(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "yaml"))
        .collect();
    paths.sort();
    paths.iter().flat_map(|path| objects_of(documents(path).0).0).collect()
}

fn with_crds(folder: &str) -> Validator {
    let (validator, found) = Validator::new([], &objects_below(folder), Options::default());
    assert!(!has_errors(&found), "{found:?}");
    validator
}

fn with_own_schemas() -> Validator {
    let (validator, found) = Validator::new(&embedded(), &[], Options::default());
    assert_eq!(found, []);
    validator
}

/// Documents of a file by number, `_err` taken off.
fn cases(file: &str) -> BTreeMap<usize, (Object, Option<String>)> {
    let (documents, found) = documents(&data(&format!("oracle/crd-validation/{file}")));
    assert!(!has_errors(&found), "{file}: {found:?}");
    documents
        .into_iter()
        .map(|mut document| {
            let mut expected = None;
            if let Value::Mapping(map) = &mut document.root.value {
                expected = map.get("_err").and_then(|n| n.as_str()).map(str::to_owned);
                map.entries.retain(|e| e.key != "_err");
            }
            (document.index, (Object::from_node(document.root).unwrap(), expected))
        })
        .collect()
}

/// What the expected messages of Go say, in our words; where the message is a CRD author's own it
/// appears as it is.
fn means(expected: &str, message: &str) -> bool {
    let wanted: &[&str] = match expected {
        "Unsupported value: \"BLAH\"" => &["`BLAH` is not known for `mode`"],
        "type conversion error from" => {
            &["port must be between 1-65535", "`acd` is not a port", "must be a port"]
        }
        "spec.portLevelMtls in body should have at least 1 properties" => {
            &["`portLevelMtls` must not be empty"]
        }
        "spec.targetRef.name: Required value" => &["`targetRef` has no `name`"],
        "spec.targetRef.group in body should match" => &["`group` "],
        "spec.targetRef.kind in body should match" => &["`kind` ", "cannot be bound to `Serv_ice`"],
        "spec.jwtRules[0] in body must be of type object" => {
            &["an entry of `jwtRules` must be a mapping, but is nothing"]
        }
        "spec.jwtRules[0].outputClaimToHeaders[0] in body must be of type object" => {
            &["an entry of `outputClaimToHeaders` must be a mapping, but is nothing"]
        }
        "spec.jwtRules[0].fromHeaders[0].name: Required value" => &["`fromHeaders` has no `name`"],
        "header in body should match" => &["`header` "],
        text if text.contains("should be at least 1 chars long") => {
            let field = text.split(" in body").next().unwrap_or_default();
            let name = field.rsplit('.').next().unwrap_or(field).split('[').next().unwrap_or(field);
            return message.contains(&format!("`{name}`")) && message.contains("must not be empty");
        }
        "only one of targetRefs or selector can be set" => &[
            "only one of targetRefs or selector can be set",
            "only one of `selector`, `targetRef` and `targetRefs`",
        ],
        "cross namespace referencing is not currently supported" => &[
            "cross namespace referencing is not currently supported",
            "cross-namespace references are not supported",
        ],
        "Cannot set serviceAccounts with namespaces or principals" => &[
            "Cannot set serviceAccounts with namespaces or principals",
            "may not hold `serviceAccounts` together with `principals` or `namespaces`",
            "cannot set `serviceAccounts` with namespaces or principals",
        ],
        "portLevelMtls requires selector" => {
            &["portLevelMtls requires selector", "`portLevelMtls` requires a selector"]
        }
        "port must be between 1-65535" => {
            &["port must be between 1-65535", "must be a port between 1 and 65535", "is not a port"]
        }
        "url must have scheme" => &["url must have scheme", "must be a URL with the scheme"],
        "must be a valid duration greater than" => {
            &["must be a valid duration", "is not a valid duration"]
        }
        other => panic!("a message without a meaning: {other}"),
    };
    wanted.iter().any(|w| message.contains(w))
}

/// How the line begins that a person would look at first: the value at fault, or the first line
/// of the mapping whose fields disagree.
fn lines_of(name: &str) -> &'static [&'static str] {
    match name {
        "service-account-and-namespace" | "service-account-and-namespace-principal" => {
            &["serviceAccounts:", "namespaces:", "principals:"]
        }
        "bad-mode" => &["mode: BLAH"],
        "bad-port" => &["\"acd\":"],
        "port-level-global" => &["portLevelMtls:", "\"80\":"],
        "empty-port-level" => &["portLevelMtls: {}"],
        "zero-port" => &["\"0\":"],
        "high-port" => &["\"42949672\":"],
        "multi-refs" => &["targetRefs:", "targetRef:", "group:", "- group:"],
        "ref-and-selector" => &["selector:", "targetRef:", "group:"],
        "bad-target-name" => &["group:"],
        "bad-target-namespace" => &["namespace: bar"],
        "bad-target-group" => &["group: \"__\""],
        "bad-target-kind" => &["kind: Serv_ice"],
        "no-issuer" => &["-"],
        "empty-aud"
        | "invalid-from-params"
        | "invalid-from-cookies"
        | "invalid-space-delimited-claims" => &["- \"\""],
        "invalid-jwks" => &["jwksUri:"],
        "invalid-from-headers-no-name" => &["- prefix: baz"],
        "invalid-from-headers-empty-name" => &["- name: \"\""],
        "invalid-claim-to-header-unset" => &["- ~"],
        "invalid-claim-to-header-claim-empty" => &["- claim: \"\""],
        "invalid-claim-to-header-header-empty" => &["header: \"\""],
        "invalid-claim-to-header-bad-header" => &["header: \":authority\""],
        "bad-timeout" => &["timeout: \"apple\""],
        other => panic!("a document whose line is not known: {other}"),
    }
}

/// Every invalid document of the corpus is refused, for its reason, at its line.
fn refuses_the_invalid(validator: &Validator) {
    let mut seen = 0;
    for file in ["authz-invalid.yaml", "peerauth-invalid.yaml", "reqauth-invalid.yaml"] {
        for (index, (object, expected)) in cases(file) {
            let expected = expected.unwrap_or_else(|| panic!("{file}#{index} expects nothing"));
            let mut found = Vec::new();
            let verdict = validator.check(&object, &mut found);
            let name = format!("{file}#{index} {}", object.name);
            assert_eq!(verdict, Verdict::Invalid, "{name}: {expected}");
            let hit = found.iter().find(|d| d.is_error() && means(&expected, &d.message));
            let Some(hit) = hit else { panic!("{name}: wanted {expected}, found {found:#?}") };
            let at = hit.primary.as_ref().unwrap().span;
            let text = std::fs::read_to_string(data("oracle/crd-validation").join(file)).unwrap();
            let line = text.lines().nth(at.start.line as usize - 1).unwrap();
            assert!(
                lines_of(&object.name).iter().any(|l| line.trim().starts_with(l)),
                "{name}: `{}` is shown at `{line}`",
                hit.message
            );
            seen += 1;
        }
    }
    assert_eq!(seen, 2 + 6 + 19);
}

#[cfg(feature = "cel")]
#[test]
fn crds_refuse_what_upstream_refuses() {
    for version in ["1.30.3", "1.31.0-rc.0"] {
        refuses_the_invalid(&with_crds(&format!("crds/istio/{version}")));
    }
}

#[test]
fn our_own_schemas_refuse_what_upstream_refuses() {
    refuses_the_invalid(&with_own_schemas());
}

#[test]
fn crds_take_what_upstream_takes() {
    let validator = with_crds("crds/istio/1.31.0-rc.0");
    let mut seen = 0;
    for entry in std::fs::read_dir(data("oracle/crd-validation")).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        if !file.ends_with("-valid.yaml") {
            continue;
        }
        for (index, (object, _)) in cases(&file) {
            let mut found = Vec::new();
            let verdict = validator.check(&object, &mut found);
            assert_eq!(verdict, Verdict::Valid, "{file}#{index}: {found:#?}");
            seen += 1;
        }
    }
    assert_eq!(seen, 35);
}

#[test]
fn our_own_schemas_take_what_upstream_takes() {
    let validator = with_own_schemas();
    for file in ["authz-valid.yaml", "peerauth-valid.yaml", "reqauth-valid.yaml"] {
        for (index, (object, _)) in cases(file) {
            let mut found = Vec::new();
            let verdict = validator.check(&object, &mut found);
            assert_eq!(verdict, Verdict::Valid, "{file}#{index}: {found:#?}");
        }
    }
}

#[test]
fn the_dataset_of_minimal_objects_is_valid() {
    let validator = with_crds("crds/istio/1.31.0-rc.0");
    let objects = objects_below("oracle/validation-dataset");
    assert_eq!(objects.len(), 33);
    for object in &objects {
        let mut found = Vec::new();
        let verdict = validator.check(object, &mut found);
        assert_eq!(verdict, Verdict::Valid, "{} {found:#?}", object.gvk);
    }
}

#[test]
fn every_crd_compiles() {
    for folder in [
        "crds/istio/1.22.8",
        "crds/istio/1.24.6",
        "crds/istio/1.30.3",
        "crds/istio/1.31.0-rc.0",
        "crds/gateway-api/v1.3.0-experimental",
        "crds/gateway-api/v1.4.1-experimental",
        "crds/gateway-api/v1.6.1-experimental",
        "crds/argo-cd/v3.5.1",
        "crds/flux/2.9",
    ] {
        let crds = objects_below(folder);
        let (validator, found) = Validator::new([], &crds, Options::default());
        assert!(!has_errors(&found), "{folder}: {found:?}");
        assert_eq!(validator.compile(), [], "{folder}");
    }
}
