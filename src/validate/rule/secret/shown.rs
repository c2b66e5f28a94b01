//! What a person is about to be shown of the files, without secrets.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::{hide_all, mask, places, secrets_of};
use crate::diagnostic::{Diagnostic, FileId, Sources};

/// Findings and sources as they may be shown: the files that the findings point into are read
/// again, and what they hold of secrets is hidden, in excerpts as in messages. Of a file that
/// cannot be read and speaks of a Secret no value is left.
///
/// Borrows where there is nothing to hide.
pub fn shown<'a>(
    found: &'a [Diagnostic],
    sources: &'a Sources,
) -> (Cow<'a, [Diagnostic]>, Cow<'a, Sources>) {
    let files: BTreeSet<FileId> = places(found).map(|place| place.span.file).collect();
    let (mut secrets, mut has_token) = (BTreeMap::new(), false);
    for id in files {
        let Some(source) = sources.get(id) else { continue };
        has_token |= matches!(mask(&source.text), Cow::Owned(_));
        let of_file = secrets_of(id, &source.text);
        if !of_file.is_empty() {
            secrets.insert(id, of_file);
        }
    }
    let in_a_message = |d: &Diagnostic| {
        let labels = d.primary.iter().chain(&d.secondary).map(|place| &place.label);
        let mut texts = [Some(&d.message), d.help.as_ref()].into_iter().flatten().chain(labels);
        texts.any(|text| matches!(mask(text), Cow::Owned(_)))
    };
    if secrets.is_empty() && !has_token && !found.iter().any(in_a_message) {
        return (Cow::Borrowed(found), Cow::Borrowed(sources));
    }
    let (mut found, mut sources) = (found.to_vec(), sources.clone());
    hide_all(&mut found, &mut sources, &secrets);
    (Cow::Owned(found), Cow::Owned(sources))
}

/// Every stretch of a text that may be a value, line by line; keys are none, nor are the words of a
/// few that say what the document is. For a file that speaks of a Secret and cannot be read.
pub(super) fn values(text: &str) -> Vec<Range<usize>> {
    const HARMLESS: [&str; 5] = ["apiVersion", "kind", "metadata", "name", "namespace"];
    let (mut ranges, mut at) = (Vec::new(), 0);
    for line in text.split_inclusive('\n') {
        let key = match line.find(": ") {
            Some(colon) => colon + 1,
            None if line.trim_end().ends_with(':') => line.len(),
            None => 0,
        };
        let (key, value) = line.split_at(key);
        let word = key.trim_start_matches(['-', ' ']).trim_end_matches(':');
        if !HARMLESS.contains(&word) && value.trim() != "---" && !value.trim().is_empty() {
            let begin = at + key.len() + (value.len() - value.trim_start().len());
            ranges.push(begin..begin + value.trim().len());
        }
        at += line.len();
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{Position, Span};

    fn at_start(file: FileId) -> Diagnostic {
        let start = Position { line: 1, column: 1, offset: 0 };
        Diagnostic::error("x", "a fault").at(Span { file, start, end: start }, "")
    }

    #[test]
    fn whatever_the_finding_is_about_a_secret_beside_it_is_not_shown() {
        let token = format!("ghp_{}", "a1B2".repeat(9));
        let whole =
            "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData:\n  p: hunter2\n";
        let broken = format!("{whole}  q: \"hunter3\n- hunter4\n");
        let mut sources = Sources::default();
        let plain = sources.add("plain.yaml", format!("a: 1\nb: {token}\n"));
        let (whole, broken) = (sources.add("s.yaml", whole), sources.add("b.yaml", broken));
        for (id, kept) in [(plain, "a: 1\n"), (whole, "  p: "), (broken, "  q: ")] {
            let found = [at_start(id)];
            let (_, shown) = shown(&found, &sources);
            let text = &shown.get(id).unwrap().text;
            assert_eq!(text.lines().count(), sources.get(id).unwrap().text.lines().count());
            assert!(!text.contains("hunter") && !text.contains(&token), "{text}");
            assert!(text.contains(kept), "{text}");
        }
        let found = [Diagnostic::error("x", format!("`{token}` is not known"))];
        assert!(!shown(&found, &sources).0[0].message.contains(&token));
    }

    #[test]
    fn nothing_is_copied_where_there_is_nothing_to_hide() {
        let mut sources = Sources::default();
        let id = sources.add("a.yaml", "kind: Namespace\n");
        let found = [at_start(id)];
        let (diagnostics, shown) = shown(&found, &sources);
        assert!(matches!(diagnostics, Cow::Borrowed(_)) && matches!(shown, Cow::Borrowed(_)));
    }
}
