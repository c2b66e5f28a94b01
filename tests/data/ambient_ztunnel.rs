//! istiod's own expectations of what it sends to ztunnel, field by field.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may fail this way"
)]

use serde_json::Value;
use waypost::simulate::ztunnel::STATIC_STRICT;
use waypost::simulate::{Mesh, Options};

use crate::data;
use crate::manifests::{objects_of_file, rows};

#[test]
fn conversion_equals_istiods() {
    let cases = rows(&data("oracle/ambient-ztunnel/CASES.tsv"));
    let mut failed = Vec::new();
    for row in &cases {
        let folder = data("oracle/ambient-ztunnel");
        let expected: Value =
            serde_yaml::from_str(&std::fs::read_to_string(folder.join(&row[1])).unwrap())
                .unwrap_or_default();
        let objects = objects_of_file(&folder.join(&row[0]));
        let (mesh, found) = Mesh::from_objects(&objects, &Options::default());
        assert!(found.is_empty(), "{}: {found:?}", row[0]);
        let cluster = mesh.clusters().next().unwrap().0;
        let sent: Vec<Value> = mesh
            .authorizations(cluster)
            .into_iter()
            .filter(|a| a.name != STATIC_STRICT)
            .map(|a| {
                let mut json = serde_json::to_value(a).unwrap();
                // upstream's case has no namespace, an applied object has one
                if objects[0].namespace.is_none() {
                    json.as_object_mut().unwrap().remove("namespace");
                }
                json
            })
            .collect();
        let expected: Vec<Value> = if expected.is_null() { vec![] } else { vec![expected] };
        if sent != expected {
            failed.push(format!("{}: {sent:#?} instead of {expected:#?}", row[0]));
        }
    }
    assert_eq!(cases.len(), 15, "cases came or went");
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
