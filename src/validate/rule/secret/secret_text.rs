//! A text that has the shape of a key or token.
//!
//! ## What
//!
//! Somewhere in an object stands a private key in PEM form (also as base64), or a token with the
//! prefix and length that a known service gives its tokens: AWS, GitHub, GitLab, Google, Slack,
//! Stripe, npm, HashiCorp Vault, or a JSON Web Token.
//!
//! ## Why
//!
//! Keys end up in ConfigMaps, environment variables and annotations. In git they are published, and
//! stay so in its history.
//!
//! ## Example
//!
//! ```yaml
//! apiVersion: v1
//! kind: ConfigMap
//! metadata: {name: edge, namespace: istio-system}
//! data:
//!   token: glpat-AbCdEfGhIjKlMnOpQrSt
//! ```
//!
//! ## Fix
//!
//! ```yaml
//! apiVersion: v1
//! kind: ConfigMap
//! metadata: {name: edge, namespace: istio-system}
//! data:
//!   tokenFrom: secret edge-token
//! ```
//!
//! ## Source
//!
//! facts/gitops-delivery.md 8.3 (T10); the services' own descriptions of their prefixes.

use super::super::Rule;
use super::super::input::RuleInput;
use super::shape;
use crate::diagnostic::{Diagnostic, FileId, Position, Severity, Span};
use crate::yaml::{Node, Value};

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "secret-text",
    severity: Severity::Error,
    summary: "a text has the shape of a key or token",
    istio: None,
    source: include_str!("secret_text.rs"),
    check,
};

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    for object in &input.written {
        let name = object.reference();
        walk(&object.body, &mut |span, what| {
            found.push(
                Diagnostic::error(RULE.code, format!("{name} holds what looks like {what}"))
                    .at(span, "the text is not shown")
                    .help("keep it in a secret store and refer to it; and change it, it has been written down"),
            );
        });
    }
}

/// What a file holds that has the shape of a secret, whatever else it holds.
pub fn of_text(file: FileId, text: &str) -> Vec<Diagnostic> {
    let place = |at: usize| {
        let before = &text[..at];
        let line = before.rfind('\n').map_or(0, |newline| newline + 1);
        Position {
            line: before.matches('\n').count() as u32 + 1,
            column: before[line..].chars().count() as u32 + 1,
            offset: at as u32,
        }
    };
    shape::find(text)
        .into_iter()
        .map(|(range, what)| {
            let span = Span { file, start: place(range.start), end: place(range.end) };
            Diagnostic::error(RULE.code, format!("here stands what looks like {what}"))
                .at(span, "the text is not shown")
                .help("keep it in a secret store and refer to it; and change it, it has been written down")
        })
        .collect()
}

/// Calls for every text that has the shape of a secret.
fn walk(node: &Node, found: &mut impl FnMut(Span, &'static str)) {
    match &node.value {
        Value::Text(text) => {
            if let Some(what) = shape::of(text) {
                found(node.span, what);
            }
        }
        Value::List(items) => items.iter().for_each(|item| walk(item, found)),
        Value::Mapping(mapping) => {
            for entry in &mapping.entries {
                if let Some(what) = shape::of(&entry.key) {
                    found(entry.key_span, what);
                }
                walk(&entry.value, found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
