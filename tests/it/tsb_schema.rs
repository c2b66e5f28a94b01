//! The schemas of TSB's kinds are made of `schemas/tsb.fields` and committed:
//! `WAYPOST_BLESS=1 cargo test --test it tsb_schema` writes them anew.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use waypost::diagnostic::Sources;
use waypost::validate::Schema;
use waypost::yaml::{Budget, read};

/// `field*: TYPE -- description`
struct Field {
    name: String,
    required: bool,
    kind: String,
    description: String,
}

/// What stands below a `type` or a `kind`.
#[derive(Default)]
struct Block {
    description: String,
    fields: Vec<Field>,
    /// Fields that nobody knows are taken.
    open: bool,
    /// `...Type`: the fields are those of a type.
    same_as: Option<String>,
}

struct Kind {
    name: String,
    group: String,
    level: String,
    block: Block,
}

#[derive(Default)]
struct Catalogue {
    /// By name: pattern and message.
    texts: BTreeMap<String, (String, String)>,
    types: BTreeMap<String, Block>,
    kinds: Vec<Kind>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas")
}

impl Catalogue {
    fn read() -> Self {
        let text = fs::read_to_string(folder().join("tsb.fields")).expect("tsb.fields");
        let lines = text.lines().filter(|l| !l.trim().is_empty() && !l.starts_with('#'));
        let mut lines = lines.peekable();
        let mut catalogue = Self::default();
        while let Some(head) = lines.next() {
            let mut block = Block::default();
            while let Some(line) = lines.next_if(|l| l.starts_with("  ")) {
                block.add(line.trim());
            }
            let words: Vec<&str> = head.split(' ').collect();
            match words.as_slice() {
                ["text", name, ..] => {
                    let (form, message) = head.split_once(" -- ").expect(head);
                    let pattern = form.splitn(3, ' ').nth(2).expect(head);
                    catalogue.texts.insert((*name).into(), (pattern.into(), message.into()));
                }
                ["type", name, rest @ ..] => {
                    block.open = rest == ["open"];
                    assert!(
                        catalogue.types.insert((*name).into(), block).is_none(),
                        "{name} twice"
                    );
                }
                ["kind", name, group, level] => catalogue.kinds.push(Kind {
                    name: (*name).into(),
                    group: (*group).into(),
                    level: (*level).into(),
                    block,
                }),
                _ => panic!("not understood: {head}"),
            }
        }
        catalogue
    }

    /// The schema of a field's type; names of types that it needs are collected.
    fn schema(&self, kind: &str, needed: &mut BTreeSet<String>) -> Value {
        if let Some(item) = kind.strip_prefix('[').and_then(|k| k.strip_suffix(']')) {
            return json!({"type": "array", "items": self.schema(item, needed)});
        }
        if let Some(item) = kind.strip_prefix("map<").and_then(|k| k.strip_suffix('>')) {
            return json!({"type": "object", "additionalProperties": self.schema(item, needed)});
        }
        if kind.contains(" | ") {
            return json!({"type": "string", "enum": kind.split(" | ").collect::<Vec<_>>()});
        }
        match kind {
            "string" => json!({"type": "string"}),
            "bool" => json!({"type": "boolean"}),
            "int" => json!({"type": "integer"}),
            "number" => json!({"type": "number"}),
            "map" => json!({"type": "object", "additionalProperties": {"type": "string"}}),
            "empty" => json!({"type": "object"}),
            "any" => json!({}),
            name => {
                let known = self.texts.contains_key(name) || self.types.contains_key(name);
                assert!(known, "type {name} is not defined");
                needed.insert(name.to_owned());
                json!({"$ref": format!("#/$defs/{name}")})
            }
        }
    }

