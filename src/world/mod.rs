//! What is in the clusters: said once, asked by everything.
//!
//! A [`World`] is the objects of each cluster, laid over each other as the API server would, and the
//! one [`Mesh`] that they make. Of an environment at a point these are the inventory, what the user
//! applies beside waypost (`sources.direct`), what is rendered and applied, and what TSB makes
//! itself; of a folder, a commit or dumps they are the manifests there. Lints, `verify`, the
//! simulator and the plan of a migration ask it; none of them puts objects together by itself.
//!
//! ```text
//! Existing (inventory + direct) ─┐
//!                                ├─ overlay ─> Cluster ─┐
//! rendered objects, with Place ──┘                      ├─> World: clusters, mesh, cases, findings
//! manifests of a folder ────────────────────> Cluster ──┘
//! ```
//!
//! It returns findings and prints nothing, and it reads no disk: who calls it has the objects.

mod case;
mod existing;
mod manifests;
mod merge;
mod mesh_config;
mod restart;
mod texts;
mod upgrade;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use case::Case;
pub use existing::Existing;
pub use manifests::is_manifest;
pub use mesh_config::{access_log_formats, of_objects as mesh_options};
pub use texts::Texts;
pub use upgrade::{Part, Release};

use crate::diagnostic::{Diagnostic, FileId};
use crate::k8s::{Object, objects_of};
use crate::model::{Area, Reached, Unit};
use crate::resolve::Resolved;
use crate::simulate::{self, ClusterId, Mesh, Options, PodState, WorkloadId};
use crate::tree::{Place, Tree};
use crate::yaml::{Budget, read};

/// The clusters of a mesh and what is in them.
#[derive(Debug)]
pub struct World {
    /// What it is called in messages: the environment and the point, or the folder.
    pub name: String,
    /// The clusters, in the order of the mesh's.
    pub clusters: Vec<Cluster>,
    /// What they come to, as long as pods that were not restarted are as they were.
    pub mesh: Mesh,
    /// What pods that were not restarted since their labels changed would be after it.
    pub restarted: BTreeMap<WorkloadId, PodState>,
    /// The assertions that lie beside it.
    pub cases: Vec<Case>,
    /// Findings about what could not be read.
    pub found: Vec<Diagnostic>,
}

/// What is in one cluster.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// The settings of its mesh, among them its name.
    pub options: Options,
    /// Every object once, by its reference.
    pub objects: Vec<Present>,
    /// What is rendered for it, as it is written: parts of objects are parts.
    pub rendered: Vec<Rendered>,
}

/// An object of a cluster.
#[derive(Clone, Debug)]
pub struct Present {
    /// The object: what its sources come to.
    pub object: Arc<Object>,
    /// Who says that it is there.
    pub origin: Origin,
}

/// Where an object of a cluster comes from; several may have a part in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// It exists: `sources.inventory`, or a manifest of a folder.
    pub inventory: bool,
    /// The user applies it beside waypost: `sources.direct`.
    pub direct: bool,
    /// Where it is rendered to; the last unit that has a part of it.
    pub rendered: Option<Area>,
}

/// A rendered object.
#[derive(Clone, Debug)]
pub struct Rendered {
    /// The unit, or the area of what TSB makes.
    pub area: Area,
    /// The object, or a part of one.
    pub object: Arc<Object>,
}

impl Cluster {
    /// Every object of the cluster, once.
    pub fn objects(&self) -> impl Iterator<Item = &Object> {
        self.objects.iter().map(|present| &*present.object)
    }

    /// What we apply, as it is written, with its unit.
    pub fn applied(&self) -> impl Iterator<Item = (Unit, &Object)> {
        self.rendered.iter().filter_map(|r| Some((r.area.unit()?, &*r.object)))
    }

    /// What TSB is expected to make.
    pub fn expected(&self) -> impl Iterator<Item = &Object> {
        self.rendered.iter().filter(|r| r.area == Area::Expected).map(|r| &*r.object)
    }
}

impl World {
    /// An environment at a point, with these rendered objects in its clusters. Objects of clusters
    /// that it does not have are left out.
    pub fn of_environment(
        resolved: &Resolved,
        reached: &Reached,
        existing: &Existing,
        rendered: impl IntoIterator<Item = (Place, Arc<Object>)>,
    ) -> Self {
        let mut by_cluster: BTreeMap<Arc<str>, Vec<Rendered>> = BTreeMap::new();
        for (Place { cluster, area }, object) in rendered {
            by_cluster.entry(cluster).or_default().push(Rendered { area, object });
        }
        let mut found = Vec::new();
        let clusters = existing.clusters.keys().map(|name| {
            let rendered = by_cluster.remove(name.as_str()).unwrap_or_default();
            let objects = existing.overlaid(name, &rendered);
            let options = mesh_config::of_environment(
                existing,
                name,
                objects.iter().map(|present| &*present.object),
                &mut found,
            );
            Cluster { options, objects, rendered }
        });
        let clusters = clusters.collect();
        let name = format!("{}, stage {reached}", resolved.environment.name);
        Self::new(name, clusters, &existing.kept, case::of_environment(resolved), found)
    }

    /// An environment at a point whose rendered tree this is. `patched` are the texts that kustomize
    /// makes of some files, by path: what is applied instead of them.
    pub fn of_tree(
        resolved: &Resolved,
        reached: &Reached,
        existing: &Existing,
        tree: &Tree,
        patched: &BTreeMap<String, String>,
        texts: &mut Texts,
    ) -> Self {
        let mut objects = Vec::new();
        for (path, file) in tree.iter() {
            let Some(place) = file.place() else { continue };
            let read = texts.objects(path, file, patched.get(path).map(String::as_str));
            objects.extend(read.iter().map(|object| (place.clone(), Arc::clone(object))));
        }
        Self::of_environment(resolved, reached, existing, objects)
    }

    fn new(
        name: String,
        clusters: Vec<Cluster>,
        kept: &BTreeSet<[String; 4]>,
        cases: Vec<Case>,
        mut found: Vec<Diagnostic>,
    ) -> Self {
        let given: Vec<simulate::Cluster<'_>> = clusters
            .iter()
            .map(|cluster| simulate::Cluster {
                options: cluster.options.clone(),
                objects: cluster.objects().collect(),
            })
            .collect();
        let (mut mesh, diagnostics) = Mesh::from_clusters(&given);
        found.extend(diagnostics);
        let restarted = restart::not_restarted(&mut mesh, kept);
        Self { name, clusters, mesh, restarted, cases, found }
    }

    /// The clusters with their place in the mesh.
    pub fn in_mesh(&self) -> impl Iterator<Item = (ClusterId, &Cluster)> {
        self.mesh.clusters().map(|(id, _)| id).zip(&self.clusters)
    }

    /// The cluster of a name.
    pub fn cluster(&self, name: &str) -> Option<&Cluster> {
        self.clusters.iter().find(|cluster| cluster.options.cluster == name)
    }
}

/// The objects of a text. Errors are reported; what is only odd about it concerns who wrote it.
pub fn objects_in(file: FileId, text: &str, found: &mut Vec<Diagnostic>) -> Vec<Object> {
    let (documents, diagnostics) = read(file, text, &Budget::MANIFESTS);
    found.extend(diagnostics.into_iter().filter(Diagnostic::is_error));
    let (objects, diagnostics) = objects_of(documents);
    found.extend(diagnostics);
    objects
}
