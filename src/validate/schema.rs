//! JSON Schema over spanned YAML: every violation becomes a finding at the place that the user
//! wrote, in words, with the nearest known name.
//!
//! A subschema may say better than we can what it wants: the text under `x-message` replaces the
//! generated sentence for `pattern` and `format`, `not` and `anyOf`; under `x-not-here` it may say
//! of single unknown keys where they belong instead.

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::json::{Json, SerdeJson};
use jsonschema::{ValidationError, Validator};
use serde_json::Value;

use super::instance::Spanned;
use super::{growth, misplaced};
use crate::diagnostic::{Diagnostic, Span, drop_misspelt, nearest};
use crate::yaml::{Mapping, Node, Pointer, Value as Scalar};

/// More violations of one document help nobody.
const MOST: usize = 1_000;

/// A compiled schema for values of one representation. Compile once and share: it is `Sync`.
pub struct Schema<J: Json = Spanned> {
    validator: Validator<J>,
    document: Value,
}

impl Schema<Spanned> {
    /// Every violation, at its place.
    pub fn check(&self, node: &Node) -> Vec<Diagnostic> {
        self.violations(node, node)
    }

    /// As [`Schema::check`], for what was derived from a node: without nulls. What is not in the
    /// node is shown at the nearest place that is.
    pub fn check_derived(&self, derived: &Node, node: &Node) -> Vec<Diagnostic> {
        self.violations(derived, node)
    }
}

impl Schema<SerdeJson> {
    /// Every violation of a value that was derived from a node: with defaults, without nulls. What
    /// is not in the node is shown at the nearest place that is.
    pub fn check(&self, value: &Value, node: &Node) -> Vec<Diagnostic> {
        self.violations(value, node)
    }
}

impl<J: Json> Schema<J> {
    /// Compiles a schema document. References may only point into the document itself: nothing is
    /// ever fetched.
    ///
    /// # Errors
    /// A schema that is not one, in words.
    pub fn compile(document: Value) -> Result<Self, String> {
        if let Some(why) = growth::refused(&document) {
            return Err(why);
        }
        let validator = jsonschema::options_for::<J>()
            .offline()
            .should_validate_formats(true)
            .with_pattern_options(jsonschema::PatternOptions::regex())
            .build(&document)
            .map_err(|e| e.to_string())?;
        Ok(Self { validator, document })
    }

    /// The schema itself.
    pub fn document(&self) -> &Value {
        &self.document
    }

