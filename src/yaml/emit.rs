//! The one canonical text of a value.
//!
//! Two spaces a level, list items at the column of their key, no markers, anchors, tags, folding
//! or flow collections but the empty ones. Keys come in the order of the value. Quoting protects
//! against every YAML 1.1 and 1.2 reader; see `scalar.rs` for what counts as ambiguous. What a runner of CI
//! would take for a command, where a step prints the text, is written so that it is none.

use std::borrow::Cow;

use serde_json::{Number, Value};

use super::characters::shown;
use super::read_back::reads_back;
use super::scalar::{is_ambiguous, is_printable};
use super::shape::{Shape, Shaped};
use crate::diagnostic::runner::is_command;

/// Why a value has no canonical text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EmitError {
    /// A key as it is written may have at most 1,024 bytes: beyond, some reader refuses it.
    #[error("the key `{0}` is longer than the 1,024 bytes that every YAML reader takes")]
    KeyTooLong(String),
    /// No reader of ours would take it back.
    #[error("the value is nested more than {MOST_LEVELS} levels deep")]
    TooDeep,
    /// The text does not read back to the value: a fault of the emitter, not of the value.
    #[error("what was written does not read back as it was meant; this is a bug in waypost")]
    ReadBack,
}

/// YAML's 1,024 characters count what is written, quotes and escapes included; some readers count
/// bytes.
const MOST_KEY_BYTES: usize = 1024;
/// Lists and mappings around a value; the same as [`Budget`](super::Budget) reads.
const MOST_LEVELS: usize = 64;

/// Writes the canonical text, with a final newline.
pub fn emit<T: Shaped>(value: &T) -> Result<String, EmitError> {
    let mut out = String::with_capacity(1024);
    match value.shape() {
        Shape::Mapping(entries) if !is_empty(&entries) => mapping::<T>(&mut out, entries, 0, 1)?,
        Shape::List(items) if !items.is_empty() => list(&mut out, items, 0, 1)?,
        Shape::Text(text) => string(&mut out, text, 0),
        other => short(&mut out, &other),
    }
    Ok(out)
}

/// Writes the canonical text and reads it back with another parser, of another lineage: what is
/// handed out means what it was.
pub fn emit_checked(value: &Value) -> Result<String, EmitError> {
    let text = emit(value)?;
    if reads_back(&text, value) { Ok(text) } else { Err(EmitError::ReadBack) }
}

/// A text as it stands behind its key or dash at `column`, without the last line feed: a block
/// literal where it may be one. For templates.
pub fn block_text(text: &str, column: usize) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    string(&mut out, text, column);
    out.pop();
    out
}

/// A text as one scalar on one line, quoted where needed. For templates and splices in block
/// context: inside `[…]` or `{…}` a plain text with a comma or a bracket would fall apart.
pub fn scalar_text(text: &str) -> Cow<'_, str> {
    if is_plain(text) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 2);
    inline_string(&mut out, text);
    Cow::Owned(out)
}

fn mapping<'t, T: Shaped + 't>(
    out: &mut String,
    entries: T::Entries<'t>,
    column: usize,
    level: usize,
) -> Result<(), EmitError> {
    if level > MOST_LEVELS {
        return Err(EmitError::TooDeep);
    }
    let mut first = true;
    for (key, value) in entries {
        if !std::mem::take(&mut first) {
            indent(out, column);
        }
        let start = out.len();
        inline_string(out, key);
        if out.len() - start > MOST_KEY_BYTES {
            return Err(EmitError::KeyTooLong(shown(key)));
        }
        out.push(':');
        match value.shape() {
            Shape::Mapping(inner) if !is_empty(&inner) => {
                out.push('\n');
                indent(out, column + 2);
                mapping::<T>(out, inner, column + 2, level + 1)?;
            }
            Shape::List(items) if !items.is_empty() => {
                out.push('\n');
                indent(out, column);
                list(out, items, column, level + 1)?;
            }
            Shape::Text(text) => {
                out.push(' ');
                string(out, text, column);
            }
            other => {
                out.push(' ');
                short(out, &other);
            }
        }
    }
    Ok(())
}

