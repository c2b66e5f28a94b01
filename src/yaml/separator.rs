//! What looks like the end of a document, or like indentation, and is neither.

use granit_parser::ErrorKind;

use super::place::{advanced, narrow};
use crate::diagnostic::{FileId, Position, Span};

/// The `---` at the end of the line above a key that is there for the second time: glued to a value
/// it is a part of that, and what should be the next document goes on with this one.
pub(super) fn glued(file: FileId, text: &str, again: Span) -> Option<Span> {
    let key = again.start.offset as usize;
    let above = text.get(..key)?.rfind('\n')?;
    let begin = text[..above].rfind('\n').map_or(0, |at| at + 1);
    let line = text[begin..above].trim_end();
    let value = line.strip_suffix("---")?;
    if value.trim().is_empty() || value.ends_with('-') {
        return None;
    }
    let column = narrow(value.chars().count()) + 1;
    let start =
        Position { line: again.start.line - 1, column, offset: narrow(begin + value.len()) };
    Some(Span { file, start, end: advanced(start, "---") })
}

/// True for a line such as `---# note` or `---apiVersion: v1`: only white space ends a separator.
pub(super) fn is_unfinished(line: &str) -> bool {
    line.strip_prefix("---").is_some_and(|rest| {
        rest.starts_with(|c: char| c == '#' || c.is_ascii_alphanumeric() || c == '{')
    })
}

/// The parser names where it gave up. Where a tab made it do so, the tab is to blame: the one in
/// front of the next text, or that of a line of white space above, which ends a block text.
pub(super) fn blamed_tab(text: &str, kind: &ErrorKind, span: Span) -> Span {
    let at = span.start.offset as usize;
    let tab = match kind {
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabAtBlockScalarStart
        | ErrorKind::TabInPlainScalar => below(text, at),
        ErrorKind::ExpectedBlockMappingKey
        | ErrorKind::ExpectedBlockSequenceEntry
        | ErrorKind::InvalidIndentation
        | ErrorKind::InvalidBlockScalarIndent
        | ErrorKind::MappingValueNotAllowed
        | ErrorKind::SimpleKeyExpected
        | ErrorKind::ExpectedDocumentStart => above(text, at),
        _ => None,
    };
    let Some(tab) = tab else { return span };
    let start = Position { line: 1, column: 1, offset: 0 };
    let start = advanced(start, &text[..tab]);
    Span { start, end: start, ..span }
}

/// The first tab in white space from an offset on.
fn below(text: &str, at: usize) -> Option<usize> {
    let rest = text.get(at..)?;
    let tab = rest.find('\t')?;
    // a tab far away is another matter
    (rest[..tab].matches('\n').count() <= 2).then_some(at + tab)
}

/// The tab of the lines of white space right above an offset.
fn above(text: &str, at: usize) -> Option<usize> {
    let mut end = text.get(..at)?.rfind('\n')?;
    loop {
        let begin = text[..end].rfind('\n').map_or(0, |at| at + 1);
        let line = &text[begin..end];
        if !line.trim().is_empty() {
            return None;
        }
        if let Some(tab) = line.find('\t') {
            return Some(begin + tab);
        }
        end = begin.checked_sub(1)?;
    }
}
