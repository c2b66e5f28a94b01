//! Patches of a kustomization, and the objects that they are for.

use serde::Deserialize;
use serde_json::Value;
use waypost::diagnostic::{FileId, Spanned, has_errors};
use waypost::pipeline::patch_entry;
use waypost::render::patch::{Entry, apply, parse};
use waypost::spec::{PatchEntry, RawPatch};
use waypost::yaml::{Budget, emit, from_node, read};

use crate::corpus::folders;
use crate::parts;

pub(super) fn corpus() -> Vec<String> {
    let mut all = folders("tests/cases/patches", &["kustomization.yaml", "resources.yaml"]);
    all.extend(folders("tests/cases/patch-differences", &["kustomization.yaml", "resources.yaml"]));
    all
}

#[derive(Deserialize)]
struct Kustomization {
    #[serde(default)]
    patches: Vec<Spanned<RawPatch>>,
}

pub(super) fn run(text: &str) {
    let mut parts = parts(text);
    let (documents, _) = read(FileId::default(), parts.next().unwrap_or_default(), &Budget::SPEC);
    let objects = parts.next().unwrap_or_default();
    let (objects, _) = read(FileId::default(), objects, &Budget::MANIFESTS);
    let mut objects: Vec<Value> = objects.into_iter().map(|d| d.root.into_json()).collect();
    let kustomization = documents.first().and_then(|d| from_node::<Kustomization>(&d.root).ok());
    let Some(Kustomization { patches }) = kustomization else { return };
    let entries: Vec<Entry> = patches.into_iter().map(entry).collect();
    let (patches, found) = parse(&entries);
    if !has_errors(&found) {
        apply(&patches, &mut objects);
        for object in &objects {
            let _ = emit(object);
        }
    }
}

fn entry(raw: Spanned<RawPatch>) -> Entry {
    patch_entry(&PatchEntry { raw, file: None })
}
