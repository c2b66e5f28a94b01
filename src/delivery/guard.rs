//! What keeps Flux from pruning what somebody has emptied by hand.
//!
//! Flux builds a kustomization that lists nothing, and prunes everything that it applied before
//! (facts/gitops-delivery.md 1.8). A strategic merge patch without a target fails the build where
//! it meets nothing (1.16): so a Component names an object of every namespace of a unit that is
//! pruned, changes none of them, and is told to Flux alone.
//!
//! It lies in the unit's folder, and not in Flux's Kustomization, since what Flux is told and what
//! it applies reach it by two ways: only of the same commit does it name what the unit should have,
//! and lets go what a render takes out. Its file has no ending, as everything in a unit's folder
//! that is YAML and no object would be taken for one where the list is lost (1.6).

use serde_json::{Value, json};

use super::units::keeps_what_leaves;
use crate::k8s::ObjectRef;
use crate::model::{Environment, Target, Unit};
use crate::yaml::{EmitError, emit};

/// The Component's folder in the unit's. No namespace can bear this name.
pub const GUARD: &str = "_guard";

/// The Component's file in its folder: a name that kustomize knows.
pub const GUARD_FILE: &str = "Kustomization";

/// True for a unit that has one. Argo CD prunes nothing of an Application that has become empty
/// (facts/gitops-delivery.md 1.8), and needs none.
pub fn is_guarded(environment: &Environment, unit: Unit) -> bool {
    let delivery = environment.delivery.as_ref();
    !keeps_what_leaves(unit) && delivery.is_some_and(|d| d.targets.contains(&Target::Flux))
}

/// The Component that builds only where these objects, each with its API version, are there.
///
/// # Errors
/// When one of them has no text.
pub fn guard(objects: &[(&str, &ObjectRef)]) -> Result<Value, EmitError> {
    let named = |(api_version, object): &(&str, &ObjectRef)| {
        let mut metadata = json!({"name": object.name});
        if let Some(namespace) = &object.namespace {
            metadata["namespace"] = namespace.as_str().into();
        }
        let patch = json!({"apiVersion": api_version, "kind": object.kind, "metadata": metadata});
        Ok(json!({"patch": emit(&patch)?}))
    };
    Ok(json!({
        "apiVersion": "kustomize.config.k8s.io/v1alpha1",
        "kind": "Component",
        "patches": objects.iter().map(named).collect::<Result<Vec<Value>, _>>()?,
    }))
}
