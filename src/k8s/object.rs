//! An object as it was read from a manifest.

use serde::de::DeserializeOwned;

use super::{GroupVersionKind, Labels, ObjectRef};
use crate::diagnostic::{Diagnostic, Span};
use crate::yaml::{Document, Entry, Node, Value, from_node};

/// One Kubernetes object, with the tree it was read from.
#[derive(Clone, Debug)]
pub struct Object {
    /// Group, version and kind.
    pub gvk: GroupVersionKind,
    /// `metadata.name`; empty when only `generateName` is given.
    pub name: String,
    /// `metadata.namespace`.
    pub namespace: Option<String>,
    /// `metadata.labels`.
    pub labels: Labels,
    /// `metadata.annotations`.
    pub annotations: Labels,
    /// The whole object.
    pub body: Node,
}

impl Object {
    /// Does it say the same as another one, wherever either was read?
    pub fn says(&self, other: &Self) -> bool {
        let Self { gvk, name, namespace, labels, annotations, body } = self;
        *gvk == other.gvk
            && *name == other.name
            && *namespace == other.namespace
            && *labels == other.labels
            && *annotations == other.annotations
            && body.says(&other.body)
    }

    /// Its identity.
    pub fn reference(&self) -> ObjectRef {
        ObjectRef {
            group: self.gvk.group.clone(),
            kind: self.gvk.kind.clone(),
            namespace: self.namespace.clone(),
            name: self.name.clone(),
        }
    }

    /// Its namespace, which is `default` where it names none.
    pub fn namespace_or_default(&self) -> &str {
        self.namespace.as_deref().unwrap_or("default")
    }

    /// Gives it a namespace, whatever it names.
    pub fn set_namespace(&mut self, namespace: &str) {
        self.namespace = Some(namespace.to_owned());
        let Value::Mapping(root) = &mut self.body.value else { return };
        let metadata = root.entries.iter_mut().find(|entry| entry.key == "metadata");
        let Some(Value::Mapping(metadata)) = metadata.map(|entry| &mut entry.value.value) else {
            return;
        };
        let value = Value::Text(namespace.to_owned());
        match metadata.entries.iter_mut().find(|entry| entry.key == "namespace") {
            Some(entry) => entry.value.value = value,
            None => {
                let span = self.body.span;
                let value = Node { span, value };
                metadata.entries.push(Entry { key: "namespace".into(), key_span: span, value });
            }
        }
    }

    /// Where it starts.
    pub fn span(&self) -> Span {
        self.body.span
    }

    /// Where its name stands, else where it starts: the place to point at for "this object".
    pub fn name_span(&self) -> Span {
        self.body
            .get("metadata")
            .and_then(|m| m.get("name"))
            .map_or(self.body.span, |name| name.span)
    }

    /// `metadata.creationTimestamp`: there only in what was read from a cluster. In UTC, so that the text
    /// sorts by age.
    pub fn created(&self) -> Option<&str> {
        self.body.get("metadata")?.get("creationTimestamp")?.as_str()
    }

