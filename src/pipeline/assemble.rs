//! Objects to files: a path and a text for each, and a `kustomization.yaml` for each unit.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use rayon::prelude::*;
use serde_json::{Value, json};

use super::{Item, Rendered};
use crate::diagnostic::{Diagnostic, Span};
use crate::k8s::{GroupVersionKind, ObjectRef};
use crate::model::{Area, Unit};
use crate::render::{RenderedObject, canonical};
use crate::translate::install::InstallFiles;
use crate::tree::{Place, Provenance, Tree, TreeFile, object_file_name};
use crate::yaml::{EmitError, emit_checked};

/// The folder of what lives in no namespace. No namespace can bear this name.
const CLUSTER_SCOPED: &str = "_cluster";

/// An object as it is written.
#[derive(Clone, Debug)]
pub(super) struct Written {
    area: Area,
    /// Its path in the tree.
    path: String,
    /// Where in that the place in the folder of its unit or area begins.
    inside: usize,
    file: TreeFile,
    origin: Option<Span>,
}

impl Written {
    /// Writes an object's canonical text and reads it back, unless that very text has been read.
    pub(super) fn new(cluster: &Arc<str>, item: Item) -> Result<Self, Box<Diagnostic>> {
        let reference = match &item.object {
            RenderedObject::Read { object, .. } => object.reference(),
            RenderedObject::Value(value) => reference(value),
        };
        let area = item.area.as_str();
        let path = [&**cluster, "/", area, "/", &object_path(&reference)].concat();
        let inside = cluster.len() + area.len() + 2;
        let text = match item.object {
            RenderedObject::Read { text: Some(text), .. } => text,
            other => {
                emit_checked(&other.into_value()).map_err(|e| Box::new(not_emitted(&path, &e)))?
            }
        };
        let place = Place { cluster: Arc::clone(cluster), area: item.area };
        let file = TreeFile::of_object(text, reference, place);
        Ok(Self { area: item.area, path, inside, file, origin: item.origin })
    }
}

/// A tree in the making.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    /// In the order in which they came.
    files: Vec<Assembled>,
    patched: BTreeMap<String, String>,
    /// By the unit's folder.
    units: BTreeMap<String, Kustomization>,
    objects: usize,
}

/// A file of the tree.
#[derive(Debug)]
struct Assembled {
    path: String,
    file: TreeFile,
    /// What asked for it.
    origin: Option<Span>,
}

#[derive(Debug, Default)]
struct Kustomization {
    /// Relative to the unit's folder.
    resources: Vec<String>,
    patches: Vec<Value>,
}

impl Assembly {
    /// Makes room for objects, so that what is held need not be moved while it grows.
    pub(super) fn reserve(&mut self, objects: usize) {
        self.files.reserve(objects);
    }

    /// What a unit applies: cluster, text, object, and what asked for it.
    pub(super) fn applied(
        &self,
        unit: Unit,
    ) -> impl Iterator<Item = (&str, &str, &ObjectRef, Option<Span>)> {
        self.files.iter().filter_map(move |file| {
            let place = file.file.place().filter(|place| place.area == Area::Unit(unit))?;
            Some((&*place.cluster, file.file.text(), file.file.object()?, file.origin))
        })
    }

    /// Takes an object of a cluster in.
    pub(super) fn add(&mut self, written: Written) {
        let Written { area, path, inside, file, origin } = written;
        if let Area::Expected = area {
            self.files.push(Assembled { path, file, origin });
            return;
        }
        let (folder, resource) = (&path[..inside - 1], path[inside..].to_owned());
        match self.units.get_mut(folder) {
            Some(unit) => unit.resources.push(resource),
            None => {
                let unit = Kustomization { resources: vec![resource], patches: Vec::new() };
                self.units.insert(folder.to_owned(), unit);
            }
        }
        self.files.push(Assembled { path, file, origin });
        self.objects += 1;
    }

    /// Takes the install resources of a cluster in: a finished resource, or a copy of the user's
    /// with patches over it, or Components for the user's own kustomization.
    pub(super) fn add_install(
        &mut self,
        cluster: &Arc<str>,
        files: InstallFiles,
        origin: Option<Span>,
        found: &mut Vec<Diagnostic>,
    ) {
        let InstallFiles { resources, patches, components, patched, checks: _ } = files;
        let folder = unit_folder(cluster, Unit::Platform);
        for value in resources {
            match Written::new(cluster, Item::new(Area::Unit(Unit::Platform), value, origin)) {
                Ok(written) => self.add(written),
                Err(diagnostic) => found.push(*diagnostic),
            }
        }
        for patch in patches {
            let mut entry = patch.entry();
            let path = format!("patches/{}", patch.file);
            entry["path"] = path.as_str().into();
            self.write(format!("{folder}/{path}"), &patch.body, found);
            self.units.entry(folder.clone()).or_default().patches.push(entry);
        }
        for value in patched {
            let value = canonical(value);
            let path = format!("{folder}/{}", object_path(&reference(&value)));
            match emit_checked(&value) {
                Ok(text) => {
                    self.patched.insert(path, text);
                }
                Err(error) => found.push(not_emitted("the patched resource", &error)),
            }
        }
        for component in components {
            for (name, value) in component.files {
                let path = format!("{cluster}/components/{}/{name}", component.name);
                self.write(path, &value, found);
            }
        }
    }

