//! Keys that are given more than once.

use super::Entry;

/// Below this many entries comparing all pairs is cheaper than sorting.
const FEW: usize = 16;

/// Each repeated entry with the first of its key, in the order of the file.
///
/// Keys are compared as text: `1` and `"1"` are the same key, as they are in JSON.
pub(super) fn duplicates(entries: &[Entry]) -> Vec<(&Entry, &Entry)> {
    if entries.len() <= FEW {
        let mut found = Vec::new();
        for (i, again) in entries.iter().enumerate() {
            if let Some(first) = entries[..i].iter().find(|e| e.key == again.key) {
                found.push((first, again));
            }
        }
        return found;
    }
    let mut order: Vec<usize> = (0..entries.len()).collect();
    order.sort_by(|a, b| entries[*a].key.cmp(&entries[*b].key));
    let mut repeated: Vec<(usize, usize)> = Vec::new();
    // the sort is stable: the first of each run is the first in the file
    for run in order.chunk_by(|a, b| entries[*a].key == entries[*b].key) {
        repeated.extend(run[1..].iter().map(|again| (run[0], *again)));
    }
    repeated.sort_by_key(|(_, again)| *again);
    repeated.into_iter().map(|(first, again)| (&entries[first], &entries[again])).collect()
}
