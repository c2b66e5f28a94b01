//! What is wrong, where, and what to do about it.
//!
//! A [`Diagnostic`] is data. It names a [`Span`] in a file the user wrote; [`Sources`] keeps the
//! text of those files, so that whoever prints (`report`) can show the line. Nothing here prints,
//! and nothing here knows of YAML or Kubernetes.
//!
//! Wording: one sentence, lower case, no full stop, the user's own text in backticks, never a Rust
//! type name. Advice goes into `help`.

mod echo;
mod hidden;
mod many;
pub mod page;
pub mod runner;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;
use std::sync::Arc;

pub use hidden::{Hidden, hide, joined};
pub use many::capped;
use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};

pub(crate) use self::echo::drop_misspelt;

/// A file in [`Sources`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// A place in a text: line and column from 1 (the column in characters), offset in bytes from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// Offset in bytes, from 0.
    pub offset: u32,
}

/// A stretch of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The file.
    pub file: FileId,
    /// Its first character.
    pub start: Position,
    /// Behind its last character.
    pub end: Position,
}

/// A value together with where the user wrote it.
///
/// It is deserialised from a `yaml::Node` only, which hands over the span under
/// [`SPANNED_NAME`]; any other deserialiser fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// Puts a value and its place together.
    pub fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }

    /// The same place with another value.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Spanned<U> {
        Spanned { value: f(self.value), span: self.span }
    }
}

impl<T> std::ops::Deref for Spanned<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

/// The struct name under which a deserialiser recognises [`Spanned`].
pub const SPANNED_NAME: &str = "$waypost::Spanned";
/// Its fields: seven integers of the span, then the value.
pub const SPANNED_FIELDS: &[&str] = &["file", "sl", "sc", "so", "el", "ec", "eo", "value"];

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Spanned<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Parts<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Parts<T> {
            type Value = Spanned<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value with its place")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut next = || -> Result<u32, A::Error> {
                    seq.next_element()?.ok_or_else(|| serde::de::Error::custom("span is cut short"))
                };
                let file = FileId(next()?);
                let start = Position { line: next()?, column: next()?, offset: next()? };
                let end = Position { line: next()?, column: next()?, offset: next()? };
                let value = seq
                    .next_element()?
                    .ok_or_else(|| serde::de::Error::custom("value is missing"))?;
                Ok(Spanned { value, span: Span { file, start, end } })
            }
        }
        deserializer.deserialize_struct(SPANNED_NAME, SPANNED_FIELDS, Parts(PhantomData))
    }
}

/// Where the values below a mapping stand, by JSON pointer from it: for values that are kept as
/// plain data but may be blamed later.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    values: BTreeMap<String, Span>,
    keys: BTreeMap<String, Span>,
}

impl Places {
    /// Notes where the value at a pointer stands.
    pub fn insert(&mut self, pointer: impl Into<String>, span: Span) {
        self.values.insert(pointer.into(), span);
    }

    /// Notes where the key of the value at a pointer stands.
    pub fn insert_key(&mut self, pointer: impl Into<String>, span: Span) {
        self.keys.insert(pointer.into(), span);
    }

    /// Where the value at a pointer stands.
    pub fn get(&self, pointer: &str) -> Option<Span> {
        self.values.get(pointer).copied()
    }

    /// Where its key stands, else the value itself.
    pub fn key(&self, pointer: &str) -> Option<Span> {
        self.keys.get(pointer).copied().or_else(|| self.get(pointer))
    }

    /// Where the value at a pointer stands, else the nearest that holds it.
    pub fn nearest(&self, pointer: &str) -> Option<Span> {
        let mut pointer = pointer;
        loop {
            if let Some(span) = self.get(pointer) {
                return Some(span);
            }
            pointer = &pointer[..pointer.rfind('/')?];
        }
    }
}

/// How bad it is. Errors stop what would be written; warnings and notes do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The input cannot be used as it stands.
    Error,
    /// It can, but probably not as meant.
    Warning,
    /// Worth knowing.
    Note,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        })
    }
}