    /// Writes what is no object of a cluster.
    fn write(&mut self, path: String, value: &Value, found: &mut Vec<Diagnostic>) {
        match plain_file(path, value) {
            Ok((path, file)) => {
                self.files.push(Assembled { path, file, origin: None });
            }
            Err(fault) => found.push(*fault),
        }
    }

    /// Writes the kustomizations and hands the tree out.
    pub(super) fn finish(self, provenance: Provenance, found: &mut Vec<Diagnostic>) -> Rendered {
        let Self { files, patched, units, objects } = self;
        // the list of a large unit takes as long to be written and read back as the tree to grow
        let (lists, (mut tree, mut faults)) = rayon::join(
            || units.into_par_iter().map(Kustomization::into_file).collect::<Vec<_>>(),
            || grow(files),
        );
        for list in lists {
            match list {
                Ok((path, file)) => put(&mut tree, path, file, &mut faults),
                Err(fault) => faults.push(*fault),
            }
        }
        found.append(&mut faults);
        Rendered { tree, delivery: BTreeMap::new(), provenance, patched, objects }
    }
}

/// The tree of these files. Nothing is applied twice in one cluster.
fn grow(mut files: Vec<Assembled>) -> (Tree, Vec<Diagnostic>) {
    let mut found = Vec::new();
    let mut seen: HashMap<(&str, &ObjectRef), Option<Span>> = HashMap::with_capacity(files.len());
    let mut once = vec![true; files.len()];
    for (Assembled { file, origin, .. }, once) in files.iter().zip(&mut once) {
        let applied = file.place().filter(|place| place.area.unit().is_some());
        let (Some(place), Some(object)) = (applied, file.object()) else { continue };
        match seen.entry((&*place.cluster, object)) {
            Entry::Occupied(first) => {
                found.push(twice(object, *first.get(), *origin));
                *once = false;
            }
            Entry::Vacant(place) => {
                place.insert(*origin);
            }
        }
    }
    drop(seen);
    let mut once = once.into_iter();
    files.retain(|_| once.next() == Some(true));
    // a sorted tree grows at its end; two files of one path are a fault, whichever comes first
    files.par_sort_unstable_by(|a, b| a.path.cmp(&b.path));
    let mut tree = Tree::default();
    for Assembled { path, file, .. } in files {
        put(&mut tree, path, file, &mut found);
    }
    (tree, found)
}

pub(super) fn put(tree: &mut Tree, path: String, file: TreeFile, found: &mut Vec<Diagnostic>) {
    if let Err(error) = tree.add(path, file) {
        found.push(Diagnostic::error(error.code(), error.to_string()));
    }
}

/// A file of what is no object of a cluster.
pub(super) fn plain_file(
    path: String,
    value: &Value,
) -> Result<(String, TreeFile), Box<Diagnostic>> {
    match emit_checked(value) {
        Ok(text) => Ok((path, TreeFile::new(text, None))),
        Err(error) => Err(Box::new(not_emitted(&path, &error))),
    }
}

impl Kustomization {
    fn into_file(
        (folder, kustomization): (String, Self),
    ) -> Result<(String, TreeFile), Box<Diagnostic>> {
        plain_file(format!("{folder}/kustomization.yaml"), &kustomization.into_value())
    }

    /// Only an explicit list: a missing file fails the build (facts/gitops-delivery.md 1.7), and
    /// neither `namespace` nor labels, which would rewrite what is listed (1.11, 6.1.6).
    fn into_value(mut self) -> Value {
        self.resources.sort();
        let mut value = json!({
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "resources": self.resources,
        });
        if !self.patches.is_empty() {
            value["patches"] = Value::Array(self.patches);
        }
        value
    }
}

fn unit_folder(cluster: &str, unit: Unit) -> String {
    [cluster, "/", unit.as_str()].concat()
}

/// `<namespace|_cluster>/<kind>-<name>.yaml`
fn object_path(reference: &ObjectRef) -> String {
    let folder = reference.namespace.as_deref().unwrap_or(CLUSTER_SCOPED);
    format!("{folder}/{}", object_file_name(reference))
}

pub(super) fn reference(value: &Value) -> ObjectRef {
    let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str);
    let gvk = GroupVersionKind::from_api_version(
        text("/apiVersion").unwrap_or_default(),
        text("/kind").unwrap_or_default(),
    );
    ObjectRef {
        group: gvk.group,
        kind: gvk.kind,
        namespace: text("/metadata/namespace").map(str::to_owned),
        name: text("/metadata/name").unwrap_or_default().to_owned(),
    }
}

pub(super) fn not_emitted(what: &str, error: &EmitError) -> Diagnostic {
    Diagnostic::error("not-emitted", format!("cannot write {what}: {error}"))
}

fn twice(reference: &ObjectRef, first: Option<Span>, again: Option<Span>) -> Diagnostic {
    let mut diagnostic = Diagnostic::error(
        "rendered-twice",
        format!("{reference} would be applied twice in one cluster"),
    )
    .help("two units that own one object undo each other's work: remove one of them");
    if let Some(again) = again {
        diagnostic = diagnostic.at(again, "again here");
    }
    if let Some(first) = first {
        diagnostic = diagnostic.also(first, "first here");
    }
    diagnostic
}
