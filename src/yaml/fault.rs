//! What the reader objects to: one function a finding.

use super::budget::Budget;
use super::characters::shown;
use super::{Entry, Value};
use crate::diagnostic::{Diagnostic, Place, Span};

pub(super) fn too_many_bytes(found: usize, budget: &Budget, span: Span) -> Diagnostic {
    let allowed = budget.bytes;
    Diagnostic::error(
        "too-large",
        format!("the file has {found} bytes, more than the {allowed} that are read"),
    )
    .at(span, "")
    .help("split it into several files")
}

pub(super) fn too_many_values(budget: &Budget, span: Span) -> Diagnostic {
    let most = budget.nodes;
    Diagnostic::error("too-large", format!("the file holds more than {most} values"))
        .at(span, "here")
        .help("split it into several files")
}

pub(super) fn too_many_errors(most: usize, last: Option<Place>) -> Diagnostic {
    let found = Diagnostic::error(
        "too-many-errors",
        format!("reading stops after {most} errors in this file"),
    );
    Diagnostic { primary: last, ..found }.help("mend the first ones")
}

pub(super) fn too_deep(budget: &Budget, span: Span) -> Diagnostic {
    let most = budget.depth;
    Diagnostic::error("too-deep", format!("nested more than {most} levels deep"))
        .at(span, "here")
        .help("no document of Kubernetes or TSB nests that deep: check the brackets")
}

pub(super) fn control_character(c: char, span: Span) -> Diagnostic {
    Diagnostic::error(
        "control-character",
        format!("the file holds the control character U+{:04X}", u32::from(c)),
    )
    .at(span, "readers disagree on it, even in a comment")
    .help("remove it, or write it as an escape in a double-quoted text")
}

pub(super) fn duplicate_key(first: &Entry, again: &Entry) -> Diagnostic {
    Diagnostic::error("duplicate-key", format!("the key `{}` is given twice", shown(&again.key)))
        .at(again.key_span, "again here")
        .also(first.key_span, "first here")
        .help("keep one of them: readers disagree which one counts")
}

pub(super) fn merge_key(span: Span) -> Diagnostic {
    Diagnostic::error("merge-key", "the merge key `<<` is not taken")
        .at(span, "readers disagree on what it does")
        .help("write the entries out, or quote the key if `<<` is its name")
}

pub(super) fn merged_twice(span: Span) -> Diagnostic {
    Diagnostic::error("merge-key", "this mapping has two merge keys")
        .at(span, "again here")
        .help("merge a list of mappings: `<<: [*a, *b]`")
}

pub(super) fn merge_of_no_mapping(span: Span) -> Diagnostic {
    Diagnostic::error("merge-key", "only mappings can be merged")
        .at(span, "this merges something else")
        .help("merge one mapping, or a list of mappings")
}

pub(super) fn merged_late(key: &str, span: Span) -> Diagnostic {
    let key = shown(key);
    Diagnostic::error("merge-key", format!("`{key}` is written before it is merged"))
        .at(span, "readers disagree which of the two counts")
        .help("put the merge key first: what follows it replaces what it merges")
}

pub(super) fn glued_separator(span: Span) -> Diagnostic {
    Diagnostic::error("yaml-syntax", "`---` is a part of the value before it, and no separator")
        .at(span, "what follows repeats the keys of this document")
        .help("put the `---` on a line of its own")
}

pub(super) fn unfinished_separator(span: Span) -> Diagnostic {
    Diagnostic::error("yaml-syntax", "not valid YAML: only white space ends a separator `---`")
        .at(span, "this is read as a text")
        .help("write a space after `---`, or put what follows on the next line")
}

/// `kubectl` and kustomize part on a value.
pub(super) fn parted(text: &str, value: &Value, otherwise: &str, span: Span) -> Diagnostic {
    let text = shown(text);
    let here = match value {
        Value::Bool(b) => format!("`{b}`"),
        Value::Number(n) => format!("the number {n}"),
        _ => "text".to_owned(),
    };
    Diagnostic::warning(
        "ambiguous-scalar",
        format!("`{text}` is {here} to kubectl, but {otherwise} to kustomize"),
    )
    .at(span, "without quotes")
    .help("quote it if text is meant")
}

pub(super) fn complex_key(span: Span, in_braces: bool) -> Diagnostic {
    Diagnostic::error("complex-key", "a key must be a single word or text")
        .at(span, "this is a list or a mapping")
        .help(if in_braces {
            "these look like a template's braces: render the file first"
        } else {
            "quote it if it is meant as text"
        })
}

pub(super) fn tag(original: &str, span: Span) -> Diagnostic {
    Diagnostic::error("yaml-tag", format!("the tag `{}` is not taken", shown(original)))
        .at(span, "on this value")
        .help("remove it: only `!!str`, on a single value, has a meaning here")
}

pub(super) fn unknown_alias(name: &str, span: Span) -> Diagnostic {
    let name = shown(name);
    Diagnostic::error(
        "unknown-alias",
        format!("the alias `*{name}` has no anchor before it in this document"),
    )
    .at(span, "here")
    .help(format!("set `&{name}` before the value that is meant"))
}

pub(super) fn recursive_alias(span: Span) -> Diagnostic {
    Diagnostic::error("recursive-alias", "this alias stands inside its own anchor")
        .at(span, "it would never end")
        .help("write the value out")
}

pub(super) fn alias_bomb(budget: &Budget, span: Span) -> Diagnostic {
    let Budget { alias_nodes, bytes, .. } = budget;
    Diagnostic::error(
        "alias-bomb",
        format!("aliases grow to more than {alias_nodes} values or {bytes} bytes"),
    )
    .at(span, "with this alias")
    .help("write the values out")
}

pub(super) fn ambiguous(text: &str, value: &Value, otherwise: &str, span: Span) -> Diagnostic {
    let text = shown(text);
    let (here, help) = match value {
        Value::Number(n) => (format!("the number {n}"), "quote it, or write the number in full"),
        _ => ("text".to_owned(), "quote it if text is meant"),
    };
    Diagnostic::warning(
        "ambiguous-scalar",
        format!("`{text}` is {here} here, but {otherwise} to YAML 1.1 readers"),
    )
    .at(span, "without quotes")
    .help(help)
}

pub(super) fn more_ambiguous(more: usize, last: Span) -> Diagnostic {
    Diagnostic::warning(
        "ambiguous-scalar",
        format!("{more} more values of this file are read otherwise by YAML 1.1 readers"),
    )
    .at(last, "the last of them")
    .help("quote what is meant as text")
}