fn list<T: Shaped>(
    out: &mut String,
    items: &[T],
    column: usize,
    level: usize,
) -> Result<(), EmitError> {
    if level > MOST_LEVELS {
        return Err(EmitError::TooDeep);
    }
    let mut first = true;
    for item in items {
        if !std::mem::take(&mut first) {
            indent(out, column);
        }
        out.push_str("- ");
        match item.shape() {
            Shape::Mapping(inner) if !is_empty(&inner) => {
                mapping::<T>(out, inner, column + 2, level + 1)?;
            }
            Shape::List(inner) if !inner.is_empty() => list(out, inner, column + 2, level + 1)?,
            Shape::Text(text) => string(out, text, column),
            other => short(out, &other),
        }
    }
    Ok(())
}

fn is_empty<'t, T: 't>(entries: &(impl Iterator<Item = (&'t str, &'t T)> + Clone)) -> bool {
    entries.clone().next().is_none()
}

fn indent(out: &mut String, column: usize) {
    const SPACES: &str = "                                ";
    match SPACES.get(..column) {
        Some(spaces) => out.push_str(spaces),
        None => out.extend(std::iter::repeat_n(' ', column)),
    }
}

/// What stands on one line and is no text, with its line feed.
fn short<T: Shaped>(out: &mut String, shape: &Shape<'_, T>) {
    match shape {
        Shape::Null => out.push_str("null"),
        Shape::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Shape::Number(n) => number(out, n),
        Shape::List(_) => out.push_str("[]"),
        Shape::Mapping(_) => out.push_str("{}"),
        Shape::Text(text) => inline_string(out, text),
    }
    out.push('\n');
}

/// YAML 1.1 readers take a float only with a point and a signed exponent: `1.0e+100`.
fn number(out: &mut String, n: &Number) {
    let text = n.to_string();
    if !n.is_f64() {
        out.push_str(&text);
        return;
    }
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, ""));
    out.push_str(mantissa);
    if !mantissa.contains('.') {
        out.push_str(".0");
    }
    if !exponent.is_empty() {
        out.push('e');
        if !exponent.starts_with(['+', '-']) {
            out.push('+');
        }
        out.push_str(exponent);
    }
}

/// A string value with its final newline; a block literal's body stands two columns right of
/// `column`.
fn string(out: &mut String, text: &str, column: usize) {
    if is_block_literal(text) {
        let body = text.trim_end_matches('\n');
        out.push_str(match text.len() - body.len() {
            0 => "|-",
            1 => "|",
            _ => "|+",
        });
        out.push('\n');
        for line in body.split('\n') {
            if !line.is_empty() {
                indent(out, column + 2);
                out.push_str(line);
            }
            out.push('\n');
        }
        // `|+` keeps what follows the body; the first of the line feeds has been written
        for _ in 1..text.len() - body.len() {
            out.push('\n');
        }
        return;
    }
    inline_string(out, text);
    out.push('\n');
}

fn is_block_literal(text: &str) -> bool {
    text.contains('\n')
        && !is_command(text)
        && !text.starts_with([' ', '\t', '\n'])
        && text.chars().all(|c| c == '\n' || is_printable(c))
        && text.split('\n').all(|line| !line.ends_with(' '))
}

fn inline_string(out: &mut String, text: &str) {
    if is_plain(text) {
        out.push_str(text);
    } else if is_ambiguous(text) || is_command(text) || !text.chars().all(is_printable) {
        double_quoted(out, text);
    } else {
        out.push('\'');
        for (i, part) in text.split('\'').enumerate() {
            if i > 0 {
                out.push_str("''");
            }
            out.push_str(part);
        }
        out.push('\'');
    }
}

