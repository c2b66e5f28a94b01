//! Text to spanned documents.
//!
//! The parser underneath (`granit-parser`) gives events with byte spans; everything that decides
//! what the events *mean* is here: the core schema, duplicate keys, budgets, aliases.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use granit_parser::{Event, Marker, Parser, ScalarStyle, StructureStyle, Tag};

use super::scalar::{differs_in_yaml_1_1, resolve_plain};
use super::{Document, Entry, Mapping, Node, Value};
use crate::diagnostic::{Diagnostic, FileId, Position, Span};

/// How much input is taken. Beyond it the file is refused, before it can hurt.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Bytes of one file.
    pub bytes: usize,
    /// Nesting levels.
    pub depth: usize,
    /// Nodes of one file, aliases expanded.
    pub nodes: usize,
    /// Nodes that grow from aliases.
    pub alias_nodes: usize,
}

impl Budget {
    /// For what people write: 4 MiB a file (facts/gitops-delivery.md 8.3 T3).
    pub const SPEC: Budget =
        Budget { bytes: 4 << 20, depth: 64, nodes: 2_000_000, alias_nodes: 100_000 };

    /// For manifests and dumps of clusters, which machines write.
    pub const MANIFESTS: Budget =
        Budget { bytes: 128 << 20, depth: 64, nodes: 20_000_000, alias_nodes: 100_000 };
}

/// Reads all documents of a text. A document that holds an error is left out; the findings say
/// why. After a syntax error nothing more of the file is read.
pub fn read(file: FileId, text: &str, budget: &Budget) -> (Vec<Document>, Vec<Diagnostic>) {
    let mut reader = Reader::new(file, text, budget);
    let documents = reader.documents();
    (documents, reader.found)
}

struct Reader<'t> {
    file: FileId,
    text: &'t str,
    budget: &'t Budget,
    parser: Parser<'t, granit_parser::StrInput<'t>>,
    found: Vec<Diagnostic>,
    nodes: usize,
    alias_nodes: usize,
    /// Anchored nodes of the current document, with their size.
    anchors: HashMap<usize, (Rc<Node>, usize)>,
}

/// A fault after which the file cannot be read on; it has been reported.
struct Stop;

impl<'t> Reader<'t> {
    fn new(file: FileId, text: &'t str, budget: &'t Budget) -> Self {
        let mut options = granit_parser::Options::default();
        options.set_emit_comments(false);
        // one more than ours, so that the budget speaks, not the parser
        options.flow_nesting_limit = budget.depth + 1;
        options.block_nesting_limit = budget.depth + 1;
        Self {
            file,
            text,
            budget,
            parser: Parser::new_from_str_with_options(text, options),
            found: Vec::new(),
            nodes: 0,
            alias_nodes: 0,
            anchors: HashMap::new(),
        }
    }

    fn documents(&mut self) -> Vec<Document> {
        let mut documents = Vec::new();
        if self.text.len() > self.budget.bytes {
            self.found.push(
                Diagnostic::error(
                    "too-large",
                    format!(
                        "the file has {} bytes, more than the {} that are read",
                        self.text.len(),
                        self.budget.bytes
                    ),
                )
                .at(self.point(Position { line: 1, column: 1, offset: 0 }), "")
                .help("split it into several files"),
            );
            return documents;
        }
        let mut index = 0;
        loop {
            match self.next() {
                Ok(Some((Event::DocumentStart(..), _))) => {
                    self.anchors.clear();
                    let errors = self.errors();
                    let Ok(root) = self.node(0) else { return documents };
                    // a document of comments only is no document
                    let empty = root.is_null() && root.span.start.offset == root.span.end.offset;
                    if !empty {
                        if self.errors() == errors {
                            documents.push(Document { index, root });
                        }
                        index += 1;
                    }
                }
                Ok(Some((Event::StreamEnd, _)) | None) | Err(Stop) => return documents,
                Ok(Some(_)) => {}
            }
        }
    }

    fn errors(&self) -> usize {
        self.found.iter().filter(|d| d.is_error()).count()
    }

