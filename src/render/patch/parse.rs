//! Entries as they were written into patches that can be applied (`PatchTransformer.go` `Config`).

use std::sync::Arc;

use serde_json::Value;

use super::identity::Identity;
use super::json6902::Operations;
use super::strategic::scalar_text;
use super::target::{Target, TargetText};
use crate::diagnostic::{Diagnostic, FileId, Span, Spanned, has_errors};
use crate::yaml::{self, Budget, Document, Node, read};

/// One entry of `patches` as it was written. Exactly one of `patch` and `file` is given.
#[derive(Clone, Debug, Default)]
pub struct Entry {
    /// The whole entry.
    pub span: Span,
    /// The text of the patch.
    pub patch: Option<Spanned<String>>,
    /// The file that holds it.
    pub file: Option<PatchFile>,
    /// What it is applied to.
    pub target: Option<Spanned<TargetText>>,
    /// It may rename.
    pub allow_name_change: bool,
    /// It may change the kind.
    pub allow_kind_change: bool,
}

/// The content of a file that an entry names.
#[derive(Clone, Debug)]
pub struct PatchFile {
    /// The path in the entry.
    pub path: Spanned<String>,
    /// The file, for findings inside of it.
    pub file: FileId,
    /// Its text.
    pub text: Arc<str>,
}

/// A patch that was understood.
#[derive(Clone, Debug)]
pub struct Patch {
    /// Where its text or path stands.
    pub(super) span: Span,
    pub(super) content: Content,
    pub(super) target: Option<Target>,
    pub(super) allow_name_change: bool,
    pub(super) allow_kind_change: bool,
}

impl Patch {
    /// True when a place is in this patch.
    pub(super) fn reads(&self, span: Span) -> bool {
        span == self.span
            || match &self.content {
                Content::Merges(merges) => merges.iter().any(|merge| merge.span == span),
                Content::Operations(operations) => operations.places.contains(&span),
            }
    }
}

#[derive(Clone, Debug)]
pub(super) enum Content {
    /// One or more strategic merges; with a target just one.
    Merges(Vec<Merge>),
    /// A JSON6902 patch; there is a target.
    Operations(Operations),
}

/// One document of a strategic merge patch.
#[derive(Clone, Debug)]
pub(super) struct Merge {
    pub(super) identity: Identity,
    pub(super) patch: Value,
    pub(super) span: Span,
}

/// Reads all entries. One that holds an error is left out; the findings say why.
pub fn parse(entries: &[Entry]) -> (Vec<Patch>, Vec<Diagnostic>) {
    let mut found = Vec::new();
    let patches = entries.iter().filter_map(|entry| patch(entry, &mut found)).collect();
    (patches, found)
}

fn malformed(message: impl Into<String>, span: Span) -> Diagnostic {
    Diagnostic::error("patch-malformed", message).at(span, "")
}

fn patch(entry: &Entry, found: &mut Vec<Diagnostic>) -> Option<Patch> {
    let target = entry.target.as_ref().map(|text| Target::parse(text, found));
    let (documents, span) = match (&entry.patch, &entry.file) {
        (Some(text), None) => (inline(text, found)?, text.span),
        (None, Some(file)) => {
            let (documents, problems) = read(file.file, &file.text, &Budget::SPEC);
            let failed = has_errors(&problems);
            found.extend(problems);
            (Some(documents).filter(|_| !failed)?, file.path.span)
        }
        (None, None) => {
            found.push(
                malformed("this entry has no patch", entry.span).help("give `patch` or `path`"),
            );
            return None;
        }
        (Some(_), Some(file)) => {
            found.push(
                malformed("this entry has both `patch` and `path`", file.path.span)
                    .help("make two entries of it"),
            );
            return None;
        }
    };
    let content = content(documents, span, target.is_some(), found)?;
    let target = match target {
        Some(parsed) => Some(parsed?),
        None => None,
    };
    Some(Patch {
        span,
        content,
        target,
        allow_name_change: entry.allow_name_change,
        allow_kind_change: entry.allow_kind_change,
    })
}

