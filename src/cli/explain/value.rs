//! Where a value of the spec comes from: which layer of an environment wrote it, and where.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{Explain, Format, namespace};
use crate::cli::output;
use crate::cli::session::Session;
use crate::cli::terminal::Terminal;
use crate::cli::{ExitCode, Global, Usage};
use crate::diagnostic::{Sources, Span, nearest};
use crate::report::Shown;
use crate::report::visible::Lines;
use crate::validate::rule::{MASK, mask, secret_places};
use crate::yaml::{Node, Value};

/// A value that is no mapping and no list, and where it was written.
#[derive(Debug, Serialize)]
struct Leaf {
    environment: String,
    route: String,
    value: serde_json::Value,
    file: String,
    line: u32,
    column: u32,
}

impl Explain {
    /// Prints every value at and below a route, with its place.
    pub(super) fn value(
        &self,
        route: &str,
        global: &Global,
        terminal: &Terminal,
    ) -> anyhow::Result<ExitCode> {
        let session = Session::new(global, terminal)?;
        let wanted: Vec<String> = self.env.iter().cloned().collect();
        let Some(names) = session.names(&wanted) else { return Ok(ExitCode::Problems) };
        let steps = steps(route);
        let (mut found, mut missing) = (Vec::new(), None);
        for name in names {
            let Some((document, sources)) = session.document(&name) else {
                return Ok(ExitCode::Problems);
            };
            match walk(&document, &steps) {
                Ok((node, route)) => {
                    let secrets = secret_places(&document).into_iter().map(|s| s.span).collect();
                    let of = Of { environment: &name, sources: &sources, secrets };
                    leaves(node, &route, &of, &mut found);
                }
                Err(fault) => missing = missing.or(Some(fault)),
            }
        }
        if let Some(fault) = missing.filter(|_| found.is_empty()) {
            return Err(Usage::error(fault));
        }
        let text = match self.format {
            Format::Json => namespace::json(&found)?,
            Format::Text => found
                .iter()
                .map(|leaf| {
                    let Leaf { environment, route, value, file, line, column } = leaf;
                    let mut lines = Lines::default();
                    lines.line(format_args!("{environment} {route}: {value}"));
                    lines.line(format_args!("  {file}:{line}:{column}"));
                    lines.into_text()
                })
                .collect(),
        };
        output::print(&Shown::text(&text))?;
        Ok(ExitCode::Clean)
    }
}

/// `spec.clusters[east].trustDomain` or, for keys with points, `/spec/clusters/east/trustDomain`.
fn steps(route: &str) -> Vec<String> {
    if let Some(pointer) = route.strip_prefix('/') {
        return pointer.split('/').map(|s| s.replace("~1", "/").replace("~0", "~")).collect();
    }
    let (mut steps, mut step, mut inside) = (Vec::new(), String::new(), false);
    for c in route.chars() {
        match c {
            '[' | ']' => inside = c == '[',
            '.' if !inside => {}
            _ => {
                step.push(c);
                continue;
            }
        }
        if !step.is_empty() {
            steps.push(std::mem::take(&mut step));
        }
    }
    if !step.is_empty() {
        steps.push(step);
    }
    steps
}

/// Goes down by keys, by names of entries, or by their numbers. The error says where it ended.
fn walk<'n>(document: &'n Node, steps: &[String]) -> Result<(&'n Node, String), String> {
    let (mut node, mut route) = (document, String::new());
    for step in steps {
        let name = |item: &'n Node| item.get("name").and_then(Node::as_str);
        let next = match &node.value {
            Value::Mapping(_) => node.get(step),
            Value::List(items) => {
                let by_name = items.iter().find(|item| name(item) == Some(step.as_str()));
                by_name.or_else(|| items.get(step.parse::<usize>().ok()?))
            }
            _ => None,
        };
        node = next.ok_or_else(|| {
            let known: Vec<&str> = match &node.value {
                Value::Mapping(mapping) => mapping.entries.iter().map(|e| e.key.as_str()).collect(),
                Value::List(items) => items.iter().filter_map(name).collect(),
                _ => Vec::new(),
            };
            let place = if route.is_empty() { "the document" } else { route.as_str() };
            match nearest(step, known.iter().copied()) {
                Some(near) => {
                    format!("`{step}` is not set in {place}; did you mean `{near}`?")
                }
                None if known.is_empty() => format!("`{step}` is not set in {place}"),
                None => format!("`{step}` is not set in {place}, which has {}", known.join(", ")),
            }
        })?;
        route = join(&route, step);
    }
    Ok((node, route))
}

fn join(route: &str, step: &str) -> String {
    match route {
        "" => step.to_owned(),
        _ => format!("{route}/{step}"),
    }
}

/// Whose values are shown.
struct Of<'a> {
    environment: &'a str,
    sources: &'a Sources,
    /// The values that are not shown.
    secrets: BTreeSet<Span>,
}

fn leaves(node: &Node, route: &str, of: &Of<'_>, found: &mut Vec<Leaf>) {
    match &node.value {
        Value::Mapping(mapping) if !mapping.entries.is_empty() => {
            for entry in &mapping.entries {
                leaves(&entry.value, &join(route, &entry.key), of, found);
            }
        }
        Value::List(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                let name = item.get("name").and_then(Node::as_str);
                let step = name.map_or_else(|| index.to_string(), str::to_owned);
                leaves(item, &join(route, &step), of, found);
            }
        }
        _ => {
            let value = match &node.value {
                _ if of.secrets.contains(&node.span) => MASK.into(),
                Value::Text(text) => mask(text).into(),
                _ => node.to_json(),
            };
            found.push(Leaf {
                environment: of.environment.to_owned(),
                route: route.to_owned(),
                value,
                file: of.sources.get(node.span.file).map(|s| s.path.clone()).unwrap_or_default(),
                line: node.span.start.line,
                column: node.span.start.column,
            });
        }
    }
}