    fn next(&mut self) -> Result<Option<(Event<'t>, Span)>, Stop> {
        match self.parser.next_event() {
            None => Ok(None),
            Some(Ok((event, span))) => {
                let span = self.span(span.start, span.end);
                Ok(Some((event, span)))
            }
            Some(Err(error)) => {
                let at = self.position(*error.marker());
                self.found.push(self.syntax(at, &error.info()));
                Err(Stop)
            }
        }
    }

    fn syntax(&self, at: Position, info: &str) -> Diagnostic {
        if info.contains("nesting") || info.contains("recursion") {
            return self.too_deep(self.point(at));
        }
        let info = info.trim_end_matches('.');
        let mut lower = info.to_owned();
        if let Some(first) = lower.get(..1) {
            let first = first.to_lowercase();
            lower.replace_range(..1, &first);
        }
        let diagnostic = Diagnostic::error("yaml-syntax", format!("not valid YAML: {lower}"))
            .at(self.point(at), "");
        if self.text.contains("{{") {
            diagnostic.help("a template's braces in this file? render it first")
        } else {
            diagnostic
        }
    }

    fn too_deep(&self, span: Span) -> Diagnostic {
        Diagnostic::error("too-deep", format!("nested more than {} levels deep", self.budget.depth))
            .at(span, "")
    }

    /// Reads one node; its first event is the next one.
    fn node(&mut self, depth: usize) -> Result<Node, Stop> {
        match self.next()? {
            Some((event, span)) => self.node_from(event, span, depth),
            None => Err(Stop),
        }
    }

