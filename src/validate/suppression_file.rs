//! A file of suppressions, for manifests that are of no environment: `suppress`, as an Environment
//! has it below `spec`.

use serde::Deserialize;
use serde_json::{Value, json};

use super::schema::Schema;
use crate::diagnostic::{Diagnostic, FileId, Span, Spanned, has_errors};
use crate::spec::{DocumentKind, Suppression, schemas};
use crate::yaml::{Budget, from_node, read};

#[derive(Deserialize)]
struct Contents {
    suppress: Vec<Spanned<Suppression>>,
}

/// Reads such a file; what is wrong with it is reported, and then it suppresses nothing.
pub fn suppressions(id: FileId, text: &str) -> (Vec<Spanned<Suppression>>, Vec<Diagnostic>) {
    let (documents, mut found) = read(id, text, &Budget::SPEC);
    if has_errors(&found) {
        return (Vec::new(), found);
    }
    let [document] = documents.as_slice() else {
        let place = documents.get(1).map_or(Span { file: id, ..Span::default() }, |d| d.root.span);
        found.push(
            Diagnostic::error("wrong-value", "a file of suppressions is one document")
                .at(place, "")
                .help("write `suppress:` and a list, as in an Environment"),
        );
        return (Vec::new(), found);
    };
    match schema() {
        Ok(schema) => found.extend(schema.check(&document.root)),
        Err(error) => found.push(internal(document.root.span, &error)),
    }
    if has_errors(&found) {
        return (Vec::new(), found);
    }
    match from_node::<Contents>(&document.root) {
        Ok(contents) => (contents.suppress, found),
        Err(error) => {
            found.push(internal(error.span.unwrap_or(document.root.span), &error.message));
            (Vec::new(), found)
        }
    }
}

/// The part of the Environment's schema that is about the list.
fn schema() -> Result<Schema, String> {
    let environment = schemas().into_iter().find(|(kind, _)| *kind == DocumentKind::Environment);
    let whole: Value = serde_json::from_str(environment.map_or("", |(_, text)| text))
        .map_err(|error| error.to_string())?;
    let list = whole.pointer("/properties/spec/properties/suppress").ok_or("no `suppress`")?;
    Schema::compile(json!({
        "$defs": whole.get("$defs").cloned().unwrap_or_default(),
        "type": "object",
        "required": ["suppress"],
        "properties": {"suppress": list},
        "additionalProperties": false,
    }))
}

fn internal(span: Span, error: &str) -> Diagnostic {
    Diagnostic::error(
        "internal",
        format!("the schema takes what cannot be read ({error}); this is a bug in waypost"),
    )
    .at(span, "")
}
