//! Text to spanned documents.
//!
//! The parser underneath (`granit-parser`) gives events with byte spans; everything that decides
//! what the events *mean* is here: the core schema, duplicate keys, budgets, aliases.
//!
//! Nothing recurses deeper than the budget's depth, and no loop costs more than the input plus
//! what the budget lets grow from aliases.

use std::collections::HashMap;
use std::rc::Rc;

use granit_parser::{
    ErrorKind, Event, Marker, Parser, ScalarStyle, ScanError, StrInput, StructureStyle, Tag,
};

use super::budget::{Budget, Reading, Weight};
use super::characters::first_unreadable;
use super::duplicate::duplicates;
use super::merge::{self, Merge};
use super::place::{advanced, collection_span, line_at, narrow, position_of};
use super::scalar::{as_kubernetes, resolve_plain, taken_by_kustomize, taken_by_yaml_1_1};
use super::separator;
use super::syntax::syntax_error;
use super::{Document, Entry, Mapping, Node, Value, fault};
use crate::diagnostic::{Diagnostic, FileId, Position, Span};

/// More errors of one file than this help nobody; reading stops.
const MOST_ERRORS: usize = 1_000;
/// More warnings of one file than this are counted, not listed.
const MOST_WARNINGS: usize = 1_000;

/// Reads all documents of a text. A document that holds an error is left out; the findings say
/// why. After a syntax error nothing more of the file is read.
///
/// An empty document (nothing, or comments only) is none. A caller that wants one document and
/// gets more points at the second one's root.
pub fn read(file: FileId, text: &str, budget: &Budget) -> (Vec<Document>, Vec<Diagnostic>) {
    if let Some(refused) = refused_whole(file, text, budget) {
        return (Vec::new(), vec![refused]);
    }
    let mut reader = Reader::new(file, text, budget);
    let documents = reader.documents();
    reader.say_how_many_warnings_more();
    (documents, reader.found)
}

/// What is wrong with a file before its structure is looked at.
fn refused_whole(file: FileId, text: &str, budget: &Budget) -> Option<Diagnostic> {
    if text.len() > budget.bytes {
        let start = Position { line: 1, column: 1, offset: 0 };
        return Some(fault::too_many_bytes(text.len(), budget, Span { file, start, end: start }));
    }
    let (at, c) = first_unreadable(text)?;
    let start = position_of(text, at);
    let end = position_of(text, at + c.len_utf8());
    Some(fault::control_character(c, Span { file, start, end }))
}

struct Reader<'t> {
    file: FileId,
    text: &'t str,
    budget: &'t Budget,
    parser: Parser<'t, StrInput<'t>>,
    found: Vec<Diagnostic>,
    errors: usize,
    warnings: usize,
    last_warning: Span,
    /// All that was read, aliases expanded.
    weight: Weight,
    /// The part of it that grew from aliases.
    grown: Weight,
    /// What the anchors of the current document keep.
    kept: Weight,
    /// Anchors of the current document.
    anchors: HashMap<usize, Anchor>,
}

#[derive(Clone)]
enum Anchor {
    /// Its node is being read: an alias here would contain itself.
    Open,
    /// The node, what it weighs, how many levels it has.
    Kept(Rc<Node>, Weight, usize),
    /// More than aliases may grow to, so no use of it can be right.
    TooLarge,
}

/// A fault after which the file cannot be read on; it has been reported.
struct Stop;

impl<'t> Reader<'t> {
    fn new(file: FileId, text: &'t str, budget: &'t Budget) -> Self {
        let mut options = granit_parser::Options::default();
        options.set_emit_comments(false);
        options.emit_unresolved_aliases = true;
        // as libyaml and go-yaml, and so kubectl, read the last line of a file that has no line feed
        options.block_scalar_eof_without_line_feed = true;
        // one more than ours, so that the budget speaks where it can
        options.flow_nesting_limit = budget.depth + 1;
        options.block_nesting_limit = budget.depth + 1;
        Self {
            file,
            text,
            budget,
            parser: Parser::new_from_str_with_options(text, options),
            found: Vec::new(),
            errors: 0,
            warnings: 0,
            last_warning: Span::default(),
            weight: Weight::default(),
            grown: Weight::default(),
            kept: Weight::default(),
            anchors: HashMap::new(),
        }
    }