    fn object(
        &self,
        block: &Block,
        also: &[(&str, Value)],
        needed: &mut BTreeSet<String>,
    ) -> Value {
        let fields = match &block.same_as {
            Some(name) => &self.types[name].fields,
            None => &block.fields,
        };
        let mut properties = Map::new();
        for field in fields {
            let mut schema = Map::new();
            schema.insert("description".into(), field.description.clone().into());
            schema.extend(self.schema(&field.kind, needed).as_object().cloned().expect("one"));
            properties.insert(field.name.clone(), schema.into());
        }
        properties.extend(also.iter().map(|(name, value)| ((*name).into(), value.clone())));
        let mut object = Map::new();
        object.insert("description".into(), block.description.clone().into());
        object.insert("type".into(), "object".into());
        object.insert("additionalProperties".into(), block.open.into());
        let required: Vec<&str> =
            fields.iter().filter(|f| f.required).map(|f| f.name.as_str()).collect();
        if !required.is_empty() {
            object.insert("required".into(), json!(required));
        }
        object.insert("properties".into(), properties.into());
        object.into()
    }

    /// The types that some types need, with those that these need.
    fn definitions(&self, mut open: BTreeSet<String>) -> Map<String, Value> {
        let mut done = BTreeMap::new();
        while let Some(name) = open.pop_first() {
            if done.contains_key(&name) {
                continue;
            }
            let schema = match self.texts.get(&name) {
                Some((pattern, message)) => {
                    json!({"type": "string", "pattern": pattern, "x-message": message})
                }
                None => self.object(&self.types[&name], &[], &mut open),
            };
            done.insert(name, schema);
        }
        done.into_iter().collect()
    }

    /// The schema files of a kind, by path: two for the core group, whose forms have different
    /// groups, and one for both forms elsewhere.
    fn files(&self, kind: &Kind) -> Vec<(String, Value)> {
        let file = format!("{}_v2.json", kind.name.to_lowercase());
        let groups: Vec<(String, Form)> = match kind.group.as_str() {
            "core" => vec![
                ("tsb.tetrate.io".into(), Form::Kubernetes),
                ("api.tsb.tetrate.io".into(), Form::Tctl),
            ],
            group => vec![(format!("{group}.tsb.tetrate.io"), Form::Either)],
        };
        let schema = |group: &str, form: Form| {
            let mut needed = BTreeSet::new();
            // the management plane hands these out with what it holds
            let returned = json!({
                "description": "Set by the management plane; leave it out.",
                "type": "string"
            });
            let spec = self.object(
                &Block { description: "What is wanted.".into(), ..kind.block.fields() },
                &[("fqn", returned.clone()), ("etag", returned)],
                &mut needed,
            );
            let wants_spec = spec.get("required").is_some();
            let mut required = vec!["apiVersion", "kind", "metadata"];
            if wants_spec {
                required.push("spec");
            }
            let mut schema = json!({
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "title": kind.name,
                "description": kind.block.description,
                "type": "object",
                "additionalProperties": false,
                "required": required,
                "properties": {
                    "apiVersion": {"const": format!("{group}/v2")},
                    "kind": {"const": kind.name},
                    "metadata": metadata(form, &parents(&kind.level)),
                    "spec": spec,
                    "status": {"description": "Set by TSB.", "type": "object"},
                },
            });
            let definitions = self.definitions(needed);
            if !definitions.is_empty() {
                schema["$defs"] = definitions.into();
            }
            schema
        };
        groups
            .into_iter()
            .map(|(group, form)| (format!("{group}/{file}"), schema(&group, form)))
            .collect()
    }
}

impl Block {
    fn add(&mut self, line: &str) {
        if let Some(name) = line.strip_prefix("...") {
            self.same_as = Some(name.into());
            return;
        }
        let Some((field, description)) = line.split_once(" -- ") else {
            self.description = line.into();
            return;
        };
        let (name, kind) = field.split_once(": ").expect(line);
        self.fields.push(Field {
            name: name.trim_end_matches('*').into(),
            required: name.ends_with('*'),
            kind: kind.into(),
            description: description.into(),
        });
    }

