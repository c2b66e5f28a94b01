//! Rendered objects against the schemas of their kinds.

use serde_json::Value;

use super::assemble::reference;
use crate::diagnostic::{Diagnostic, Place, Span};
use crate::k8s::{Object, ObjectRef};
use crate::model::{Cluster, Environment};
use crate::translate::install::{InstallCheck, InstallFiles};
use crate::validate::manifests::Validator;
use crate::yaml::Node;

/// Checks one object; what is wrong with it is blamed on what the user wrote that asked for it.
pub(super) fn object(
    validator: &Validator,
    value: &Value,
    origin: Option<Span>,
    found: &mut Vec<Diagnostic>,
) {
    let mut own = Vec::new();
    match Object::from_node(Node::from_json(value, Span::default())) {
        Ok(object) => {
            validator.check(&object, &mut own);
        }
        Err(diagnostic) => own.push(*diagnostic),
    }
    blame(own, || reference(value), origin, found);
}

/// As [`object`], for what has been read back from its template's text.
pub(super) fn read_object(
    validator: &Validator,
    object: &Object,
    origin: Option<Span>,
    found: &mut Vec<Diagnostic>,
) {
    let mut own = Vec::new();
    validator.check(object, &mut own);
    blame(own, || object.reference(), origin, found);
}

/// A ControlPlane whose patches leave it without ambient mode, in a cluster that is to run it.
pub(super) fn ambient(
    environment: &Environment,
    cluster: &Cluster,
    files: &InstallFiles,
    found: &mut Vec<Diagnostic>,
) {
    let Some(first) = environment.first_ambient(cluster) else { return };
    let is_plane = |value: &&Value| value["kind"] == "ControlPlane";
    let is_on = |plane: &Value| {
        plane.pointer("/spec/components/istio/ambient/enable") == Some(&Value::Bool(true))
    };
    if files.patched.iter().find(is_plane).is_some_and(|plane| !is_on(plane)) {
        let diagnostic = Diagnostic::error(
            "ambient-off",
            format!(
                "namespace `{}/{}` is to be ambient, but its control plane has ambient mode off once its patches are applied",
                cluster.name, first.name
            ),
        );
        let at = cluster.control_plane.as_ref().map_or(cluster.origin, |plane| plane.origin);
        found.push(
            diagnostic
                .at(at, "with its patches")
                .also(first.origin, "this namespace")
                .help("set `controlPlane.ambient: true`, and let no patch take it back"),
        );
    }
}

/// Puts findings where the user can do something about them.
fn blame(
    own: Vec<Diagnostic>,
    reference: impl FnOnce() -> ObjectRef,
    origin: Option<Span>,
    found: &mut Vec<Diagnostic>,
) {
    if own.is_empty() {
        return;
    }
    let reference = reference();
    for mut diagnostic in own {
        diagnostic.message = format!("rendered {reference}: {}", diagnostic.message);
        diagnostic.secondary.clear();
        diagnostic.primary =
            origin.map(|span| Place { span, label: "this asks for it".to_owned() });
        found.push(diagnostic);
    }
}

/// Checks an install resource; what is wrong with it is shown where it was written, in the base or
/// in the spec.
pub(super) fn install(
    validator: &Validator,
    check: &InstallCheck,
    origin: Option<Span>,
    found: &mut Vec<Diagnostic>,
) {
    let node = Node::from_json_at(&check.value, origin.unwrap_or_default(), &check.places);
    let mut own = Vec::new();
    match Object::from_node(node) {
        Ok(object) => {
            validator.check(&object, &mut own);
        }
        Err(diagnostic) => own.push(*diagnostic),
    }
    // fields alone lack most of what a resource must have
    own.retain(|diagnostic| check.is_whole || diagnostic.code != "missing-field");
    found.extend(own);
}
