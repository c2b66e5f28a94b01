//! Both sides' meshes, from the trees and the inventories of the specs.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::super::access::mesh::{Parts, mesh_of};
use super::side::Trees;
use crate::diagnostic::FileId;
use crate::diff::TreeDiff;
use crate::k8s::{Object, objects_of};
use crate::resolve::Resolved;
use crate::simulate::Mesh;
use crate::tree::Differing;
use crate::yaml::{Budget, read};

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
    let same: Vec<(&String, &Vec<u8>)> =
        files.iter().filter(|(path, _)| !changed.contains_key(path.as_str())).collect();
    let same: Vec<(String, Vec<Object>)> = same
        .into_par_iter()
        .map(|(path, bytes)| (path.clone(), objects(path, Some(bytes))))
        .collect();
    let side = |resolved: &Resolved, bytes: fn(&Differing) -> Option<&Vec<u8>>, own: bool| {
        let mut parts = Parts::default();
        for (path, objects) in &same {
            parts.add(&cluster(path, own, rename), objects.iter().cloned());
        }
        for file in differing {
            parts.add(&cluster(&file.path, own, rename), objects(&file.path, bytes(file)));
        }
        mesh_of(resolved, parts).mesh
    };
    let (before, after) = rayon::join(
        || side(before, |file| file.before.as_ref(), false),
        || side(after, |file| file.after.as_ref(), true),
    );
    Ok(Meshes { before, after })
}

/// The cluster of a path: paths are those of the side after; `rename` says the other's.
fn cluster(path: &str, own: bool, rename: &dyn Fn(&str) -> String) -> String {
    let cluster = path.split('/').next().unwrap_or_default();
    if own { cluster.to_owned() } else { rename(cluster) }
}

/// The objects of a file; none where it is not there or is no manifest. What cannot be read is told
/// by the comparison.
fn objects(path: &str, bytes: Option<&Vec<u8>>) -> Vec<Object> {
    let is_manifest = !path.ends_with("/kustomization.yaml")
        && !path.split('/').skip(1).any(|folder| matches!(folder, "components" | "patches"))
        && [".yaml", ".yml", ".json"].iter().any(|end| path.ends_with(end));
    let text = bytes.and_then(|bytes| std::str::from_utf8(bytes).ok());
    match text.filter(|_| is_manifest) {
        Some(text) => objects_of(read(FileId(0), text, &Budget::MANIFESTS).0).0,
        None => Vec::new(),
    }
}
