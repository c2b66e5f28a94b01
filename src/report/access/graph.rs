//! Who reaches what, as a graph: an edge for every pair that is allowed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::AccessTable;
use crate::report::visible;

/// For Graphviz. A dashed edge depends on the request.
pub fn dot(table: &AccessTable) -> String {
    let mut out = String::from("digraph access {\n  rankdir=LR;\n  node [shape=box];\n");
    for (number, (namespace, names)) in nodes(table).iter().enumerate() {
        let _ = writeln!(out, "  subgraph cluster_{number} {{\n    label={};", quoted(namespace));
        for name in names {
            let _ = writeln!(out, "    {};", quoted(name));
        }
        out.push_str("  }\n");
    }
    for (row, column, always) in table.allowed() {
        let style = if always { "" } else { " [style=dashed]" };
        let _ = writeln!(out, "  {} -> {}{style};", quoted(&row.name), quoted(&column.name));
    }
    out.push_str("}\n");
    out
}

/// For Mermaid. A dotted edge depends on the request.
pub fn mermaid(table: &AccessTable) -> String {
    let mut out = String::from("flowchart LR\n");
    let nodes = nodes(table);
    let mut ids: BTreeMap<&str, usize> = BTreeMap::new();
    for name in nodes.values().flatten() {
        let next = ids.len();
        ids.entry(name).or_insert(next);
    }
    for (number, (namespace, names)) in nodes.iter().enumerate() {
        let _ = writeln!(out, "  subgraph g{number}[{}]", label(namespace));
        for name in names {
            let _ = writeln!(out, "    n{}[{}]", ids[name.as_str()], label(name));
        }
        out.push_str("  end\n");
    }
    for (row, column, always) in table.allowed() {
        let arrow = if always { "-->" } else { "-.->" };
        let (from, to) = (ids[row.name.as_str()], ids[column.name.as_str()]);
        let _ = writeln!(out, "  n{from} {arrow} n{to}");
    }
    out
}

/// A label of Mermaid, which reads markup and `#` codes in it (mermaid.js.org, "Entity codes to escape
/// characters").
fn label(text: &str) -> String {
    let mut out = String::from("\"");
    for c in visible::line(text).chars() {
        match c {
            '"' | '#' | '&' | '<' | '>' | '`' | ';' | '\\' => {
                let _ = write!(out, "#{};", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Everybody, by namespace.
fn nodes(table: &AccessTable) -> BTreeMap<String, BTreeSet<String>> {
    let mut nodes: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let clients = table.rows.iter().map(|r| (&r.namespace, &r.name));
    let services = table.columns.iter().map(|c| (&c.namespace, &c.name));
    for (namespace, name) in clients.chain(services) {
        nodes.entry(namespace.clone()).or_default().insert(name.clone());
    }
    nodes
}

fn quoted(text: &str) -> String {
    let text = visible::line(text).replace('\\', "\\\\").replace('"', "'");
    format!("\"{text}\"")
}
