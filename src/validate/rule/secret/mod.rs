//! Secrets in git: found, refused and never printed.
//!
//! What is secret is known by where it stands ([`secret_places`]) or by its shape. A value is never
//! searched for in other texts: it may be a word that they need, and the gap would tell it.

mod place;
pub(super) mod secret_data;
pub(super) mod secret_text;
mod shape;
mod shown;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, FileId, Place, Sources, hide};
use crate::k8s::Object;
use crate::yaml::{Budget, read};

pub use place::{SecretPlace, secret_places};
pub use secret_text::of_text as secrets_of_text;
pub use shown::shown;

/// What is shown instead of a secret, however long it is.
pub const MASK: &str = "***";

/// A text without what has the shape of a secret.
pub fn mask(text: &str) -> Cow<'_, str> {
    hide(text, shape::ranges(text), |_| MASK).0
}

/// The stretches of a file that are never shown: what is secret by where it stands, and what has
/// the shape of a secret. Of a file that speaks of a Secret and cannot be read it is every value.
pub fn secret_ranges(text: &str) -> Vec<Range<usize>> {
    let mut ranges = shape::ranges(text);
    ranges.extend(secrets_of(FileId::default(), text).into_iter().map(|secret| secret.range));
    ranges
}

/// A stretch of a file that is secret by where it stands.
struct Secret {
    range: Range<usize>,
    /// A word of it that may be shown.
    key: Option<String>,
}

impl From<SecretPlace> for Secret {
    fn from(place: SecretPlace) -> Self {
        let SecretPlace { span, key } = place;
        Self { range: span.start.offset as usize..span.end.offset as usize, key }
    }
}

fn secrets_of(file: FileId, text: &str) -> Vec<Secret> {
    if !place::may_hold(text) {
        return Vec::new();
    }
    let (documents, faults) = read(file, text, &Budget::MANIFESTS);
    let places = documents.iter().flat_map(|document| secret_places(&document.root));
    let mut secrets: Vec<Secret> = places.map(Secret::from).collect();
    if text.contains("Secret") && faults.iter().any(Diagnostic::is_error) {
        let values = shown::values(text);
        secrets.extend(values.into_iter().map(|range| Secret { range, key: None }));
    }
    secrets
}

/// Hides secrets in what is about to be shown: the lines of the files, and the sentences of the
/// findings about a secret, which may quote it.
pub fn redact<'a>(
    found: &mut [Diagnostic],
    sources: &mut Sources,
    objects: impl IntoIterator<Item = &'a Object>,
) {
    if found.is_empty() {
        return;
    }
    let mut secrets: BTreeMap<FileId, Vec<Secret>> = BTreeMap::new();
    for place in objects.into_iter().flat_map(|object| secret_places(&object.body)) {
        secrets.entry(place.span.file).or_default().push(place.into());
    }
    hide_all(found, sources, &secrets);
}

fn hide_all(
    found: &mut [Diagnostic],
    sources: &mut Sources,
    secrets: &BTreeMap<FileId, Vec<Secret>>,
) {
    let files: BTreeSet<FileId> = places(found).map(|place| place.span.file).collect();
    for id in files {
        let Some(text) = sources.get(id).map(|s| Arc::clone(&s.text)) else { continue };
        let mut ranges = shape::ranges(&text);
        ranges.extend(secrets.get(&id).into_iter().flatten().map(|secret| secret.range.clone()));
        sources.hide(id, ranges, MASK);
    }
    for diagnostic in found {
        quote_no_secret(diagnostic, secrets);
        for text in texts(diagnostic) {
            if let Cow::Owned(masked) = mask(text) {
                *text = masked;
            }
        }
    }
}

fn places(found: &[Diagnostic]) -> impl Iterator<Item = &Place> {
    found.iter().flat_map(|d| d.primary.iter().chain(&d.secondary))
}