    /// The same fields without the description.
    fn fields(&self) -> Self {
        let copy = |f: &Field| Field {
            name: f.name.clone(),
            required: f.required,
            kind: f.kind.clone(),
            description: f.description.clone(),
        };
        Self {
            description: String::new(),
            fields: self.fields.iter().map(copy).collect(),
            open: self.open,
            same_as: self.same_as.clone(),
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Form {
    Tctl,
    Kubernetes,
    Either,
}

/// The parents of a level: the field of `metadata`, the annotation, and what it says.
fn parents(level: &str) -> Vec<(&'static str, String, String)> {
    let own = |name: &'static str| (name, name.to_owned(), format!("The {name} it belongs to."));
    let (organization, tenant, workspace) = (own("organization"), own("tenant"), own("workspace"));
    match level {
        "root" => vec![],
        "organization" => vec![organization],
        "tenant" => vec![organization, tenant],
        "workspace" => vec![organization, tenant, workspace],
        "application" => vec![organization, tenant, own("application")],
        "named" => vec![("fqn", "fqn".to_owned(), "Full name of what it is about.".to_owned())],
        group => {
            let noun = group.trim_end_matches("Group");
            let what = format!("The {noun} group it belongs to.");
            vec![organization, tenant, workspace, ("group", group.to_owned(), what)]
        }
    }
}

fn metadata(form: Form, parents: &[(&str, String, String)]) -> Value {
    let text = |description: &str| json!({"description": description, "type": "string"});
    let texts = |description: &str| {
        json!({
            "description": description,
            "type": "object",
            "additionalProperties": {"type": "string"},
        })
    };
    let fields: Vec<&str> = parents.iter().map(|(field, ..)| *field).collect();
    let annotations: Vec<String> =
        parents.iter().map(|(_, annotation, _)| format!("tsb.tetrate.io/{annotation}")).collect();
    let named = fields == ["fqn"];

    let mut properties = Map::new();
    let mut put = |name: &str, schema: Value| {
        properties.entry(name.to_owned()).or_insert(schema);
    };
    put("name", text("Its name: unique below its parent, and in its namespace."));
    if form != Form::Kubernetes {
        for (field, _, description) in parents {
            put(field, text(description));
        }
        put("displayName", text("Name for people; `spec.displayName` says the same."));
        put("description", text("What it is for; `spec.description` says the same."));
        put("fqn", text("Its full name, set by the management plane."));
        put("resourceVersion", text("Set by the management plane."));
    }
    put("labels", texts("Labels; TSB propagates them into what it generates."));
    let mut annotated = texts("Annotations. In Kubernetes form they name the parents.");
    if form != Form::Tctl && !parents.is_empty() {
        let names = parents.iter().zip(&annotations).map(|((_, _, description), name)| {
            (name.clone(), json!({"description": description, "type": "string", "minLength": 1}))
        });
        annotated["properties"] = names.collect::<Map<_, _>>().into();
        if form == Form::Kubernetes {
            annotated["required"] = json!(annotations);
        }
    }
    put("annotations", annotated);
    if form != Form::Tctl {
        put("namespace", text("The Kubernetes namespace it lives in."));
        for name in ["uid", "resourceVersion", "selfLink", "generateName"] {
            put(name, text("Set by the API server."));
        }
        for name in ["creationTimestamp", "deletionTimestamp"] {
            put(name, json!({"description": "Set by the API server.", "type": ["string", "null"]}));
        }
        for name in ["generation", "deletionGracePeriodSeconds"] {
            put(
                name,
                json!({"description": "Set by the API server.", "type": ["integer", "null"]}),
            );
        }
        for name in ["finalizers", "ownerReferences", "managedFields"] {
            put(name, json!({"description": "Set by controllers.", "type": "array"}));
        }
    }

    let mut schema = json!({
        "description": "Name and place in the hierarchy.",
        "type": "object",
        "additionalProperties": false,
    });
    let mut required: Vec<&str> = if named { vec![] } else { vec!["name"] };
    match form {
        Form::Tctl => required.extend(&fields),
        Form::Kubernetes if !parents.is_empty() => required.push("annotations"),
        Form::Kubernetes => {}
        Form::Either if !parents.is_empty() => {
            schema["anyOf"] = json!([
                {"required": fields},
                {
                    "required": ["annotations"],
                    "properties": {"annotations": {"required": annotations}},
                },
            ]);
            let message = format!(
                "must name its parents: by {} (tctl), or by the annotations {} (Kubernetes)",
                list(&fields),
                list(&annotations)
            );
            schema["x-message"] = message.into();
        }
        Form::Either => {}
    }
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema["properties"] = properties.into();
    schema
}

fn list(words: &[impl AsRef<str>]) -> String {
    words.iter().map(|w| format!("`{}`", w.as_ref())).collect::<Vec<_>>().join(", ")
}

fn all_files() -> BTreeMap<String, String> {
    let catalogue = Catalogue::read();
    let files = catalogue.kinds.iter().flat_map(|kind| catalogue.files(kind));
    files
        .map(|(path, schema)| (path, serde_json::to_string_pretty(&schema).expect("JSON") + "\n"))
        .collect()
}

#[test]
fn schemas_are_those_of_the_field_list() {
    let bless = std::env::var_os("WAYPOST_BLESS").is_some();
    let files = all_files();
    let mut stale = Vec::new();
    for (path, text) in &files {
        let at = folder().join(path);
        if bless {
            fs::create_dir_all(at.parent().expect("a folder")).expect("created");
            #[allow(clippy::disallowed_methods, reason = "goldens are written by tests")]
            fs::write(&at, text).expect("written");
        }
        if fs::read_to_string(&at).unwrap_or_default() != *text {
            stale.push(path.clone());
        }
    }
    // a kind that is gone from the list leaves no file behind
    for group in files.keys().filter_map(|path| path.split('/').next()).collect::<BTreeSet<_>>() {
        for entry in fs::read_dir(folder().join(group)).expect("a folder") {
            let name = entry.expect("an entry").file_name().to_string_lossy().into_owned();
            if !files.contains_key(&format!("{group}/{name}")) {
                stale.push(format!("{group}/{name}: not in tsb.fields"));
            }
        }
    }
    assert!(stale.is_empty(), "stale: {stale:?}; write them anew with WAYPOST_BLESS=1");
    assert!(files.len() >= 37, "only {} files", files.len());
}

#[test]
fn every_type_is_used_and_every_field_described() {
    let catalogue = Catalogue::read();
    let mut needed = BTreeSet::new();
    for kind in &catalogue.kinds {
        catalogue.object(&kind.block, &[], &mut needed);
    }
    let used = catalogue.definitions(needed);
    let names = catalogue.types.keys().chain(catalogue.texts.keys());
    let unused: Vec<&String> = names.filter(|name| !used.contains_key(*name)).collect();
    assert!(unused.is_empty(), "{unused:?}");
    for block in catalogue.types.values().chain(catalogue.kinds.iter().map(|k| &k.block)) {
        assert!(block.description.ends_with('.'), "{}", block.description);
        for field in &block.fields {
            assert!(field.description.ends_with('.'), "{}: {}", field.name, field.description);
        }
    }
}

/// Both forms of every kind, as the conversion's case has them, are valid.
#[test]
fn every_kind_of_the_conversion_case_is_valid() {
    let case = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/tsb-forms/every-kind");
    let schemas: BTreeMap<String, Schema> = all_files()
        .into_iter()
        .map(|(path, text)| {
            let schema = serde_json::from_str(&text).expect("JSON");
            (path.clone(), Schema::compile(schema).expect(&path))
        })
        .collect();
    let mut seen = BTreeSet::new();
    for name in ["tctl.yaml", "kubernetes.yaml"] {
        let text = fs::read_to_string(case.join(name)).expect(name);
        let mut sources = Sources::default();
        let (documents, _) = read(sources.add(name, text.as_str()), &text, &Budget::SPEC);
        for document in documents {
            let root = &document.root;
            let text = |key: &str| root.get(key).and_then(|n| n.as_str()).expect(key);
            let group = text("apiVersion").split('/').next().expect("a group");
            let path = format!("{group}/{}_v2.json", text("kind").to_lowercase());
            if let Some(schema) = schemas.get(&path) {
                let found = schema.check(root);
                assert!(found.is_empty(), "{path}: {found:?}");
                seen.insert(path);
            }
        }
    }
    let missed: Vec<&String> = schemas.keys().filter(|path| !seen.contains(*path)).collect();
    assert!(missed.is_empty(), "no document is checked against {missed:?}");
}
