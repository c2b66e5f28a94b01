//! The items of a ResourceList as they were written. What is not ours is given back byte for byte,
//! and is not read for more than its path: a value that another reader takes otherwise, a tag or a
//! comment of somebody else is no business of ours.

use crate::diagnostic::FileId;
use crate::yaml::{Budget, Node, read};

/// A ResourceList, taken apart by its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Written {
    /// The document without its items.
    pub(super) rest: String,
    /// What stands before each dash.
    pub(super) indent: usize,
    /// The lines of each item, from its dash to the next.
    pub(super) items: Vec<String>,
}

/// Takes a text apart; `None` where its items are no block list, as in JSON.
pub fn split(text: &str) -> Option<Written> {
    let mut rest = String::with_capacity(text.len());
    let mut items: Vec<String> = Vec::new();
    let mut indent = None;
    let (mut inside, mut seen) = (false, false);
    for line in text.split_inclusive('\n') {
        let bare = line.trim_end();
        let depth = bare.len() - bare.trim_start_matches(' ').len();
        let body = &bare[depth..];
        let is_blank = body.is_empty() || body.starts_with('#');
        if !inside {
            let begins = !seen && is_key(bare, "items");
            inside = begins;
            seen |= begins;
            if !begins {
                rest.push_str(line);
            }
            continue;
        }
        let is_dash = body == "-" || body.starts_with("- ");
        match indent {
            None if is_blank => rest.push_str(line),
            None if is_dash => {
                indent = Some(depth);
                items.push(line.to_owned());
            }
            Some(at) if is_dash && depth == at => items.push(line.to_owned()),
            Some(at) if is_blank || depth > at => {
                if let Some(item) = items.last_mut() {
                    item.push_str(line);
                }
            }
            None | Some(_) => {
                inside = false;
                rest.push_str(line);
            }
        }
    }
    for item in items.iter_mut().filter(|item| !item.ends_with('\n')) {
        item.push('\n');
    }
    // a mapping in block style, whose items are a block list or nothing
    let is_block =
        text.lines().any(|line| is_key(line.trim_end(), "kind") || line.starts_with("kind: "));
    (is_block && (seen || !text.contains("items"))).then_some(Written {
        rest,
        indent: indent.unwrap_or_default(),
        items,
    })
}

/// True for `key:` with nothing behind it but a comment.
fn is_key(line: &str, key: &str) -> bool {
    let Some(rest) = line.strip_prefix(key).and_then(|rest| rest.strip_prefix(':')) else {
        return false;
    };
    let rest = rest.trim_start();
    rest.is_empty() || rest.starts_with('#')
}

/// The item in the lines of one; `None` where they cannot be read.
pub(super) fn node(item: &str) -> Option<Node> {
    let (documents, _) = read(FileId::default(), item, &Budget::MANIFESTS);
    let [document] = documents.as_slice() else { return None };
    document.root.as_list()?.first().cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_taken_apart_by_their_lines() {
        let text = "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n# first\n- a: yes # kept\n  b: |\n    - x\n\n- !Tag {c: 1}\n# of the second\nfunctionConfig:\n  kind: ConfigMap\n";
        let written = split(text).unwrap();
        assert_eq!(
            written.rest,
            "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\n# first\nfunctionConfig:\n  kind: ConfigMap\n"
        );
        assert_eq!(
            written.items,
            ["- a: yes # kept\n  b: |\n    - x\n\n", "- !Tag {c: 1}\n# of the second\n"]
        );
        assert!(node(&written.items[0]).is_some() && node(&written.items[1]).is_none());
        let indented =
            split("kind: ResourceList\nitems:\n  - a: 1\n    b: 2\n  - a: 2\nx: y").unwrap();
        assert_eq!((indented.indent, indented.items.len()), (2, 2));
        assert_eq!(indented.rest, "kind: ResourceList\nx: y");
        for whole in ["{kind: ResourceList, items: []}", "{\"kind\": \"ResourceList\"}"] {
            assert_eq!(split(whole), None);
        }
        assert_eq!(split("kind: ResourceList\nitems: []\n"), None);
        assert_eq!(split("kind: ResourceList\n").map(|w| w.items.len()), Some(0));
    }
}
