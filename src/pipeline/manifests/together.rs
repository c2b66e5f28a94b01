//! What of the files is applied together. A tree of ours says it; a kustomization says it of what
//! it takes in; of the files of a folder it is not known, and of two folders it is not likely.

use std::collections::BTreeMap;

use super::ManifestFile;
use super::kustomization::{Build, folder_of, identity_in, in_namespace};
use crate::diagnostic::{Diagnostic, FileId, Span};
use crate::k8s::Object;
use crate::validate::duplicates_of;
use crate::validate::identity::Identity;

/// Who applies a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Applied {
    /// A unit of a tree of ours.
    Unit(String),
    /// A kustomization.
    Build(String),
    /// Whoever applies the folder, if that is done at all.
    Folder(String),
}

/// Who applies each file of a run. A base that several kustomizations take in is applied by each.
pub(super) struct Together {
    by_file: BTreeMap<FileId, Vec<(Applied, Option<String>)>>,
}

impl Together {
    pub(super) fn new(files: &[ManifestFile], builds: &[Build]) -> Self {
        let mut by_file: BTreeMap<FileId, Vec<(Applied, Option<String>)>> = BTreeMap::new();
        for build in builds {
            for (at, namespace) in &build.files {
                let applied = Applied::Build(build.folder.clone());
                by_file.entry(super::file_id(*at)).or_default().push((applied, namespace.clone()));
            }
        }
        for (at, file) in files.iter().enumerate() {
            let of_tree = !file.set.is_empty();
            if let Some(unit) = file.unit.as_ref().filter(|_| of_tree) {
                by_file.insert(super::file_id(at), vec![(Applied::Unit(unit.clone()), None)]);
            }
            by_file
                .entry(super::file_id(at))
                .or_insert_with(|| vec![(Applied::Folder(folder_of(&file.path).to_owned()), None)]);
        }
        Self { by_file }
    }

    fn of(&self, file: FileId) -> &[(Applied, Option<String>)] {
        self.by_file.get(&file).map(Vec::as_slice).unwrap_or_default()
    }

    /// The unit of a file: what one Application or Kustomization applies, if that is known.
    pub(super) fn unit(&self, file: FileId) -> Option<&str> {
        match self.of(file).first() {
            Some((Applied::Unit(unit) | Applied::Build(unit), _)) => Some(unit),
            _ => None,
        }
    }

    /// The objects of a file as they are applied: once for each namespace that they get.
    pub(super) fn applied(&self, objects: Vec<Object>) -> Vec<Object> {
        let mut all = Vec::with_capacity(objects.len());
        for object in objects {
            let mut namespaces: Vec<Option<&str>> =
                self.of(object.span().file).iter().map(|(_, n)| n.as_deref()).collect();
            namespaces.sort_unstable();
            namespaces.dedup();
            match namespaces.as_slice() {
                [] | [None] => all.push(object),
                several => all.extend(several.iter().map(|namespace| match namespace {
                    Some(namespace) => in_namespace(&object, namespace),
                    None => object.clone(),
                })),
            }
        }
        all
    }

    /// True where two files may be applied together as far as is known.
    fn is_together(&self, a: FileId, b: FileId) -> bool {
        a == b || self.of(a).iter().any(|(by, _)| self.of(b).iter().any(|(other, _)| by == other))
    }

    /// Leaves out what is said of two objects that are not applied together.
    pub(super) fn keep(&self, found: &mut Vec<Diagnostic>) {
        found.retain(|d| {
            let Some(primary) = &d.primary else { return true };
            let file = primary.span.file;
            d.secondary.iter().all(|place| self.is_together(file, place.span.file))
        });
    }

    /// Objects that are there twice: an error where they are applied together, a warning for a
    /// folder of which that is not known.
    pub(super) fn duplicates(&self, objects: &[Object], found: &mut Vec<Diagnostic>) {
        let mut by: BTreeMap<&Applied, Vec<(Identity, Span)>> = BTreeMap::new();
        for object in objects {
            for (applied, namespace) in self.of(object.span().file) {
                if let Some(identity) = identity_in(object, namespace.as_deref()) {
                    by.entry(applied).or_default().push((identity, object.name_span()));
                }
            }
        }
        for (applied, objects) in by {
            match applied {
                Applied::Unit(_) | Applied::Build(_) => duplicates_of(objects, found),
                Applied::Folder(folder) => in_folder(folder, objects, found),
            }
        }
    }
}

fn in_folder(folder: &str, objects: Vec<(Identity, Span)>, found: &mut Vec<Diagnostic>) {
    let mut seen: BTreeMap<&Identity, Span> = BTreeMap::new();
    let mut again: BTreeMap<&Identity, (Span, Span)> = BTreeMap::new();
    for (identity, at) in &objects {
        let first = *seen.entry(identity).or_insert(*at);
        if first.file != at.file {
            again.entry(identity).or_insert((first, *at));
        }
    }
    if let Some((identity, (first, at))) = again.iter().min_by_key(|(_, (_, at))| *at) {
        let folder = if folder.is_empty() { "." } else { folder };
        let message = match again.len() {
            1 => format!("`{identity}` is in several files of `{folder}`"),
            n => format!("{n} objects are in several files of `{folder}`, `{identity}` for one"),
        };
        found.push(
            Diagnostic::warning("duplicate-object", message)
                .at(*at, "again here")
                .also(*first, "first here")
                .help("whoever applies the whole folder gets the last one: keep one of them, or put the alternatives into folders of their own"),
        );
    }
    for of_file in objects.chunk_by(|(_, a), (_, b)| a.file == b.file) {
        duplicates_of(of_file.iter().cloned(), found);
    }
}
