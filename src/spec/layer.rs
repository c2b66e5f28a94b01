//! The layers of one Environment: the file itself, what it extends, and its `Cluster` documents.

use std::collections::BTreeMap;

use super::load::Entry as FileEntry;
use super::merge::{merge, merge_cluster, name_of};
use super::schema::{API_VERSION, DocumentKind};
use super::source::{Library, Written, paths_of};
use crate::diagnostic::{Diagnostic, Span, Spanned, has_errors};
use crate::yaml::{Document, Entry, Mapping, Node, Value};

/// What the file of an environment is called.
pub(super) const ENVIRONMENT_FILE: &str = "environment.yaml";
/// How many layers an environment may have.
const LAYERS: usize = 16;

/// Reads an environment's document with what it extends below it.
pub(super) fn layers(
    library: &mut Library<'_>,
    path: &str,
    named: Option<Span>,
    found: &mut Vec<Diagnostic>,
) -> Option<Node> {
    layer(library, path, named, &mut Vec::new(), found)
}

fn layer(
    library: &mut Library<'_>,
    path: &str,
    named: Option<Span>,
    above: &mut Vec<String>,
    found: &mut Vec<Diagnostic>,
) -> Option<Node> {
    let mut here = Vec::new();
    let documents = library.documents(path, named, Written::ByPeople, &mut here);
    let document = documents.and_then(|d| only_environment(library, path, d, &mut here));
    found.append(&mut here);
    let mut document = document?;
    let Some(extends) = take_extends(&mut document) else { return Some(document) };
    above.push(path.to_owned());
    let base = base_path(library, &extends, found)?;
    if above.contains(&base) || above.len() >= LAYERS {
        let message = if above.contains(&base) {
            format!("`{base}` extends itself")
        } else {
            format!("an environment has more than {LAYERS} layers")
        };
        found.push(
            Diagnostic::error("extends-cycle", message)
                .at(extends.span, "this leads back")
                .help("let one of the files stand alone"),
        );
        return None;
    }
    let base = layer(library, &base, Some(extends.span), above, found)?;
    Some(merge(base, document))
}

/// What `extends` names: a file, or a folder with an `environment.yaml`.
fn base_path(
    library: &mut Library<'_>,
    extends: &Spanned<String>,
    found: &mut Vec<Diagnostic>,
) -> Option<String> {
    let path = library.resolve(extends, found)?;
    Some(match library.files().entry(&path, 0) {
        FileEntry::Folder(_) if path.is_empty() => ENVIRONMENT_FILE.to_owned(),
        FileEntry::Folder(_) => format!("{path}/{ENVIRONMENT_FILE}"),
        _ => path,
    })
}

/// The one document of an environment's file.
fn only_environment(
    library: &Library<'_>,
    path: &str,
    documents: Vec<Document>,
    found: &mut Vec<Diagnostic>,
) -> Option<Node> {
    if documents.is_empty() && !has_errors(found) {
        found.push(
            Diagnostic::error("not-ours", format!("`{path}` holds no Environment"))
                .at(library.start_of(path), "")
                .help(format!("begin with `apiVersion: {API_VERSION}` and `kind: Environment`")),
        );
    }
    let mut environment = None;
    for Document { root, .. } in documents {
        if !is_ours(&root, DocumentKind::Environment, found) {
            continue;
        }
        if environment.is_some() {
            found.push(
                Diagnostic::error("extra-document", "one file holds one Environment")
                    .at(root.span, "this is a second one")
                    .help("remove it, or give it a folder of its own"),
            );
            return None;
        }
        environment = Some(root);
    }
    environment
}

/// True when a document says that it is of this kind of ours.
pub(super) fn is_ours(root: &Node, kind: DocumentKind, found: &mut Vec<Diagnostic>) -> bool {
    let word = kind.as_str();
    let field = |key: &str, wanted: &str, found: &mut Vec<Diagnostic>| {
        let node = root.get(key);
        if node.and_then(Node::as_str) == Some(wanted) {
            return true;
        }
        let (message, span) = match node {
            Some(node) => match node.as_str() {
                Some(text) => (format!("`{key}: {text}` is not taken here"), node.span),
                None => (format!("`{key}` is {}", node.value.noun()), node.span),
            },
            None => (format!("the document has no `{key}`"), root.span),
        };
        found.push(
            Diagnostic::error("not-ours", message)
                .at(span, "")
                .help(format!("only documents with `{key}: {wanted}` belong here")),
        );
        false
    };
    field("kind", word, found) && field("apiVersion", API_VERSION, found)
}

