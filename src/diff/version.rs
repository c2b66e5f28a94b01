//! An object as one of the trees has it.

use serde_json::Value;

use crate::diagnostic::{Diagnostic, FileId};
use crate::k8s::{ObjectRef, objects_of};
use crate::tree::FilePlace;
use crate::yaml::{Budget, emit, read};

/// An object in a file of a tree.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectVersion {
    /// The file, relative to the environment's folder: `<cluster>/<area>/…`.
    pub path: String,
    /// What it is.
    pub reference: ObjectRef,
    /// What it says.
    pub body: Value,
    /// Its text: the file's, where it is alone in it, else the canonical one.
    pub text: String,
}

impl ObjectVersion {
    /// The cluster whose folder it lies in.
    pub fn cluster(&self) -> &str {
        FilePlace::of(&self.path).cluster
    }

    /// The unit, or the other area of the cluster.
    pub fn area(&self) -> &str {
        FilePlace::of(&self.path).area().unwrap_or_default()
    }

    /// True when an applier applies it.
    pub fn is_applied(&self) -> bool {
        FilePlace::of(&self.path).is_applied()
    }

    /// The value at a JSON pointer.
    pub fn at(&self, pointer: &str) -> Option<&Value> {
        self.body.pointer(pointer)
    }

    /// The text at a JSON pointer.
    pub fn text_at(&self, pointer: &str) -> Option<&str> {
        self.at(pointer)?.as_str()
    }

    /// A label.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.at("/metadata/labels")?.get(key)?.as_str()
    }

    /// An annotation.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.at("/metadata/annotations")?.get(key)?.as_str()
    }

    /// True for this group and kind.
    pub fn is(&self, group: &str, kind: &str) -> bool {
        self.reference.group == group && self.reference.kind == kind
    }
}

/// The objects of a file.
///
/// # Errors
/// Where not all of it is objects: it is to be shown as text.
pub(super) fn versions(path: &str, text: &str) -> Result<Vec<ObjectVersion>, Box<Diagnostic>> {
    let (documents, found) = read(FileId(0), text, &Budget::MANIFESTS);
    if let Some(error) = found.into_iter().find(Diagnostic::is_error) {
        return Err(Box::new(error));
    }
    let (objects, found) = objects_of(documents);
    if let Some(error) = found.into_iter().next() {
        return Err(Box::new(error));
    }
    let is_alone = objects.len() == 1;
    let version = |object: crate::k8s::Object| {
        let reference = object.reference();
        let body = object.body.into_json();
        let text = match is_alone {
            true => text.to_owned(),
            // what was read can be written
            false => emit(&body).unwrap_or_else(|_| body.to_string()),
        };
        ObjectVersion { path: path.to_owned(), reference, body, text }
    };
    Ok(objects.into_iter().map(version).collect())
}
