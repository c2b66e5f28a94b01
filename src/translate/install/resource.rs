//! What becomes of the fields that are wanted: patches over the base, the finished resource, or
//! Components.

use serde_json::{Map, Value, json};

use super::blame::Blame;
use super::component::{self, Component};
use super::{json_patch, merge};
use crate::diagnostic::{Diagnostic, Places};
use crate::model::{InstallBase, InstallOutput};

/// API group of the install resources.
pub(super) const GROUP: &str = "install.tetrate.io";
/// Their version.
pub(super) const VERSION: &str = "v1alpha1";

/// What an install resource comes to, as values.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InstallFiles {
    /// Objects of unit `platform`: the finished resource, or the untouched copy of the base, and
    /// what the platform needs besides.
    pub resources: Vec<Value>,
    /// Patches over the copy of the base, in the order they apply.
    pub patches: Vec<KustomizePatch>,
    /// Without a base: kustomize Components for the user's own kustomization, outside the units.
    pub components: Vec<Component>,
    /// What the patched base must come to; equal to the resource where the output is full.
    pub patched: Vec<Value>,
    /// What is to be checked against the schema of its kind.
    pub checks: Vec<InstallCheck>,
}

/// An install resource as the schema should see it, and who wrote what in it.
#[derive(Clone, Debug, PartialEq)]
pub struct InstallCheck {
    /// The finished resource; without a base the wanted fields alone.
    pub value: Value,
    /// The lines behind its values, in the base and in the spec, by JSON pointer.
    pub places: Places,
    /// False where only fields are known: then nothing is missing.
    pub is_whole: bool,
}

impl InstallFiles {
    /// The same with another finished resource, in the place of the one it had: a copy of a base
    /// gets another patch, a finished resource is replaced.
    #[must_use]
    pub fn with_finished(mut self, finished: Vec<Value>) -> Self {
        for (index, (before, after)) in self.patched.iter_mut().zip(finished).enumerate() {
            let Some(resource) = self.resources.get_mut(index) else { break };
            if resource == before && self.patches.is_empty() {
                resource.clone_from(&after);
            } else {
                let target = PatchTarget::of(&after);
                let operations = json_patch::operations(resource, &after);
                self.patches = KustomizePatch::new(target, operations).into_iter().collect();
            }
            *before = after;
        }
        self
    }
}

/// A patch of a kustomization.
#[derive(Clone, Debug, PartialEq)]
pub struct KustomizePatch {
    /// Name of the file that holds the body.
    pub file: String,
    /// What it applies to.
    pub target: PatchTarget,
    /// A list of JSON6902 operations.
    pub body: Value,
}

/// What a patch applies to: one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatchTarget {
    /// API group.
    pub group: String,
    /// Version.
    pub version: String,
    /// Kind.
    pub kind: String,
    /// Name.
    pub name: String,
    /// Namespace, where the object has one.
    pub namespace: Option<String>,
}

impl KustomizePatch {
    /// A patch; `None` where there is nothing to do.
    fn new(target: PatchTarget, operations: Vec<Value>) -> Option<Self> {
        let file = format!("patch-{}-{}.yaml", target.kind.to_lowercase(), target.name);
        (!operations.is_empty()).then(|| Self { file, target, body: Value::Array(operations) })
    }

    /// The entry in a kustomization's `patches`.
    pub fn entry(&self) -> Value {
        json!({"path": self.file, "target": self.target.selector()})
    }
}

impl PatchTarget {
    /// The object with this `spec` and nothing else.
    pub(super) fn with_spec(&self, spec: &Map<String, Value>) -> Value {
        let mut metadata = Map::from_iter([("name".to_owned(), self.name.as_str().into())]);
        if let Some(namespace) = &self.namespace {
            metadata.insert("namespace".into(), namespace.as_str().into());
        }
        json!({
            "apiVersion": format!("{}/{}", self.group, self.version),
            "kind": self.kind,
            "metadata": metadata,
            "spec": spec,
        })
    }

    /// The one object that a value is.
    fn of(object: &Value) -> Self {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
        let metadata = |key: &str| text(&format!("/metadata/{key}")).map(str::to_owned);
        Self {
            group: GROUP.to_owned(),
            version: VERSION.to_owned(),
            kind: text("/kind").unwrap_or_default().to_owned(),
            name: metadata("name").unwrap_or_default(),
            namespace: metadata("namespace"),
        }
    }

    /// The `target` of the entry. kustomize reads each text as an anchored regular expression
    /// (facts/gitops-delivery.md 6.1.1), so points in names are escaped. In the group they are
    /// left as people know it: what else they might match is no group.
    pub fn selector(&self) -> Value {
        let literal = |text: &str| Value::from(text.replace('.', r"\."));
        let mut target = Map::new();
        target.insert("group".into(), self.group.as_str().into());
        target.insert("version".into(), self.version.as_str().into());
        target.insert("kind".into(), self.kind.as_str().into());
        target.insert("name".into(), literal(&self.name));
        if let Some(namespace) = &self.namespace {
            target.insert("namespace".into(), literal(namespace));
        }
        Value::Object(target)
    }
}

