//! A text changed as characters and lines.

use super::words::WORDS;
use crate::random::Random;

/// The text with a few changes; `other` is where pieces come from.
pub fn changed(text: &str, other: &str, random: &mut Random) -> String {
    let mut text = text.to_owned();
    for _ in 0..=random.below(4) {
        text = once(&text, other, random);
    }
    text
}

fn once(text: &str, other: &str, random: &mut Random) -> String {
    let (at, end) = range(text, random);
    let (before, piece, after) = (&text[..at], &text[at..end], &text[end..]);
    match random.below(8) {
        0 => format!("{before}{after}"),
        1 => {
            let (from, to) = range(other, random);
            format!("{before}{}{after}", &other[from..to])
        }
        2 => format!("{before}{}{after}", random.pick(WORDS).copied().unwrap_or_default()),
        3 => format!("{before}{}{after}", piece.repeat(2 + random.below(6))),
        4 => line(text, random, |lines, at, random| {
            let copy = lines[at].to_owned();
            lines.insert(random.below(lines.len()), copy);
        }),
        5 => line(text, random, |lines, at, _| {
            lines.remove(at);
        }),
        6 => line(text, random, |lines, at, random| {
            let indent = " ".repeat(random.below(9));
            lines[at] = format!("{indent}{}", lines[at].trim_start());
        }),
        _ => {
            let mark = [
                "\t", "\r", "&a ", "*a", "<<: *a\n", "!!str ", "\"", "'", ": ", "- ", "? ", "[",
                "{", ",", "|\n", "\n---\n", "\n...\n", "\u{0}",
            ];
            format!("{before}{}{piece}{after}", random.pick(&mark).copied().unwrap_or_default())
        }
    }
}

fn line(
    text: &str,
    random: &mut Random,
    change: impl FnOnce(&mut Vec<String>, usize, &mut Random),
) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    if lines.is_empty() {
        return text.to_owned();
    }
    let at = random.below(lines.len());
    change(&mut lines, at, random);
    lines.join("\n") + "\n"
}

/// A short piece of a text, on whole characters.
fn range(text: &str, random: &mut Random) -> (usize, usize) {
    let boundary = |at: usize| (at..=text.len()).find(|at| text.is_char_boundary(*at));
    let at = boundary(random.below(text.len() + 1)).unwrap_or(text.len());
    let length = random.below(24);
    (at, boundary((at + length).min(text.len())).unwrap_or(text.len()).max(at))
}