    fn documents(&mut self) -> Vec<Document> {
        let mut documents = Vec::new();
        let mut index = 0;
        loop {
            match self.next() {
                Ok((Event::DocumentStart(..), _)) => {
                    self.anchors.clear();
                    self.kept = Weight::default();
                    let errors = self.errors;
                    let Ok(root) = self.node(0) else { return documents };
                    if is_empty(&root) {
                        continue;
                    }
                    if self.errors == errors {
                        documents.push(Document { index, root });
                    }
                    index += 1;
                }
                Ok((Event::StreamEnd, _)) | Err(Stop) => return documents,
                Ok(_) => {}
            }
        }
    }

    fn next(&mut self) -> Result<(Event<'t>, Span), Stop> {
        if self.errors >= MOST_ERRORS {
            let last = self.found.iter().rev().find_map(|d| d.primary.clone());
            self.found.push(fault::too_many_errors(MOST_ERRORS, last));
            return Err(Stop);
        }
        match self.parser.next_event() {
            Some(Ok((event, span))) => Ok((event, self.span(span.start, span.end))),
            Some(Err(error)) => {
                self.syntax(&error);
                Err(Stop)
            }
            None => Err(Stop),
        }
    }

    /// Reads one node, with `level` lists and mappings around it.
    fn node(&mut self, level: usize) -> Result<Node, Stop> {
        let (event, span) = self.next()?;
        self.node_from(event, span, level)
    }

