//! Reading single fields of a node. Findings have the words and codes of the JSON Schema check, so
//! that a fault which both see is one finding.

use crate::diagnostic::{Diagnostic, Span, Spanned, nearest};
use crate::yaml::{Mapping, Node, Value};

/// The value under a key; a null is as good as nothing, as it is for the API server.
pub(super) fn get<'a>(mapping: &'a Mapping, key: &str) -> Option<&'a Node> {
    mapping.get(key).filter(|node| !node.is_null())
}

pub(super) fn mapping<'a>(
    node: &'a Node,
    subject: &str,
    found: &mut Vec<Diagnostic>,
) -> Option<&'a Mapping> {
    let mapping = node.as_mapping();
    if mapping.is_none() {
        found.push(wrong_type(node, subject, "a mapping"));
    }
    mapping
}

pub(super) fn list<'a>(node: &'a Node, subject: &str, found: &mut Vec<Diagnostic>) -> &'a [Node] {
    node.as_list().unwrap_or_else(|| {
        found.push(wrong_type(node, subject, "a list"));
        &[]
    })
}

pub(super) fn text(
    node: &Node,
    subject: &str,
    found: &mut Vec<Diagnostic>,
) -> Option<Spanned<String>> {
    let text = node.as_str();
    if text.is_none() {
        found.push(wrong_type(node, subject, "a text"));
    }
    text.map(|t| Spanned::new(t.to_owned(), node.span))
}

pub(super) fn boolean(
    node: &Node,
    subject: &str,
    found: &mut Vec<Diagnostic>,
) -> Option<Spanned<bool>> {
    if let Value::Bool(value) = node.value {
        return Some(Spanned::new(value, node.span));
    }
    found.push(wrong_type(node, subject, "`true` or `false`"));
    None
}

/// One of some words.
pub(super) fn word<T: Copy>(
    node: &Node,
    subject: &str,
    known: &[(&str, T)],
    found: &mut Vec<Diagnostic>,
) -> Option<Spanned<T>> {
    let word = node.as_str().unwrap_or_default();
    if let Some((_, value)) = known.iter().find(|(name, _)| *name == word) {
        return Some(Spanned::new(*value, node.span));
    }
    if node.as_str().is_none() {
        found.push(wrong_type(node, subject, "a text"));
        return None;
    }
    let all = quoted(known.iter().map(|(name, _)| *name));
    let diagnostic =
        Diagnostic::error("unknown-value", format!("`{word}` is not known for {subject}"))
            .at(node.span, "");
    found.push(match nearest(word, known.iter().map(|(name, _)| *name)) {
        Some(near) => diagnostic.help(format!("did you mean `{near}`? known: {all}")),
        None => diagnostic.help(format!("use one of {all}")),
    });
    None
}

/// Reports every key that is not known.
pub(super) fn only(mapping: &Mapping, known: &[&str], subject: &str, found: &mut Vec<Diagnostic>) {
    for entry in mapping.entries.iter().filter(|e| !known.contains(&e.key.as_str())) {
        let diagnostic = Diagnostic::error(
            "unknown-field",
            format!("`{}` is not known in {subject}", entry.key),
        )
        .at(entry.key_span, "");
        found.push(match nearest(&entry.key, known.iter().copied()) {
            Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
            None => diagnostic.help(format!("known here: {}", quoted(known.iter().copied()))),
        });
    }
}

pub(super) fn missing(subject: &str, key: &str, at: Span) -> Diagnostic {
    Diagnostic::error("missing-field", format!("{subject} has no `{key}`"))
        .at(at, "here")
        .help(format!("add `{key}`"))
}

fn wrong_type(node: &Node, subject: &str, wanted: &str) -> Diagnostic {
    Diagnostic::error(
        "wrong-type",
        format!("{subject} must be {wanted}, but is {}", node.value.noun()),
    )
    .at(node.span, "")
}

fn quoted<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.map(|w| format!("`{w}`")).collect::<Vec<_>>().join(", ")
}
