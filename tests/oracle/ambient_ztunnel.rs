//! istiod's own expectations of what it sends to ztunnel, field by field.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may fail this way"
)]

use std::path::Path;

use serde_json::Value;
use waypost::simulate::ztunnel::STATIC_STRICT;
use waypost::simulate::{Mesh, Options};

use crate::files::{document, inputs, objects_of_file, rows};
use crate::{Case, data};

/// The rows of the table, and the inputs beside it that it does not name.
pub fn cases() -> Result<Vec<Case>, String> {
    let folder = data("oracle/ambient-ztunnel");
    let mut files: Vec<(String, String)> = rows::<4>(&folder.join("CASES.tsv"))?
        .into_iter()
        .map(|[input, expected, ..]| (input, expected))
        .collect();
    for name in inputs(&folder)? {
        let input = format!("{name}-in.yaml");
        if files.iter().all(|(listed, _)| *listed != input) {
            files.push((input, format!("{name}.yaml")));
        }
    }
    let case = |(input, expected): (String, String)| {
        let (input_file, expected_file) = (folder.join(&input), folder.join(expected));
        Case::new(input.trim_end_matches("-in.yaml").to_owned(), move || {
            converts(&input_file, &expected_file);
        })
    };
    Ok(files.into_iter().map(case).collect())
}

/// What is sent for the input is what istiod says it sends.
fn converts(input: &Path, expected: &Path) {
    let expected = document(expected).unwrap();
    let objects = objects_of_file(input);
    let (mesh, found) = Mesh::from_objects(&objects, &Options::default());
    assert!(found.is_empty(), "{found:?}");
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
    assert_eq!(sent, expected);
}
