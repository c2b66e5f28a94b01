//! The wire format of KRM functions: one ResourceList in, one out (facts/gitops-delivery.md 6.2.1;
//! kubernetes-sigs/kustomize `cmd/config/docs/api-conventions/functions-spec.md`).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::diagnostic::{Diagnostic, Severity, Sources, nearest};
use crate::yaml::Node;

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
    items: Vec<Value>,
}

impl ResourceList {
    /// Reads what a function is given. What it is called for stands in `data` of a ConfigMap, as
    /// `kpt fn eval -- key=value` writes it, or in `spec` of any other kind.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn read(root: &Node) -> Result<Self, Vec<Diagnostic>> {
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
                .map(Node::to_json)
                .collect(),
        };
        Ok(Self { call, config: config.to_json(), items })
    }

    /// What the function is called for.
    pub fn call(&self) -> &Call {
        &self.call
    }

    /// What the function gives back: the objects with their paths, after everything that it was
    /// given and that does not lie at one of these paths.
    pub fn with(self, objects: Vec<(String, Value)>, results: Vec<Value>) -> Value {
        let paths: BTreeSet<&str> = objects.iter().map(|(path, _)| path.as_str()).collect();
        let mut items: Vec<Value> = self
            .items
            .into_iter()
            .filter(|item| path_of(item).is_none_or(|path| !paths.contains(path)))
            .collect();
        items.extend(objects.into_iter().map(|(path, object)| placed(object, &path)));
        list(items, &self.config, results)
    }

    /// What the function gives back when it cannot render: what it was given, and why.
    pub fn failed(self, results: Vec<Value>) -> Value {
        list(self.items, &self.config, results)
    }
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

fn list(items: Vec<Value>, config: &Value, results: Vec<Value>) -> Value {
    let mut value = json!({
        "apiVersion": API_VERSION,
        "kind": KIND,
        "items": items,
        "functionConfig": config,
    });
    if !results.is_empty() {
        value["results"] = results.into();
    }
    value
}

fn path_of(item: &Value) -> Option<&str> {
    let annotations = item.get("metadata")?.get("annotations")?;
    PATHS.iter().find_map(|key| annotations.get(key)?.as_str())
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