/// Reads a text that stands in another file. Places inside of it are not known there: all of them
/// become the text's.
fn inline(text: &Spanned<String>, found: &mut Vec<Diagnostic>) -> Option<Vec<Document>> {
    let (mut documents, mut problems) = read(text.span.file, text, &Budget::SPEC);
    for problem in &mut problems {
        if let Some(place) = &mut problem.primary {
            place.label = format!("in line {} of this patch", place.span.start.line);
            place.span = text.span;
        }
        problem.secondary.clear();
    }
    let failed = has_errors(&problems);
    found.extend(problems);
    for document in &mut documents {
        place_at(&mut document.root, text.span);
    }
    Some(documents).filter(|_| !failed)
}

/// Only the places that are used later: of the document, and of the operations in it.
fn place_at(root: &mut Node, span: Span) {
    root.span = span;
    if let yaml::Value::List(items) = &mut root.value {
        for item in items {
            item.span = span;
        }
    }
}

fn content(
    documents: Vec<Document>,
    span: Span,
    has_target: bool,
    found: &mut Vec<Diagnostic>,
) -> Option<Content> {
    let operations: Vec<bool> = documents.iter().map(|d| d.root.as_list().is_some()).collect();
    let mut refuse = |message: &str, help: &str| {
        found.push(malformed(message, span).help(help));
        None
    };
    if documents.is_empty() {
        return refuse("this patch is empty", "remove the entry");
    }
    if operations.contains(&true) && documents.len() > 1 {
        return refuse(
            "a JSON6902 patch is one list of operations, this has several documents",
            "make several entries of it; kustomize reads only the first",
        );
    }
    if let Some(items) = documents.first().and_then(|d| d.root.as_list()) {
        if !has_target {
            return refuse("a JSON6902 patch needs a `target`", "name the kind and name it is for");
        }
        if items.is_empty() {
            return refuse("this patch is empty", "remove the entry");
        }
        return match Operations::parse(items) {
            Ok(operations) => Some(Content::Operations(operations)),
            Err(fault) => {
                let place = items.get(fault.index).map_or(span, |item| item.span);
                let message = format!(
                    "operation {} of this patch cannot be read: {}",
                    fault.index + 1,
                    fault.what
                );
                let diagnostic = malformed(message, place);
                found.push(match fault.help {
                    Some(help) => diagnostic.help(help),
                    None => diagnostic,
                });
                None
            }
        };
    }
    let before = found.len();
    let mut merges = Vec::new();
    for document in documents {
        let span = document.root.span;
        objects(document.root.into_json(), 0, &mut |value| {
            merges.extend(merge(value, span, has_target, found));
        });
    }
    if has_target && merges.len() > 1 {
        found.push(
            malformed("a strategic merge patch with a `target` is one document", span)
                .help("make several entries of it, or leave `target` out"),
        );
    }
    (found.len() == before && !merges.is_empty()).then_some(Content::Merges(merges))
}

/// Hands over the objects of a document; a `…List` is split.
fn objects(value: Value, depth: usize, take: &mut dyn FnMut(Value)) {
    let is_list = value.get("kind").and_then(Value::as_str).is_some_and(|k| k.ends_with("List"));
    match value {
        Value::Object(mut map) if is_list && depth < 8 && map.contains_key("items") => {
            if let Some(Value::Array(items)) = map.remove("items") {
                for item in items {
                    objects(item, depth + 1, take);
                }
            }
        }
        other => take(other),
    }
}

fn merge(
    mut patch: Value,
    span: Span,
    has_target: bool,
    found: &mut Vec<Diagnostic>,
) -> Option<Merge> {
    if !patch.is_object() {
        found.push(
            malformed("this patch is neither an object nor a list of operations", span)
                .help("write a part of the object, with `apiVersion`, `kind` and `metadata.name`"),
        );
        return None;
    }
    let Some(identity) = Identity::of(&patch) else {
        found.push(
            malformed("a strategic merge patch needs `kind` and `metadata.name`", span)
                .help("kustomize asks for them even where a `target` says what it is for"),
        );
        return None;
    };
    if has_target {
        for field in ["labels", "annotations"] {
            if let Err(diagnostic) = targeted_metadata(&mut patch, field, span) {
                found.push(*diagnostic);
                return None;
            }
        }
        // the target says which object it is
        if let Some(map) = patch.as_object_mut() {
            map.shift_remove("apiVersion");
        }
    }
    Some(Merge { identity, patch, span })
}