/// Takes `spec.extends` out, if it is a text; the schema speaks of anything else.
fn take_extends(document: &mut Node) -> Option<Spanned<String>> {
    let spec = mapping_mut(entry_mut(mapping_mut(document)?, "spec")?)?;
    let at = spec.entries.iter().position(|e| e.key == "extends")?;
    let span = spec.entries[at].value.span;
    let text = spec.entries[at].value.as_str()?.to_owned();
    spec.entries.remove(at);
    Some(Spanned::new(text, span))
}

/// Lays the entries of `spec.clusters` onto the `Cluster` documents that `sources.clusters` names:
/// what the Environment itself says wins. `None` instead of `true` when a document is unfit.
pub(super) fn add_clusters(
    library: &mut Library<'_>,
    document: &mut Node,
    check: &dyn Fn(DocumentKind, &Node) -> Vec<Diagnostic>,
    found: &mut Vec<Diagnostic>,
) {
    let mut entries: BTreeMap<String, Node> = BTreeMap::new();
    for named in paths_of(document, "clusters") {
        for path in library.walk(&named, found) {
            let documents = library.documents(&path, Some(named.span), Written::ByPeople, found);
            for Document { root, .. } in documents.into_iter().flatten() {
                if !is_ours(&root, DocumentKind::Cluster, found) {
                    continue;
                }
                let unfit = check(DocumentKind::Cluster, &root);
                let fits = !has_errors(&unfit);
                found.extend(unfit);
                let Some((name, entry)) = fits.then(|| cluster_entry(root)).flatten() else {
                    continue;
                };
                match entries.get(&name) {
                    Some(first) => found.push(
                        Diagnostic::error(
                            "duplicate-name",
                            format!("two Cluster documents are called `{name}`"),
                        )
                        .at(name_span(&entry), "again here")
                        .also(name_span(first), "first here")
                        .help("keep one of them"),
                    ),
                    None => {
                        entries.insert(name, entry);
                    }
                }
            }
        }
    }
    if !entries.is_empty() {
        lay_clusters(document, entries);
    }
}

/// The entry of `spec.clusters` that a `Cluster` document stands for.
fn cluster_entry(root: Node) -> Option<(String, Node)> {
    let Value::Mapping(root) = root.value else { return None };
    let mut name = None;
    let mut spec = None;
    for entry in root.entries {
        match entry.key.as_str() {
            "metadata" => {
                let Value::Mapping(metadata) = entry.value.value else { return None };
                name = metadata.entries.into_iter().find(|e| e.key == "name");
            }
            "spec" => spec = Some(entry.value),
            _ => {}
        }
    }
    let name = name?;
    let text = name.value.as_str()?.to_owned();
    let span = name.value.span;
    let mut entries = vec![name];
    if let Some(Node { value: Value::Mapping(spec), .. }) = spec {
        entries.extend(spec.entries);
    }
    Some((text, Node { span, value: Value::Mapping(Mapping { entries }) }))
}

fn lay_clusters(document: &mut Node, mut entries: BTreeMap<String, Node>) {
    let Some(spec) =
        mapping_mut(document).and_then(|root| entry_mut(root, "spec")).and_then(mapping_mut)
    else {
        return;
    };
    if let Some(clusters) = entry_mut(spec, "clusters") {
        // anything but a list is the schema's to refuse
        let Value::List(items) = &mut clusters.value else { return };
        for item in items.iter_mut() {
            if let Some(base) = name_of(item).and_then(|name| entries.remove(name)) {
                let over = Node { span: item.span, value: Value::Null };
                let over = std::mem::replace(item, over);
                *item = merge_cluster(base, over);
            }
        }
        items.extend(entries.into_values());
    } else {
        let span = entries.values().next().map(|n| n.span).unwrap_or_default();
        let value = Node { span, value: Value::List(entries.into_values().collect()) };
        spec.entries.push(Entry { key: "clusters".into(), key_span: span, value });
    }
}

fn name_span(entry: &Node) -> Span {
    entry.get("name").map_or(entry.span, |name| name.span)
}

fn mapping_mut(node: &mut Node) -> Option<&mut Mapping> {
    match &mut node.value {
        Value::Mapping(mapping) => Some(mapping),
        _ => None,
    }
}

fn entry_mut<'m>(mapping: &'m mut Mapping, key: &str) -> Option<&'m mut Node> {
    mapping.entries.iter_mut().find(|e| e.key == key).map(|e| &mut e.value)
}
