//! Names that two environments render for one applier: whoever is applied last takes the object, and prunes
//! what the other has applied (facts/gitops-delivery.md 4.5, 8.3 T23).

use std::collections::{BTreeMap, BTreeSet};

use super::gitops::Folders;
use crate::diagnostic::Diagnostic;
use crate::k8s::ObjectRef;
use crate::model::Target;
use crate::pipeline::Rendered;
use crate::spec::{Entry, Files};
use crate::tree::{LOCK_NAME, Lock};

/// A lock has a line for each file.
const LOCK_LIMIT: usize = 256 << 20;

/// Where an applier is: Argo CD is one for all clusters, and each cluster has a Flux of its own.
type Place = (Target, String);

/// What an environment tells appliers that the lock of another one lists too: one finding for each other
/// environment.
pub(super) fn owned_twice(
    files: &Files,
    name: &str,
    rendered: &Rendered,
    folders: &Folders,
) -> Vec<Diagnostic> {
    let Some(told) = folders.told() else { return Vec::new() };
    let mut own: BTreeSet<(Place, &ObjectRef)> = BTreeSet::new();
    for (target, tree) in &rendered.delivery {
        for (path, file) in tree.iter() {
            let below = path.split_once('/').map_or("", |(_, below)| below);
            if let Some(object) = file.object() {
                own.insert((place(*target, below), object));
            }
        }
    }
    let mut shared: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for target in Target::ALL {
        let folder = format!("{told}/{target}");
        let Entry::Folder(others) = files.entry(&folder, 0) else { continue };
        for (other, _) in others.into_iter().filter(|(other, _)| other != name) {
            let path = format!("{folder}/{other}/{LOCK_NAME}");
            let Entry::File(text) = files.entry(&path, LOCK_LIMIT) else { continue };
            // one that cannot be read is a finding of its own environment
            let Ok(lock) = Lock::parse(&text.replace("\r\n", "\n")) else { continue };
            for (path, entry) in &lock.files {
                let Some(object) = &entry.object else { continue };
                if own.contains(&(place(target, path), &**object)) {
                    shared.entry(other.clone()).or_default().push(object.to_string());
                }
            }
        }
    }
    let finding = |(other, objects): (String, Vec<String>)| {
        let first = objects.first().map(String::as_str).unwrap_or_default();
        let more = match objects.len() {
            1 => String::new(),
            n => format!(", one of {n} such objects"),
        };
        Diagnostic::error(
            "name-collides",
            format!("environments `{name}` and `{other}` both render `{first}`{more}: whoever is applied last takes it"),
        )
        .help("names are `<environment>-<cluster>-<unit>`: call an environment or a cluster otherwise, so that no two come to the same")
    };
    shared.into_iter().map(finding).collect()
}

fn place(target: Target, below: &str) -> Place {
    let cluster = match target {
        Target::ArgoCd => "",
        Target::Flux => below.split_once('/').map_or("", |(cluster, _)| cluster),
    };
    (target, cluster.to_owned())
}
