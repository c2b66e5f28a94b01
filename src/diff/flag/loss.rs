//! Objects that an applier prunes: many of them, those that install TSB, and those that a list
//! lost.

use std::collections::BTreeMap;

use super::{Code, Flag, counted, names};
use crate::diff::file::FileRole;
use crate::diff::object::ObjectChange;
use crate::diff::tree::TreeDiff;
use crate::diff::version::ObjectVersion;
use crate::tree::{FilePlace, is_much};

pub(super) fn flags(diff: &TreeDiff, flags: &mut Vec<Flag>) {
    let mut lost: BTreeMap<&str, Vec<&ObjectVersion>> = BTreeMap::new();
    for gone in diff.objects.iter().filter_map(ObjectChange::lost) {
        lost.entry(gone.cluster()).or_default().push(gone);
        if gone.reference.group == "install.tetrate.io" {
            flags.push(Flag {
                code: Code::InstallRemoved,
                cluster: gone.cluster().to_owned(),
                namespace: gone.reference.namespace.clone(),
                objects: vec![gone.reference.clone()],
                message: format!("`{}` leaves the tree", gone.reference),
            });
        }
    }
    for (cluster, gone) in lost {
        // the measure of `render`, which refuses it unasked; what a namespace gives up that goes from one
        // stage to another is what the stage is about
        let unforeseen = gone.iter().filter(|version| !changes_stage(diff, version)).count();
        let Some(all) = diff.objects_before.get(cluster).filter(|all| is_much(unforeseen, **all))
        else {
            continue;
        };
        let said: Vec<String> = gone.iter().map(|version| version.reference.to_string()).collect();
        flags.push(Flag {
            code: Code::PruneMany,
            cluster: cluster.to_owned(),
            namespace: None,
            objects: gone.iter().map(|version| version.reference.clone()).collect(),
            message: format!(
                "cluster `{cluster}` loses {} of its {}: {}",
                gone.len(),
                counted(*all, "object"),
                names(said.iter().map(String::as_str))
            ),
        });
    }
    lists(diff, flags);
}

/// Do the locks say that its namespace has reached another stage?
fn changes_stage(diff: &TreeDiff, version: &ObjectVersion) -> bool {
    diff.stages.iter().any(|stage| {
        stage.cluster == version.cluster()
            && version.reference.namespace.as_ref() == Some(&stage.namespace)
    })
}

/// What the files say that lists of files are built by.
pub(super) fn lists(diff: &TreeDiff, flags: &mut Vec<Flag>) {
    for file in &diff.files {
        let (dropped, beyond): (&[String], &[String]) = match &file.role {
            FileRole::Kustomization { dropped, beyond } => (dropped, beyond),
            FileRole::Build(beyond) => (&[], beyond),
            FileRole::Lock | FileRole::Other | FileRole::Unreadable(_) => continue,
        };
        if !beyond.is_empty() {
            flags.push(Flag {
                code: Code::BuildOverridden,
                cluster: FilePlace::of(&file.path).cluster.to_owned(),
                namespace: None,
                objects: Vec::new(),
                message: format!(
                    "`{}` makes appliers build something else than the files of its folder: {}",
                    file.path,
                    beyond.join(", ")
                ),
            });
        }
        if !dropped.is_empty() {
            flags.push(Flag {
                code: Code::ListingDrops,
                cluster: FilePlace::of(&file.path).cluster.to_owned(),
                namespace: None,
                objects: Vec::new(),
                message: format!(
                    "`{}` lists {} no more, though the file is still there",
                    file.path,
                    names(dropped.iter().map(String::as_str))
                ),
            });
        }
    }
}
