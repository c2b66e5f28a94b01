//! Paths of overlay patches (istio/istio:operator/pkg/util/path.go, `PathFromString`).

use std::fmt;

/// A path: where in the target object a patch writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverlayPath {
    /// The way, from the object's root.
    pub steps: Vec<Step>,
}

/// One element of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A key of a mapping.
    Key(String),
    /// `[N]`: an entry of a list, from 0.
    Index(usize),
    /// `[-1]`: a new entry at the end of a list.
    Append,
    /// `[k:v]`: the first entry, a mapping, whose `k` is `v`.
    KeyValue(String, String),
    /// `[:v]`: the first entry, a scalar, that the regular expression `v` matches.
    Matches(String),
}

/// Why a text is no path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// Nothing is in it.
    #[error("is empty")]
    Empty,
    /// It starts with a JSON pointer's slash.
    #[error("is a JSON pointer; elements are separated by `.` here")]
    Pointer,
    /// Two points in a row.
    #[error("has an empty element")]
    EmptyElement,
    /// A bracket that is not closed, or not opened.
    #[error("has a bracket without its other half")]
    Bracket,
    /// Two brackets in a row: lists of lists are not in the language.
    #[error("has two brackets in a row; put `.` between them")]
    TwoBrackets,
    /// Brackets with something that is no index, `k:v` or `:v`.
    #[error("has brackets with neither an index, `key:value` nor `:value`")]
    Selector,
    /// A negative index other than -1.
    #[error("has a negative index; only `[-1]` is known, and appends")]
    NegativeIndex,
    /// A backslash before something that needs none.
    #[error("has a `\\` before something other than `.` or `:`")]
    Escape,
}

impl OverlayPath {
    /// Reads a path.
    ///
    /// # Errors
    /// The first thing that is wrong with it. The operator itself takes some of these and does
    /// something else than what is written.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        if text.is_empty() {
            return Err(PathError::Empty);
        }
        if text.starts_with('/') {
            return Err(PathError::Pointer);
        }
        let mut steps = Vec::new();
        for element in split(text, '.') {
            if element.is_empty() {
                return Err(PathError::EmptyElement);
            }
            // `name[expr]` is the same as `name.[expr]`
            let (name, bracket) = match element.find('[') {
                Some(at) => element.split_at(at),
                None => (element, ""),
            };
            if name.contains(']') {
                return Err(PathError::Bracket);
            }
            if !name.is_empty() {
                steps.push(Step::Key(unescape(name, &['.'])?));
            }
            if !bracket.is_empty() {
                steps.push(selector(bracket)?);
            }
        }
        Ok(Self { steps })
    }

    /// True when the path appends to a list.
    pub fn appends(&self) -> bool {
        self.steps.last() == Some(&Step::Append)
    }
}

impl fmt::Display for OverlayPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, step) in self.steps.iter().enumerate() {
            let is_first = i == 0;
            match step {
                Step::Key(key) if is_first => write!(f, "{}", key.replace('.', r"\."))?,
                Step::Key(key) => write!(f, ".{}", key.replace('.', r"\."))?,
                selector => {
                    // a selector behind a selector needs a point of its own
                    if matches!(self.steps.get(i.wrapping_sub(1)), Some(s) if !matches!(s, Step::Key(_)))
                    {
                        f.write_str(".")?;
                    }
                    match selector {
                        Step::Index(n) => write!(f, "[{n}]")?,
                        Step::Append => f.write_str("[-1]")?,
                        Step::KeyValue(k, v) => write!(f, "[{k}:{}]", escape_value(v))?,
                        Step::Matches(v) => write!(f, "[:{}]", v.replace('.', r"\."))?,
                        Step::Key(_) => {}
                    }
                }
            }
        }
        Ok(())
    }
}

fn escape_value(value: &str) -> String {
    value.replace('.', r"\.").replace(':', r"\:")
}