    /// Reads the whole object into a type.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, Box<Diagnostic>> {
        from_node(&self.body).map_err(|e| {
            Box::new(
                Diagnostic::error(
                    "malformed-object",
                    format!("{} cannot be read: {}", self.reference(), e.message),
                )
                .at(e.span.unwrap_or(self.body.span), "")
                .help(format!(
                    "`kubectl explain {}` lists its fields",
                    self.gvk.kind.to_lowercase()
                )),
            )
        })
    }

    /// Takes one node as an object. Lists are split by [`objects_of`].
    pub fn from_node(node: Node) -> Result<Self, Box<Diagnostic>> {
        let span = node.span;
        let not_an_object = |what: &str, at: Span| {
            Box::new(
                Diagnostic::error("not-an-object", format!("not a Kubernetes object: {what}"))
                    .at(at, "")
                    .help("begin it with `apiVersion` and `kind`, or do not name its file here"),
            )
        };
        let Value::Mapping(root) = &node.value else {
            return Err(not_an_object(&format!("it is {}", node.value.noun()), span));
        };
        let text = |key: &str| match root.get(key) {
            // tctl takes such a key; Kubernetes does not
            None => match root.entries.iter().find(|e| e.key.eq_ignore_ascii_case(key)) {
                Some(e) => Err(Box::new(
                    Diagnostic::error(
                        "not-an-object",
                        format!("not a Kubernetes object: `{}` is misspelt", e.key),
                    )
                    .at(e.key_span, "")
                    .help(format!("write `{key}`: keys are told apart by their case")),
                )),
                None => Err(not_an_object(&format!("`{key}` is missing"), span)),
            },
            Some(value) => value
                .as_str()
                .filter(|t| !t.is_empty())
                .ok_or_else(|| not_an_object(&format!("`{key}` must be a text"), value.span)),
        };
        let gvk = GroupVersionKind::from_api_version(text("apiVersion")?, text("kind")?);
        let metadata = root.get("metadata");
        if let Some(metadata) = metadata
            && metadata.as_mapping().is_none()
            && !metadata.is_null()
        {
            return Err(not_an_object("`metadata` must be a mapping", metadata.span));
        }
        let field = |key: &str| -> Result<Option<String>, Box<Diagnostic>> {
            match metadata.and_then(|m| m.get(key)) {
                None => Ok(None),
                Some(n) if n.is_null() => Ok(None),
                Some(n) => match n.as_str() {
                    Some(t) => Ok(Some(t.to_owned()).filter(|t| !t.is_empty())),
                    None => Err(not_an_object(&format!("`metadata.{key}` must be a text"), n.span)),
                },
            }
        };
        let map = |key: &str| -> Result<Labels, Box<Diagnostic>> {
            let Some(node) = metadata.and_then(|m| m.get(key)).filter(|n| !n.is_null()) else {
                return Ok(Labels::new());
            };
            let wrong =
                |at: Span| not_an_object(&format!("`metadata.{key}` must map texts to texts"), at);
            let entries = &node.as_mapping().ok_or_else(|| wrong(node.span))?.entries;
            entries
                .iter()
                .map(|e| match e.value.as_str() {
                    Some(value) => Ok((e.key.clone(), value.to_owned())),
                    None => Err(wrong(e.value.span)),
                })
                .collect()
        };
        let (name, namespace) = (field("name")?.unwrap_or_default(), field("namespace")?);
        let (labels, annotations) = (map("labels")?, map("annotations")?);
        Ok(Self { gvk, name, namespace, labels, annotations, body: node })
    }
}

/// The objects of some documents, `kind: List` (and any `…List` that has `items`) split. What is
/// no object is reported and left out.
pub fn objects_of(documents: Vec<Document>) -> (Vec<Object>, Vec<Diagnostic>) {
    let mut objects = Vec::new();
    let mut found = Vec::new();
    for document in documents {
        collect(document.root, 0, &mut objects, &mut found);
    }
    (objects, found)
}

fn collect(node: Node, depth: usize, objects: &mut Vec<Object>, found: &mut Vec<Diagnostic>) {
    let is_list = node.get("kind").and_then(Node::as_str).is_some_and(|k| k.ends_with("List"))
        && node.get("items").is_some_and(|i| i.as_list().is_some() || i.is_null());
    if is_list && depth < 8 {
        if let Value::Mapping(mapping) = node.value {
            for entry in mapping.entries {
                if let ("items", Value::List(items)) = (entry.key.as_str(), entry.value.value) {
                    for item in items {
                        collect(item, depth + 1, objects, found);
                    }
                }
            }
        }
        return;
    }
    match Object::from_node(node) {
        Ok(object) => objects.push(object),
        Err(diagnostic) => found.push(*diagnostic),
    }
}
