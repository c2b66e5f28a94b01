//! `x-kubernetes-list-type`: lists whose items must differ
//! (apiextensions-apiserver `listtype.ValidateListSetsAndMaps`).

use std::collections::BTreeMap;

use serde_json::Value;

use super::structural::{Structural, Unique};
use crate::diagnostic::Diagnostic;
use crate::yaml::Node;

impl Structural {
    /// Reports items of sets and maps that are there twice.
    pub(super) fn check_lists(&self, value: &Value, node: &Node, found: &mut Vec<Diagnostic>) {
        if !self.has_unique {
            return;
        }
        match value {
            Value::Object(map) => {
                for (name, value) in map {
                    if let Some(child) = self.field(name) {
                        child.check_lists(value, node.get(name).unwrap_or(node), found);
                    }
                }
            }
            Value::Array(items) => {
                let nodes = node.as_list().unwrap_or_default();
                self.check_unique(items, nodes, found);
                if let Some(child) = &self.items {
                    for (item, node) in items.iter().zip(nodes) {
                        child.check_lists(item, node, found);
                    }
                }
            }
            _ => {}
        }
    }

    fn check_unique(&self, items: &[Value], nodes: &[Node], found: &mut Vec<Diagnostic>) {
        if self.unique == Unique::No {
            return;
        }
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        for (at, item) in items.iter().enumerate() {
            let identity = match &self.unique {
                Unique::No | Unique::Items => item.to_string(),
                Unique::Keys(keys) => keys.iter().map(|k| format!("{:?};", item.get(k))).collect(),
            };
            let Some(first) = seen.insert(identity, at) else { continue };
            let (Some(here), Some(before)) = (nodes.get(at), nodes.get(first)) else { continue };
            found.push(
                Diagnostic::error("duplicate-item", "this item is in the list twice")
                    .at(here.span, self.unique.words())
                    .also(before.span, "first here")
                    .help("keep one of them"),
            );
        }
    }
}

impl Unique {
    fn words(&self) -> String {
        match self {
            Unique::No | Unique::Items => "the list is a set".to_owned(),
            Unique::Keys(keys) => format!("items must differ in {}", keys.join(", ")),
        }
    }
}