fn texts(diagnostic: &mut Diagnostic) -> impl Iterator<Item = &mut String> {
    let Diagnostic { message, help, primary, secondary, .. } = diagnostic;
    let labels = primary.iter_mut().chain(secondary).map(|place| &mut place.label);
    std::iter::once(message).chain(help).chain(labels)
}

/// A finding quotes what it points at. Whatever it quotes of a secret is hidden, and so are the
/// words beside it: `true` and `false` would tell by the one that is missing.
fn quote_no_secret(diagnostic: &mut Diagnostic, secrets: &BTreeMap<FileId, Vec<Secret>>) {
    let (mut keys, mut is_about_one, mut holds_one) = (BTreeSet::new(), false, false);
    for place in diagnostic.primary.iter().chain(&diagnostic.secondary) {
        let (start, end) = (place.span.start.offset as usize, place.span.end.offset as usize);
        for secret in secrets.get(&place.span.file).into_iter().flatten() {
            let Range { start: begin, end: close } = secret.range;
            if begin <= start && end <= close {
                is_about_one = true;
                keys.extend(secret.key.clone());
            } else if start <= begin && close <= end {
                holds_one = true;
            }
        }
    }
    if !is_about_one && !holds_one {
        return;
    }
    // of what holds a secret only the whole could be quoted
    let is_hidden = |quoted: &str| match is_about_one {
        true => !keys.contains(quoted),
        false => quoted.starts_with(['{', '[']),
    };
    for text in texts(diagnostic) {
        for quote in ['`', '"'] {
            let parts = text.split(quote).enumerate();
            let parts: Vec<&str> = parts
                .map(|(at, part)| if at % 2 == 1 && is_hidden(part) { MASK } else { part })
                .collect();
            let hidden = parts.join(&quote.to_string());
            *text = hidden;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{Position, Span};
    use crate::k8s::objects_of;

    fn at(text: &str, part: &str) -> Span {
        let offset = text.find(part).unwrap() as u32;
        let position = |offset| Position { line: 1, column: 1, offset };
        Span { file: FileId(0), start: position(offset), end: position(offset + part.len() as u32) }
    }

    #[test]
    fn secrets_are_hidden_where_they_stand_and_nowhere_else() {
        let token = format!("ghp_{}", "a1B2".repeat(9));
        let text = format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: atlas}}\nstringData:\n  user: atlas\n  password: hunter2\n  ssl: \"true\"\n  note: uses {token}\n"
        );
        let (objects, _) = objects_of(read(FileId(0), &text, &Budget::SPEC).0);
        let mut sources = Sources::default();
        sources.add("secret.yaml", text.clone());
        let mut found = vec![
            Diagnostic::error("x", "`password` is `hunter2`, which is not known")
                .at(at(&text, "hunter2"), "found `hunter2`")
                .help("did you mean `hunter3`?"),
            Diagnostic::error("x", "`ssl` must be `true` or `false`").at(at(&text, "\"true\""), ""),
            Diagnostic::error("x", "`atlas` must be `true` or `false`").at(at(&text, "atlas"), ""),
            Diagnostic::error("x", format!("`{token}` is not known")),
        ];
        redact(&mut found, &mut sources, &objects);
        let messages: Vec<&str> = found.iter().map(|d| d.message.as_str()).collect();
        assert_eq!(
            messages,
            [
                "`password` is `***`, which is not known",
                "`ssl` must be `***` or `***`",
                "`atlas` must be `true` or `false`",
                "`***` is not known"
            ]
        );
        assert_eq!(found[0].help.as_deref(), Some("did you mean `***`?"));
        let shown = &sources.get(FileId(0)).unwrap().text;
        assert_eq!(
            &**shown,
            "apiVersion: v1\nkind: Secret\nmetadata: {name: atlas}\nstringData:\n  user: ***\n  password: ***\n  ssl: ***\n  note: ***\n"
        );
        assert_eq!(mask("nothing here"), "nothing here");
    }
}
