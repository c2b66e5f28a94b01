//! The attributes of a rule that ztunnel does not see, where they are written: what to point at once
//! the mesh has said what becomes of the rule.

use super::super::input::items;
use crate::diagnostic::Span;
use crate::simulate::ztunnel::{is_passed_over, sees};
use crate::yaml::Node;

/// The attributes of a rule that ztunnel does not see.
#[derive(Debug, Default)]
pub(super) struct Unseen {
    /// Those of HTTP, in the order of the rule.
    pub(super) http: Vec<Attribute>,
    /// Those that istiod leaves out without a word.
    pub(super) passed_over: Vec<Attribute>,
    /// Alternatives, beside others, of which nothing is left.
    pub(super) lost_alternatives: Vec<Span>,
    /// Attributes of HTTP in alternatives that keep others.
    pub(super) widened: Vec<Attribute>,
}

/// An attribute of a rule.
#[derive(Clone, Debug)]
pub(super) struct Attribute {
    /// As it is written: `methods`, `request.headers[x]`.
    pub(super) name: String,
    /// Where.
    pub(super) span: Span,
}

impl Unseen {
    /// Of one rule.
    pub(super) fn of(rule: &Node) -> Self {
        let mut unseen = Self::default();
        unseen.clause(items(rule, &["to"]), "operation");
        unseen.clause(items(rule, &["from"]), "source");
        for condition in items(rule, &["when"]) {
            let Some(key) = condition.get("key") else { continue };
            let name = key.as_str().unwrap_or_default();
            if !sees(name) {
                unseen.http.push(Attribute { name: name.to_owned(), span: key.span });
            }
        }
        unseen
    }

    /// One clause: alternatives, of which any may match.
    fn clause(&mut self, alternatives: &[Node], inner: &str) {
        let mut empty = Vec::new();
        for alternative in alternatives {
            let fields = alternative.get(inner).and_then(Node::as_mapping);
            let (mut keeps, mut strips) = (false, Vec::new());
            for entry in fields.map(|m| m.entries.as_slice()).unwrap_or_default() {
                if entry.value.as_list().is_none_or(<[Node]>::is_empty) {
                    continue;
                }
                let attribute = Attribute { name: entry.key.clone(), span: entry.key_span };
                if sees(&entry.key) {
                    keeps = true;
                } else if is_passed_over(&entry.key) {
                    self.passed_over.push(attribute);
                } else {
                    self.http.push(attribute.clone());
                    strips.push(attribute);
                }
            }
            match (keeps, strips.first()) {
                (false, Some(first)) => empty.push(first.span),
                (true, Some(_)) => self.widened.append(&mut strips),
                (_, None) => {}
            }
        }
        if empty.len() < alternatives.len() {
            self.lost_alternatives.append(&mut empty);
        }
    }

    /// The HTTP attributes as a person lists them.
    pub(super) fn names(&self) -> String {
        let mut names: Vec<&str> = self.http.iter().map(|a| a.name.as_str()).collect();
        names.dedup();
        names.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ")
    }
}
