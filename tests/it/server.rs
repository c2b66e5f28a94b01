//! What a real API server with Istio's webhook said of documents, held without one. `tests/mesh/run` found
//! each by asking both; the texts beside the documents are the server's.

use std::path::Path;

use waypost::diagnostic::{FileId, has_errors};
use waypost::k8s::{Object, objects_of};
use waypost::validate::catalogue::embedded;
use waypost::validate::manifests::{Options, Validator, Verdict};
use waypost::yaml::{Budget, read};

fn objects(name: &str) -> Vec<Object> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/server").join(name);
    let text = std::fs::read_to_string(path).unwrap();
    let (documents, found) = read(FileId(0), &text, &Budget::MANIFESTS);
    assert!(!has_errors(&found), "{found:?}");
    objects_of(documents).0
}

fn verdicts(name: &str, expected: Verdict) {
    let (validator, found) = Validator::new(&embedded(), &objects("crd.yaml"), Options::default());
    assert!(found.is_empty(), "{found:?}");
    let objects = objects(name);
    assert!(!objects.is_empty());
    for object in objects {
        let mut found = Vec::new();
        let verdict = validator.check(&object, &mut found);
        assert_eq!(verdict, expected, "{}: {found:?}", object.name);
    }
}

#[test]
fn what_the_server_refuses_is_refused() {
    verdicts("refused.yaml", Verdict::Invalid);
}

#[test]
fn what_the_server_takes_is_taken() {
    verdicts("accepted.yaml", Verdict::Valid);
}
