//! Both sides' meshes, from the trees and the inventories of the specs.

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;

use super::side::Trees;
use crate::diagnostic::FileId;
use crate::diff::TreeDiff;
use crate::k8s::Object;
use crate::resolve::Resolved;
use crate::simulate::Mesh;
use crate::tree::{Differing, Place};
use crate::world::{Existing, World, objects_in};

/// Both meshes.
pub(super) struct Meshes {
    pub before: Mesh,
    pub after: Mesh,
}

/// False where no answer of the simulator can have changed: it reads neither TSB's own resources
/// nor the parameters of a waypoint's pods.
pub(super) fn matters(tree: &TreeDiff) -> bool {
    tree.objects.iter().any(|object| {
        [&object.before, &object.after].into_iter().flatten().any(|version| {
            let group = version.reference.group.as_str();
            let is_tsb = group == "install.tetrate.io" || group.ends_with("tsb.tetrate.io");
            let is_plain = group.is_empty()
                && matches!(version.reference.kind.as_str(), "ConfigMap" | "ResourceQuota");
            !(is_tsb || is_plain)
        })
    })
}

/// Reads both meshes, side by side. What did not change is parsed once.
pub(super) fn meshes(
    trees: &Trees,
    name: &str,
    differing: &[Differing],
    (before, after): (&Resolved, &Resolved),
    rename: &(dyn Fn(&str) -> String + Sync),
) -> anyhow::Result<Meshes> {
    let files = trees.files(&trees.after, name)?;
    let changed: BTreeMap<&str, &Differing> =
        differing.iter().map(|file| (file.path.as_str(), file)).collect();
    let same: Vec<(Place, &Vec<u8>)> = files
        .iter()
        .filter(|(path, _)| !changed.contains_key(path.as_str()))
        .filter_map(|(path, bytes)| Some((Place::of(path)?, bytes)))
        .collect();
    let same: Vec<(Place, Vec<Arc<Object>>)> =
        same.into_par_iter().map(|(place, bytes)| (place, objects(bytes))).collect();
    let side = |resolved: &Resolved, bytes: fn(&Differing) -> Option<&Vec<u8>>, own: bool| {
        let mut rendered = Vec::new();
        for (place, objects) in &same {
            let place = if own { place.clone() } else { renamed(place, rename) };
            rendered.extend(objects.iter().map(|object| (place.clone(), Arc::clone(object))));
        }
        for file in differing {
            let Some(place) = Place::of(&file.path) else { continue };
            let place = if own { place } else { renamed(&place, rename) };
            let objects = bytes(file).map(Vec::as_slice).map(objects).unwrap_or_default();
            rendered.extend(objects.into_iter().map(|object| (place.clone(), object)));
        }
        let reached = &resolved.environment.reached;
        World::of_environment(resolved, reached, &Existing::new(resolved), rendered).mesh
    };
    let (before, after) = rayon::join(
        || side(before, |file| file.before.as_ref(), false),
        || side(after, |file| file.after.as_ref(), true),
    );
    Ok(Meshes { before, after })
}

/// Places are those of the side after; `rename` says which cluster of the other one is meant.
fn renamed(place: &Place, rename: &dyn Fn(&str) -> String) -> Place {
    Place { cluster: rename(&place.cluster).into(), area: place.area }
}

/// The objects of a file. What cannot be read is told by the comparison.
fn objects(bytes: &[u8]) -> Vec<Arc<Object>> {
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    objects_in(FileId(0), text, &mut Vec::new()).into_iter().map(Arc::new).collect()
}
