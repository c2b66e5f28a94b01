//! Objects to files: a path for each, and a `kustomization.yaml` for each unit.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Item, Rendered};
use crate::diagnostic::{Diagnostic, Span};
use crate::k8s::{GroupVersionKind, ObjectRef};
use crate::model::Unit;
use crate::render::canonical;
use crate::translate::Area;
use crate::translate::install::InstallFiles;
use crate::tree::{Provenance, Tree, TreeFile, object_file_name};
use crate::yaml::{EmitError, emit_checked};

/// The folder of what lives in no namespace. No namespace can bear this name.
const CLUSTER_SCOPED: &str = "_cluster";

/// A tree in the making.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    tree: Tree,
    patched: BTreeMap<String, String>,
    /// By the unit's folder.
    units: BTreeMap<String, Kustomization>,
    objects: usize,
    /// Where each object was asked for first, by cluster and identity: nothing is applied twice.
    seen: BTreeMap<(String, ObjectRef), Option<Span>>,
}

#[derive(Debug, Default)]
struct Kustomization {
    /// Relative to the unit's folder.
    resources: Vec<String>,
    patches: Vec<Value>,
}

impl Assembly {
    /// Takes rendered objects of a cluster in.
    pub(super) fn add(&mut self, cluster: &str, items: Vec<Item>, found: &mut Vec<Diagnostic>) {
        for Item { area, value, origin } in items {
            let reference = reference(&value);
            if let Area::Unit(_) = area
                && let Some(first) =
                    self.seen.insert((cluster.to_owned(), reference.clone()), origin)
            {
                found.push(twice(&reference, first, origin));
                continue;
            }
            let path = object_path(&reference);
            match area {
                Area::Unit(unit) => {
                    let folder = unit_folder(cluster, unit);
                    self.write(format!("{folder}/{path}"), &value, Some(reference), found);
                    self.units.entry(folder).or_default().resources.push(path);
                    self.objects += 1;
                }
                Area::Expected => {
                    self.write(
                        format!("{cluster}/expected/{path}"),
                        &value,
                        Some(reference),
                        found,
                    );
                }
            }
        }
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
        let InstallFiles { resources, patches, components, patched } = files;
        let folder = unit_folder(cluster, Unit::Platform);
        let item = |value| Item { area: Area::Unit(Unit::Platform), value, origin };
        self.add(cluster, resources.into_iter().map(|v| item(canonical(v))).collect(), found);
        for patch in patches {
            let mut entry = patch.entry();
            let path = format!("patches/{}", patch.file);
            entry["path"] = path.as_str().into();
            self.write(format!("{folder}/{path}"), &patch.body, None, found);
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
                self.write(path, &value, None, found);
            }
        }
    }

    fn write(
        &mut self,
        path: String,
        value: &Value,
        object: Option<ObjectRef>,
        found: &mut Vec<Diagnostic>,
    ) {
        match emit_checked(value) {
            Ok(text) => {
                if let Err(error) = self.tree.add(path, TreeFile::new(text, object)) {
                    found.push(Diagnostic::error(error.code(), error.to_string()));
                }
            }
            Err(error) => found.push(not_emitted(&path, &error)),
        }
    }

    /// Writes the kustomizations and hands the tree out.
    pub(super) fn finish(
        mut self,
        provenance: Provenance,
        found: &mut Vec<Diagnostic>,
    ) -> Rendered {
        for (folder, kustomization) in std::mem::take(&mut self.units) {
            let value = kustomization.into_value();
            self.write(format!("{folder}/kustomization.yaml"), &value, None, found);
        }
        Rendered { tree: self.tree, provenance, patched: self.patched, objects: self.objects }
    }
}

impl Kustomization {
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
    format!("{cluster}/{unit}")
}

/// `<namespace|_cluster>/<kind>-<name>.yaml`
fn object_path(reference: &ObjectRef) -> String {
    let folder = reference.namespace.as_deref().unwrap_or(CLUSTER_SCOPED);
    format!("{folder}/{}", object_file_name(reference))
}

fn reference(value: &Value) -> ObjectRef {
    let text = |v: Option<&Value>| v.and_then(Value::as_str).map(str::to_owned);
    let gvk = GroupVersionKind::from_api_version(
        &text(value.get("apiVersion")).unwrap_or_default(),
        &text(value.get("kind")).unwrap_or_default(),
    );
    let metadata = value.get("metadata");
    ObjectRef {
        group: gvk.group,
        kind: gvk.kind,
        namespace: text(metadata.and_then(|m| m.get("namespace"))),
        name: text(metadata.and_then(|m| m.get("name"))).unwrap_or_default(),
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
