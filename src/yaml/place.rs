//! Places in a text, where the parser's own are not what a person would point at.

use granit_parser::StructureStyle;

use crate::diagnostic::{Position, Span};

/// A block collection ends with its last value, not where the next token begins.
pub(super) fn collection_span(
    start: Span,
    style: StructureStyle,
    last: Option<Position>,
    end: Span,
) -> Span {
    let end = match last {
        Some(last) if style == StructureStyle::Block => last,
        _ => end.end,
    };
    // a copy made from an alias, or an empty value, may end before the collection starts
    Span { end: end.max(start.start), ..start }
}

/// The line around an offset.
pub(super) fn line_at(text: &str, offset: usize) -> &str {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    let (before, after) = text.split_at(offset);
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let end = after.find('\n').map_or(text.len(), |at| offset + at);
    &text[start..end]
}

/// The place of an offset, counted from the start.
pub(super) fn position_of(text: &str, offset: usize) -> Position {
    // a byte-order mark at the start has no column
    let skipped = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let start = Position { line: 1, column: 1, offset: narrow(skipped) };
    advanced(start, text.get(skipped..offset).unwrap_or(""))
}

/// The position behind a text that starts at a position. `\n`, `\r\n` and a lone `\r` end a line.
pub(super) fn advanced(start: Position, text: &str) -> Position {
    let mut at = start;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\n' || (c == '\r' && chars.peek() != Some(&'\n')) {
            at.line += 1;
            at.column = 1;
        } else if c != '\r' {
            at.column += 1;
        }
    }
    at.offset += narrow(text.len());
    at
}

/// Places count in 32 bits; a file is never that long.
pub(super) fn narrow(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
