//! The wire format of KRM functions: one ResourceList in, one out (facts/gitops-delivery.md 6.2.1;
//! kubernetes-sigs/kustomize `cmd/config/docs/api-conventions/functions-spec.md`).

mod items;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::diagnostic::{Diagnostic, FileId, Severity, Sources, has_errors, nearest};
use crate::yaml::{Budget, EmitError, Node, emit, read};

const API_VERSION: &str = "config.kubernetes.io/v1";
const KIND: &str = "ResourceList";
/// Where a file lies. kpt and kustomize read the first; tools older than kustomize 4.2 the second.
const PATHS: [&str; 2] = ["internal.config.kubernetes.io/path", "config.kubernetes.io/path"];
/// Which document of the file it is.
const INDICES: [&str; 2] = ["internal.config.kubernetes.io/index", "config.kubernetes.io/index"];
const FIELDS: [&str; 4] = ["environment", "cluster", "unit", "stage"];

/// What a function is called for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Call {
    /// The environment.
    pub environment: String,
    /// Only this cluster.
    pub cluster: Option<String>,
    /// Only this unit.
    pub unit: Option<String>,
    /// The point of the migration, instead of the one the spec says is reached.
    pub stage: Option<String>,
}

/// What a function is given.
#[derive(Clone, Debug)]
pub struct ResourceList {
    call: Call,
    config: Value,
    items: Vec<Item>,
    /// What stands before the dash of each item.
    indent: usize,
}

/// An item that was given.
#[derive(Clone, Debug)]
struct Item {
    /// Its lines, from its dash on.
    text: String,
    /// Where it lies, if it says so and can be read.
    path: Option<String>,
}

impl ResourceList {
    /// Reads what a function is given. What it is called for stands in `data` of a ConfigMap, as
    /// `kpt fn eval -- key=value` writes it, or in `spec` of any other kind. Items in block style
    /// are kept as they are written, whatever is in them.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn read(file: FileId, text: &str) -> Result<Self, Vec<Diagnostic>> {
        let written = items::split(text);
        let rest = written.as_ref().map_or(text, |written| &written.rest);
        let (documents, found) = read(file, rest, &Budget::RENDERED);
        if has_errors(&found) {
            return Err(found);
        }
        let [document] = documents.as_slice() else {
            let message = format!("standard input has {} documents, not one", documents.len());
            return Err(vec![Diagnostic::error("not-a-resource-list", message).help(
                "kustomize and kpt call this verb; to render by hand use `waypost render`",
            )]);
        };
        let mut list = Self::of(&document.root)?;
        if let Some(items::Written { items, indent, .. }) = written {
            list.indent = indent;
            list.items = items
                .into_iter()
                .map(|text| Item { path: items::node(&text).and_then(|node| path_of(&node)), text })
                .collect();
        }
        Ok(list)
    }

    fn of(root: &Node) -> Result<Self, Vec<Diagnostic>> {
        let text = |key: &str| root.get(key).and_then(Node::as_str).unwrap_or_default();
        if text("kind") != KIND || !text("apiVersion").starts_with("config.kubernetes.io/") {
            return Err(vec![
                Diagnostic::error("not-a-resource-list", "standard input is no ResourceList")
                    .at(root.span, "")
                    .help(
                        "kustomize and kpt call this verb; to render by hand use `waypost render`",
                    ),
            ]);
        }
        let Some(config) = root.get("functionConfig").filter(|config| !config.is_null()) else {
            return Err(vec![no_environment().at(root.span, "")]);
        };
        let call = call(config)?;
        let items = match root.get("items") {
            None => Vec::new(),
            Some(items) if items.is_null() => Vec::new(),
            Some(items) => items
                .as_list()
                .ok_or_else(|| {
                    vec![
                        Diagnostic::error("not-a-resource-list", "`items` must be a list")
                            .at(items.span, "")
                            .help("give the objects as a list, or leave it out"),
                    ]
                })?
                .iter()
                .map(|node| match listed(&node.to_json(), 0) {
                    Ok(text) => Ok(Item { text, path: path_of(node) }),
                    Err(error) => Err(vec![
                        Diagnostic::error("not-a-resource-list", error.to_string())
                            .at(node.span, "this item cannot be given back")
                            .help("give the items in block style: they are kept as written"),
                    ]),
                })
                .collect::<Result<_, _>>()?,
        };
        Ok(Self { call, config: config.to_json(), items, indent: 0 })
    }

    /// What the function is called for.
    pub fn call(&self) -> &Call {
        &self.call
    }

    /// What the function gives back: the objects with their paths, after everything that it was
    /// given and that does not lie at one of these paths.
    ///
    /// # Errors
    /// An object that cannot be written.
    pub fn with(
        self,
        objects: Vec<(String, Value)>,
        results: Vec<Value>,
    ) -> Result<String, EmitError> {
        let paths: BTreeSet<&str> = objects.iter().map(|(path, _)| path.as_str()).collect();
        let is_kept = |item: &&Item| item.path.as_deref().is_none_or(|path| !paths.contains(path));
        let mut items: String =
            self.items.iter().filter(is_kept).map(|item| item.text.as_str()).collect();
        for (path, object) in &objects {
            items.push_str(&listed(&placed(object.clone(), path), self.indent)?);
        }
        list(&items, &self.config, results)
    }

    /// What the function gives back when it cannot render: what it was given, and why.
    ///
    /// # Errors
    /// A configuration or a finding that cannot be written.
    pub fn failed(self, results: Vec<Value>) -> Result<String, EmitError> {
        let items: String = self.items.iter().map(|item| item.text.as_str()).collect();
        list(&items, &self.config, results)
    }
}

