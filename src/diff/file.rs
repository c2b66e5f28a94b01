//! Files of a tree that are not told by their objects.

use std::collections::BTreeSet;

use serde_json::{Value, json};

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
    },
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
        let mut change = Self::new(file, FileRole::Kustomization { dropped });
        change.noise = follows.then_some(Noise::Listing);
        change
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
        let (documents, found) = read(FileId(0), text, &Budget::MANIFESTS);
        let mut roots = documents.into_iter().map(|document| document.root.into_json());
        let (Some(mut root), None, false) =
            (roots.next(), roots.next(), found.iter().any(Diagnostic::is_error))
        else {
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