    fn node_from(&mut self, event: Event<'t>, span: Span, level: usize) -> Result<Node, Stop> {
        let before = self.weight;
        self.charge(Weight { nodes: 1, bytes: 0 }, span)?;
        let (anchor, node) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.weight.bytes += text.len();
                let is_text = tag.is_some_and(|tag| self.text_tag(&tag, span));
                let (span, value) = match style {
                    ScalarStyle::Plain if !is_text => (span, self.plain(&text, span)),
                    ScalarStyle::Literal | ScalarStyle::Folded => {
                        (self.trimmed(span), Value::Text(text.into_owned()))
                    }
                    _ => (span, Value::Text(text.into_owned())),
                };
                if let (ScalarStyle::Plain, Value::Text(text)) = (style, &value)
                    && is_text
                    && text.starts_with(':')
                {
                    self.ambiguous(text, &value, "the end of a key between brackets", span);
                }
                let node = Node { span, value };
                (anchor, node)
            }
            Event::SequenceStart(style, anchor, tag) => {
                self.enter(anchor, tag.as_deref(), span, level)?;
                (anchor, self.list(span, style, level + 1)?)
            }
            Event::MappingStart(style, anchor, tag) => {
                self.enter(anchor, tag.as_deref(), span, level)?;
                (anchor, self.mapping(span, style, level + 1)?)
            }
            Event::Alias(id) => (0, self.alias(id, span, level)?),
            Event::UnresolvedAlias(name) => {
                self.error(fault::unknown_alias(&name, span));
                (0, Node { span, value: Value::Null })
            }
            // not reachable: the parser's events are well formed
            _ => return Err(Stop),
        };
        if anchor > 0 {
            let weight = self.weight.since(before);
            self.keep(anchor, &node, weight);
        }
        Ok(node)
    }

    /// What lists and mappings have in common: no tag, a limited depth, an anchor that is open.
    fn enter(
        &mut self,
        anchor: usize,
        tag: Option<&Tag>,
        span: Span,
        level: usize,
    ) -> Result<(), Stop> {
        if level >= self.budget.depth {
            self.too_deep(span);
            return Err(Stop);
        }
        if let Some(tag) = tag {
            self.refuse_tag(tag, span);
        }
        if anchor > 0 {
            self.anchors.insert(anchor, Anchor::Open);
        }
        Ok(())
    }

    fn list(&mut self, start: Span, style: StructureStyle, level: usize) -> Result<Node, Stop> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, end) => {
                    let start = match items.first() {
                        Some(first) if style == StructureStyle::Block => self.dash(start, first),
                        _ => start,
                    };
                    items.shrink_to_fit();
                    let last = items.last().map(|n: &Node| n.span.end);
                    let span = collection_span(start, style, last, end);
                    return Ok(Node { span, value: Value::List(items) });
                }
                (event, span) => items.push(self.node_from(event, span, level)?),
            }
        }
    }

    /// The parser starts a list that is not indented behind its first dash. That dash is the first
    /// character of the line.
    fn dash(&self, start: Span, first: &Node) -> Span {
        let at = start.start.offset as usize;
        let is_behind =
            self.text.as_bytes().get(at) != Some(&b'-') || first.span.start == start.start;
        let Some(before) = self.text.get(..at).filter(|_| is_behind) else { return start };
        let line = &before[before.rfind(['\n', '\r']).map_or(0, |end| end + 1)..];
        let from_dash = line.trim_start_matches(' ');
        if !from_dash.starts_with('-') {
            return start;
        }
        let Position { line, column, offset } = start.start;
        let characters = narrow(from_dash.chars().count());
        let dash = Position {
            line,
            column: column.saturating_sub(characters),
            offset: offset - narrow(from_dash.len()),
        };
        Span { start: dash, ..start }
    }

    fn mapping(&mut self, start: Span, style: StructureStyle, level: usize) -> Result<Node, Stop> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut merges: Vec<Merge> = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if let Event::MappingEnd = event {
                self.refuse_duplicates(&entries, level);
                if !merges.is_empty() {
                    let mut faults = Vec::new();
                    merge::apply(&mut entries, merges, &mut faults);
                    faults.into_iter().for_each(|found| self.error(found));
                }
                // most mappings have two or three entries, and a tree is kept for long
                entries.shrink_to_fit();
                let last = entries.last().map(|e| e.value.span.end);
                let span = collection_span(start, style, last, span);
                return Ok(Node { span, value: Value::Mapping(Mapping { entries }) });
            }
            let is_merge = self.is_merge(&event);
            let key = self.key(event, span, start, level)?;
            let mut value = self.node(level)?;
            self.behind_colon(&mut value);
            if is_merge {
                merges.push(Merge { key: span, value, before: entries.len() });
            } else if let Some((key, key_span)) = key {
                entries.push(Entry { key, key_span, value });
            }
        }
    }

    /// The parser places a value of which nothing is written before the colon of its key.
    fn behind_colon(&self, value: &mut Node) {
        let Span { start, end, .. } = &mut value.span;
        if start == end && self.text.as_bytes().get(start.offset as usize) == Some(&b':') {
            start.column += 1;
            start.offset += 1;
            *end = *start;
        }
    }

    /// The key's text and place; `None` when it was refused.
    fn key(
        &mut self,
        event: Event<'t>,
        span: Span,
        mapping: Span,
        level: usize,
    ) -> Result<Option<(String, Span)>, Stop> {
        if is_merge_key(&event) {
            if self.budget.reading == Reading::Strict {
                self.error(fault::merge_key(span));
            }
            return Ok(None);
        }
        let node = self.node_from(event, span, level)?;
        let text = match node.value {
            Value::Null => "null".to_owned(),
            Value::Bool(b) => b.to_string(),
            Value::Number(n) => n.to_string(),
            Value::Text(t) => t,
            Value::List(_) | Value::Mapping(_) => {
                let at = mapping.start.offset as usize;
                let braces = self.text.get(at..).is_some_and(|t| t.starts_with("{{"));
                self.error(fault::complex_key(node.span, braces));
                return Ok(None);
            }
        };
        Ok(Some((text, node.span)))
    }

    /// True for a merge key where those are taken.
    fn is_merge(&self, event: &Event<'t>) -> bool {
        self.budget.reading == Reading::AsKubernetes && is_merge_key(event)
    }

    fn refuse_duplicates(&mut self, entries: &[Entry], level: usize) {
        let repeated = duplicates(entries);
        if level == 1
            && let Some((_, again)) = repeated.first()
            && let Some(span) = separator::glued(self.file, self.text, again.key_span)
        {
            self.error(fault::glued_separator(span));
            return;
        }
        for (first, again) in repeated.into_iter().take(MOST_ERRORS) {
            self.error(fault::duplicate_key(first, again));
        }
    }

    fn plain(&mut self, text: &str, span: Span) -> Value {
        if self.budget.reading == Reading::AsKubernetes {
            let value = as_kubernetes(text);
            if let Some(otherwise) = taken_by_kustomize(text, &value) {
                self.warn(fault::parted(text, &value, otherwise, span), span);
            }
            return value;
        }
        let value = resolve_plain(text);
        if let Some(otherwise) = taken_by_yaml_1_1(text, &value) {
            self.ambiguous(text, &value, otherwise, span);
        }
        value
    }

    fn ambiguous(&mut self, text: &str, value: &Value, otherwise: &str, span: Span) {
        self.warn(fault::ambiguous(text, value, otherwise, span), span);
    }

    fn warn(&mut self, found: Diagnostic, span: Span) {
        self.warnings += 1;
        self.last_warning = span;
        if self.warnings <= MOST_WARNINGS {
            self.found.push(found);
        }
    }

    fn say_how_many_warnings_more(&mut self) {
        let more = self.warnings.saturating_sub(MOST_WARNINGS);
        if more > 0 {
            self.found.push(fault::more_ambiguous(more, self.last_warning));
        }
    }

    /// True when a scalar's tag says "text". Every other tag is refused.
    fn text_tag(&mut self, tag: &Tag, span: Span) -> bool {
        let is_text = tag.is_yaml_core_schema_tag("str");
        if !is_text {
            self.refuse_tag(tag, span);
        }
        is_text
    }

    fn refuse_tag(&mut self, tag: &Tag, span: Span) {
        self.error(fault::tag(&tag.original(), span));
    }

    fn keep(&mut self, anchor: usize, node: &Node, weight: Weight) {
        let mut kept = self.kept;
        kept.add(weight);
        let entry = if kept.within_aliases(self.budget) {
            self.kept = kept;
            Anchor::Kept(Rc::new(node.clone()), weight, levels(node))
        } else {
            Anchor::TooLarge
        };
        self.anchors.insert(anchor, entry);
    }

    /// A copy whose place is the alias's own; what is inside keeps the place of the anchor.
    fn alias(&mut self, id: usize, span: Span, level: usize) -> Result<Node, Stop> {
        match self.anchors.get(&id).cloned().unwrap_or(Anchor::Open) {
            Anchor::Kept(node, weight, levels) => {
                if level + levels > self.budget.depth {
                    self.too_deep(span);
                    return Err(Stop);
                }
                self.grown.add(weight);
                if !self.grown.within_aliases(self.budget) {
                    return Err(self.alias_bomb(span));
                }
                // the alias itself has been charged
                self.charge(Weight { nodes: weight.nodes - 1, ..weight }, span)?;
                Ok(Node { span, value: node.value.clone() })
            }
            Anchor::TooLarge => Err(self.alias_bomb(span)),
            Anchor::Open => {
                self.error(fault::recursive_alias(span));
                Ok(Node { span, value: Value::Null })
            }
        }
    }

    fn alias_bomb(&mut self, span: Span) -> Stop {
        self.error(fault::alias_bomb(self.budget, span));
        Stop
    }

    fn charge(&mut self, more: Weight, span: Span) -> Result<(), Stop> {
        self.weight.add(more);
        if self.weight.nodes > self.budget.nodes {
            self.error(fault::too_many_values(self.budget, span));
            return Err(Stop);
        }
        Ok(())
    }

    fn too_deep(&mut self, span: Span) {
        self.error(fault::too_deep(self.budget, span));
    }

    fn syntax(&mut self, error: &ScanError) {
        let at = self.position(*error.marker());
        let span = Span { file: self.file, start: at, end: at };
        if let ErrorKind::RecursionLimitExceeded = error.kind() {
            return self.too_deep(span);
        }
        let span = separator::blamed_tab(self.text, error.kind(), span);
        let offset = span.start.offset as usize;
        let found = match separator::is_unfinished(line_at(self.text, offset)) {
            true => fault::unfinished_separator(span),
            false => syntax_error(error.kind(), span, line_at(self.text, offset), self.text),
        };
        self.error(found);
    }

    fn error(&mut self, found: Diagnostic) {
        self.errors += 1;
        self.found.push(found);
    }

    /// A block scalar without the line breaks and the indentation behind it.
    fn trimmed(&self, span: Span) -> Span {
        let (start, end) = (span.start.offset as usize, span.end.offset as usize);
        let Some(body) = self.text.get(start..end) else { return span };
        let body = body.trim_end_matches([' ', '\t', '\r', '\n']);
        Span { end: advanced(span.start, body), ..span }
    }

    fn span(&self, start: Marker, end: Marker) -> Span {
        Span { file: self.file, start: self.position(start), end: self.position(end) }
    }

    fn position(&self, marker: Marker) -> Position {
        Position {
            line: narrow(marker.line()),
            column: narrow(marker.col()).saturating_add(1),
            offset: narrow(marker.byte_offset().unwrap_or(0)),
        }
    }
}

fn is_merge_key(event: &Event<'_>) -> bool {
    matches!(event, Event::Scalar(t, ScalarStyle::Plain, _, None) if t == "<<")
}

/// Nothing was written: the parser gives a null without extent.
fn is_empty(root: &Node) -> bool {
    root.is_null() && root.span.start.offset == root.span.end.offset
}

/// Levels of lists and mappings in a node; a scalar has none.
fn levels(node: &Node) -> usize {
    match &node.value {
        Value::List(items) => 1 + items.iter().map(levels).max().unwrap_or(0),
        Value::Mapping(m) => 1 + m.entries.iter().map(|e| levels(&e.value)).max().unwrap_or(0),
        _ => 0,
    }
}