/// A span and why it is shown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The stretch of text.
    pub span: Span,
    /// Why here; may be empty.
    pub label: String,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Kebab-case noun of the fault, stable: users suppress by it.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// The fault in one sentence.
    pub message: String,
    /// Where the user wrote it; `None` only where no file is to blame.
    pub primary: Option<Place>,
    /// Other places that matter.
    pub secondary: Vec<Place>,
    /// What to do.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error.
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, message)
    }

    /// A warning.
    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, message)
    }

    /// A note.
    pub fn note(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Severity::Note, code, message)
    }

    fn new(severity: Severity, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            severity,
            message: message.into(),
            primary: None,
            secondary: Vec::new(),
            help: None,
        }
    }

    /// Sets the primary place.
    #[must_use]
    pub fn at(mut self, span: Span, label: impl Into<String>) -> Self {
        self.primary = Some(Place { span, label: label.into() });
        self
    }

    /// Adds another place.
    #[must_use]
    pub fn also(mut self, span: Span, label: impl Into<String>) -> Self {
        self.secondary.push(Place { span, label: label.into() });
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same finding after its files were appended to others ([`Sources::append`]).
    #[must_use]
    pub fn shifted(mut self, files: u32) -> Self {
        for place in self.primary.iter_mut().chain(&mut self.secondary) {
            place.span.file = FileId(place.span.file.0.saturating_add(files));
        }
        self
    }

    /// True for errors.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// True when any finding is an error.
pub fn has_errors(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(Diagnostic::is_error)
}

/// Puts findings into their one order: file, place, severity, code, message; exact repetitions go.
pub fn sort(diagnostics: &mut Vec<Diagnostic>) {
    diagnostics.sort_by(|a, b| {
        let key = |d: &Diagnostic| d.primary.as_ref().map(|p| p.span);
        (key(a).is_none(), key(a), a.severity, a.code, &a.message).cmp(&(
            key(b).is_none(),
            key(b),
            b.severity,
            b.code,
            &b.message,
        ))
    });
    diagnostics.dedup();
    drop_misspelt(diagnostics);
    echo::drop_echoes(diagnostics);
}

/// Sorts, and puts what is wrong before what is only worth knowing, wherever it is written.
pub fn sort_by_severity(diagnostics: &mut Vec<Diagnostic>) {
    sort(diagnostics);
    diagnostics.sort_by_key(|d| d.severity);
}

/// A file that was read.
#[derive(Clone, Debug)]
pub struct Source {
    /// Path as a person should see it: relative, forward slashes.
    pub path: String,
    /// Its text, or what is shown instead of it.
    pub text: Arc<str>,
    /// What of the file is not shown.
    hidden: Vec<Hidden>,
}

impl Source {
    /// Where an offset of the file is in what is shown of it.
    pub fn shown_offset(&self, offset: u32) -> usize {
        hidden::shown_offset(&self.hidden, offset as usize)
    }
}

/// Every file that was read, by [`FileId`].
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<Source>,
}

impl Sources {
    /// Takes a file in.
    pub fn add(&mut self, path: impl Into<String>, text: impl Into<Arc<str>>) -> FileId {
        let id = FileId(u32::try_from(self.files.len()).unwrap_or(u32::MAX));
        self.files.push(Source { path: path.into(), text: text.into(), hidden: Vec::new() });
        id
    }

    /// Takes all files of another set in, and says by how much their ids have grown
    /// ([`Diagnostic::shifted`]).
    pub fn append(&mut self, mut others: Sources) -> u32 {
        let by = u32::try_from(self.files.len()).unwrap_or(u32::MAX);
        self.files.append(&mut others.files);
        by
    }

    /// Shows `instead` in the place of some stretches of a file.
    pub fn hide(&mut self, id: FileId, ranges: Vec<Range<usize>>, instead: &'static str) {
        let Some(source) = self.files.get_mut(id.0 as usize) else { return };
        let (text, hidden) = hide(&source.text, ranges, |_| instead);
        if let Cow::Owned(text) = text {
            source.text = text.into();
            source.hidden = hidden;
        }
    }

