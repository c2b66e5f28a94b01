//! What a person is about to be shown of the files, without secrets.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::{mask, redact};
use crate::diagnostic::{Diagnostic, FileId, Sources};
use crate::k8s::{Object, objects_of};
use crate::yaml::{Budget, read};

/// Findings and sources as they may be shown: the files that the findings point into are read
/// again, and what they hold of secrets is blotted out, in excerpts as in messages. Of a file that
/// cannot be read and speaks of a Secret no value is left.
///
/// Borrows where there is nothing to blot out.
pub fn shown<'a>(
    found: &'a [Diagnostic],
    sources: &'a Sources,
) -> (Cow<'a, [Diagnostic]>, Cow<'a, Sources>) {
    let files: BTreeSet<FileId> = found
        .iter()
        .flat_map(|d| d.primary.iter().chain(&d.secondary))
        .map(|place| place.span.file)
        .collect();
    let mut objects: Vec<Object> = Vec::new();
    let mut unreadable = Vec::new();
    let mut has_token = false;
    for id in files {
        let Some(source) = sources.get(id) else { continue };
        has_token |= matches!(mask(&source.text, &[]), Cow::Owned(_));
        if !source.text.contains("Secret") {
            continue;
        }
        let (documents, faults) = read(id, &source.text, &Budget::MANIFESTS);
        if faults.iter().any(Diagnostic::is_error) {
            unreadable.push((id, without_values(&source.text)));
        }
        objects.extend(objects_of(documents).0.into_iter().filter(|o| o.gvk.is("", "Secret")));
    }
    let in_a_message = |d: &Diagnostic| {
        let texts = [Some(&d.message), d.help.as_ref()];
        texts.into_iter().flatten().any(|text| matches!(mask(text, &[]), Cow::Owned(_)))
    };
    if objects.is_empty() && unreadable.is_empty() && !has_token && !found.iter().any(in_a_message)
    {
        return (Cow::Borrowed(found), Cow::Borrowed(sources));
    }
    let (mut found, mut sources) = (found.to_vec(), sources.clone());
    redact(&mut found, &mut sources, &objects);
    for (id, text) in unreadable {
        sources.show_instead(id, text);
    }
    (Cow::Owned(found), Cow::Owned(sources))
}

/// A text with everything blotted out that may be a value, byte for byte; keys stay, and the words
/// of a few that say what the document is. For a file that speaks of a Secret and cannot be read.
pub fn without_values(text: &str) -> String {
    const HARMLESS: [&str; 5] = ["apiVersion", "kind", "metadata", "name", "namespace"];
    text.split_inclusive('\n')
        .map(|line| {
            let (key, value) = match line.find(": ") {
                Some(at) => line.split_at(at + 1),
                None if line.trim_end().ends_with(':') => (line, ""),
                None => ("", line),
            };
            let word = key.trim_start_matches(['-', ' ']).trim_end_matches(':');
            if HARMLESS.contains(&word) || value.trim() == "---" {
                return line.to_owned();
            }
            let blot = |c: char| match c.is_whitespace() {
                true => c.to_string(),
                false => "*".repeat(c.len_utf8()),
            };
            format!("{key}{}", value.chars().map(blot).collect::<String>())
        })
        .collect()
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
            assert_eq!(text.len(), sources.get(id).unwrap().text.len());
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