    fn violations<'i>(&'i self, instance: J::Node<'i>, node: &Node) -> Vec<Diagnostic> {
        if self.validator.is_valid(instance.clone()) {
            return Vec::new();
        }
        let mut found = Vec::new();
        for error in self.validator.iter_errors(instance).take(MOST) {
            self.report(&error, node, &mut found);
        }
        drop_misspelt(&mut found);
        found
    }

    fn report(&self, error: &ValidationError<'_>, root: &Node, found: &mut Vec<Diagnostic>) {
        let path = Pointer::parse(error.instance_path().as_str()).unwrap_or_default();
        let schema_path = error.schema_path().as_str();
        let node = root.nearest(&path);
        let here = node.span;
        let subject = subject(&path);
        let diagnostic = match error.kind() {
            ValidationErrorKind::AdditionalProperties { unexpected }
            | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
                for key in unexpected {
                    found.push(self.unknown_key(key, node.as_mapping(), schema_path, &path, here));
                }
                return;
            }
            ValidationErrorKind::Required { property } => {
                let property = property.as_str().unwrap_or_default();
                Diagnostic::error("missing-field", format!("{subject} has no `{property}`"))
                    .at(here, "here")
                    .help(format!("add `{property}`"))
            }
            ValidationErrorKind::Enum { options } => enumeration(node, options, &subject),
            ValidationErrorKind::Constant { expected_value } => {
                let expected = plain(expected_value);
                Diagnostic::error("wrong-value", format!("{subject} must be `{expected}`"))
                    .at(here, format!("found `{}`", plain(&node.to_json())))
            }
            ValidationErrorKind::Type { kind } => {
                let wanted = wanted(kind);
                let diagnostic = Diagnostic::error(
                    "wrong-type",
                    format!("{subject} must be {wanted}, but is {}", node.value.noun()),
                )
                .at(here, "");
                match &node.value {
                    Scalar::Number(_) | Scalar::Bool(_) if wanted == "a text" => {
                        diagnostic.help("put it in quotes")
                    }
                    _ => diagnostic,
                }
            }
            ValidationErrorKind::OneOfMultipleValid { .. } => {
                let message = self
                    .own_words(schema_path)
                    .unwrap_or_else(|| "has several forms at once".to_owned());
                Diagnostic::error("wrong-value", format!("{subject} {message}")).at(here, "")
            }
            ValidationErrorKind::AnyOf { context }
            | ValidationErrorKind::OneOfNotValid { context } => {
                if let Some(message) = self.own_words(schema_path) {
                    Diagnostic::error("wrong-value", format!("{subject} {message}")).at(here, "")
                } else {
                    // the branch whose errors lie deepest is the one that was meant
                    let depth = |errors: &Vec<ValidationError<'_>>| {
                        errors.iter().map(|e| e.instance_path().as_str().len()).max().unwrap_or(0)
                    };
                    match context.iter().max_by_key(|errors| depth(errors)) {
                        Some(errors) if depth(errors) > error.instance_path().as_str().len() => {
                            for inner in errors {
                                self.report(inner, root, found);
                            }
                            return;
                        }
                        _ => Diagnostic::error(
                            "wrong-value",
                            format!("{subject} has none of the forms it may have"),
                        )
                        .at(here, ""),
                    }
                }
            }
            ValidationErrorKind::Not { schema } => {
                let message = self
                    .own_words(schema_path)
                    .unwrap_or_else(|| "has a form that it may not have".to_owned());
                // fields that exclude each other: the last of them is the one too many
                let last = schema.get("required").and_then(Value::as_array).and_then(|n| n.last());
                let at = last.and_then(Value::as_str).and_then(|name| node.get(name));
                Diagnostic::error("wrong-value", format!("{subject} {message}"))
                    .at(at.map_or(here, |n| n.span), "")
            }
            ValidationErrorKind::PropertyNames { error: inner } => {
                let key = inner.instance().as_str().unwrap_or_default().to_owned();
                let message = self
                    .own_words(inner.schema_path().as_str())
                    .unwrap_or_else(|| "does not have the form it must have".to_owned());
                let at = node.as_mapping().and_then(|m| m.entry(&key)).map_or(here, |e| e.key_span);
                Diagnostic::error("wrong-value", format!("the key `{key}` of {subject} {message}"))
                    .at(at, "")
            }
            kind if bounds(kind).is_some() => {
                let message = bounds(kind).unwrap_or_default();
                Diagnostic::error("wrong-value", format!("{subject} {message}")).at(here, "")
            }
            ValidationErrorKind::Pattern { .. }
            | ValidationErrorKind::Format { .. }
            | ValidationErrorKind::FalseSchema => {
                let value = plain(&node.to_json());
                let message = self
                    .own_words(schema_path)
                    .unwrap_or_else(|| "does not have the form it must have".to_owned());
                Diagnostic::error("wrong-value", format!("{subject} {message}"))
                    .at(here, format!("found `{value}`"))
            }
            _ => Diagnostic::error(
                "wrong-value",
                format!("{subject}: {}", lower(&error.to_string())),
            )
            .at(here, ""),
        };
        let advice = match diagnostic.help {
            Some(_) => None,
            None => self.advice(error.kind(), schema_path, node),
        };
        found.push(match advice {
            Some(advice) => diagnostic.help(advice),
            None => diagnostic,
        });
    }

    /// What to do about a value that its schema does not take.
    fn advice(&self, kind: &ValidationErrorKind, schema_path: &str, node: &Node) -> Option<String> {
        let schema = self.holder(schema_path);
        let example = || {
            let example = schema?.get("examples")?.as_array()?.first()?;
            Some(format!("for example `{}`", plain(example)))
        };
        let special = match (kind, &node.value) {
            (ValidationErrorKind::Type { kind }, value) => {
                retyped(&wanted(kind), value, schema.and_then(|schema| self.entry(schema)))
            }
            (ValidationErrorKind::Pattern { pattern }, Scalar::Text(text)) => {
                repaired(text, pattern).map(|near| format!("did you mean `{near}`?"))
            }
            _ => schema.and_then(range),
        };
        special.or_else(example)
    }

    /// What an entry of a list must be.
    fn entry<'v>(&'v self, schema: &'v Value) -> Option<&'v Value> {
        let entry = schema.get("items")?;
        match entry.get("$ref").and_then(Value::as_str) {
            Some(target) => self.document.pointer(target.strip_prefix('#')?),
            None => Some(entry),
        }
    }

    fn unknown_key(
        &self,
        key: &str,
        mapping: Option<&Mapping>,
        schema_path: &str,
        path: &Pointer,
        here: Span,
    ) -> Diagnostic {
        let known = self.properties_beside(schema_path);
        let at = mapping.and_then(|m| m.entry(key)).map_or(here, |e| e.key_span);
        let place = if path.tokens().next().is_none() {
            "here".to_owned()
        } else {
            format!("in {}", subject(path))
        };
        let diagnostic =
            Diagnostic::error("unknown-field", format!("`{key}` is not known {place}")).at(at, "");
        // in the order of how sure we are
        let same = known.iter().find(|word| word.eq_ignore_ascii_case(key)).map(String::as_str);
        let told = self.holder(schema_path).and_then(|s| s.get("x-not-here")?.get(key)?.as_str());
        let near = nearest(key, known.iter().map(String::as_str));
        let homes = || misplaced::places(&self.document, path, key);
        diagnostic.help(match (same, told, near) {
            (Some(word), _, _) | (None, None, Some(word)) => format!("did you mean `{word}`?"),
            (None, Some(told), _) => told.to_owned(),
            (None, None, None) => match homes() {
                Some(homes) => format!("`{key}` belongs under {}", either(&homes)),
                None if known.is_empty() => "remove it".to_owned(),
                None => format!("known here: {}", list(&known)),
            },
        })
    }

    /// The names in `properties` of the schema object that holds the failed keyword.
    fn properties_beside(&self, schema_path: &str) -> Vec<String> {
        self.holder(schema_path)
            .and_then(|s| s.get("properties"))
            .and_then(Value::as_object)
            .map(|m| m.keys().cloned().collect())
            .unwrap_or_default()
    }

    fn own_words(&self, schema_path: &str) -> Option<String> {
        self.holder(schema_path)?.get("x-message")?.as_str().map(str::to_owned)
    }

    /// The schema object that holds the failed keyword, through local references.
    fn holder(&self, schema_path: &str) -> Option<&Value> {
        let pointer = Pointer::parse(schema_path)?.parent();
        let mut value = &self.document;
        for token in pointer.tokens() {
            if token == "$ref" {
                let target = value.get("$ref")?.as_str()?.strip_prefix('#')?;
                value = self.document.pointer(target)?;
            } else {
                value = match value {
                    Value::Array(items) => items.get(token.parse::<usize>().ok()?)?,
                    other => other.get(token)?,
                };
            }
        }
        Some(value)
    }
}