fn is_plain(text: &str) -> bool {
    let bytes = text.as_bytes();
    let Some(&first) = bytes.first() else { return false };
    // the common case first: names, versions, paths, principals; without a way out of the loop it
    // is many bytes a step
    let is_harmless = |b: &u8| matches!(b, 0x21..=0x7e) & (*b != b':') & (*b != b'#');
    if first.is_ascii_alphabetic()
        && bytes.iter().fold(true, |harmless, b| harmless & is_harmless(b))
    {
        return !is_ambiguous(text);
    }
    if is_ambiguous(text) || is_command(text) || !text.chars().all(is_printable) {
        return false;
    }
    let indicator = match first {
        b' ' | b'?' | b':' | b',' | b'[' | b']' | b'{' | b'}' | b'#' | b'&' | b'*' | b'!'
        | b'|' | b'>' | b'\'' | b'"' | b'%' | b'@' | b'`' | b'=' | b'<' | b'~' => true,
        b'-' => !bytes.get(1).is_some_and(u8::is_ascii_alphanumeric),
        _ => false,
    };
    let space_at_an_end = |c: Option<char>| c.is_some_and(|c| !c.is_ascii() && c.is_whitespace());
    !(indicator
        || text.starts_with("---")
        || text.starts_with("...")
        || text.ends_with([' ', ':'])
        || space_at_an_end(text.chars().next())
        || space_at_an_end(text.chars().next_back())
        || text.contains(": ")
        || text.contains(" #"))
}

fn double_quoted(out: &mut String, text: &str) {
    use std::fmt::Write;
    out.push('"');
    let is_command = is_command(text);
    for c in text.chars() {
        match c {
            // a command of a runner stands in one line with its key, and has no two signs
            '#' if is_command => out.push_str("\\x23"),
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            '\0' => out.push_str("\\0"),
            c if is_printable(c) => out.push(c),
            c => {
                let code = u32::from(c);
                // writing to a String cannot fail
                let _ = match code {
                    0..0x100 => write!(out, "\\x{code:02x}"),
                    0x100..0x1_0000 => write!(out, "\\u{code:04x}"),
                    _ => write!(out, "\\U{code:08x}"),
                };
            }
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Span;
    use crate::yaml::Node;
    use serde_json::json;

    #[test]
    fn layout() {
        let value = json!({
            "a": {"b": [1, {"c": [], "d": [[1, 2], []]}], "e": {}},
            "f": [{"g": "x"}, "y"],
            "text": "one\ntwo\n",
            "keep": "one\n\n",
            "float": 1e100,
        });
        let text = emit_checked(&value).unwrap_or_default();
        assert_eq!(
            text,
            "a:\n  b:\n  - 1\n  - c: []\n    d:\n    - - 1\n      - 2\n    - []\n  e: {}\nf:\n- g: x\n- \"y\"\ntext: |\n  one\n  two\nkeep: |+\n  one\n\nfloat: 1.0e+100\n"
        );
    }

    #[test]
    fn spanned_trees_are_written_as_values_are() {
        let value = json!({"z": [null, {"a": {}}, [[]], "- x"], "a": "one\ntwo\n", "n": [1.5, -2]});
        let node = Node::from_json(&value, Span::default());
        assert_eq!(emit(&node), emit(&value));
    }

    #[test]
    fn commands_of_runners_are_values_and_no_commands() {
        let acts = "a\n  ::error file=x::gotcha\n##[add-mask]y\n";
        let value =
            json!({"text": acts, "one": "##vso[task]x", "list": ["::stop::"], "fine": "a::b # c"});
        let text = emit(&value).unwrap();
        assert!(!is_command(&text), "{text}");
        let (documents, _) = crate::yaml::read(
            crate::diagnostic::FileId::default(),
            &text,
            &crate::yaml::Budget::RENDERED,
        );
        assert_eq!(documents[0].root.to_json(), value);
    }

    #[test]
    fn quoting() {
        for (text, expected) in [
            ("yes", "\"yes\""),
            ("8080", "\"8080\""),
            ("a: b", "'a: b'"),
            ("it's", "it's"),
            ("'a'", "'''a'''"),
            ("-a", "-a"),
            ("- a", "'- a'"),
            ("*/client", "'*/client'"),
            ("a.local/ns/b/*", "a.local/ns/b/*"),
            ("a,b[c]", "a,b[c]"),
            ("a:b#c", "a:b#c"),
            ("a #b", "'a #b'"),
            ("a:", "'a:'"),
            ("10.0.0.1", "10.0.0.1"),
            ("\u{7}", "\"\\x07\""),
            ("\u{2028}", "\"\\u2028\""),
        ] {
            assert_eq!(scalar_text(text), expected);
        }
    }
}
