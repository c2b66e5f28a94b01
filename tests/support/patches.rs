//! Patch cases: a folder with a kustomization.yaml that kustomize can build, and its resources.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value};
use waypost::diagnostic::{FileId, Spanned, has_errors};
use waypost::pipeline::patch_entry;
use waypost::render::patch::{Entry, apply, parse};
use waypost::spec::{PatchEntry, RawPatch};
use waypost::yaml::{Budget, from_node, read};

/// What came out of a case.
#[derive(Debug)]
pub struct Outcome {
    /// The objects.
    pub objects: Vec<Value>,
    /// Code and message of every finding, in order.
    pub findings: Vec<String>,
    /// The codes of the errors.
    pub errors: Vec<&'static str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Kustomization {
    resources: Vec<String>,
    #[serde(default)]
    patches: Vec<Spanned<RawPatch>>,
}

/// The folders of cases, sorted.
pub fn cases(group: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(group);
    let mut folders: Vec<_> = fs::read_dir(&root)
        .unwrap_or_else(|e| panic!("{}: {e}", root.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    folders.sort();
    folders
}

/// Builds a case as kustomize would: its resources, then its patches.
pub fn build(folder: &Path) -> Outcome {
    let text = |name: &str| {
        fs::read_to_string(folder.join(name))
            .unwrap_or_else(|e| panic!("{}/{name}: {e}", folder.display()))
    };
    let (documents, found) = read(FileId(0), &text("kustomization.yaml"), &Budget::SPEC);
    assert!(!has_errors(&found), "{}: {found:?}", folder.display());
    let kustomization: Kustomization =
        from_node(&documents[0].root).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let objects = kustomization.resources.iter().flat_map(|name| objects(&text(name))).collect();
    let entries: Vec<Entry> = kustomization
        .patches
        .into_iter()
        .enumerate()
        .map(|(index, raw)| entry(raw, |path| (FileId(1 + index as u32), text(path))))
        .collect();
    outcome(&entries, objects)
}

/// Parses and applies.
pub fn outcome(entries: &[Entry], mut objects: Vec<Value>) -> Outcome {
    let (patches, mut found) = parse(entries);
    if !has_errors(&found) {
        found.extend(apply(&patches, &mut objects));
    }
    Outcome {
        objects,
        findings: found
            .iter()
            .map(|d| format!("{} {}: {}", d.severity, d.code, d.message))
            .collect(),
        errors: found.iter().filter(|d| d.is_error()).map(|d| d.code).collect(),
    }
}

/// The objects of a text.
pub fn objects(text: &str) -> Vec<Value> {
    let (documents, found) = read(FileId(9), text, &Budget::MANIFESTS);
    assert!(!has_errors(&found), "{found:?}\n{text}");
    documents.into_iter().map(|d| d.root.into_json()).collect()
}

fn entry(raw: Spanned<RawPatch>, load: impl FnOnce(&str) -> (FileId, String)) -> Entry {
    let file = raw.value.path.as_ref().map(|path| {
        let (file, text) = load(&path.value);
        (file, text.into())
    });
    patch_entry(&PatchEntry { raw, file })
}

/// The objects by what they are called. Order of keys means nothing, order of lists does, and 1 is
/// 1.0: kustomize takes every number of a JSON6902 patch through a float. It also drops empty
/// annotations, of every object, patched or not.
pub fn by_name(objects: &[Value]) -> BTreeMap<String, Value> {
    let named = objects.iter().map(|object| {
        let text =
            |pointer: &str| object.pointer(pointer).map(Value::to_string).unwrap_or_default();
        let name =
            ["/apiVersion", "/kind", "/metadata/namespace", "/metadata/name"].map(text).join(" ");
        let mut object = with_floats(object);
        if object
            .pointer("/metadata/annotations")
            .and_then(Value::as_object)
            .is_some_and(Map::is_empty)
            && let Some(metadata) = object["metadata"].as_object_mut()
        {
            metadata.shift_remove("annotations");
        }
        (name, object)
    });
    named.collect()
}

fn with_floats(value: &Value) -> Value {
    match value {
        Value::Number(n) => match n.as_f64() {
            // beyond it a float is not the integer
            Some(float) if float.abs() < 9_007_199_254_740_992.0 => Value::from(float),
            _ => value.clone(),
        },
        Value::Array(items) => items.iter().map(with_floats).collect(),
        Value::Object(map) => {
            Value::Object(map.iter().map(|(k, v)| (k.clone(), with_floats(v))).collect())
        }
        other => other.clone(),
    }
}