fn selector(text: &str) -> Result<Step, PathError> {
    let inner = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).ok_or(
        if text.contains(']') && text.contains("][") {
            PathError::TwoBrackets
        } else {
            PathError::Bracket
        },
    )?;
    if inner.contains("][") {
        return Err(PathError::TwoBrackets);
    }
    if let Ok(index) = inner.parse::<i64>() {
        return match usize::try_from(index) {
            Ok(index) => Ok(Step::Index(index)),
            Err(_) if index == -1 => Ok(Step::Append),
            Err(_) => Err(PathError::NegativeIndex),
        };
    }
    // `[:v]` is a regular expression: whatever stands in it is its own business
    if let Some(value) = inner.strip_prefix(':') {
        return if value.is_empty() {
            Err(PathError::Selector)
        } else {
            Ok(Step::Matches(value.replace(r"\.", ".")))
        };
    }
    match split(inner, ':').as_slice() {
        [key, value] if !key.is_empty() && !value.is_empty() && key.chars().all(is_key_char) => {
            Ok(Step::KeyValue((*key).to_owned(), unescape(value, &['.', ':'])?))
        }
        _ => Err(PathError::Selector),
    }
}

/// Keys of `[k:v]` (`ValidKeyRegex`).
fn is_key_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

/// Splits at a separator that no backslash stands before.
fn split(text: &str, separator: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut before) = (0, None);
    for (at, c) in text.char_indices() {
        if c == separator && before != Some('\\') {
            parts.push(&text[start..at]);
            start = at + c.len_utf8();
        }
        before = Some(c);
    }
    parts.push(&text[start..]);
    parts
}

fn unescape(text: &str, escaped: &[char]) -> Result<String, PathError> {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some(next) if escaped.contains(&next) => plain.push(next),
                _ => return Err(PathError::Escape),
            },
            c => plain.push(c),
        }
    }
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use super::Step::{Append, Index, Key, KeyValue, Matches};
    use super::*;

    fn key(text: &str) -> Step {
        Key(text.to_owned())
    }

    #[test]
    fn the_grammar() {
        let cases: Vec<(&str, Vec<Step>)> = vec![
            ("a", vec![key("a")]),
            ("spec.env[-1]", vec![key("spec"), key("env"), Append]),
            ("spec.env.[-1]", vec![key("spec"), key("env"), Append]),
            ("a.b[3].c", vec![key("a"), key("b"), Index(3), key("c")]),
            (
                "c[name:istio-proxy].env",
                vec![key("c"), KeyValue("name".into(), "istio-proxy".into()), key("env")],
            ),
            (r"c[name:a\:b]", vec![key("c"), KeyValue("name".into(), "a:b".into())]),
            (r"a.x\.y/z", vec![key("a"), key("x.y/z")]),
            (r"e[name:a\.b]", vec![key("e"), KeyValue("name".into(), "a.b".into())]),
            ("args[:--log.*]", vec![]),
            (r"args[:--log\.*]", vec![key("args"), Matches("--log.*".into())]),
        ];
        for (text, steps) in cases {
            if steps.is_empty() {
                assert!(OverlayPath::parse(text).is_err(), "{text}");
                continue;
            }
            let path = OverlayPath::parse(text).expect(text);
            assert_eq!(path.steps, steps, "{text}");
            assert_eq!(OverlayPath::parse(&path.to_string()), Ok(path), "{text}");
        }
    }

    #[test]
    fn what_is_no_path() {
        for (text, error) in [
            ("", PathError::Empty),
            ("/spec/env/-", PathError::Pointer),
            ("a..b", PathError::EmptyElement),
            ("a.", PathError::EmptyElement),
            ("a[0", PathError::Bracket),
            ("a]", PathError::Bracket),
            ("a[0][1]", PathError::TwoBrackets),
            ("a[-2]", PathError::NegativeIndex),
            ("a[x]", PathError::Selector),
            ("a[]", PathError::Selector),
            ("a[:]", PathError::Selector),
            ("a[k:]", PathError::Selector),
            ("a[k:v:w]", PathError::Selector),
            (r"a\b", PathError::Escape),
        ] {
            assert_eq!(OverlayPath::parse(text), Err(error), "{text}");
        }
    }
}
