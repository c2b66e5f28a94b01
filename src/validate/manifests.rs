//! Manifests against what a cluster would say: the schema or CRD of their kind, Kubernetes' rules
//! for metadata, Istio's admission rules.
//!
//! A [`Validator`] is made once, compiles a kind's schema when the first object of it comes, and
//! is shared by threads. What has no schema is [`Verdict::NotValidated`], never valid.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::catalogue::{SchemaKey, SchemaSource};
use super::crd::{self, CustomResource, Definition};
use super::schema::Schema;
use super::{gateway, istio, metadata};
use crate::diagnostic::{Diagnostic, Severity, has_errors};
use crate::k8s::{GroupVersionKind, Object};
use crate::yaml::Node;

/// What the pods of a workload that we patch are marked with.
const OUR_MARK: &str = "waypost.dev/dataplane-mode";

/// What tells Flux to apply a part of an object (facts/gitops-delivery.md 3.1).
const PART: &str = "kustomize.toolkit.fluxcd.io/ssa";

/// What is checked.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Evaluate the CEL rules of CRDs. Without the feature `cel` they never are, and
    /// [`Validator::new`] says so.
    pub rules: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { rules: true }
    }
}

/// What became of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Its kind's schema, and every rule, takes it.
    Valid,
    /// Something refuses it.
    Invalid,
    /// There is no schema for its kind; what could be checked without one was.
    NotValidated,
}

/// Schemas and rules by kind.
pub struct Validator {
    kinds: BTreeMap<SchemaKey, Kind>,
    options: Options,
}

/// What is known of a kind. The definition of a cluster goes before a schema of ours.
#[derive(Default)]
struct Kind {
    custom: Option<(Definition, OnceLock<CustomResource>)>,
    whole: Option<Lazy>,
    partial: Option<Lazy>,
}

/// A schema that is parsed and compiled when it is first needed: of dozens, a run needs few.
struct Lazy {
    source: SchemaSource,
    compiled: OnceLock<Result<Schema, String>>,
}

impl Lazy {
    fn schema(&self) -> Result<&Schema, &String> {
        let compile = || {
            let document = serde_json::from_str(&self.source.text).map_err(|e| e.to_string())?;
            Schema::compile(document)
        };
        self.compiled.get_or_init(compile).as_ref()
    }
}

/// True for the text of a schema that describes the patch of a workload that we render. The text is
/// looked through, not kept.
fn is_partial(text: &str) -> serde_json::Result<bool> {
    #[derive(Deserialize)]
    struct Head {
        #[serde(rename = "x-partial", default)]
        partial: serde_json::Value,
    }
    // a schema may be no object at all
    let other = |_| serde_json::from_str::<IgnoredAny>(text).map(|_| false);
    serde_json::from_str::<Head>(text).map(|head| head.partial == true).or_else(other)
}

impl Validator {
    /// Takes schemas, of which the later replace the earlier of the same kind, and
    /// CustomResourceDefinitions, which go before schemas. What cannot be used is reported.
    pub fn new<'a>(
        schemas: impl IntoIterator<Item = &'a SchemaSource>,
        crds: &[Object],
        options: Options,
    ) -> (Self, Vec<Diagnostic>) {
        let mut found = Vec::new();
        let mut kinds: BTreeMap<SchemaKey, Kind> = BTreeMap::new();
        for source in schemas {
            let Some(key) = SchemaKey::of_path(&source.path) else {
                found.push(
                    Diagnostic::error(
                        "bad-schema",
                        format!("`{}` is not a path of the schema catalogue", source.path),
                    )
                    .help("name it `<group>/<kind in lower case>_<version>.json`"),
                );
                continue;
            };
            match is_partial(&source.text) {
                Ok(partial) => {
                    let lazy = Some(Lazy { source: source.clone(), compiled: OnceLock::new() });
                    let kind = kinds.entry(key).or_default();
                    if partial { kind.partial = lazy } else { kind.whole = lazy }
                }
                Err(error) => found.push(Diagnostic::error(
                    "bad-schema",
                    format!("`{}` is not JSON: {error}", source.path),
                )),
            }
        }
        for object in crds.iter().filter(|o| is_definition(&o.gvk)) {
            let definitions = crd::definitions(object, &mut found);
            let rules: usize = definitions.iter().map(Definition::rule_count).sum();
            if rules > 0 && options.rules && !cfg!(feature = "cel") {
                found.push(
                    Diagnostic::warning(
                        "rule-not-evaluated",
                        format!("the {rules} rules of `{}` are not evaluated", object.name),
                    )
                    .at(object.name_span(), "this program was built without CEL")
                    .help("build it with the feature `cel`"),
                );
            }
            for definition in definitions {
                let key = SchemaKey::of_kind(&definition.gvk);
                kinds.entry(key).or_default().custom = Some((definition, OnceLock::new()));
            }
        }
        (Self { kinds, options }, found)
    }

    /// Compiles every kind now and reports what cannot be used, also rules of CRDs that are beyond
    /// our CEL. Without this, a kind is compiled when its first object comes.
    pub fn compile(&self) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        for kind in self.kinds.values() {
            if let Some((definition, compiled)) = &kind.custom {
                compiled
                    .get_or_init(|| definition.compile(self.options.rules))
                    .problems(definition, &mut found);
            }
            for lazy in kind.whole.iter().chain(&kind.partial) {
                if let Err(error) = lazy.schema() {
                    found.push(Diagnostic::error(
                        "bad-schema",
                        format!("the schema of `{}` cannot be used: {error}", lazy.source.path),
                    ));
                }
            }
        }
        found
    }

    /// Checks one object and adds what is wrong with it.
    pub fn check(&self, object: &Object, found: &mut Vec<Diagnostic>) -> Verdict {
        let mut own = Vec::new();
        let known = self.check_schema(object, &mut own);
        metadata::check(object, &mut own);
        let mut admission = Vec::new();
        istio::check(object, &mut admission);
        // of two findings at one place the webhook's says more than a pattern or a rule
        let place = |d: &Diagnostic| d.primary.as_ref().map(|p| p.span);
        let is_same = |a: &Diagnostic, b: &Diagnostic| place(a) == place(b);
        own.retain(|d| {
            !matches!(d.code, "wrong-value" | "rule-broken")
                || !admission.iter().any(|a| a.is_error() && is_same(a, d))
        });
        admission.retain(|a| !own.iter().any(|d| is_same(a, d)));
        own.append(&mut admission);
        let verdict = match (has_errors(&own), known) {
            (true, _) => Verdict::Invalid,
            (false, true) => Verdict::Valid,
            (false, false) => Verdict::NotValidated,
        };
        found.append(&mut own);
        verdict
    }

    /// False when there is no schema that could say anything.
    fn check_schema(&self, object: &Object, found: &mut Vec<Diagnostic>) -> bool {
        let Some(kind) = self.kinds.get(&SchemaKey::of_kind(&object.gvk)) else { return false };
        if let Some((definition, compiled)) = &kind.custom {
            compiled.get_or_init(|| definition.compile(self.options.rules)).check(object, found);
            return true;
        }
        let partial = kind.partial.as_ref().filter(|_| is_our_patch(object));
        let Some(lazy) = partial.or(kind.whole.as_ref()) else { return false };
        match lazy.schema() {
            Ok(schema) => {
                check_typed(schema, object, found);
                gateway::check(object, found);
            }
            Err(error) => found.push(
                Diagnostic::error(
                    "bad-schema",
                    format!("the schema of `{}` cannot be used: {error}", object.gvk),
                )
                .at(object.span(), "for this object"),
            ),
        }
        true
    }
}