/// With a target kustomize rewrites the labels and annotations of the patch as texts: a null, which
/// should remove one, becomes the text `null`.
fn targeted_metadata(patch: &mut Value, field: &str, span: Span) -> Result<(), Box<Diagnostic>> {
    let Some(metadata) = patch.get_mut("metadata").and_then(Value::as_object_mut) else {
        return Ok(());
    };
    let refuse_with = |message: String, help: &str| {
        Err(Box::new(Diagnostic::error("patch-label", message).at(span, "").help(help)))
    };
    let refuse =
        |message: String| refuse_with(message, "use a JSON6902 `remove`, or leave `target` out");
    match metadata.get(field) {
        None => Ok(()),
        Some(Value::Object(map)) if map.is_empty() => {
            metadata.shift_remove(field);
            Ok(())
        }
        Some(Value::Object(map)) => match map.iter().find(|(_, v)| !v.is_string()) {
            Some((key, Value::Null)) => refuse(format!(
                "with a `target`, kustomize sets `{key}` of `{field}` to the text `null` and does \
                 not remove it"
            )),
            Some((key, value)) => match scalar_text(value) {
                text if text.is_empty() => refuse_with(
                    format!("`{key}` of `{field}` is no text: it is a list or mapping"),
                    "write one text",
                ),
                text => refuse_with(
                    format!("`{key}` of `{field}` is no text: `{text}`"),
                    "put the value in quotes",
                ),
            },
            None => Ok(()),
        },
        Some(Value::Null) => {
            refuse(format!("with a `target`, kustomize does not remove `{field}`"))
        }
        Some(_) => refuse(format!("`{field}` is no mapping")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Position;

    fn span(line: u32) -> Span {
        let at = Position { line, column: 3, offset: 10 * line };
        Span { file: FileId(7), start: at, end: at }
    }

    fn inline(text: &str) -> Entry {
        Entry {
            span: span(1),
            patch: Some(Spanned::new(text.into(), span(2))),
            target: Some(Spanned::new(TargetText::default(), span(3))),
            ..Entry::default()
        }
    }

    fn in_file(text: &str) -> Entry {
        let path = Spanned::new("p.yaml".into(), span(2));
        let file = Some(PatchFile { path, file: FileId(8), text: text.into() });
        Entry { patch: None, file, ..inline("") }
    }

    /// Code, file and line of every finding.
    fn found(entry: &Entry) -> Vec<(&'static str, u32, u32)> {
        let (_, found) = parse(std::slice::from_ref(entry));
        let place = |d: &Diagnostic| d.primary.as_ref().map(|p| p.span).unwrap_or_default();
        found.iter().map(|d| (d.code, place(d).file.0, place(d).start.line)).collect()
    }

    #[test]
    fn places_are_in_the_file_or_at_the_text() {
        let operations = "- {op: add, path: /a, value: 1}\n- {op: ad, path: /a, value: 1}\n";
        assert_eq!(found(&inline(operations)), [("patch-malformed", 7, 2)]);
        assert_eq!(found(&in_file(operations)), [("patch-malformed", 8, 2)]);
        assert_eq!(found(&inline("a: [")), [("yaml-syntax", 7, 2)]);
        assert_eq!(found(&in_file("a: [")), [("yaml-syntax", 8, 1)]);
        let documents = "kind: A\nmetadata: {name: a}\n---\nkind: B\n";
        assert_eq!(
            found(&Entry { target: None, ..in_file(documents) }),
            [("patch-malformed", 8, 4)]
        );
    }

    #[test]
    fn exactly_one_of_patch_and_path() {
        let both = Entry { patch: inline("[]").patch, ..in_file("[]") };
        assert_eq!(found(&both), [("patch-malformed", 7, 2)]);
        assert_eq!(found(&Entry { patch: None, ..inline("") }), [("patch-malformed", 7, 1)]);
        for empty in ["", "# nothing\n", "[]", "---\n"] {
            assert_eq!(found(&inline(empty)), [("patch-malformed", 7, 2)], "{empty:?}");
        }
    }

    #[test]
    fn json_that_is_hard_for_yaml() {
        let text = "[\n\t{\"op\": \"add\", \"path\": \"\\/a\", \"value\": \"\\ud83d\\ude00\"}\n]";
        assert_eq!(found(&inline(text)), []);
        assert_eq!(found(&in_file(text)), []);
    }
}
