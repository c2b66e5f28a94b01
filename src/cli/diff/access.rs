//! Both sides' worlds, from the trees and the inventories of the specs.

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;

use crate::diagnostic::FileId;
use crate::k8s::Object;
use crate::resolve::Resolved;
use crate::tree::{Differing, Place};
use crate::world::{Existing, World, objects_in};

/// Both worlds.
pub(super) struct Worlds {
    pub before: World,
    pub after: World,
}

/// Reads both worlds, side by side. What did not change is parsed once.
pub(super) fn worlds(
    files: &BTreeMap<String, Vec<u8>>,
    differing: &[Differing],
    (before, after): ((&Resolved, &Existing), (&Resolved, &Existing)),
    rename: &(dyn Fn(&str) -> String + Sync),
) -> Worlds {
    let changed: BTreeMap<&str, &Differing> =
        differing.iter().map(|file| (file.path.as_str(), file)).collect();
    let same: Vec<(Place, &Vec<u8>)> = files
        .iter()
        .filter(|(path, _)| !changed.contains_key(path.as_str()))
        .filter_map(|(path, bytes)| Some((Place::of(path)?, bytes)))
        .collect();
    let same: Vec<(Place, Vec<Arc<Object>>)> =
        same.into_par_iter().map(|(place, bytes)| (place, objects(bytes))).collect();
    type Bytes = fn(&Differing) -> Option<&Vec<u8>>;
    let side = |(resolved, existing): (&Resolved, &Existing), bytes: Bytes, own: bool| {
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
        World::of_environment(resolved, reached, existing, rendered)
    };
    let (before, after) = rayon::join(
        || side(before, |file| file.before.as_ref(), false),
        || side(after, |file| file.after.as_ref(), true),
    );
    Worlds { before, after }
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
