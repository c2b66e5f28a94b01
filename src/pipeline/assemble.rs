//! Objects to files: a path and a text for each, and a `kustomization.yaml` for each unit.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

use rayon::prelude::*;
use serde_json::{Value, json};

use super::{Item, Rendered};
use crate::diagnostic::{Diagnostic, Span};
use crate::k8s::{GroupVersionKind, ObjectRef};
use crate::model::Unit;
use crate::render::{RenderedObject, canonical};
use crate::translate::Area;
use crate::translate::install::InstallFiles;
use crate::tree::{Provenance, Tree, TreeFile, object_file_name};
use crate::yaml::{EmitError, emit_checked};

/// The folder of what lives in no namespace. No namespace can bear this name.
const CLUSTER_SCOPED: &str = "_cluster";

/// An object as it is written.
#[derive(Debug)]
pub(super) struct Written {
    area: Area,
    /// Below the folder of its unit or area.
    path: String,
    reference: ObjectRef,
    file: TreeFile,
    origin: Option<Span>,
}

impl Written {
    /// Writes an object's canonical text and reads it back, unless that very text has been read.
    pub(super) fn new(item: Item) -> Result<Self, Box<Diagnostic>> {
        let reference = match &item.object {
            RenderedObject::Read { object, .. } => object.reference(),
            RenderedObject::Value(value) => reference(value),
        };
        let path = object_path(&reference);
        let text = match item.object {
            RenderedObject::Read { text: Some(text), .. } => text,
            other => {
                emit_checked(&other.into_value()).map_err(|e| Box::new(not_emitted(&path, &e)))?
            }
        };
        let file = TreeFile::new(text, Some(reference.clone()));
        Ok(Self { area: item.area, path, reference, file, origin: item.origin })
    }
}

/// A tree in the making.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    /// In the order in which they came.
    files: Vec<(String, TreeFile)>,
    patched: BTreeMap<String, String>,
    /// By the unit's folder.
    units: BTreeMap<String, Kustomization>,
    objects: usize,
    /// Where each object of the present cluster was asked for first: nothing is applied twice.
    seen: HashMap<ObjectRef, Option<Span>>,
}

#[derive(Debug, Default)]
struct Kustomization {
    /// Relative to the unit's folder.
    resources: Vec<String>,
    patches: Vec<Value>,
}

impl Assembly {
    /// Begins with the next cluster.
    pub(super) fn begin_cluster(&mut self) {
        self.seen.clear();
    }

    /// Takes an object of a cluster in.
    pub(super) fn add(&mut self, cluster: &str, written: Written, found: &mut Vec<Diagnostic>) {
        let Written { area, path, reference, file, origin } = written;
        let Area::Unit(unit) = area else {
            self.files.push(([cluster, "/expected/", &path].concat(), file));
            return;
        };
        match self.seen.entry(reference) {
            Entry::Occupied(first) => {
                found.push(twice(first.key(), *first.get(), origin));
                return;
            }
            Entry::Vacant(place) => {
                place.insert(origin);
            }
        }
        let folder = unit_folder(cluster, unit);
        self.files.push(([&folder, "/", &path].concat(), file));
        self.units.entry(folder).or_default().resources.push(path);
        self.objects += 1;
    }

    /// Takes the install resources of a cluster in: a finished resource, or a copy of the user's
    /// with patches over it, or Components for the user's own kustomization.
    pub(super) fn add_install(
        &mut self,
        cluster: &str,
        files: InstallFiles,
        origin: Option<Span>,
        found: &mut Vec<Diagnostic>,
    ) {
        let InstallFiles { resources, patches, components, patched, checks: _ } = files;
        let folder = unit_folder(cluster, Unit::Platform);
        for value in resources {
            match Written::new(Item::new(Area::Unit(Unit::Platform), value, origin)) {
                Ok(written) => self.add(cluster, written, found),
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
            Ok(file) => self.files.push(file),
            Err(fault) => found.push(*fault),
        }
    }

    /// Writes the kustomizations and hands the tree out.
    pub(super) fn finish(self, provenance: Provenance, found: &mut Vec<Diagnostic>) -> Rendered {
        let Self { files, patched, units, objects, seen: _ } = self;
        let mut tree = Tree::default();
        let mut put = |(path, file)| {
            if let Err(error) = tree.add(path, file) {
                found.push(Diagnostic::error(error.code(), error.to_string()));
            }
        };
        // the list of a large unit takes as long to be written and read back as the tree to grow
        let (lists, ()) = rayon::join(
            || units.into_par_iter().map(Kustomization::into_file).collect::<Vec<_>>(),
            || files.into_iter().for_each(&mut put),
        );
        let mut faults = Vec::new();
        for list in lists {
            match list {
                Ok(file) => put(file),
                Err(fault) => faults.push(*fault),
            }
        }
        found.append(&mut faults);
        Rendered { tree, delivery: BTreeMap::new(), provenance, patched, objects }
    }
}

/// A file of what is no object of a cluster.
fn plain_file(path: String, value: &Value) -> Result<(String, TreeFile), Box<Diagnostic>> {
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

fn not_emitted(what: &str, error: &EmitError) -> Diagnostic {
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