/// A value as an item of a list, behind so many blanks.
fn listed(value: &Value, indent: usize) -> Result<String, EmitError> {
    let text = emit(&json!([value]))?;
    let blanks = " ".repeat(indent);
    let lines = text.split_inclusive('\n');
    Ok(lines
        .map(
            |line| if line.trim().is_empty() { line.to_owned() } else { format!("{blanks}{line}") },
        )
        .collect())
}

/// Findings as results of a function.
pub fn results(found: &[Diagnostic], sources: &Sources) -> Vec<Value> {
    found
        .iter()
        .map(|diagnostic| {
            let message = match &diagnostic.help {
                Some(help) => format!("{}; {help}", diagnostic.message),
                None => diagnostic.message.clone(),
            };
            let severity = match diagnostic.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Note => "info",
            };
            let mut result = json!({
                "message": message,
                "severity": severity,
                "tags": {"code": diagnostic.code},
            });
            if let Some(place) = &diagnostic.primary
                && let Some(source) = sources.get(place.span.file)
            {
                result["file"] = json!({"path": source.path});
                result["tags"]["line"] = place.span.start.line.to_string().into();
            }
            result
        })
        .collect()
}

fn list(items: &str, config: &Value, results: Vec<Value>) -> Result<String, EmitError> {
    let mut text = emit(&json!({"apiVersion": API_VERSION, "kind": KIND}))?;
    text.push_str(if items.is_empty() { "items: []\n" } else { "items:\n" });
    text.push_str(items);
    text.push_str(&emit(&json!({"functionConfig": config}))?);
    if !results.is_empty() {
        text.push_str(&emit(&json!({"results": results}))?);
    }
    Ok(text)
}

fn path_of(item: &Node) -> Option<String> {
    let annotations = item.get("metadata")?.get("annotations")?;
    PATHS.iter().find_map(|key| annotations.get(key)?.as_str()).map(str::to_owned)
}

fn placed(mut object: Value, path: &str) -> Value {
    let index = "0";
    for (key, value) in
        PATHS.iter().map(|key| (key, path)).chain(INDICES.iter().map(|key| (key, index)))
    {
        object["metadata"]["annotations"][*key] = value.into();
    }
    object
}

fn call(config: &Node) -> Result<Call, Vec<Diagnostic>> {
    let is_config_map = config.get("kind").and_then(Node::as_str) == Some("ConfigMap");
    let body = if is_config_map { "data" } else { "spec" };
    let Some(fields) = config.get(body).and_then(Node::as_mapping) else {
        return Err(vec![no_environment().at(config.span, "")]);
    };
    let mut call = Call::default();
    let mut found = Vec::new();
    for entry in &fields.entries {
        let key = entry.key.as_str();
        let Some(text) = entry.value.as_str().filter(|text| !text.is_empty()) else {
            found.push(
                Diagnostic::error("malformed-function-config", format!("`{key}` must be a text"))
                    .at(entry.value.span, ""),
            );
            continue;
        };
        let text = text.to_owned();
        match key {
            "environment" => call.environment = text,
            "cluster" => call.cluster = Some(text),
            "unit" => call.unit = Some(text),
            "stage" => call.stage = Some(text),
            _ => found.push(unknown(key).at(entry.key_span, "")),
        }
    }
    if call.environment.is_empty() && found.is_empty() {
        found.push(no_environment().at(config.span, ""));
    }
    if found.is_empty() { Ok(call) } else { Err(found) }
}

fn unknown(key: &str) -> Diagnostic {
    let help = match nearest(key, FIELDS) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("it takes {}", FIELDS.join(", ")),
    };
    Diagnostic::error("malformed-function-config", format!("the function takes no `{key}`"))
        .help(help)
}

fn no_environment() -> Diagnostic {
    Diagnostic::error("malformed-function-config", "the function is not told what to render").help(
        "name the environment: `data.environment` of a ConfigMap, else `spec.environment` (kpt: \
         `-- environment=NAME`)",
    )
}