/// An install resource and what is wanted of it.
pub(super) struct Wanted<'a> {
    /// Its kind.
    pub(super) kind: &'static str,
    /// Its usual name.
    pub(super) name: &'static str,
    /// Its usual namespace.
    pub(super) namespace: &'static str,
    /// The cluster, for messages.
    pub(super) cluster: &'a str,
    /// What is made of the base.
    pub(super) output: InstallOutput,
    /// The wanted fields of `spec`.
    pub(super) spec: Map<String, Value>,
}

impl Wanted<'_> {
    /// The files, once the finished resource has been checked. Without a base the check sees the
    /// wanted fields alone.
    pub(super) fn finish(
        self,
        blame: &Blame<'_>,
        found: &mut Vec<Diagnostic>,
        check: impl FnOnce(&Value, &mut Vec<Diagnostic>),
    ) -> InstallFiles {
        let Some(base) = blame.base else {
            let target = self.target(None);
            let fields = target.with_spec(&self.spec);
            check(&fields, found);
            let components = component::components(&target, &self.spec);
            if !components.is_empty() && !blame.base_is_lost() {
                found.push(self.component_note(&components, blame));
            }
            let checks = vec![InstallCheck {
                places: blame.places(&fields),
                value: merge::without_nulls(&fields),
                is_whole: false,
            }];
            return InstallFiles { components, checks, ..InstallFiles::default() };
        };
        if !self.is_base(base) {
            found.push(self.wrong_base(base));
            return InstallFiles::default();
        }
        let mut full = base.body.clone();
        for conflict in merge::merge(&mut full, &json!({"spec": self.spec})) {
            let overruled = blame.base(&conflict.pointer);
            found.push(conflict.overruled(overruled, blame.origin));
        }
        check(&full, found);
        let checks = vec![InstallCheck {
            places: blame.places(&full),
            value: merge::without_nulls(&full),
            is_whole: true,
        }];
        match self.output {
            InstallOutput::Full => InstallFiles {
                resources: vec![full.clone()],
                patched: vec![full],
                checks,
                ..InstallFiles::default()
            },
            InstallOutput::Overlay => InstallFiles {
                resources: vec![base.body.clone()],
                patches: self.patch(base, &full).into_iter().collect(),
                components: Vec::new(),
                patched: vec![full],
                checks,
            },
        }
    }

    /// The patch from the base to the finished resource, if they differ.
    fn patch(&self, base: &InstallBase, full: &Value) -> Option<KustomizePatch> {
        let operations = json_patch::operations(&base.body, full);
        KustomizePatch::new(self.target(Some(base)), operations)
    }

    fn target(&self, base: Option<&InstallBase>) -> PatchTarget {
        let (name, namespace) = match base {
            Some(base) => (base.object.name.clone(), base.object.namespace.clone()),
            None => (self.name.to_owned(), Some(self.namespace.to_owned())),
        };
        PatchTarget {
            group: GROUP.to_owned(),
            version: VERSION.to_owned(),
            kind: self.kind.to_owned(),
            name,
            namespace,
        }
    }

    fn is_base(&self, base: &InstallBase) -> bool {
        let gvk = &base.object.gvk;
        gvk.is(GROUP, self.kind) && gvk.version == VERSION
    }

    fn wrong_base(&self, base: &InstallBase) -> Diagnostic {
        let (kind, gvk) = (self.kind, &base.object.gvk);
        Diagnostic::error(
            "wrong-base",
            format!("the base for cluster `{}` is a `{gvk}`, not a `{kind}`", self.cluster),
        )
        .at(base.origin, "")
        .help(format!("name a file with `apiVersion: {GROUP}/{VERSION}` and `kind: {kind}`"))
    }

    fn component_note(&self, components: &[Component], blame: &Blame<'_>) -> Diagnostic {
        let names: Vec<String> = components.iter().map(|c| format!("`{}`", c.name)).collect();
        let kind = self.kind;
        let which = if components.iter().any(|c| c.name.ends_with("-append")) {
            format!(" (of a pair, `-append` where the {kind} has the list and `-create` where not)")
        } else {
            String::new()
        };
        let message = format!(
            "the {kind} of cluster `{}` has no base, so nothing is applied by itself",
            self.cluster
        );
        Diagnostic::note("install-component", message).at(blame.origin, "").help(format!(
            "add to the kustomization that builds it: {}{which}; or name a `base`",
            names.join(", ")
        ))
    }
}

/// Lays the spec's free fields over those that the spec's other fields came to.
pub(super) fn with_free_fields(
    fields: Map<String, Value>,
    free: &Map<String, Value>,
    blame: &Blame<'_>,
    found: &mut Vec<Diagnostic>,
) -> Map<String, Value> {
    let mut spec = Value::Object(fields);
    for conflict in merge::combine(&mut spec, &Value::Object(free.clone())) {
        let free = format!("/spec{}", conflict.pointer);
        found.push(conflict.contradiction(blame.spec("/edge/env"), blame.spec(&free)));
    }
    match spec {
        Value::Object(spec) => spec,
        _ => Map::new(),
    }
}
