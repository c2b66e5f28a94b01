//! Findings that repeat what another one says.

use super::{Diagnostic, Span};

/// Leaves out that a field is missing where it is there under a misspelt name.
pub(crate) fn drop_misspelt(found: &mut Vec<Diagnostic>) {
    let mut meant: Vec<(Span, String)> = found
        .iter()
        .filter(|d| d.code == "unknown-field")
        .filter_map(|d| {
            let word = d.help.as_deref()?.strip_prefix("did you mean ")?.strip_suffix('?')?;
            Some((d.primary.as_ref()?.span, format!("add {word}")))
        })
        .collect();
    if meant.is_empty() {
        return;
    }
    meant.sort();
    found.retain(|d| {
        let Some(place) = d.primary.as_ref().filter(|_| d.code == "missing-field") else {
            return true;
        };
        let Span { file, start, end } = place.span;
        let first = meant.partition_point(|(s, _)| (s.file, s.start) < (file, start));
        let inside = meant[first..].iter().take_while(|(s, _)| s.file == file && s.start < end);
        !inside.into_iter().any(|(s, help)| s.end <= end && d.help.as_ref() == Some(help))
    });
}

/// Leaves out errors that repeat what another one says of the same stretch of text.
///
/// - A schema finds that a value is wrong; a room that knows what the value means says more.
/// - A document that is there twice is one object twice for every room that follows.
/// - What is wrong with a default is wrong for everything that takes it.
/// - A name that TSB refuses need not be refused by Kubernetes too.
pub(super) fn drop_echoes(diagnostics: &mut Vec<Diagnostic>) {
    const OF_SCHEMAS: [&str; 3] = ["unknown-value", "wrong-type", "wrong-value"];
    const TWICE: [&str; 3] = ["duplicate-resource", "same-object", "rendered-twice"];
    let place = |d: &Diagnostic| d.primary.as_ref().filter(|_| d.is_error()).map(|p| p.span);
    let mut kept: Vec<Diagnostic> = Vec::with_capacity(diagnostics.len());
    let mut rest = std::mem::take(diagnostics).into_iter().peekable();
    while let Some(first) = rest.next() {
        let Some(span) = place(&first) else {
            kept.push(first);
            continue;
        };
        let mut here = vec![first];
        while let Some(next) = rest.next_if(|d| place(d) == Some(span)) {
            here.push(next);
        }
        let known = here.iter().any(|d| !OF_SCHEMAS.contains(&d.code));
        let advised: Vec<&str> = here.iter().filter(|d| d.help.is_some()).map(|d| d.code).collect();
        let root = TWICE.iter().find(|code| here.iter().any(|d| d.code == **code)).copied();
        let is_echo = |d: &Diagnostic, before: &[Diagnostic]| {
            (known && OF_SCHEMAS.contains(&d.code))
                || (TWICE.contains(&d.code) && root != Some(d.code))
                || (d.help.is_none() && advised.contains(&d.code))
                || (d.code == "version-gate"
                    && before.iter().any(|b| b.code == d.code && b.help == d.help))
                || (d.code == "bad-name" && before.iter().any(|b| b.code == d.code))
        };
        let begin = kept.len();
        for diagnostic in here {
            if !is_echo(&diagnostic, &kept[begin..]) {
                kept.push(diagnostic);
            }
        }
    }
    *diagnostics = kept;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{Position, sort};

    #[test]
    fn one_mistake_is_one_error() {
        let span =
            |line| Span { start: Position { line, column: 1, offset: line }, ..Span::default() };
        let error = |code, message: &str, line| Diagnostic::error(code, message).at(span(line), "");
        let mut all = vec![
            error("wrong-value", "must have another form", 1),
            error("bad-selector", "names no cluster", 1),
            error("wrong-type", "must be a text", 2),
            error("wrong-type", "must be a text", 2).help("put it in quotes"),
            error("rendered-twice", "applied twice", 3),
            error("duplicate-resource", "defined twice", 3),
            error("version-gate", "`a` needs more", 4).help("raise it"),
            error("version-gate", "`b` needs more", 4).help("raise it"),
            error("wrong-value", "one", 5).help("a"),
            error("wrong-value", "two", 5).help("b"),
            error("wrong-value", "alone", 6),
            error("bad-name", "`a` is none for TSB", 7),
            error("bad-name", "`a` is not one for Kubernetes", 7),
        ];
        sort(&mut all);
        let messages: Vec<_> = all.iter().map(|d| d.message.as_str()).collect();
        assert_eq!(
            messages,
            [
                "names no cluster",
                "must be a text",
                "defined twice",
                "`a` needs more",
                "one",
                "two",
                "alone",
                "`a` is none for TSB"
            ]
        );
        assert!(all[1].help.is_some());
    }
}