fn enumeration(node: &Node, options: &Value, subject: &str) -> Diagnostic {
    let known: Vec<String> =
        options.as_array().map(|o| o.iter().map(plain).collect()).unwrap_or_default();
    let value = plain(&node.to_json());
    let diagnostic =
        Diagnostic::error("unknown-value", format!("`{value}` is not known for {subject}"))
            .at(node.span, "");
    match nearest(&value, known.iter().map(String::as_str)) {
        Some(word) => diagnostic.help(format!("did you mean `{word}`? known: {}", list(&known))),
        None => diagnostic.help(format!("use one of {}", list(&known))),
    }
}

/// How a value of one type is written as one of another, where that is plain; `entry` is what a list
/// wants.
fn retyped(wanted: &str, value: &Scalar, entry: Option<&Value>) -> Option<String> {
    let is_mapping = entry.is_some_and(|entry| entry.get("type") == Some(&"object".into()));
    let has_name = entry.is_some_and(|entry| entry.pointer("/properties/name").is_some());
    // what may also be nothing is written as the rest says
    let wanted = wanted.strip_suffix(" or nothing").unwrap_or(wanted);
    Some(match (wanted, value) {
        (_, Scalar::Null) => "give it a value, or remove it".to_owned(),
        ("a list", Scalar::Text(text)) if is_mapping && has_name => {
            format!("write a list of mappings, such as `[{{name: {}}}]`", shorten(text))
        }
        ("a list", Scalar::Text(_)) if is_mapping => {
            "write a list of mappings: each begins with `- `".to_owned()
        }
        ("a list", Scalar::Text(text)) => format!("write a list, such as `[{}]`", shorten(text)),
        ("a list", _) => "write a list: each entry begins with `- `".to_owned(),
        ("a whole number" | "a number", Scalar::Text(text)) if text.parse::<i64>().is_ok() => {
            "write it without quotes".to_owned()
        }
        ("`true` or `false`", _) => "write `true` or `false`, without quotes".to_owned(),
        ("a text", Scalar::List(_)) => "write one text, without brackets or a dash".to_owned(),
        _ => return None,
    })
}

