//! Findings that say the same of many objects: one finding, with how many there are.

use std::collections::BTreeMap;

use crate::diagnostic::{Diagnostic, Severity, Sources};

/// So many of one kind are listed each by itself.
const FEW: usize = 3;
/// So many further places are named.
const NAMED: usize = 3;

/// Makes one finding of all warnings, and of all notes, that say the same but for the names in
/// them. Errors stay: each must be fixed, where it is.
pub(super) fn fold(found: Vec<Diagnostic>, sources: &Sources) -> Vec<Diagnostic> {
    let mut alike: BTreeMap<(Severity, &'static str, String), Vec<usize>> = BTreeMap::new();
    for (at, d) in found.iter().enumerate().filter(|(_, d)| d.severity != Severity::Error) {
        alike.entry((d.severity, d.code, sentence(d))).or_default().push(at);
    }
    let mut found: Vec<Option<Diagnostic>> = found.into_iter().map(Some).collect();
    for all in alike.into_values().filter(|all| all.len() > FEW) {
        let Some((first, others)) = all.split_first() else { continue };
        let others: Vec<Diagnostic> = others.iter().filter_map(|at| found[*at].take()).collect();
        let places = others.iter().filter_map(|d| Some(sources.place(d.primary.as_ref()?.span)));
        let named: Vec<String> = places.take(NAMED).collect();
        let more = match others.len().saturating_sub(named.len()) {
            0 => String::new(),
            n => format!(" and {n} more"),
        };
        if let Some(first) = &mut found[*first] {
            let count = others.len() + 1;
            let also = format!(" ({count} times: also {}{more})", named.join(", "));
            first.message.push_str(&also);
        }
    }
    found.into_iter().flatten().collect()
}

/// What a finding says, whatever it says it of: without what stands in backticks, and without the
/// names of objects, which stand bare (`Gateway shop/web`).
fn sentence(d: &Diagnostic) -> String {
    let text = format!("{}\n{}", d.message, d.help.as_deref().unwrap_or_default());
    let outside: Vec<&str> = text.split('`').step_by(2).collect();
    let mut words = Vec::new();
    let joined = outside.join("`");
    let mut of_kind = false;
    for word in joined.split(' ') {
        // the name behind a kind
        if !of_kind {
            words.push(word);
        }
        of_kind = !of_kind && word.starts_with(|c: char| c.is_ascii_uppercase());
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{FileId, Position, Span};

    #[test]
    fn what_is_said_of_many_objects_is_said_once() {
        let mut sources = Sources::default();
        let id = sources.add("a.yaml", "");
        let at = |line| {
            let start = Position { line, column: 1, offset: line };
            Span { file: id, start, end: start }
        };
        let drift = |line| {
            Diagnostic::warning("gateway-drift", format!("waypoint `w{line}` restarts"))
                .at(at(line), "")
        };
        let named = |line| {
            Diagnostic::warning("x", format!("Gateway ns{line}/gw opens port 80")).at(at(line), "")
        };
        let error = |line| Diagnostic::error("bad-name", "`A` is not a name").at(at(line), "");
        let mut found: Vec<Diagnostic> = (1..=6).map(drift).collect();
        found.extend((1..=4).map(named));
        found.extend((1..=3).map(|l| Diagnostic::note("few", "few").at(at(l), "")));
        found.extend((1..=5).map(error));
        let folded = fold(found, &sources);
        let messages: Vec<&str> = folded.iter().map(|d| d.message.as_str()).take(2).collect();
        assert_eq!(
            messages,
            [
                "waypoint `w1` restarts (6 times: also a.yaml:2:1, a.yaml:3:1, a.yaml:4:1 and 2 more)",
                "Gateway ns1/gw opens port 80 (4 times: also a.yaml:2:1, a.yaml:3:1, a.yaml:4:1)",
            ]
        );
        assert_eq!(folded.len(), 2 + 3 + 5);
        assert_eq!(folded[0].primary.as_ref().map(|p| p.span.file), Some(FileId(0)));
    }
}
