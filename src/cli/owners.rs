//! Names that two environments render for one applier: whoever is applied last takes the object, and prunes
//! what the other has applied (facts/gitops-delivery.md 4.5, 8.3 T23).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

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

/// The environments that tell an applier of an object.
type Told = BTreeMap<Place, BTreeMap<Arc<ObjectRef>, BTreeSet<String>>>;

/// What the locks of all environments list for appliers: read once for a run, when it is first asked for.
pub(super) struct Owners<'a> {
    files: &'a Files,
    /// Where the locks lie; `None` where nothing is told.
    folder: Option<&'a str>,
    told: Option<Told>,
}

impl<'a> Owners<'a> {
    /// The owners by these files.
    pub(super) fn new(files: &'a Files, folders: &'a Folders) -> Self {
        Self { files, folder: folders.told(), told: None }
    }

    /// Takes in what an environment tells now that it has been written.
    pub(super) fn written(&mut self, name: &str) {
        let (Some(folder), Some(told)) = (self.folder, &mut self.told) else { return };
        for owners in told.values_mut().flat_map(BTreeMap::values_mut) {
            owners.remove(name);
        }
        for target in Target::ALL {
            add(self.files, folder, target, name, told);
        }
    }

    /// What an environment tells appliers that the lock of another one lists too: one finding for each
    /// other environment.
    pub(super) fn twice(&mut self, name: &str, rendered: &Rendered) -> Vec<Diagnostic> {
        let Some(folder) = self.folder else { return Vec::new() };
        let told = self.told.get_or_insert_with(|| all(self.files, folder));
        let mut own: BTreeSet<(Place, &ObjectRef)> = BTreeSet::new();
        for (target, tree) in &rendered.delivery {
            for (path, file) in tree.iter() {
                let below = path.split_once('/').map_or("", |(_, below)| below);
                if let Some(object) = file.object() {
                    own.insert((place(*target, below), object));
                }
            }
        }
        let mut shared: BTreeMap<&str, Vec<&ObjectRef>> = BTreeMap::new();
        for (place, object) in own {
            let others = told.get(&place).and_then(|objects| objects.get(object));
            for other in others.into_iter().flatten().filter(|other| *other != name) {
                shared.entry(other).or_default().push(object);
            }
        }
        let finding = |(other, objects): (&str, Vec<&ObjectRef>)| {
            let first = objects.first().map(ToString::to_string).unwrap_or_default();
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
}

/// What lies on disk.
fn all(files: &Files, folder: &str) -> Told {
    let mut told = Told::new();
    for target in Target::ALL {
        let Entry::Folder(names) = files.entry(&format!("{folder}/{target}"), 0) else { continue };
        for (name, _) in names {
            add(files, folder, target, &name, &mut told);
        }
    }
    told
}

fn add(files: &Files, folder: &str, target: Target, name: &str, told: &mut Told) {
    let Some(lock) = lock(files, &format!("{folder}/{target}/{name}")) else { return };
    for (path, entry) in lock.files {
        let Some(object) = entry.object else { continue };
        let objects = told.entry(place(target, &path)).or_default();
        objects.entry(object).or_default().insert(name.to_owned());
    }
}

/// The lock of a folder, whatever its line ends; `None` where there is none, or one that cannot be read,
/// which is a finding of its own environment.
pub(super) fn lock(files: &Files, folder: &str) -> Option<Lock> {
    let Entry::File(text) = files.entry(&format!("{folder}/{LOCK_NAME}"), LOCK_LIMIT) else {
        return None;
    };
    Lock::parse(&text.replace("\r\n", "\n")).ok()
}

fn place(target: Target, below: &str) -> Place {
    let cluster = match target {
        Target::ArgoCd => "",
        Target::Flux => below.split_once('/').map_or("", |(cluster, _)| cluster),
    };
    (target, cluster.to_owned())
}
