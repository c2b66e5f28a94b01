//! What a field can hold at all, when it comes to a policy: one character after another.

use crate::simulate::options::PathNormalization;

/// All texts of one kind of field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Universe {
    /// `spiffe://<trust domain>/ns/<namespace>/sa/<service account>`
    Identity,
    /// A path after normalisation, without its query.
    Path(PathNormalization),
    /// A method.
    Method,
    /// `:authority`.
    Host,
    /// One line of a header.
    Header,
    /// A claim's text.
    Claim,
}

/// What stands in an identity around its names, and where each part starts.
const FRAME: [(&str, u8); 3] = [("spiffe://", 0), ("/ns/", 20), ("/sa/", 40)];

// states of a path, between two slashes
const FIRST: u8 = 0;
const EMPTY: u8 = 1;
const DOT: u8 = 2;
const DOTS: u8 = 3;
const OTHER: u8 = 4;
const PERCENT: u8 = 5;
/// And the first hexadecimal digit.
const DIGIT: u8 = 16;

// states of a header's line
const BLANK: u8 = 2;

impl Universe {
    /// The state before the first character.
    pub fn start(self) -> u8 {
        0
    }

    /// The state after a character; `None` when no text goes on like this.
    pub fn step(self, at: u8, c: char) -> Option<u8> {
        match self {
            Universe::Identity => identity(at, c),
            Universe::Path(how) => path(how, at, c),
            Universe::Method => {
                (c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)).then_some(1)
            }
            Universe::Host => (c.is_ascii_alphanumeric() || "-._~:[]".contains(c)).then_some(1),
            Universe::Header => match c {
                ' ' if at == 0 => None,
                ' ' => Some(BLANK),
                c => (!c.is_control()).then_some(1),
            },
            Universe::Claim => Some(1),
        }
    }

    /// May a text end here?
    pub fn may_end(self, at: u8) -> bool {
        match self {
            Universe::Identity => at == FRAME[2].1 + 12,
            Universe::Path(PathNormalization::None) => at != FIRST,
            Universe::Path(_) => !matches!(at, FIRST | DOT | DOTS),
            Universe::Method | Universe::Host => at == 1,
            Universe::Header => at != BLANK,
            Universe::Claim => true,
        }
    }

    /// Is this whole text one of them?
    pub fn holds(self, text: &str) -> bool {
        let end = text.chars().try_fold(self.start(), |at, c| self.step(at, c));
        end.is_some_and(|at| self.may_end(at))
    }

    /// Characters without which there is no text.
    pub fn letters(self) -> impl Iterator<Item = char> {
        match self {
            Universe::Identity => "spife:/na",
            Universe::Path(_) => "/",
            _ => "",
        }
        .chars()
    }

    /// Could this be in it, like any other?
    pub fn takes(self, c: char) -> bool {
        !matches!(self, Universe::Identity) || c.is_ascii_lowercase() || c.is_ascii_digit()
    }
}

/// The names of Kubernetes: small letters, digits, dashes and points inside. A part's states are its
/// frame's characters, then 11 inside the name, 12 where it may end, 10 before it.
fn identity(at: u8, c: char) -> Option<u8> {
    let (frame, base) = FRAME.iter().rev().find(|(_, base)| at >= *base)?;
    let place = at - base;
    let frame_length = frame.len() as u8;
    if place < frame_length {
        let expected = frame.as_bytes()[place as usize] as char;
        let next = if place + 1 == frame_length { 10 } else { place + 1 };
        return (c == expected).then_some(base + next);
    }
    match c {
        'a'..='z' | '0'..='9' => Some(base + 12),
        '-' | '.' if place != 10 => Some(base + 11),
        '/' if place == 12 && *base < FRAME[2].1 => Some(base + 20 + 1),
        _ => None,
    }
}

/// What Envoy's normalisation leaves (facts/envoy.md, `paths*`; `envoy::normalise`).
fn path(how: PathNormalization, at: u8, c: char) -> Option<u8> {
    use PathNormalization::{DecodeAndMergeSlashes, MergeSlashes, None as Nothing};
    if at == FIRST {
        return (c == '/').then_some(EMPTY);
    }
    if !c.is_ascii_graphic() || matches!(c, '?' | '#') || (c == '\\' && how != Nothing) {
        return None;
    }
    if how != Nothing
        && let Some(second) = c.to_digit(16)
        && at >= DIGIT
    {
        let byte = ((u32::from(at - DIGIT)) * 16 + second) as u8;
        let slash = how == DecodeAndMergeSlashes && matches!(byte, b'/' | b'\\');
        let unreserved = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        return (!slash && !unreserved).then_some(OTHER);
    }
    match c {
        '/' | ';' if matches!(at, DOT | DOTS) && how != Nothing => None,
        '/' if at == EMPTY && matches!(how, MergeSlashes | DecodeAndMergeSlashes) => None,
        '/' => Some(EMPTY),
        '.' if at == EMPTY => Some(DOT),
        '.' if at == DOT => Some(DOTS),
        '%' => Some(PERCENT),
        c if at == PERCENT => Some(c.to_digit(16).map_or(OTHER, |digit| DIGIT + digit as u8)),
        _ => Some(OTHER),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::envoy::normalise;

    #[test]
    fn identities() {
        for (text, holds) in [
            ("spiffe://cluster.local/ns/a/sa/b", true),
            ("spiffe://td/ns/a-b/sa/b.c-d", true),
            ("spiffe://td/ns/a-/sa/b", false),
            ("spiffe://td/ns//sa/b", false),
            ("spiffe://td/ns/a/sa/", false),
            ("spiffe://td/ns/a/sa/b/c", false),
            ("td/ns/a/sa/b", false),
        ] {
            assert_eq!(Universe::Identity.holds(text), holds, "{text}");
        }
    }

    #[test]
    fn paths_are_those_that_normalisation_leaves_alone() {
        let texts = [
            "/", "/a", "/a/", "//a", "/a//b", "/.", "/..", "/a/./b", "/a/../b", "/.a", "/..a",
            "/a.", "/%41", "/%2f", "/%2F", "/%5c", "/%zz", "/%4", "/a%20b", "/...", "/.../b", "/%",
            "/%%41", "/a\\b", "/.;", "/..;a/b", "/a;b", "/...;a",
        ];
        for how in [
            PathNormalization::None,
            PathNormalization::Base,
            PathNormalization::MergeSlashes,
            PathNormalization::DecodeAndMergeSlashes,
        ] {
            for text in texts {
                let left = normalise(text, how) == *text;
                // nothing is lost that could arrive; and what is made up always arrives
                assert!(!Universe::Path(how).holds(text) || left, "{how:?} {text}");
                if left {
                    assert!(Universe::Path(how).holds(text), "{how:?} {text}");
                }
            }
        }
    }
}
