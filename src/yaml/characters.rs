//! Characters that have no business in a spec: they do not survive kustomize, and they deceive
//! the reviewer who reads the diff.

use super::{Node, Value};
use crate::diagnostic::{Diagnostic, Span};

/// Reports control characters (line feed and tab excepted), U+0085, U+2028, U+2029, U+FEFF,
/// bidirectional controls and characters without a width in any key or text of a tree.
pub fn check_characters(node: &Node, found: &mut Vec<Diagnostic>) {
    match &node.value {
        Value::Text(text) => check(text, node.span, found),
        Value::List(items) => items.iter().for_each(|item| check_characters(item, found)),
        Value::Mapping(mapping) => {
            for entry in &mapping.entries {
                check(&entry.key, entry.key_span, found);
                check_characters(&entry.value, found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn check(text: &str, span: Span, found: &mut Vec<Diagnostic>) {
    if let Some(c) = text.chars().find(|c| is_refused(*c)) {
        found.push(
            Diagnostic::error(
                "control-character",
                format!("a text holds the invisible character U+{:04X}", u32::from(c)),
            )
            .at(span, "in this text")
            .help("remove it: what is rendered would not read as it is applied"),
        );
    }
}

/// The user's text as a message may hold it: short, on one line, nothing invisible.
pub(super) fn shown(text: &str) -> String {
    const MOST: usize = 60;
    let mut shown = String::new();
    for (n, c) in text.chars().enumerate() {
        if n == MOST {
            shown.push('…');
            break;
        }
        if is_refused(c) || matches!(c, '\n' | '\t') {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

fn is_refused(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(c,
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
            | '\u{00ad}' | '\u{061c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{2060}'..='\u{2064}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}')
}

/// The first character that a YAML stream may not hold unescaped, or that YAML 1.1 readers take
/// for a line break where 1.2 readers do not (U+0085, U+2028, U+2029): behind one of these, what
/// is a comment to one reader is a key to the other. A carriage return without a line feed is a line
/// break to every reader and to no terminal, diff or forge; a byte-order mark that is not the first
/// character is invisible, and a part of a key or value.
pub(super) fn first_unreadable(text: &str) -> Option<(usize, char)> {
    let control = first_control(text);
    let bytes = text.as_bytes();
    let bare = |(at, _): &(usize, &str)| bytes.get(at + 1) != Some(&b'\n');
    let carriage_return = text.match_indices('\r').find(bare).map(|(at, _)| (at, '\r'));
    let mark =
        text.match_indices('\u{feff}').find(|(at, _)| *at > 0).map(|(at, _)| (at, '\u{feff}'));
    [control, carriage_return, mark].into_iter().flatten().min()
}

fn first_control(text: &str) -> Option<(usize, char)> {
    // nearly every file passes this; without a way out of the inner loop it is many bytes a step
    let suspect = |b: &u8| (*b < 0x20) & !matches!(b, b'\t' | b'\n' | b'\r') | (*b >= 0x7f);
    let is_clean = |bytes: &[u8]| !bytes.iter().fold(false, |found, b| found | suspect(b));
    if text.as_bytes().chunks(256).all(is_clean) {
        return None;
    }
    text.char_indices().find(|(_, c)| {
        (c.is_control() && !matches!(c, '\t' | '\n' | '\r'))
            || matches!(c, '\u{2028}' | '\u{2029}' | '\u{fffe}' | '\u{ffff}')
    })
}
