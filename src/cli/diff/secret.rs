//! Secrets in the trees that are compared: that one changed is shown, what it is never.

use std::ops::Range;

use crate::diagnostic::{hide, joined};
use crate::tree::Differing;
use crate::validate::rule::secret_ranges;

/// What is shown of a secret. It is a text to every reader, so that the file is read as it was.
const SAME: &str = "(hidden)";
/// What is shown of one that is another before.
const OTHER: &str = "(hidden; changed)";

/// The file with every secret hidden. A secret that the other side has in the same place is shown
/// alike on both sides.
pub(in crate::cli) fn hidden(file: Differing) -> Differing {
    let Differing { path, before, after } = file;
    let (old, new) = (secrets(before.as_deref()), secrets(after.as_deref()));
    let is_same = |at: usize| {
        let of = |bytes: &Option<Vec<u8>>, all: &[Range<usize>]| {
            bytes.as_ref().zip(all.get(at)).map(|(b, range)| b[range.clone()].to_vec())
        };
        old.len() == new.len() && of(&before, &old) == of(&after, &new)
    };
    let words: Vec<&'static str> =
        (0..new.len()).map(|at| if is_same(at) { SAME } else { OTHER }).collect();
    let before = shown(before, &old, &vec![SAME; old.len()]);
    Differing { path, before, after: shown(after, &new, &words) }
}

fn secrets(bytes: Option<&[u8]>) -> Vec<Range<usize>> {
    let text = bytes.and_then(|bytes| std::str::from_utf8(bytes).ok());
    text.map(|text| joined(text, secret_ranges(text))).unwrap_or_default()
}

fn shown(
    bytes: Option<Vec<u8>>,
    secrets: &[Range<usize>],
    words: &[&'static str],
) -> Option<Vec<u8>> {
    let Some(text) = bytes.as_deref().and_then(|bytes| std::str::from_utf8(bytes).ok()) else {
        return bytes;
    };
    let mut words = words.iter().copied();
    let (text, _) = hide(text, secrets.to_vec(), |_| words.next().unwrap_or(OTHER));
    Some(text.into_owned().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::FileId;
    use crate::k8s::objects_of;
    use crate::yaml::{Budget, read};

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
        let [longer, _] = texts(secret("hunter2-and-a-tail"), None);
        assert_eq!(before, longer, "a mask has one length");
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