    fn node_from(&mut self, event: Event<'t>, span: Span, depth: usize) -> Result<Node, Stop> {
        self.charge(1, span)?;
        if depth > self.budget.depth {
            self.found.push(self.too_deep(span));
            return Err(Stop);
        }
        let before = self.nodes;
        let (anchor, node) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let is_text = self.tag(tag.as_deref(), span);
                let value = if style == ScalarStyle::Plain && !is_text {
                    self.plain(&text, span)
                } else {
                    Value::Text(text.into_owned())
                };
                (anchor, Node { span, value })
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.tag(tag.as_deref(), span);
                (anchor, self.list(span, depth)?)
            }
            Event::MappingStart(style, anchor, tag) => {
                self.tag(tag.as_deref(), span);
                (anchor, self.mapping(span, style, depth)?)
            }
            Event::Alias(id) => (0, self.alias(id, span)?),
            // not reachable from a well-formed event stream
            _ => return Err(Stop),
        };
        if anchor > 0 {
            let size = self.nodes - before + 1;
            self.anchors.insert(anchor, (Rc::new(node.clone()), size));
        }
        Ok(node)
    }

    fn list(&mut self, start: Span, depth: usize) -> Result<Node, Stop> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                Some((Event::SequenceEnd, end)) => {
                    return Ok(self.collection(start, end, Value::List(items)));
                }
                Some((event, span)) => items.push(self.node_from(event, span, depth + 1)?),
                None => return Err(Stop),
            }
        }
    }

    fn mapping(&mut self, start: Span, style: StructureStyle, depth: usize) -> Result<Node, Stop> {
        let mut entries: Vec<Entry> = Vec::new();
        // a linear scan is cheaper for small mappings
        let mut seen: Option<HashSet<String>> = None;
        loop {
            let (event, span) = match self.next()? {
                Some((Event::MappingEnd, end)) => {
                    return Ok(self.collection(start, end, Value::Mapping(Mapping { entries })));
                }
                Some(next) => next,
                None => return Err(Stop),
            };
            let plain_merge = matches!(&event,
                Event::Scalar(text, ScalarStyle::Plain, _, None) if text == "<<");
            let key_node = self.node_from(event, span, depth + 1)?;
            let key_span = key_node.span;
            let key = self.key(key_node, plain_merge, style);
            let value = self.node(depth + 1)?;
            let Some(key) = key else { continue };
            let duplicate = match &mut seen {
                Some(set) => !set.insert(key.clone()),
                None => entries.iter().any(|e| e.key == key),
            };
            if duplicate {
                let first = entries.iter().find(|e| e.key == key).map_or(key_span, |e| e.key_span);
                self.found.push(
                    Diagnostic::error("duplicate-key", format!("the key `{key}` is given twice"))
                        .at(key_span, "again here")
                        .also(first, "first here")
                        .help("keep one of them: readers disagree which one counts"),
                );
                continue;
            }
            entries.push(Entry { key, key_span, value });
            if seen.is_none() && entries.len() > 16 {
                seen = Some(entries.iter().map(|e| e.key.clone()).collect());
            }
        }
    }

    /// The key's text; `None` when it was refused.
    fn key(&mut self, node: Node, plain_merge: bool, style: StructureStyle) -> Option<String> {
        if plain_merge {
            self.found.push(
                Diagnostic::error("merge-key", "the merge key `<<` is not taken")
                    .at(node.span, "readers disagree on what it does")
                    .help("write the entries out, or quote the key if `<<` is its name"),
            );
            return None;
        }
        match node.value {
            Value::Null => Some("null".into()),
            Value::Bool(b) => Some(b.to_string()),
            Value::Number(n) => Some(n.to_string()),
            Value::Text(t) => Some(t),
            Value::List(_) | Value::Mapping(_) => {
                let braces = style == StructureStyle::Flow && self.text.contains("{{");
                let diagnostic =
                    Diagnostic::error("complex-key", "a key must be a single word or number")
                        .at(node.span, "this is a list or a mapping");
                self.found.push(if braces {
                    diagnostic.help("these look like a template's braces: render the file first")
                } else {
                    diagnostic
                });
                None
            }
        }
    }

    fn plain(&mut self, text: &str, span: Span) -> Value {
        let value = resolve_plain(text);
        if differs_in_yaml_1_1(text, &value) {
            let read_as = match &value {
                Value::Number(n) => format!("the number {n}"),
                _ => "text".to_owned(),
            };
            self.found.push(
                Diagnostic::warning(
                    "ambiguous-scalar",
                    format!("`{text}` is read as {read_as} here and as something else by YAML 1.1 readers such as kubectl"),
                )
                .at(span, "")
                .help(format!("quote it: \"{text}\"")),
            );
        }
        value
    }

    /// True when the tag says "text". Every other tag is refused.
    fn tag(&mut self, tag: Option<&Tag>, span: Span) -> bool {
        let Some(tag) = tag else { return false };
        if tag.is_yaml_core_schema_tag("str") {
            return true;
        }
        self.found.push(
            Diagnostic::error("yaml-tag", format!("the tag `{}` is not taken", tag.original()))
                .at(span, "on this value")
                .help("remove it; only `!!str` has a meaning here"),
        );
        false
    }

    fn alias(&mut self, id: usize, span: Span) -> Result<Node, Stop> {
        let Some((node, size)) = self.anchors.get(&id) else {
            self.found.push(
                Diagnostic::error("unknown-alias", "this alias has no anchor before it")
                    .at(span, ""),
            );
            return Err(Stop);
        };
        let (node, size) = (Rc::clone(node), *size);
        self.alias_nodes += size;
        if self.alias_nodes > self.budget.alias_nodes {
            self.found.push(
                Diagnostic::error(
                    "alias-bomb",
                    format!("aliases grow to more than {} values", self.budget.alias_nodes),
                )
                .at(span, "with this alias")
                .help("write the values out"),
            );
            return Err(Stop);
        }
        self.charge(size, span)?;
        Ok(Node { span, value: node.value.clone() })
    }

    fn charge(&mut self, nodes: usize, span: Span) -> Result<(), Stop> {
        self.nodes += nodes;
        if self.nodes > self.budget.nodes {
            self.found.push(
                Diagnostic::error(
                    "too-large",
                    format!("the file holds more than {} values", self.budget.nodes),
                )
                .at(span, "here")
                .help("split it into several files"),
            );
            return Err(Stop);
        }
        Ok(())
    }

    fn collection(&self, start: Span, end: Span, value: Value) -> Node {
        Node { span: Span { file: self.file, start: start.start, end: end.end }, value }
    }

    fn span(&self, start: Marker, end: Marker) -> Span {
        Span { file: self.file, start: self.position(start), end: self.position(end) }
    }

    fn point(&self, at: Position) -> Span {
        Span { file: self.file, start: at, end: at }
    }

    fn position(&self, marker: Marker) -> Position {
        let cut = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Position {
            line: cut(marker.line()),
            column: cut(marker.col() + 1),
            offset: cut(marker.byte_offset().unwrap_or(0)),
        }
    }
}
