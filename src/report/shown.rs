//! What leaves the program: nothing in it acts on a terminal or on a runner of CI.
//!
//! A report puts the user's words into lines of its own with [`visible`](super::visible); this is the last
//! step, for all of it. Runners read their commands out of what a step prints:
//! [`runner`](crate::diagnostic::runner) knows them.

use super::visible::tame;
use crate::diagnostic::runner::{begins_with_command, in_brackets};

/// Text that may be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown(String);

impl Shown {
    /// Text for people, in lines of ours.
    pub fn text(text: &str) -> Self {
        Self(without_commands(&text.chars().map(harmless).collect::<String>()))
    }

    /// As [`Shown::text`], with the colours that a report has put in: codes that hide text are not
    /// among them.
    pub fn coloured(text: &str) -> Self {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find('\u{1b}') {
            out.extend(rest[..at].chars().map(harmless));
            rest = &rest[at..];
            match colour(rest) {
                Some(length) => out.push_str(&rest[..length]),
                None => out.push(char::REPLACEMENT_CHARACTER),
            }
            rest = &rest[colour(rest).unwrap_or(1)..];
        }
        out.extend(rest.chars().map(harmless));
        Self(without_commands(&out))
    }

    /// A JSON document: the same values, with escapes for what would act.
    pub fn json(text: &str) -> Self {
        let mut out = String::with_capacity(text.len());
        for c in text.chars() {
            if harmless(c) == c {
                out.push(c);
            } else {
                // outside of strings JSON has no such character
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
        let mut text = String::with_capacity(out.len());
        let mut rest = out.as_str();
        while let Some(at) = in_brackets(rest) {
            text.push_str(&rest[..=at]);
            text.push_str("\\u0023");
            rest = &rest[at + 2..];
        }
        text.push_str(rest);
        Self(text)
    }

    /// Commands of GitHub's runner that are ours, a line each.
    pub fn commands(text: &str) -> Self {
        Self(break_brackets(&text.chars().map(harmless).collect::<String>()))
    }

    /// What another program reads byte for byte: manifests, schemas, a page. The emitter writes no
    /// value so that a runner would act on it; what is passed on unread is the other program's.
    pub fn exact(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A character, or what stands for one that acts: a control, a mark of direction.
fn harmless(c: char) -> char {
    match c {
        '\n' | '\t' => c,
        '\0'..='\u{1f}' => char::from_u32(0x2400 + c as u32).unwrap_or(char::REPLACEMENT_CHARACTER),
        '\u{7f}' => '␡',
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => char::REPLACEMENT_CHARACTER,
        c => tame(c),
    }
}

/// The length of a colour code that a text begins with.
fn colour(text: &str) -> Option<usize> {
    let codes = text.strip_prefix("\u{1b}[")?;
    let end = codes.find(|c: char| !c.is_ascii_digit() && c != ';')?;
    let is_shown =
        |code: &str| !matches!(code.trim_start_matches('0'), "5" | "6" | "7" | "8" | "28");
    // of 256 colours the number follows: `38;5;8`
    let is_colour = codes[..end].starts_with("38;5;") || codes[..end].starts_with("1;38;5;");
    let is_colour = is_colour || codes[..end].split(';').all(is_shown);
    (codes[end..].starts_with('m') && is_colour).then_some("\u{1b}[".len() + end + 1)
}

fn without_commands(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        if begins_with_command(line) {
            // blanks, two points, and what they command
            out.push_str(&line.replacen("::", ": :", 1));
        } else {
            out.push_str(line);
        }
    }
    break_brackets(&out)
}

/// `##[` and its kin with a blank behind the first sign.
fn break_brackets(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = in_brackets(rest) {
        out.push_str(&rest[..=at]);
        out.push(' ');
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What GitHub's runner takes for a command, whatever its name.
    fn runs(text: &str) -> bool {
        text.split(['\n', '\r']).any(|line| {
            let name = line.trim_start().strip_prefix("::");
            name.is_some_and(|name| !name.starts_with(':')) || line.contains("##[")
        })
    }

    #[test]
    fn commands_are_broken_and_other_text_is_as_it_was() {
        let shown = |text| Shown::text(text).as_str().to_owned();
        assert_eq!(shown("a\n  ::error::x"), "a\n  : :error::x");
        assert_eq!(shown("##[add-mask]a ##vso[x]"), "# #[add-mask]a # #vso[x]");
        assert_eq!(shown("###[x] ####[x]"), "## #[x] ### #[x]");
        assert_eq!(shown("## a [b] ### c\tx::y"), "## a [b] ### c\tx::y");
        assert_eq!(shown("\u{1b}[31m\r\u{9b}\u{202e}"), "␛[31m␍\u{fffd}\u{fffd}");
        let coloured = |text| Shown::coloured(text).as_str().to_owned();
        assert_eq!(
            coloured("\u{1b}[1m\u{1b}[38;5;9ma\u{1b}[0m"),
            "\u{1b}[1m\u{1b}[38;5;9ma\u{1b}[0m"
        );
        assert_eq!(coloured("\u{1b}[8ma\u{1b}]0;t\u{7}"), "\u{fffd}[8ma\u{fffd}]0;t␇");
        assert_eq!(Shown::json("[\"##[x]\u{9b}\"]").as_str(), r##"["#\u0023[x]\u009b"]"##);
    }

    proptest! {
        #[test]
        fn nothing_acts(text in "(\\PC|[:#\\[\n\r\t a\u{1b}\u{7}\u{9b}]|##\\[|\n::){0,40}") {
            for shown in [Shown::text(&text), Shown::coloured(&text)] {
                let shown = shown.as_str();
                prop_assert!(!runs(shown), "{shown:?}");
                let acts = shown.chars().any(|c| c.is_control() && !"\n\t\u{1b}".contains(c));
                prop_assert!(!acts);
            }
            let has_escape = Shown::text(&text).as_str().contains('\u{1b}');
            prop_assert!(!has_escape);
            let once = Shown::text(&text);
            prop_assert_eq!(Shown::text(once.as_str()), once);
        }

        #[test]
        fn json_stays_the_same_value(text in "(\\PC|[#\\[\n\u{1b}\u{7f}\u{9b}\u{202e}]){0,40}") {
            let value = serde_json::json!({"a": [&text], "b": &text});
            let shown = Shown::json(&format!("{value:#}"));
            prop_assert_eq!(serde_json::from_str::<serde_json::Value>(shown.as_str()).ok(), Some(value));
            prop_assert!(!shown.as_str().contains("##["));
        }
    }
}
