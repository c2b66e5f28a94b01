//! The templates, and what they make of a manifest.

use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::value::{Rest, Serde};
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior};
use serde_json::Value;

use super::canonical::{canonical, is_canonical};
use super::formatter::{Flow, block, yaml_scalar};
use crate::diagnostic::{Diagnostic, FileId, Position, Span};
use crate::k8s::Object;
use crate::manifest::{ConfigMap, Manifest};
use crate::yaml::{Budget, emit, read};

/// The built-in templates: path below `templates/`, text.
const BUILT_IN: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/templates.rs"));

/// What one template may take: a step is one, and so are [`FUEL_BYTES`] bytes that it makes. Enough for a
/// policy with 100,000 principals, and an end for a loop that has none.
const FUEL: u64 = 8_000_000;

/// The bytes that one unit of fuel pays for (minijinja, `Environment::set_fuel`: "roughly one fuel per 64
/// bytes"). What a template holds at once is all that it has made, where it never lets go of it.
const FUEL_BYTES: u64 = 64;

const _: () = assert!(FUEL * FUEL_BYTES <= 512 << 20, "a template holds half a gibibyte at most");

/// The built-in templates by name, for listing and for the input digest.
pub fn built_in() -> impl Iterator<Item = (&'static str, &'static str)> {
    BUILT_IN.iter().copied()
}

/// A template of the user's, instead of the built-in one of the same name.
#[derive(Clone, Debug)]
pub struct Override {
    /// The file it was read from.
    pub file: FileId,
    /// Its text.
    pub text: Arc<str>,
}

/// What became of a manifest.
#[derive(Clone, Debug)]
pub enum RenderedObject {
    /// As it was read back from its template's text; its places are in that text, which nobody
    /// sees.
    Read {
        /// The object.
        object: Object,
        /// The text, where it is the canonical one: then reading it has shown already that it
        /// means the object.
        text: Option<String>,
    },
    /// What has no template, keys in canonical order.
    Value(Value),
}

impl RenderedObject {
    /// The object, keys in canonical order.
    pub fn into_value(self) -> Value {
        match self {
            RenderedObject::Read { object, .. } => canonical(object.body.into_json()),
            RenderedObject::Value(value) => value,
        }
    }
}

/// Renders manifests. It is `Sync`: make one and share it.
///
/// Templates see their manifest and nothing else: no file, no environment variable, no clock, no
/// randomness. A name that is not defined is an error.
pub struct Renderer {
    environment: Environment<'static>,
    overrides: BTreeMap<String, Override>,
}

