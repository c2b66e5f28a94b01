//! What Argo CD, Flux and kustomize make of the objects.

pub(super) mod crd_version;
pub(super) mod direct_object_incomplete;
pub(super) mod directory_cascade;
pub(super) mod kustomize_namespace;
pub(super) mod namespace_first;
pub(super) mod restart_time;
pub(super) mod substitution;
pub(super) mod tracking_id;

use super::input::{RuleInput, at};
use crate::diagnostic::FileId;
use crate::k8s::Object;
use crate::yaml::Node;

const FLUX: &str = "kustomize.toolkit.fluxcd.io";

/// True where a Kustomization of Flux applies a file: its `spec.path` holds the file, or what builds
/// the file. A file without a path may be anywhere.
fn flux_applies(input: &RuleInput<'_>, kustomization: &Object, file: FileId) -> bool {
    let path = at(&kustomization.body, &["spec", "path"]).and_then(Node::as_str);
    let folder = path.unwrap_or_default().trim_matches(['.', '/']);
    let Some(path) = input.settings.paths.get(&file).filter(|_| !folder.is_empty()) else {
        return true;
    };
    let folder = format!("/{folder}/");
    let is_below = |path: &str| format!("/{path}/").contains(&folder);
    is_below(path) || input.settings.units.get(&file).is_some_and(|unit| is_below(unit))
}
