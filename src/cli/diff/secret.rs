//! Secrets in the trees that are compared: that one changed is shown, what it is never.

use std::borrow::Cow;

use crate::diagnostic::{Diagnostic, FileId, Span};
use crate::k8s::objects_of;
use crate::tree::Differing;
use crate::validate::rule::{mask, secret_spans, without_values};
use crate::yaml::{Budget, read};

/// What stands for a secret that both sides have.
const SAME: u8 = b'x';
/// What stands for one that is another before.
const OTHER: u8 = b'y';

/// The file with every secret blotted out: with the same letter on both sides where the secrets are
/// all the same. Where one of them changed all of them are told apart, so that no change is lost.
pub(super) fn hidden(file: Differing) -> Differing {
    let Differing { path, before, after } = file;
    let (old, new) = (Side::of(before), Side::of(after));
    let is_same = old.secrets() == new.secrets();
    let after = new.blotted(if is_same { SAME } else { OTHER });
    Differing { path, before: old.blotted(SAME), after }
}

/// A file as one of the trees has it, and the bytes of it that are secret.
struct Side {
    bytes: Option<Vec<u8>>,
    secret: Vec<usize>,
}

impl Side {
    fn of(bytes: Option<Vec<u8>>) -> Self {
        let text = bytes.as_deref().and_then(|bytes| std::str::from_utf8(bytes).ok());
        let secret = text.map(secret_bytes).unwrap_or_default();
        Self { bytes, secret }
    }

    fn secrets(&self) -> Vec<u8> {
        let bytes = self.bytes.as_deref().unwrap_or_default();
        self.secret.iter().filter_map(|at| bytes.get(*at).copied()).collect()
    }

    /// White space stays, so that the file is read as it was.
    fn blotted(mut self, with: u8) -> Option<Vec<u8>> {
        let bytes = self.bytes.as_deref_mut().unwrap_or_default();
        for at in self.secret {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = with;
            }
        }
        self.bytes
    }
}

/// What a masked text does not show: the values of Secrets, and texts of a known shape. Of a file
/// that speaks of a Secret and cannot be read, every value.
fn secret_bytes(text: &str) -> Vec<usize> {
    let mut spans: Vec<Span> = Vec::new();
    let mut unreadable = None;
    if text.contains("Secret") {
        let (documents, found) = read(FileId(0), text, &Budget::MANIFESTS);
        unreadable = found.iter().any(Diagnostic::is_error).then(|| without_values(text));
        let objects = objects_of(documents).0;
        spans.extend(objects.iter().filter(|o| o.gvk.is("", "Secret")).flat_map(secret_spans));
    }
    let masked = mask(text, &spans);
    let differs = |masked: &str| {
        let bytes = masked.bytes().zip(text.bytes()).enumerate();
        bytes.filter(|(_, (shown, is))| shown != is).map(|(at, _)| at).collect::<Vec<_>>()
    };
    let mut secret = match &masked {
        Cow::Borrowed(_) => Vec::new(),
        Cow::Owned(masked) => differs(masked),
    };
    secret.extend(unreadable.iter().flat_map(|masked| differs(masked)));
    secret.sort_unstable();
    secret.dedup();
    secret
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(value: &str) -> Option<Vec<u8>> {
        let text = format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: a}}\nstringData:\n  p: {value}\n  q: |\n    {value}\n    end\n"
        );
        Some(text.into_bytes())
    }

    fn texts(before: Option<Vec<u8>>, after: Option<Vec<u8>>) -> [String; 2] {
        let Differing { before, after, .. } =
            hidden(Differing { path: "a.yaml".to_owned(), before, after });
        [before, after].map(|side| String::from_utf8(side.unwrap_or_default()).unwrap())
    }

    #[test]
    fn a_change_of_a_secret_is_seen_and_no_secret() {
        let [before, after] = texts(secret("hunter2"), secret("hunter3"));
        assert_ne!(before, after);
        for text in [&before, &after] {
            assert!(!text.contains("hunter"), "{text}");
            let (documents, found) = read(FileId(0), text, &Budget::MANIFESTS);
            assert_eq!((objects_of(documents).0.len(), found.len()), (1, 0), "{text}");
        }
        let [before, after] = texts(secret("hunter2"), secret("hunter2"));
        assert_eq!(before, after);
        let [nothing, after] = texts(None, secret("hunter2"));
        assert!(nothing.is_empty() && !after.contains("hunter"), "{after}");
    }

    #[test]
    fn what_cannot_be_read_shows_none_either() {
        let token = format!("glpat-{}", "AbCd".repeat(5));
        let broken = Some(format!("kind: Secret\ndata: {{a: hunter2\nb: [{token}\n").into_bytes());
        let [before, after] = texts(broken, Some(format!("a: {token}\n").into_bytes()));
        assert!(!before.contains("hunter") && !before.contains(&token), "{before}");
        // no object, and so no place: it is no manifest, and shown as text
        assert!(!after.contains(&token), "{after}");
    }
}
