//! Files of a tree that are not told by their objects.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::kustomization::beyond_list;
use super::noise::Noise;
use crate::diagnostic::{Diagnostic, FileId};
use crate::tree::Differing;
use crate::yaml::{Budget, read};

/// A file that is not made of objects alone, and is not as it was.
#[derive(Clone, Debug, PartialEq)]
pub struct FileChange {
    /// Its path, relative to the environment's folder.
    pub path: String,
    /// What it is for.
    pub role: FileRole,
    /// Its text before; what is no UTF-8 is replaced by a mark.
    pub before: Option<String>,
    /// Its text after.
    pub after: Option<String>,
    /// Why nobody needs to read it, if so.
    pub noise: Option<Noise>,
}

/// What a file is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileRole {
    /// `waypost.lock`.
    Lock,
    /// `kustomization.yaml`, with the listed paths that its unit has no more, or no file for:
    /// what is dropped from the list is pruned, wherever its file lies.
    Kustomization {
        /// Listed before and not after, while the file did not go.
        dropped: Vec<String>,
        /// What it says beyond which files are applied.
        beyond: Vec<String>,
    },
    /// What appliers build is more than the files that are listed; what says so, one word each.
    Build(Vec<String>),
    /// A patch, a Component, or another file that is no manifest.
    Other,
    /// What should hold objects and cannot be read so; why.
    Unreadable(Box<Diagnostic>),
}

impl FileChange {
    pub(super) fn new(file: &Differing, role: FileRole) -> Self {
        let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
        Self {
            path: file.path.clone(),
            noise: matches!(role, FileRole::Lock).then_some(Noise::Lock),
            role,
            before: file.before.as_ref().map(text),
            after: file.after.as_ref().map(text),
        }
    }

    /// What Flux builds a unit only with: it follows the files as long as it names objects.
    pub(super) fn guard(file: &Differing) -> Self {
        let mut change = Self::new(file, FileRole::Other);
        let follows = change.after.as_deref().is_some_and(names_objects);
        change.noise = follows.then_some(Noise::Listing);
        if !follows && change.after.is_some() {
            change.role = FileRole::Build(vec!["`patches`".to_owned()]);
        }
        change
    }

    /// What makes appliers build something else than the files that are listed.
    pub(super) fn build(file: &Differing) -> Self {
        let beyond = match &file.after {
            Some(_) => vec!["its name".to_owned()],
            None => Vec::new(),
        };
        Self::new(file, FileRole::Build(beyond))
    }

    /// A kustomization, among all files that differ.
    pub(super) fn kustomization(file: &Differing, differing: &[Differing]) -> Self {
        let (before, after) = (Listed::read(&file.before), Listed::read(&file.after));
        let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let at = |resource: &str| {
            let path = format!("{folder}/{resource}");
            differing.binary_search_by(|other| other.path.as_str().cmp(&path)).ok()
        };
        let has = |resource: &String, side: fn(&Differing) -> bool| {
            at(resource).is_some_and(|at| side(&differing[at]))
        };
        let went = |resource: &&String| has(resource, |file| file.after.is_none());
        let came = |resource: &&String| has(resource, |file| file.before.is_none());
        let dropped: Vec<String> = match file.after {
            None => Vec::new(),
            Some(_) => {
                let gone = before.resources.difference(&after.resources);
                gone.filter(|resource| !went(resource)).cloned().collect()
            }
        };
        let follows = before.rest == after.rest
            && dropped.is_empty()
            && after.resources.difference(&before.resources).all(|resource| came(&resource));
        // a file that does not differ is on both sides or on none: that of a list of waypost's is there
        let is_there = |path: &str| {
            differing
                .binary_search_by(|other| other.path.as_str().cmp(path))
                .map_or(true, |at| differing[at].after.is_some())
        };
        let beyond = file.after.as_ref().map(|bytes| beyond_list(&file.path, bytes, &is_there));
        let beyond = beyond.unwrap_or_default();
        let follows = follows && beyond.is_empty();
        let mut change = Self::new(file, FileRole::Kustomization { dropped, beyond });
        change.noise = follows.then_some(Noise::Listing);
        change
    }
}