/// True for the part of a workload that we render: it is marked as a part for Flux, or its pods carry
/// our annotation, and it has no containers. A patch of others may hold any field of the kind.
fn is_our_patch(object: &Object) -> bool {
    let template = object.body.get("spec").and_then(|spec| spec.get("template"));
    let annotations = template.and_then(|t| t.get("metadata")?.get("annotations")?.as_mapping());
    let is_marked = annotations.is_some_and(|m| m.entry(OUR_MARK).is_some())
        || object.annotations.get(PART).is_some_and(|how| how == "Merge");
    let containers = template.and_then(|t| t.get("spec")?.get("containers")?.as_list());
    is_marked && containers.is_none_or(<[Node]>::is_empty)
}

/// Typed decoders take a null for an absent field, whatever the schema says of the field; a null
/// under a name that they do not know is still a misspelt name.
fn check_typed(schema: &Schema, object: &Object, found: &mut Vec<Diagnostic>) {
    let raw = schema.check(&object.body);
    if raw.is_empty() {
        return;
    }
    let decoded = schema.check_derived(&crd::structural::decoded(&object.body), &object.body);
    let unknown = raw.into_iter().filter(|d| d.code == "unknown-field" && !decoded.contains(d));
    found.extend(unknown);
    found.extend(decoded);
}

fn is_definition(gvk: &GroupVersionKind) -> bool {
    gvk.is("apiextensions.k8s.io", "CustomResourceDefinition")
}

/// What a run looked at. Counts are true whatever was printed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Files read.
    pub files: usize,
    /// Objects in them.
    pub objects: usize,
    /// Objects that are valid.
    pub valid: usize,
    /// Objects that are not.
    pub invalid: usize,
    /// Objects without a schema, by kind.
    pub not_validated: BTreeMap<GroupVersionKind, usize>,
    /// Errors.
    pub errors: usize,
    /// Warnings.
    pub warnings: usize,
}

impl Summary {
    /// Counts an object.
    pub fn count(&mut self, object: &Object, verdict: Verdict) {
        self.objects += 1;
        match verdict {
            Verdict::Valid => self.valid += 1,
            Verdict::Invalid => self.invalid += 1,
            Verdict::NotValidated => {
                *self.not_validated.entry(object.gvk.clone()).or_default() += 1;
            }
        }
    }

    /// Counts findings.
    pub fn count_findings(&mut self, found: &[Diagnostic]) {
        for diagnostic in found {
            match diagnostic.severity {
                Severity::Error => self.errors += 1,
                Severity::Warning => self.warnings += 1,
                Severity::Note => {}
            }
        }
    }

    /// How many objects have no schema.
    pub fn not_validated_count(&self) -> usize {
        self.not_validated.values().sum()
    }

    /// Adds another part of the same run.
    pub fn add(&mut self, other: &Summary) {
        let Summary { files, objects, valid, invalid, not_validated, errors, warnings } = other;
        self.files += files;
        self.objects += objects;
        self.valid += valid;
        self.invalid += invalid;
        self.errors += errors;
        self.warnings += warnings;
        for (gvk, count) in not_validated {
            *self.not_validated.entry(gvk.clone()).or_default() += count;
        }
    }
}
