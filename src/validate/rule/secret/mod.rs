//! Secrets in git: found, refused and never printed.

pub(super) mod secret_data;
pub(super) mod secret_text;
mod shape;
mod shown;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, FileId, Sources, Span};
use crate::k8s::Object;

pub use secret_text::of_text as secrets_of_text;
pub use shown::{shown, without_values};

/// The places of an object that hold a secret: the values of a Secret, and texts of a known shape.
pub fn secret_spans(object: &Object) -> Vec<Span> {
    let mut spans = secret_data::value_spans(object);
    secret_text::walk(&object.body, &mut |span, _| spans.push(span));
    spans.sort_unstable();
    spans.dedup();
    spans
}

/// A text with whatever looks like a secret blotted out, byte for byte, so that places stay where
/// they are. For whoever shows lines of a file or texts of an object.
///
/// `spans` are further places of the same text, as [`secret_spans`] gives them.
pub fn mask<'t>(text: &'t str, spans: &[Span]) -> Cow<'t, str> {
    let mut ranges = shape::ranges(text);
    ranges.extend(spans.iter().map(|s| s.start.offset as usize..s.end.offset as usize));
    if ranges.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        if !c.is_whitespace() && ranges.iter().any(|r| r.contains(&at)) {
            out.extend(std::iter::repeat_n('*', c.len_utf8()));
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Blots secrets out of what is about to be shown: the lines of the files, and the texts of the
/// findings, which may quote a value.
pub fn redact<'a>(
    found: &mut [Diagnostic],
    sources: &mut Sources,
    objects: impl IntoIterator<Item = &'a Object>,
) {
    if found.is_empty() {
        return;
    }
    let mut by_file: BTreeMap<FileId, Vec<Span>> = BTreeMap::new();
    for span in objects.into_iter().flat_map(secret_spans) {
        by_file.entry(span.file).or_default().push(span);
    }
    let mut values: Vec<String> = Vec::new();
    // only what is about to be shown
    let shown: BTreeSet<FileId> = found
        .iter()
        .flat_map(|d| d.primary.iter().chain(&d.secondary))
        .map(|place| place.span.file)
        .chain(by_file.keys().copied())
        .collect();
    for id in shown {
        let Some(text) = sources.get(id).map(|s| Arc::clone(&s.text)) else { continue };
        let spans = by_file.get(&id).map(Vec::as_slice).unwrap_or_default();
        let slices =
            spans.iter().filter_map(|s| text.get(s.start.offset as usize..s.end.offset as usize));
        // shorter ones would be found in words that mean something else
        values
            .extend(slices.map(|s| s.trim_matches(['"', '\'']).to_owned()).filter(|s| s.len() > 3));
        if let Cow::Owned(masked) = mask(&text, spans) {
            sources.show_instead(id, masked);
        }
    }
    let tidy = |text: &mut String| {
        for value in &values {
            if text.contains(value.as_str()) {
                *text = text.replace(value.as_str(), "***");
            }
        }
        if let Cow::Owned(masked) = mask(text, &[]) {
            *text = masked;
        }
    };
    for diagnostic in found {
        tidy(&mut diagnostic.message);
        diagnostic.help.iter_mut().for_each(tidy);
        let places = diagnostic.primary.iter_mut().chain(&mut diagnostic.secondary);
        places.for_each(|place| tidy(&mut place.label));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::k8s::objects_of;
    use crate::yaml::{Budget, read};

    #[test]
    fn secrets_are_blotted_out_where_they_stand() {
        let token = format!("ghp_{}", "a1B2".repeat(9));
        let text = format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: a}}\nstringData:\n  password: hunter2\n  note: \"uses {token} daily\"\n"
        );
        let (objects, _) = objects_of(read(FileId(0), &text, &Budget::SPEC).0);
        let spans = secret_spans(&objects[0]);
        let masked = mask(&text, &spans);
        assert!(!masked.contains("hunter2") && !masked.contains(&token), "{masked}");
        assert!(masked.contains("  password: *******\n"), "{masked}");
        assert_eq!(masked.len(), text.len());
        assert_eq!(mask("nothing here", &[]), "nothing here");

        let mut sources = Sources::default();
        sources.add("secret.yaml", text.clone());
        let mut found = vec![Diagnostic::error("x", "`hunter2` is not known").help("not hunter2")];
        redact(&mut found, &mut sources, &objects);
        assert_eq!(found[0].message, "`***` is not known");
        assert_eq!(found[0].help.as_deref(), Some("not ***"));
        assert_eq!(&*sources.get(FileId(0)).unwrap().text, &*masked);
    }
}
