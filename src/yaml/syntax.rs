//! What the parser objects to, in words for people.

use granit_parser::ErrorKind;

use crate::diagnostic::{Diagnostic, Span};

const QUOTE: &str = "quote the value";
const TAB: &str = "a tab cannot stand where a line is indented";
const INDENT: &str = "check the indentation of this line and of the one above";

/// The finding for a syntax error. `line` is the text of the line it was found on.
pub(super) fn syntax_error(kind: &ErrorKind, span: Span, line: &str, text: &str) -> Diagnostic {
    let (message, help) = match text.as_bytes().get(span.start.offset as usize) {
        Some(b'\t') => (TAB.to_owned(), Some("indent with spaces")),
        _ => in_words(kind),
    };
    let braces = line.contains("{{") || line.contains("{%");
    let help = if braces { Some("a template's braces? render the file first") } else { help };
    let found =
        Diagnostic::error("yaml-syntax", format!("not valid YAML: {message}")).at(span, "here");
    match help {
        Some(help) => found.help(help),
        None => found,
    }
}

fn in_words(kind: &ErrorKind) -> (String, Option<&'static str>) {
    let (message, help) = match kind {
        ErrorKind::UnclosedFlowCollection { open } => {
            return (format!("`{open}` is never closed"), Some("add the closing bracket"));
        }
        ErrorKind::MismatchedFlowCollectionEnd { open, close } => {
            return (format!("`{open}` is closed by `{close}`"), None);
        }
        ErrorKind::UnexpectedCharacter { character } => {
            let character = character.escape_debug();
            return (format!("a value cannot begin with `{character}`"), Some(QUOTE));
        }
        ErrorKind::UnexpectedEofFlowSequence
        | ErrorKind::UnexpectedEofFlowMapping
        | ErrorKind::UnexpectedEofImplicitFlowMapping => {
            ("a bracket is never closed", Some("add the closing bracket"))
        }
        ErrorKind::MisplacedFlowCollectionEnd => ("nothing opened this bracket", Some(QUOTE)),
        ErrorKind::ExpectedFlowMappingSeparator => {
            ("a `,` or `}` is missing", Some("close the braces, or quote the value"))
        }
        ErrorKind::ExpectedFlowSequenceSeparator => {
            ("a `,` or `]` is missing", Some("close the brackets, or quote the value"))
        }
        ErrorKind::UnclosedQuotedScalar | ErrorKind::DocumentIndicatorInQuotedScalar => {
            ("a quote is never closed", Some("add the closing quote"))
        }
        ErrorKind::InvalidTrailingSingleQuotedScalar => (
            "text follows the closing quote",
            Some("quote the whole value, and write a quote inside it twice"),
        ),
        ErrorKind::InvalidTrailingDoubleQuotedScalar => (
            "text follows the closing quote",
            Some("quote the whole value, and write a quote inside it as `\\\"`"),
        ),
        ErrorKind::UnknownQuotedScalarEscape
        | ErrorKind::InvalidQuotedScalarHexEscape
        | ErrorKind::InvalidUnicodeEscape => (
            "the text after this backslash is no escape",
            Some("write the backslash twice, or use single quotes"),
        ),
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabAtBlockScalarStart
        | ErrorKind::TabInPlainScalar => (TAB, Some("indent with spaces")),
        ErrorKind::MappingValueNotAllowed => (
            "a second `: ` on this line, or a key where none can be",
            Some("quote the value if the colon belongs to it, else check the indentation"),
        ),
        ErrorKind::InvalidColonPlacement => (
            "a `:` cannot stand here between brackets",
            Some("close the bracket above, or quote the value"),
        ),
        ErrorKind::MappingKeyNotAllowed => ("no key can stand here", Some(INDENT)),
        ErrorKind::SimpleKeyExpected => (
            "this line is neither `key: value` nor the rest of a text",
            Some("write the missing colon, or check the indentation"),
        ),
        ErrorKind::ExpectedBlockMappingKey
        | ErrorKind::ExpectedBlockSequenceEntry
        | ErrorKind::InvalidIndentation
        | ErrorKind::InvalidBlockScalarIndent
        | ErrorKind::InvalidQuotedScalarIndent
        | ErrorKind::InvalidFlowScalarIndent => {
            ("this line does not line up with those above", Some(INDENT))
        }
        ErrorKind::BlockSequenceEntryNotAllowed | ErrorKind::BlockEntryInFlowCollection => {
            ("no list item can stand here", Some("start the list on a line of its own"))
        }
        ErrorKind::ExpectedDocumentStart | ErrorKind::InvalidDocumentEnd => {
            ("text stands outside of any document", Some("separate documents with a line `---`"))
        }
        ErrorKind::InvalidSimpleKey => {
            ("a key ends on its line and within 1,024 characters", Some("shorten the key"))
        }
        ErrorKind::BomInsideDocument => {
            ("a byte-order mark stands inside the text", Some("remove the invisible U+FEFF"))
        }
        ErrorKind::CommentNotSeparated => {
            ("a comment needs a space before its `#`", Some("add the space, or quote the value"))
        }
        other => return (other.to_string(), None),
    };
    (message.to_owned(), help)
}
