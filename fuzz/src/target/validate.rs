//! Manifests held against schemas, Istio's webhook and lints.

use std::sync::OnceLock;

use waypost::simulate::{ClusterId, Mesh, Options};
use waypost::validate::catalogue::embedded;
use waypost::validate::manifests::{self, Validator};
use waypost::validate::rule::{RuleInput, RuleObjects, Settings, check_all};

use super::objects;
use crate::corpus::texts;

pub(super) fn corpus() -> Vec<String> {
    texts(&["tests/manifests", "tests/server"], &[".yaml"])
}

pub(super) fn run(text: &str) {
    static VALIDATOR: OnceLock<Validator> = OnceLock::new();
    let validator =
        VALIDATOR.get_or_init(|| Validator::new(&embedded(), &[], manifests::Options::default()).0);
    let objects = objects(text);
    let mut found = Vec::new();
    for object in &objects {
        validator.check(object, &mut found);
    }
    let (mesh, _) = Mesh::from_objects(&objects, &Options::default());
    let (input, settings) = (RuleObjects::applied_together(&objects), Settings::default());
    check_all(&RuleInput::new(input, (&mesh, ClusterId::FIRST), &settings), &mut found);
}
