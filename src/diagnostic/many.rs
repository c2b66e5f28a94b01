//! Findings beyond what a person reads.

use std::collections::BTreeMap;

use super::{Diagnostic, FileId};

/// So many findings of one code are shown for one file.
const SHOWN: usize = 100;

/// The findings without those beyond the first hundred of a code in a file, and instead of these how
/// many more there are. Whoever counts findings does it before.
pub fn capped(found: Vec<Diagnostic>) -> Vec<Diagnostic> {
    if found.len() <= SHOWN {
        return found;
    }
    let file = |d: &Diagnostic| d.primary.as_ref().map(|place| place.span.file);
    let mut seen: BTreeMap<(&'static str, Option<FileId>), usize> = BTreeMap::new();
    for d in &found {
        *seen.entry((d.code, file(d))).or_default() += 1;
    }
    let mut shown: BTreeMap<(&'static str, Option<FileId>), usize> = BTreeMap::new();
    let mut kept = Vec::new();
    for mut d in found {
        let key = (d.code, file(&d));
        let count = shown.entry(key).or_default();
        *count += 1;
        if *count <= SHOWN {
            kept.push(d);
        } else if *count == SHOWN + 1 {
            let more = seen.get(&key).map_or(1, |all| all - SHOWN);
            d.message = format!("{more} more findings `{}` are not shown", d.code);
            d.secondary.clear();
            if let Some(place) = &mut d.primary {
                place.label = "the next of them".to_owned();
            }
            d.help = Some("fix the first ones, and ask again".to_owned());
            kept.push(d);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{Position, Span};

    #[test]
    fn the_first_hundred_of_a_file_and_a_count() {
        let at = |file, line| {
            let start = Position { line, column: 1, offset: line };
            Span { file: FileId(file), start, end: start }
        };
        let mut found: Vec<Diagnostic> =
            (0..250).map(|l| Diagnostic::error("a", "m").at(at(0, l), "")).collect();
        found.extend((0..100).map(|l| Diagnostic::error("a", "m").at(at(1, l), "")));
        found.push(Diagnostic::error("b", "m").at(at(0, 300), ""));
        let kept = capped(found);
        assert_eq!(kept.len(), 100 + 1 + 100 + 1);
        assert_eq!(kept[100].message, "150 more findings `a` are not shown");
        assert_eq!(kept[100].primary.as_ref().map(|p| p.span.start.line), Some(100));
        assert_eq!(capped(kept.clone()).len(), kept.len());
    }
}