/// The text with a common slip repaired, where the pattern takes it then.
fn repaired(text: &str, pattern: &str) -> Option<String> {
    let pattern = regex::Regex::new(pattern).ok()?;
    let bare = text.rsplit("://").next().unwrap_or(text).trim().trim_matches('/');
    [bare.to_owned(), bare.to_lowercase(), bare.to_lowercase().replace(['_', ' '], "-")]
        .into_iter()
        .chain(bare.strip_prefix(['v', 'V']).map(str::to_owned))
        .find(|near| near != text && !near.is_empty() && pattern.is_match(near))
}

/// The bounds of a number. The ends of what 64 bits hold are no advice.
fn range(schema: &Value) -> Option<String> {
    let is_end = |v: &Value| matches!(v.as_i64(), Some(i64::MIN | i64::MAX));
    let bound = |key: &str| schema.get(key).filter(|v| !is_end(v)).map(plain);
    Some(match (bound("minimum"), bound("maximum")) {
        (Some(least), Some(most)) => format!("use a number from {least} to {most}"),
        (Some(least), None) => format!("use {least} or more"),
        (None, Some(most)) => format!("use {most} or less"),
        (None, None) => return None,
    })
}

/// What a length, a count or a number that is out of bounds must be.
fn bounds(kind: &ValidationErrorKind) -> Option<String> {
    use ValidationErrorKind as Kind;
    Some(match kind {
        Kind::MinLength { limit: 1 }
        | Kind::MinItems { limit: 1 }
        | Kind::MinProperties { limit: 1 } => "must not be empty".to_owned(),
        Kind::MinLength { limit } => format!("must have at least {limit} characters"),
        Kind::MinItems { limit } | Kind::MinProperties { limit } => {
            format!("must have at least {limit} entries")
        }
        Kind::MaxLength { limit: 0 } => "must be empty".to_owned(),
        Kind::MaxLength { limit } => format!("must have at most {limit} characters"),
        Kind::MaxItems { limit } | Kind::MaxProperties { limit } => {
            format!("must have at most {limit} entries")
        }
        Kind::Minimum { limit } => format!("must be at least {limit}"),
        Kind::Maximum { limit } => format!("must be at most {limit}"),
        Kind::ExclusiveMinimum { limit } => format!("must be more than {limit}"),
        Kind::ExclusiveMaximum { limit } => format!("must be less than {limit}"),
        Kind::UniqueItems => "holds an entry twice".to_owned(),
        _ => return None,
    })
}

/// What a person calls the value at a path: its last key that is a name.
fn subject(path: &Pointer) -> String {
    let names: Vec<&str> = path.tokens().collect();
    match names.iter().rposition(|t| t.parse::<usize>().is_err()) {
        None => "the document".to_owned(),
        Some(at) if at + 1 == names.len() => format!("`{}`", names[at]),
        Some(at) => format!("an entry of `{}`", names[at]),
    }
}

fn wanted(kind: &TypeKind) -> String {
    let noun = |t: &str| match t {
        "array" => "a list",
        "boolean" => "`true` or `false`",
        "integer" => "a whole number",
        "null" => "nothing",
        "number" => "a number",
        "object" => "a mapping",
        _ => "a text",
    };
    match kind {
        TypeKind::Single(t) => noun(&t.to_string()).to_owned(),
        TypeKind::Multiple(set) => {
            let mut all: Vec<&str> = set.iter().map(|t| noun(&t.to_string())).collect();
            all.sort_unstable();
            all.join(" or ")
        }
    }
}

fn plain(value: &Value) -> String {
    let text = match value {
        Value::String(t) => t.clone(),
        other => other.to_string(),
    };
    shorten(&text)
}

fn shorten(text: &str) -> String {
    if text.chars().count() > 60 {
        text.chars().take(57).chain("…".chars()).collect()
    } else {
        text.to_owned()
    }
}

fn list(words: &[String]) -> String {
    words.iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(", ")
}

/// Several places, of which one is meant.
fn either(words: &[String]) -> String {
    words.iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(" or ")
}

fn lower(text: &str) -> String {
    let mut chars = text.trim_end_matches('.').chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => String::new(),
    }
}
