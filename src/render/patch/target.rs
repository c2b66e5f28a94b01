//! Which objects a patch is for (`api/types/selector.go`, `resmap/reswrangler.go` `Select`).

use regex::Regex;
use serde_json::Value;

use super::identity::Identity;
use super::selector::Selector;
use super::strategic::scalar_text;
use crate::diagnostic::{Diagnostic, Span, Spanned};

/// A target as it was written.
#[derive(Clone, Debug, Default)]
pub struct TargetText {
    /// API group, a regular expression for the whole value; so are the next four.
    pub group: Option<Spanned<String>>,
    /// Version.
    pub version: Option<Spanned<String>>,
    /// Kind.
    pub kind: Option<Spanned<String>>,
    /// Name.
    pub name: Option<Spanned<String>>,
    /// Namespace.
    pub namespace: Option<Spanned<String>>,
    /// Label selector.
    pub label_selector: Option<Spanned<String>>,
    /// Selector over annotations.
    pub annotation_selector: Option<Spanned<String>>,
}

/// A target that was understood. All that it gives must match.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) span: Span,
    pub(super) kind: Pattern,
    pub(super) namespace: Pattern,
    pub(super) name: Pattern,
    group: Pattern,
    version: Pattern,
    labels: Selector,
    annotations: Selector,
}

impl Target {
    /// Compiles the expressions and reads the selectors; all that is wrong is reported.
    pub(super) fn parse(text: &Spanned<TargetText>, found: &mut Vec<Diagnostic>) -> Option<Self> {
        let before = found.len();
        let target = Self {
            span: text.span,
            kind: Pattern::parse("kind", text.kind.as_ref(), found),
            namespace: Pattern::parse("namespace", text.namespace.as_ref(), found),
            name: Pattern::parse("name", text.name.as_ref(), found),
            group: Pattern::parse("group", text.group.as_ref(), found),
            version: Pattern::parse("version", text.version.as_ref(), found),
            labels: selector("labelSelector", text.label_selector.as_ref(), found),
            annotations: selector("annotationSelector", text.annotation_selector.as_ref(), found),
        };
        (found.len() == before).then_some(target)
    }

    /// True for an object that is, or before earlier patches was, called as the target says. Name
    /// and namespace may be the first or the present ones; group, version and kind the present.
    pub(super) fn matches(&self, first: &Identity, now: &Identity, object: &Value) -> bool {
        (self.namespace.matches(&first.namespace) || self.namespace.matches(&now.namespace))
            && (self.name.matches(&first.name) || self.name.matches(&now.name))
            && self.group.matches(&now.group)
            && self.version.matches(&now.version)
            && self.kind.matches(&now.kind)
            && select(&self.labels, object, "labels")
            && select(&self.annotations, object, "annotations")
    }
}

fn select(selector: &Selector, object: &Value, field: &str) -> bool {
    let map = object.get("metadata").and_then(|m| m.get(field));
    // values that are no texts compare by what was written
    let texts: Vec<(&str, String)> = map
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(key, value)| (key.as_str(), scalar_text(value)))
        .collect();
    selector.matches(|key| texts.iter().find(|(k, _)| *k == key).map(|(_, v)| v.as_str()))
}

fn selector(field: &str, text: Option<&Spanned<String>>, found: &mut Vec<Diagnostic>) -> Selector {
    let Some(text) = text else { return Selector::default() };
    Selector::parse(text).unwrap_or_else(|why| {
        found.push(
            Diagnostic::error(
                "patch-target-malformed",
                format!("`{field}` of this patch cannot be read: {why}"),
            )
            .at(text.span, "")
            .help("write it as for `kubectl -l`: `app=web,tier in (a,b),!canary`"),
        );
        Selector::default()
    })
}

/// A regular expression for a whole value. Nothing, like the empty text, matches everything.
#[derive(Clone, Debug)]
pub(super) enum Pattern {
    Any,
    Literal(String),
    Regex(Regex),
}

impl Pattern {
    fn parse(field: &str, text: Option<&Spanned<String>>, found: &mut Vec<Diagnostic>) -> Self {
        let Some(text) = text.filter(|t| !t.value.is_empty()) else { return Pattern::Any };
        // dots stand in most groups and in some names: they are no literals
        if text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ' ')) {
            return Pattern::Literal(text.value.clone());
        }
        match Regex::new(&format!("^(?:{})$", text.value)) {
            Ok(regex) => Pattern::Regex(regex),
            Err(error) => {
                let why = error.to_string();
                let why = why.lines().last().unwrap_or_default().trim_start_matches("error: ");
                found.push(
                    Diagnostic::error(
                        "patch-target-malformed",
                        format!("`{}` is not a regular expression: {why}", text.value),
                    )
                    .at(text.span, format!("`{field}` of a target is one"))
                    .help("escape special characters, or write `.*` where a glob has `*`"),
                );
                Pattern::Any
            }
        }
    }

    fn matches(&self, value: &str) -> bool {
        match self {
            Pattern::Any => true,
            Pattern::Literal(literal) => literal == value,
            Pattern::Regex(regex) => regex.is_match(value),
        }
    }

    /// The one value it matches, where that is known.
    pub(super) fn literal(&self) -> Option<&str> {
        match self {
            Pattern::Literal(literal) => Some(literal),
            Pattern::Any | Pattern::Regex(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn spanned(text: &str) -> Option<Spanned<String>> {
        Some(Spanned::new(text.to_owned(), Span::default()))
    }

    fn matches(target: TargetText) -> bool {
        let object = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {
            "name": "web-1", "namespace": "shop", "labels": {"app": "web", "n": 3}}});
        let identity = Identity::of(&object).unwrap();
        let mut found = Vec::new();
        let target = Target::parse(&Spanned::new(target, Span::default()), &mut found);
        assert_eq!(found, []);
        target.unwrap().matches(&identity, &identity, &object)
    }

    #[test]
    fn expressions_are_anchored() {
        let name = |name| matches(TargetText { name: spanned(name), ..TargetText::default() });
        assert!(name("web-1") && name("web-.*") && name("api|web-1") && name(""));
        assert!(!name("web") && !name("eb-1") && !name("api|web"));
        assert!(matches(TargetText { group: spanned("a.ps"), ..TargetText::default() }));
        assert!(matches(TargetText {
            label_selector: spanned("app=web,n=3"),
            ..TargetText::default()
        }));
        assert!(!matches(TargetText {
            annotation_selector: spanned("app"),
            ..TargetText::default()
        }));
    }

    #[test]
    fn faults_are_reported_where_they_stand() {
        let text = TargetText {
            name: spanned("*web"),
            label_selector: spanned("a in b"),
            ..TargetText::default()
        };
        let mut found = Vec::new();
        assert!(Target::parse(&Spanned::new(text, Span::default()), &mut found).is_none());
        let messages: Vec<_> = found.iter().map(|d| d.message.as_str()).collect();
        assert_eq!(
            messages,
            [
                "`*web` is not a regular expression: repetition operator missing expression",
                "`labelSelector` of this patch cannot be read: expected `(`, found `b`"
            ]
        );
    }
}