    /// The file behind an id.
    pub fn get(&self, id: FileId) -> Option<&Source> {
        self.files.get(id.0 as usize)
    }

    /// All files in the order they were read.
    pub fn iter(&self) -> impl Iterator<Item = (FileId, &Source)> {
        self.files.iter().enumerate().map(|(i, s)| (FileId(i as u32), s))
    }

    /// `path:line:column`, or the empty text for an unknown file.
    pub fn place(&self, span: Span) -> String {
        match self.get(span.file) {
            Some(source) => {
                format!("{}:{}:{}", source.path, span.start.line, span.start.column)
            }
            None => String::new(),
        }
    }
}

/// The nearest of some known words, if one is near enough to be what was meant.
///
/// Distance is Damerau-Levenshtein without regard to case; a third of the word may differ.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = word.to_lowercase();
    let limit = (wanted.chars().count() / 3).max(1);
    known
        .into_iter()
        .filter_map(|candidate| {
            Some((distance(&wanted, &candidate.to_lowercase(), limit)?, candidate))
        })
        .min_by_key(|(d, candidate)| (*d, candidate.len(), *candidate))
        .map(|(_, candidate)| candidate)
}

/// The Damerau-Levenshtein distance, if it is not beyond the limit.
fn distance(a: &str, b: &str, limit: usize) -> Option<usize> {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > limit {
        return None;
    }
    let mut before: Vec<usize> = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    let mut row = last.clone();
    for i in 1..=a.len() {
        row[0] = i;
        for j in 1..=b.len() {
            let cost = usize::from(a[i - 1] != b[j - 1]);
            row[j] = (last[j] + 1).min(row[j - 1] + 1).min(last[j - 1] + cost);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        // no later row is less than the lesser of two rows in a row
        if row.iter().chain(&last).all(|d| *d > limit) {
            return None;
        }
        std::mem::swap(&mut before, &mut last);
        std::mem::swap(&mut last, &mut row);
    }
    Some(last[b.len()]).filter(|d| *d <= limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_word_is_found_and_far_ones_are_not() {
        let known = ["namespaces", "name", "mode", "waypoint"];
        assert_eq!(nearest("namepsaces", known), Some("namespaces"));
        assert_eq!(nearest("Mode", known), Some("mode"));
        assert_eq!(nearest("waypiont", known), Some("waypoint"));
        assert_eq!(nearest("zzz", known), None);
        // two letters changed places at the very limit
        assert_eq!(nearest("abdc", ["abcd"]), Some("abcd"));
        assert_eq!(nearest("", ["a"]), Some("a"));
        assert_eq!(nearest("aeiou", ["bcdfg"]), None);
    }

    #[test]
    fn a_place_is_found_on_the_way_to_a_pointer() {
        let span =
            |line| Span { start: Position { line, ..Position::default() }, ..Span::default() };
        let mut places = Places::default();
        places.insert("/a", span(1));
        places.insert("/a/b/c", span(2));
        assert_eq!(places.nearest("/a/b/c"), Some(span(2)));
        assert_eq!(places.nearest("/a/b/d"), Some(span(1)));
        assert_eq!(places.nearest("/ab"), None);
        assert_eq!(places.get("/a/b"), None);
    }

    #[test]
    fn order_is_by_place_then_severity() {
        let span =
            |line| Span { start: Position { line, column: 1, offset: line }, ..Span::default() };
        let mut all = vec![
            Diagnostic::note("c", "no place"),
            Diagnostic::warning("b", "second").at(span(2), ""),
            Diagnostic::error("a", "first").at(span(1), ""),
            Diagnostic::error("a", "first").at(span(1), ""),
        ];
        sort(&mut all);
        let messages: Vec<_> = all.iter().map(|d| d.message.as_str()).collect();
        assert_eq!(messages, ["first", "second", "no place"]);
    }
}