impl Renderer {
    /// Takes the user's templates in, by name. A name that no built-in template has is a finding:
    /// it would never be used.
    pub fn new(mut overrides: BTreeMap<String, Override>) -> (Self, Vec<Diagnostic>) {
        // a copy of a built-in template is none of the user's
        overrides.retain(|name, mine| {
            !BUILT_IN.iter().any(|(known, text)| known == name && **text == *mine.text)
        });
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        let flow = if overrides.is_empty() { Flow::Never } else { Flow::Perhaps };
        environment.set_formatter(yaml_scalar(flow));
        environment.add_filter("block", block);
        environment.set_fuel(Some(FUEL));
        // what a loop leaves behind would nest without end: fuel bounds steps and bytes, not depth
        environment.add_function("namespace", no_namespace);
        let mut found = Vec::new();
        let mut add = |name: &'static str, text: &str, mine: Option<&Override>| {
            if let Err(error) = environment.add_template_owned(name, text.to_owned()) {
                found.push(fault(name, &error, mine));
            }
        };
        for (name, text) in BUILT_IN {
            match overrides.get(*name) {
                Some(mine) => add(name, &mine.text, Some(mine)),
                None => add(name, text, None),
            }
        }
        for (name, mine) in &overrides {
            if !BUILT_IN.iter().any(|(known, _)| known == name) {
                let diagnostic = Diagnostic::error(
                    "unknown-template",
                    format!("the template `{name}` is used by nothing"),
                )
                .at(start_of(mine.file), "");
                let known = BUILT_IN.iter().map(|(known, _)| *known);
                found.push(match crate::diagnostic::nearest(name, known) {
                    Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
                    None => diagnostic.help("remove it, or name it as a built-in template"),
                });
            }
        }
        (Self { environment, overrides }, found)
    }

    /// The object that a manifest is, keys in canonical order.
    ///
    /// # Errors
    /// What is wrong with the template, at its line; that its text is not the one object that the
    /// manifest claims.
    pub fn render(&self, manifest: Manifest) -> Result<RenderedObject, Box<Diagnostic>> {
        let Some(name) = manifest.template() else {
            return Ok(match manifest {
                Manifest::Verbatim(value) => RenderedObject::Value(canonical(value)),
                // `template` names one for every other variant
                _ => RenderedObject::Value(Value::Null),
            });
        };
        let mine = self.overrides.get(name);
        let mut text = self.text(name, &manifest).map_err(|e| Box::new(fault(name, &e, mine)))?;
        text.push('\n');
        let object = self.one_object(name, &text, &manifest, mine)?;
        let is_canonical = is_canonical(&object.body)
            && emit(&object.body).is_ok_and(|canonical| canonical == text);
        Ok(RenderedObject::Read { object, text: is_canonical.then_some(text) })
    }

    fn text(&self, name: &str, manifest: &Manifest) -> Result<String, Error> {
        let template = self.environment.get_template(name)?;
        match manifest {
            Manifest::AppProject(m) => template.render(Serde(m)),
            Manifest::Application(m) => template.render(Serde(m)),
            Manifest::ApplicationSet(m) => template.render(Serde(m)),
            Manifest::AuthorizationPolicy(m) => template.render(Serde(m)),
            Manifest::FluxKustomization(m) => template.render(Serde(m)),
            Manifest::GitRepository(m) => template.render(Serde(m)),
            Manifest::ConfigMap(m) => template.render(Serde(config_map(m)?)),
            Manifest::Gateway(m) => template.render(Serde(m)),
            Manifest::Namespace(m) => template.render(Serde(m)),
            Manifest::PeerAuthentication(m) => template.render(Serde(m)),
            Manifest::Workload(m) => template.render(Serde(m)),
            Manifest::Verbatim(_) => Err(Error::from(ErrorKind::TemplateNotFound)),
        }
    }

    /// A template can hold anything; only the one object that translate decided on is let through
    /// (facts/gitops-delivery.md 8.3 T6, T7).
    fn one_object(
        &self,
        name: &str,
        text: &str,
        manifest: &Manifest,
        mine: Option<&Override>,
    ) -> Result<Object, Box<Diagnostic>> {
        let reference = manifest.reference();
        let wrong = |what: String| {
            let diagnostic = Diagnostic::error(
                "template-output",
                format!("the template `{name}` does not give {reference}: {what}"),
            );
            Box::new(match mine {
                Some(mine) => diagnostic
                    .at(start_of(mine.file), "")
                    .help("a template must give exactly the object that it stands for"),
                None => diagnostic.help("this is a bug in waypost"),
            })
        };
        let (mut documents, found) = read(FileId::default(), text, &Budget::RENDERED);
        if let Some(first) = found.into_iter().find(Diagnostic::is_error) {
            let line = first.primary.map_or(0, |p| p.span.start.line);
            return Err(wrong(format!("line {line} of its output: {}", first.message)));
        }
        let count = documents.len();
        let (Some(document), 1) = (documents.pop(), count) else {
            return Err(wrong(format!("it gives {count} documents, not one")));
        };
        let object = Object::from_node(document.root).map_err(|d| wrong(d.message))?;
        if object.gvk != manifest.gvk() || object.reference() != reference {
            return Err(wrong(format!("it gives {} of {}", object.reference(), object.gvk)));
        }
        Ok(object)
    }
}

/// Stands for the function that templates do not have.
fn no_namespace(_: Rest<minijinja::Value>) -> Result<minijinja::Value, Error> {
    let why = "templates have no `namespace`: what a loop sets ends with its round";
    Err(Error::new(ErrorKind::InvalidOperation, why))
}

/// The context of a ConfigMap: its documents as YAML texts.
fn config_map(manifest: &ConfigMap) -> Result<Value, Error> {
    let data: Result<serde_json::Map<String, Value>, Error> = manifest
        .documents
        .iter()
        .map(|(key, value)| match emit(value) {
            Ok(text) => Ok((key.clone(), text.into())),
            Err(error) => Err(Error::new(ErrorKind::BadSerialization, error.to_string())),
        })
        .collect();
    Ok(serde_json::json!({"metadata": manifest.metadata, "data": data?}))
}

