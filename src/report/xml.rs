//! Text in XML.

/// Text in XML, as [`escaped_with`] and U+FFFD give it.
pub(super) fn escaped(text: &str) -> String {
    escaped_with(text, '\u{fffd}')
}

/// Text in XML, with a character for each that it cannot hold: XML 1.0 has no place for most control
/// characters, escaped or not.
pub(super) fn escaped_with(text: &str, stand_in: char) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push(stand_in),
            c => out.push(c),
        }
    }
    out
}
