//! Stretches of a text that are not shown.

use std::borrow::Cow;
use std::ops::Range;

/// A stretch of a text of which something else is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hidden {
    /// The bytes of the text.
    range: Range<usize>,
    /// How many bytes are shown instead.
    shown: usize,
}

/// The text with `instead` in the place of each range, however long that is. The line breaks of a
/// range stay, so that every line keeps its number.
pub fn hide<'t>(
    text: &'t str,
    ranges: Vec<Range<usize>>,
    mut instead: impl FnMut(&str) -> &'static str,
) -> (Cow<'t, str>, Vec<Hidden>) {
    let ranges = joined(text, ranges);
    if ranges.is_empty() {
        return (Cow::Borrowed(text), Vec::new());
    }
    let (mut out, mut hidden, mut from) = (String::with_capacity(text.len()), Vec::new(), 0);
    for range in ranges {
        out.push_str(&text[from..range.start]);
        let before = out.len();
        let inside = &text[range.clone()];
        out.push_str(instead(inside));
        out.extend(std::iter::repeat_n('\n', inside.matches('\n').count()));
        from = range.end;
        hidden.push(Hidden { range, shown: out.len() - before });
    }
    out.push_str(&text[from..]);
    (Cow::Owned(out), hidden)
}

/// In order, none empty, none in another, each at the bounds of characters.
pub fn joined(text: &str, mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.retain(|r| r.start < r.end && text.get(r.clone()).is_some());
    ranges.sort_by_key(|r| (r.start, r.end));
    let mut all: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match all.last_mut() {
            Some(last) if range.start < last.end => last.end = last.end.max(range.end),
            _ => all.push(range),
        }
    }
    all
}

/// Where an offset of the text is in what is shown. What is inside a hidden stretch is at its end.
pub(super) fn shown_offset(hidden: &[Hidden], offset: usize) -> usize {
    let mut shift = 0;
    let mut end = 0;
    for Hidden { range, shown } in hidden {
        if range.start >= offset {
            break;
        }
        let begin = range.start - end + shift;
        if offset < range.end {
            return begin + shown;
        }
        shift = begin + shown;
        end = range.end;
    }
    offset - end + shift
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_has_one_length_and_every_place_is_found_again() {
        let text = "a: hunter2, b: x\nc: |\n  one\n  two\nd: 1\n";
        let range = |part: &str| {
            let at = text.find(part).unwrap();
            at..at + part.len()
        };
        let ranges = vec![range("one\n  two"), range("x"), range("hunter2"), range("hunter")];
        let (shown, hidden) = hide(text, ranges, |_| "***");
        assert_eq!(shown, "a: ***, b: ***\nc: |\n  ***\n\nd: 1\n");
        for (part, wanted) in [("a", "a"), ("hunter2", "***"), ("b", "b"), ("d: 1", "d: 1")] {
            let at = shown_offset(&hidden, range(part).start);
            assert!(shown[at..].starts_with(wanted), "{part}");
        }
        assert_eq!(shown_offset(&hidden, range("nter2").start), 6);
        assert_eq!(shown_offset(&hidden, text.len()), shown.len());
    }
}