fn fault(name: &str, error: &Error, mine: Option<&Override>) -> Diagnostic {
    let detail = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    let diagnostic =
        Diagnostic::error("template-fault", format!("the template `{name}` fails: {detail}"));
    match mine {
        // an include's error lies in the included file, whose name the error carries
        Some(mine) if error.name().is_none_or(|n| n == name) => {
            diagnostic.at(place(mine, error), "here")
        }
        Some(mine) => diagnostic.at(start_of(mine.file), ""),
        None => diagnostic.help("this is a bug in waypost"),
    }
}

/// The line that an error names.
fn place(mine: &Override, error: &Error) -> Span {
    let number = error.line().unwrap_or(1).max(1);
    let offset: usize = mine.text.split_inclusive('\n').take(number - 1).map(str::len).sum();
    let line = mine.text[offset..].lines().next().unwrap_or_default();
    let indent = line.len() - line.trim_start().len();
    let cut = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let position = |at: usize| Position {
        line: cut(number),
        column: cut(line[..at].chars().count() + 1),
        offset: cut(offset + at),
    };
    Span { file: mine.file, start: position(indent), end: position(line.len()) }
}

fn start_of(file: FileId) -> Span {
    let start = Position { line: 1, column: 1, offset: 0 };
    Span { file, start, end: start }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::k8s::{LabelSelector, Labels, Requirement, SelectorOperator, TargetRef};
    use crate::manifest::{
        Action, AppProject, Application, ApplicationSet, ApplicationSpec, AuthorizationPolicy,
        Automated, ClusterObject, Destination, Element, FluxKustomization, Gateway, GitRepository,
        HealthCheck, HealthExpression, Infrastructure, KindRef, Listener, Metadata, MtlsMode,
        Namespace, ParametersRef, PeerAuthentication, Retry, Rule, Source, SyncPolicy, Workload,
    };
    use crate::model::{Principal, WorkloadKind};

    fn namespace(name: &str) -> Manifest {
        Manifest::Namespace(Namespace {
            metadata: Metadata { name: name.into(), ..Metadata::default() }
                .label("istio.io/dataplane-mode", "ambient")
                .label("evil", "a\n---\nkind: ClusterRoleBinding")
                .label("flow", "a, b")
                .label("word", "on"),
        })
    }

    fn with(text: &str) -> (Renderer, Vec<Diagnostic>) {
        let mine = Override { file: FileId(0), text: text.into() };
        Renderer::new(BTreeMap::from([("core/namespace.yaml.j2".to_owned(), mine)]))
    }

    #[test]
    fn values_cannot_change_the_structure() -> Result<(), Box<Diagnostic>> {
        let (renderer, found) = Renderer::new(BTreeMap::new());
        assert_eq!(found, []);
        let value = renderer.render(namespace("client"))?.into_value();
        assert_eq!(value["metadata"]["labels"]["evil"], "a\n---\nkind: ClusterRoleBinding");
        assert_eq!(value["metadata"]["labels"]["word"], "on");
        Ok(())
    }

    #[test]
    fn flow_collections_in_an_override_hold() -> Result<(), Box<Diagnostic>> {
        let (renderer, _) = with(
            "apiVersion: v1\nkind: Namespace\nmetadata: {name: {{ metadata.name }}, labels: {flow: {{ metadata.labels['flow'] }}}}",
        );
        let value = renderer.render(namespace("a"))?.into_value();
        assert_eq!(value["metadata"]["labels"]["flow"], "a, b");
        Ok(())
    }

    #[test]
    fn another_object_than_claimed_is_refused() {
        for text in [
            "apiVersion: v1\nkind: Secret\nmetadata:\n  name: {{ metadata.name }}",
            "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: other",
            "{% include '_metadata.j2' %}",
            "",
            "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: b",
        ] {
            let (renderer, _) = with(text);
            let code = renderer.render(namespace("a")).err().map(|d| d.code);
            assert_eq!(code, Some("template-output"), "{text}");
        }
    }

    #[test]
    fn a_hundred_thousand_principals_are_no_loop_without_end() {
        let principal = "cluster.local/ns/{{ metadata.name }}/sa/{{ a }}";
        let text = format!("{{% for a in range(100000) %}}- {principal}\n{{% endfor %}}");
        let (renderer, found) = with(&text);
        assert!(found.is_empty(), "{found:?}");
        let text = renderer.text("core/namespace.yaml.j2", &namespace("a"));
        assert_eq!(text.map(|text| text.lines().count()).ok(), Some(100_000));
    }

    /// Steps, bytes and depth are bounded. Lists that are added to themselves are not: minijinja adds
    /// them when they are read, and the time limit of the whole run is what ends that.
    #[test]
    fn a_template_that_grows_ends_with_a_finding() {
        let doubled = |statement: &str| statement.repeat(60);
        for text in [
            "{% for a in range(100000) %}{% for b in range(100000) %}{{ a }}{% endfor %}{% endfor %}".to_owned(),
            format!("{{% set a = 'xxxxxxxx' %}}{}", doubled("{% set a = a ~ a %}")),
            format!("{{% set a = 'x' %}}{}", doubled("{% set a %}{{ a }}{{ a }}{% endset %}")),
            "{{ 'x' * 1000000000 }}".to_owned(),
            "{% macro f(s) %}{{ f(s ~ s) }}{% endmacro %}{{ f('x') }}".to_owned(),
            "{% set n = namespace(x=[]) %}{% for a in range(100000) %}{% set n.x = [n.x] %}{% endfor %}".to_owned(),
            format!("{{{{ {}1{} }}}}", "(".repeat(20_000), ")".repeat(20_000)),
            format!("{{{{ {}1{} }}}}", "[".repeat(20_000), "]".repeat(20_000)),
            "{% if a %}".repeat(20_000),
        ] {
            let (mut renderer, mut found) = with(&text);
            // what is bounded is bounded by any amount; a smaller one is a faster test
            renderer.environment.set_fuel(Some(FUEL / 500));
            found.extend(renderer.render(namespace("a")).err().map(|d| *d));
            let codes: Vec<&str> = found.iter().map(|d| d.code).collect();
            assert!(!codes.is_empty(), "{}", &text[..text.len().min(80)]);
        }
    }

    /// What Argo CD and Flux are told, with every field and with as few as there can be.
    fn of_appliers(metadata: &dyn Fn() -> Metadata) -> Vec<Manifest> {
        let text = || "a b: {{ .c }}".to_owned();
        let sync = |automated| SyncPolicy {
            automated,
            options: vec!["A=true".to_owned()],
            retry: Retry { limit: 5, duration: "10s".into(), factor: 2, max_duration: "3m".into() },
        };
        let application = |automated| {
            Manifest::Application(Application {
                metadata: metadata(),
                spec: ApplicationSpec {
                    project: text(),
                    repo_url: text(),
                    revision: text(),
                    path: text(),
                    cluster: text(),
                    namespace: text(),
                    sync: sync(automated),
                },
            })
        };
        let project = |cluster_objects, kinds| {
            Manifest::AppProject(AppProject {
                metadata: metadata(),
                description: text(),
                repositories: vec![text()],
                destinations: vec![Destination { cluster: text(), namespace: text() }],
                cluster_objects,
                kinds,
            })
        };
        let kustomization = |depends_on: Vec<String>, wait, health_checks, health_expressions| {
            Manifest::FluxKustomization(FluxKustomization {
                metadata: metadata(),
                components: depends_on.clone(),
                depends_on,
                interval: text(),
                retry_interval: text(),
                timeout: text(),
                path: text(),
                prune: true,
                deletion_policy: text(),
                source_kind: text(),
                source_name: text(),
                wait,
                health_checks,
                health_expressions,
            })
        };
        let check =
            |namespace| HealthCheck { api_version: text(), kind: text(), namespace, name: text() };
        let expression = |failed| HealthExpression {
            api_version: text(),
            kind: text(),
            current: text(),
            failed,
        };
        let repository = |reference, commit| {
            let (url, interval) = (text(), text());
            let metadata = metadata();
            Manifest::GitRepository(GitRepository { metadata, url, interval, reference, commit })
        };
        vec![
            application(Some(Automated { prune: true })),
            application(None),
            project(
                vec![ClusterObject { group: String::new(), kind: text(), name: text() }],
                vec![KindRef { group: String::new(), kind: text() }],
            ),
            project(Vec::new(), Vec::new()),
            Manifest::ApplicationSet(ApplicationSet {
                metadata: metadata(),
                elements: vec![Element {
                    name: text(),
                    cluster: text(),
                    unit: text(),
                    path: text(),
                    namespace: text(),
                    annotations: Labels::from([("a".to_owned(), "true".to_owned())]),
                    sync: sync(Some(Automated { prune: false })),
                }],
                steps: vec![text()],
                project: text(),
                repo_url: text(),
                revision: text(),
                labels: Labels::from([("waypost.dev/environment".to_owned(), "a".to_owned())]),
                template_patch: "a: 1\nb: {{ toJson .c }}\n".to_owned(),
            }),
            kustomization(
                vec![text()],
                false,
                vec![check(None), check(Some(text()))],
                vec![expression(None), expression(Some(text()))],
            ),
            kustomization(Vec::new(), true, Vec::new(), Vec::new()),
            repository(Some(text()), None),
            repository(None, Some(text())),
        ]
    }

    /// The built-in templates write canonical text, so that it need not be read a second time.
    #[test]
    fn built_in_templates_are_canonical() -> Result<(), Box<Diagnostic>> {
        let (renderer, _) = Renderer::new(BTreeMap::new());
        let metadata = || Metadata::namespaced("a", "b").label("list", "a,b");
        let labels = || Labels::from([("a".to_owned(), "b".to_owned())]);
        let principal = Principal::Authenticated;
        let gateway = |infrastructure| {
            Manifest::Gateway(Gateway {
                metadata: metadata(),
                class: "istio-waypoint".into(),
                infrastructure,
                listeners: vec![Listener {
                    name: "mesh".into(),
                    port: 15008,
                    protocol: "HBONE".into(),
                    routes_from: "Same".into(),
                }],
            })
        };
        let all = of_appliers(&metadata).into_iter().chain([
            Manifest::AuthorizationPolicy(AuthorizationPolicy {
                metadata: metadata(),
                action: Some(Action::Deny),
                selector: labels(),
                target_ref: Some(TargetRef::gateway("waypoint")),
                rules: vec![Rule {
                    from: vec![
                        Source { principals: vec![principal.clone()], not_principals: Vec::new() },
                        Source {
                            principals: vec![principal.clone()],
                            not_principals: vec![principal],
                        },
                    ],
                }],
            }),
            Manifest::AuthorizationPolicy(AuthorizationPolicy {
                metadata: metadata(),
                action: None,
                selector: Labels::new(),
                target_ref: None,
                rules: Vec::new(),
            }),
            Manifest::ConfigMap(ConfigMap {
                metadata: metadata(),
                documents: BTreeMap::from([("a".into(), serde_json::json!({"spec": {"b": 2}}))]),
            }),
            gateway(Some(Infrastructure {
                labels: labels(),
                annotations: labels(),
                parameters_ref: Some(ParametersRef { name: "c".into() }),
            })),
            gateway(None),
            Manifest::Namespace(Namespace { metadata: Metadata { namespace: None, ..metadata() } }),
            Manifest::PeerAuthentication(PeerAuthentication {
                metadata: metadata(),
                mode: MtlsMode::Strict,
            }),
            Manifest::Workload(Workload {
                kind: WorkloadKind::Deployment,
                metadata: metadata(),
                selector: Some(LabelSelector {
                    match_labels: labels(),
                    match_expressions: vec![Requirement {
                        key: "a".to_owned(),
                        operator: SelectorOperator::In,
                        values: vec!["a".to_owned()],
                    }],
                }),
                service_name: Some("a".to_owned()),
                pod_labels: labels(),
                pod_annotations: labels(),
            }),
        ]);
        for manifest in all {
            let reference = manifest.reference();
            let rendered = renderer.render(manifest)?;
            assert!(matches!(rendered, RenderedObject::Read { text: Some(_), .. }), "{reference}");
        }
        Ok(())
    }

    #[test]
    fn undefined_names_are_an_error_at_their_line() {
        let (renderer, _) = with("apiVersion: v1\n  {{ metadata.nmae }}");
        let error = renderer.render(namespace("a")).err();
        let line = error.and_then(|e| e.primary).map(|p| p.span.start.line);
        assert_eq!(line, Some(2));
    }

    #[test]
    fn a_template_that_nothing_uses_is_reported() {
        let mine = Override { file: FileId(0), text: "".into() };
        let (_, found) =
            Renderer::new(BTreeMap::from([("core/namspace.yaml.j2".to_owned(), mine)]));
        assert_eq!(found[0].help.as_deref(), Some("did you mean `core/namespace.yaml.j2`?"));
    }
}
