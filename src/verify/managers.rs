//! Who owns a field, by `managedFields`: dumps have it with `--show-managed-fields` only.

use crate::k8s::Object;
use crate::yaml::{Node, Value};

/// The managers of a field, the operation behind each, in order.
pub(super) fn of(object: &Object, path: &[&str]) -> Vec<String> {
    let entries = object.body.get("metadata").and_then(|m| m.get("managedFields"));
    let entries = entries.and_then(Node::as_list).unwrap_or_default();
    let owns = |entry: &&Node| {
        let Some(mut fields) = entry.get("fieldsV1") else { return false };
        for (depth, part) in path.iter().enumerate() {
            match fields.get(&format!("f:{part}")) {
                Some(inner) => fields = inner,
                // whoever owns all of a list or mapping owns what is in it
                None => return depth > 0 && is_leaf(fields),
            }
        }
        true
    };
    let mut names: Vec<String> = entries
        .iter()
        .filter(owns)
        .filter_map(|entry| {
            let manager = entry.get("manager").and_then(Node::as_str)?;
            let operation = entry.get("operation").and_then(Node::as_str).unwrap_or("Update");
            Some(format!("{manager} ({operation})"))
        })
        .collect();
    names.sort();
    names.dedup();
    names
}

fn is_leaf(node: &Node) -> bool {
    matches!(&node.value, Value::Mapping(mapping) if mapping.entries.is_empty())
}

/// The same as words of a sentence.
pub(super) fn told(managers: &[String]) -> String {
    match managers {
        [] => "by nobody that the dump names".to_owned(),
        some => format!("by {}", some.join(" and ")),
    }
}