/// True for a Component that names objects and changes none of them: whatever else its patches said
/// would be applied.
pub(super) fn names_objects(text: &str) -> bool {
    let Some(root) = only_document(text) else { return false };
    let patches = root.get("patches").and_then(Value::as_array);
    let names = |patch: &Value| {
        let text = patch.get("patch").and_then(Value::as_str);
        let has_patch_alone = patch.as_object().is_some_and(|entry| entry.len() == 1);
        has_patch_alone && text.and_then(only_document).is_some_and(|object| is_name(&object))
    };
    let has_patches_alone = root.as_object().is_some_and(|root| root.len() == 3);
    has_patches_alone && patches.is_some_and(|all| !all.is_empty() && all.iter().all(names))
}

fn is_name(object: &Value) -> bool {
    let has_only = |value: Option<&Value>, keys: &[&str]| {
        let mapping = value.and_then(Value::as_object);
        mapping.is_some_and(|mapping| mapping.keys().all(|key| keys.contains(&key.as_str())))
    };
    has_only(Some(object), &["apiVersion", "kind", "metadata"])
        && has_only(object.get("metadata"), &["name", "namespace"])
}

/// The value of a text that is one document without fault.
pub(super) fn only_document(text: &str) -> Option<Value> {
    let (documents, found) = read(FileId(0), text, &Budget::MANIFESTS);
    let mut roots = documents.into_iter().map(|document| document.root.into_json());
    match (roots.next(), roots.next(), found.iter().any(Diagnostic::is_error)) {
        (Some(root), None, false) => Some(root),
        _ => None,
    }
}

/// What a kustomization lists, and what else it says.
#[derive(Default)]
struct Listed {
    resources: BTreeSet<String>,
    rest: Option<Value>,
}

impl Listed {
    fn read(bytes: &Option<Vec<u8>>) -> Self {
        let Some(bytes) = bytes else {
            // a unit that comes or goes says nothing but its list
            let nothing = json!({
                "apiVersion": "kustomize.config.k8s.io/v1beta1",
                "kind": "Kustomization",
            });
            return Self { rest: Some(nothing), ..Self::default() };
        };
        let text = String::from_utf8_lossy(bytes);
        let text = text.as_ref();
        let Some(mut root) = only_document(text) else {
            // told as text
            return Self { rest: Some(text.into()), ..Self::default() };
        };
        let resources = root.as_object_mut().and_then(|root| root.shift_remove("resources"));
        let listed = resources.as_ref().and_then(Value::as_array);
        let texts = listed.map(|list| list.iter().map(Value::as_str).collect());
        match texts {
            Some(Some::<Vec<&str>>(texts)) => {
                Self { resources: texts.into_iter().map(str::to_owned).collect(), rest: Some(root) }
            }
            None => Self { rest: Some(root), ..Self::default() },
            Some(None) => Self { rest: Some(text.into()), ..Self::default() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the diff tells a guard that came to this text.
    fn is_told(after: Option<&str>) -> bool {
        let bytes = |text: &str| text.as_bytes().to_vec();
        let file = Differing {
            path: "c/mesh/_guard/Kustomization".to_owned(),
            before: Some(bytes("patches: []\n")),
            after: after.map(bytes),
        };
        FileChange::guard(&file).noise.is_none()
    }

    #[test]
    fn a_guard_that_does_more_than_name_objects_is_told() {
        let guard = |patch: &str| {
            format!(
                "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\npatches:\n- patch: |\n    apiVersion: v1\n    kind: Namespace\n    metadata:\n      name: a\n{patch}"
            )
        };
        assert!(!is_told(Some(&guard(""))));
        assert!(is_told(Some(&guard("      labels: {a: b}\n"))));
        assert!(is_told(Some(&guard("    $patch: delete\n"))));
        assert!(is_told(Some(&guard("  target: {kind: Namespace}\n"))));
        assert!(is_told(Some(&guard("transformers: [x.yaml]\n"))));
        assert!(is_told(Some("patches: []\n")), "it guards nothing");
        assert!(is_told(Some("[")));
        assert!(is_told(None), "it is gone");
    }
}
