//! What users wrote, on a terminal or in a page: characters that deceive are made visible.

use std::fmt;

use annotate_snippets::normalize_untrusted_str;

/// One line in which control characters and marks of direction can be seen.
pub fn line(text: &str) -> String {
    normalize_untrusted_str(text).replace('\n', "␊").chars().map(tame).collect()
}

/// Lines of a report, each one line whatever the user's words in it hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines(String);

impl Lines {
    /// One more line.
    pub fn line(&mut self, text: fmt::Arguments<'_>) {
        self.0.push_str(&line(&text.to_string()));
        self.0.push('\n');
    }

    /// All of them.
    pub fn into_text(self) -> String {
        self.0
    }
}

/// Words of another program or of the system, which may be several lines: those after the first are set
/// off, so that none looks like a line of ours.
pub fn block(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(line).collect();
    lines.join("\n    ")
}

/// Stands in for what [`normalize_untrusted_str`] leaves and some terminal obeys: C1 controls, line
/// separators, marks of direction.
pub(super) fn tame(c: char) -> char {
    match c {
        '\u{80}'..='\u{9f}'
        | '\u{ad}'
        | '\u{61c}'
        | '\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2060}'..='\u{2064}'
        | '\u{2028}'
        | '\u{2029}'
        | '\u{feff}' => char::REPLACEMENT_CHARACTER,
        c => c,
    }
}

/// The beginning of a text, in at most so many bytes and never inside of a character, with a mark
/// where something is left out. The mark takes three of the bytes.
pub fn cut(text: &str, bytes: usize) -> String {
    if text.len() <= bytes {
        return text.to_owned();
    }
    let mut end = bytes.saturating_sub('…'.len_utf8());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_is_never_inside_of_a_character() {
        let text = "aé日👩x".repeat(3);
        for bytes in 3..text.len() {
            let cut = cut(&text, bytes);
            assert!(cut.len() <= bytes && cut.ends_with('…'), "{bytes}: {cut}");
        }
        assert_eq!(cut(&text, text.len()), text);
    }

    #[test]
    fn nothing_deceives() {
        let line = line("\u{202e}a\u{2066}\u{1b}[31m\r\n\u{200b}\u{7f}");
        assert!(!line.chars().any(|c| c.is_control() || "\u{202e}\u{2066}\u{200b}".contains(c)));
    }
}
