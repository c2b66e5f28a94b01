//! The merge key `<<`, as Kubernetes' readers take it.
//!
//! sigs.k8s.io/yaml `goyaml.v2/decode.go` `merge` and kyaml merge alike as long as `<<` comes before
//! what replaces its entries: then what the mapping says itself stands, and of several mappings the
//! first. Behind an entry of the same key they part: the one takes what is merged, the other what is
//! written.

use std::collections::BTreeMap;

use super::{Entry, Node, Value, fault};
use crate::diagnostic::{Diagnostic, Span};

/// A merge key: its place, the value, and how many entries of the mapping are before it.
pub(super) struct Merge {
    pub(super) key: Span,
    pub(super) value: Node,
    pub(super) before: usize,
}

/// Adds what is merged to the entries of a mapping.
pub(super) fn apply(entries: &mut Vec<Entry>, merges: Vec<Merge>, found: &mut Vec<Diagnostic>) {
    let written: BTreeMap<String, usize> =
        entries.iter().enumerate().map(|(at, entry)| (entry.key.clone(), at)).collect();
    let mut merged: Vec<Entry> = Vec::new();
    for (n, Merge { key, value, before }) in merges.into_iter().enumerate() {
        if n > 0 {
            found.push(fault::merged_twice(key));
            continue;
        }
        let Some(sources) = sources(value) else {
            found.push(fault::merge_of_no_mapping(key));
            continue;
        };
        for mut entry in sources.into_iter().flatten() {
            match written.get(&entry.key) {
                Some(at) if *at < before => {
                    let is_same = entries.get(*at).is_some_and(|e| same(&e.value, &entry.value));
                    if !is_same {
                        found.push(fault::merged_late(&entry.key, key));
                    }
                }
                Some(_) => {}
                None if merged.iter().any(|known| known.key == entry.key) => {}
                None => {
                    entry.key_span = key;
                    merged.push(entry);
                }
            }
        }
    }
    entries.append(&mut merged);
}

/// The mappings that are merged, one or a list of them.
fn sources(value: Node) -> Option<Vec<Vec<Entry>>> {
    match value.value {
        Value::Mapping(mapping) => Some(vec![mapping.entries]),
        Value::List(items) => items
            .into_iter()
            .map(|item| match item.value {
                Value::Mapping(mapping) => Some(mapping.entries),
                _ => None,
            })
            .collect(),
        _ => None,
    }
}

fn same(a: &Node, b: &Node) -> bool {
    a.to_json() == b.to_json()
}
