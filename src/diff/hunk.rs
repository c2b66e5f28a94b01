//! The lines in which two texts differ.

use similar::{ChangeTag, TextDiff};

/// Lines around a change.
const CONTEXT: usize = 3;

/// A stretch of lines with at least one change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hunk {
    /// Its first line in the text before, from 1; 0 where that has none of it.
    pub before: usize,
    /// Its first line in the text after, from 1; 0 where that has none of it.
    pub after: usize,
    /// Its lines.
    pub lines: Vec<Line>,
}

/// A line of a [`Hunk`], without its line feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// On which side it is.
    pub kind: LineKind,
    /// Its text.
    pub text: String,
}

/// On which side a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineKind {
    /// On both.
    Context,
    /// Before only.
    Removed,
    /// After only.
    Added,
}

impl LineKind {
    /// What a unified diff puts in front of it.
    pub fn sign(self) -> char {
        match self {
            LineKind::Context => ' ',
            LineKind::Removed => '-',
            LineKind::Added => '+',
        }
    }
}

/// The hunks of two texts; none where they are equal. A last line without a line feed is told by a
/// line that says so, as `diff` and git do.
pub fn hunks(before: &str, after: &str) -> Vec<Hunk> {
    if before == after {
        return Vec::new();
    }
    let diff = TextDiff::from_lines(before, after);
    let mut hunks = Vec::new();
    for group in diff.grouped_ops(CONTEXT) {
        let Some(first) = group.first() else { continue };
        let (before, after) = (first.old_range().start, first.new_range().start);
        let mut hunk = Hunk { before, after, lines: Vec::new() };
        let (mut olds, mut news) = (0, 0);
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let kind = match change.tag() {
                ChangeTag::Equal => LineKind::Context,
                ChangeTag::Delete => LineKind::Removed,
                ChangeTag::Insert => LineKind::Added,
            };
            olds += usize::from(kind != LineKind::Added);
            news += usize::from(kind != LineKind::Removed);
            let text = change.value();
            let line = text.strip_suffix('\n').unwrap_or(text);
            hunk.lines.push(Line { kind, text: line.to_owned() });
            if !text.ends_with(['\n', '\r']) {
                let text = "\\ No newline at end of file".to_owned();
                hunk.lines.push(Line { kind, text });
            }
        }
        hunk.before += usize::from(olds > 0);
        hunk.after += usize::from(news > 0);
        hunks.push(hunk);
    }
    hunks
}
