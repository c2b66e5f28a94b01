//! What comes of the objects: edits of those that there are, and new ones behind them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::policy::{Action, Authorization, From, Rule, Selector, Source};
use super::reach::template_of;
use super::{Policy, Proposal, Rewrite};
use crate::k8s::{Labels, Object, ObjectRef, TargetRef};
use crate::model::RESTART_TOKEN;

/// The annotation that names what an object was made of.
const SOURCE: &str = "waypost.dev/source";

/// Annotations of an object that are about itself, and not about what it says.
const OF_ITSELF: [&str; 2] =
    ["kubectl.kubernetes.io/last-applied-configuration", "argocd.argoproj.io/tracking-id"];

/// Edits, by the place of the object among all.
pub(super) struct Writing<'o> {
    objects: &'o [Object],
    edited: BTreeMap<usize, Value>,
    removed: BTreeSet<usize>,
    meanwhile: BTreeMap<usize, Value>,
    opted_out: BTreeSet<usize>,
    guarded: BTreeSet<usize>,
    added: BTreeMap<usize, Vec<Value>>,
    /// Namespaces in which the waypoint was made.
    waypoints: BTreeSet<String>,
    /// Names that are taken, and by which object: itself, or the one that something is made of.
    names: BTreeMap<ObjectRef, ObjectRef>,
}

impl<'o> Writing<'o> {
    pub fn new(objects: &'o [Object]) -> Self {
        Self {
            objects,
            edited: BTreeMap::new(),
            removed: BTreeSet::new(),
            meanwhile: BTreeMap::new(),
            opted_out: BTreeSet::new(),
            guarded: BTreeSet::new(),
            added: BTreeMap::new(),
            waypoints: BTreeSet::new(),
            names: objects.iter().map(itself).map(|name| (name.clone(), name)).collect(),
        }
    }

    /// Changes an object in place.
    pub fn edit(&mut self, at: usize, change: impl FnOnce(&mut Value)) {
        let value = self.edited.entry(at).or_insert_with(|| self.objects[at].body.to_json());
        change(value);
    }

    /// Sets labels below a path that leads to what has `metadata`.
    pub fn label(&mut self, at: usize, path: &[&str], set: &[(&str, &str)]) {
        self.edit(at, |value| {
            let template = path.iter().try_fold(value, |value, key| value.get_mut(*key));
            let Some(labels) = template.and_then(|owner| mapping(owner, &["metadata", "labels"]))
            else {
                return;
            };
            for (key, value) in set {
                labels.insert((*key).to_owned(), json!(value));
            }
        });
    }

    /// Takes an object away.
    pub fn remove(&mut self, at: usize) {
        self.removed.insert(at);
    }

    /// Takes a name for what is made of an object; false where another object has it. One that is there twice
    /// is told once, as that.
    pub fn claim(&mut self, name: &ObjectRef, of: &Object) -> bool {
        let of = itself(of);
        *self.names.entry(name.clone()).or_insert_with(|| of.clone()) == of
    }

    /// Puts an object behind another.
    pub fn add(&mut self, behind: usize, value: Value) {
        self.added.entry(behind).or_default().push(value);
    }

    /// Puts the waypoint of a namespace behind an object, unless it is there already: several namespaces may
    /// share it.
    pub fn add_waypoint(&mut self, namespace: &str, behind: usize, value: Value) {
        if self.waypoints.insert(namespace.to_owned()) {
            self.add(behind, value);
        }
    }

    /// Says what an object that goes in the end says until then.
    pub fn until_it_goes(&mut self, at: usize, spec: Value) {
        let mut value = self.objects[at].body.to_json();
        value["spec"] = spec;
        self.meanwhile.insert(at, value);
    }

    /// Lets the pods of a workload past the waypoint, although that serves pods.
    pub fn opt_out(&mut self, at: usize) {
        self.opted_out.insert(at);
        self.label_pods(at, "istio.io/use-waypoint", "none");
    }

    /// Puts the label by which a guard binds pods on those of a workload.
    pub fn bind_guard(&mut self, at: usize) {
        self.guarded.insert(at);
        self.label_pods(at, RESTART_TOKEN, "ambient");
    }

    /// Puts a label on the pods of a workload.
    pub fn label_pods(&mut self, at: usize, key: &str, value: &str) {
        let path = template_of(&self.objects[at]).unwrap_or_default();
        self.label(at, path, &[(key, value)]);
    }

    /// What becomes of every object that does not stay as it is.
    pub fn finish(mut self, policies: Vec<Policy>) -> Proposal {
        let places: BTreeSet<usize> =
            self.edited.keys().chain(&self.removed).chain(self.added.keys()).copied().collect();
        let mut rewrite = |at: usize| {
            let own = self.edited.remove(&at);
            Rewrite {
                meanwhile: self.meanwhile.remove(&at),
                becomes: (!self.removed.contains(&at))
                    .then(|| own.unwrap_or_else(|| self.objects[at].body.to_json())),
                added: self.added.remove(&at).unwrap_or_default(),
            }
        };
        let changes = places.into_iter().map(|at| (at, rewrite(at))).collect();
        Proposal { changes, policies, opted_out: self.opted_out, guarded: self.guarded }
    }
}

/// The mapping at a path, made where it is absent; `None` where something else is there.
fn mapping<'v>(value: &'v mut Value, path: &[&str]) -> Option<&'v mut Map<String, Value>> {
    path.iter()
        .try_fold(value, |value, key| {
            let entry = value.as_object_mut()?.entry((*key).to_owned()).or_insert(Value::Null);
            if entry.is_null() {
                *entry = json!({});
            }
            Some(entry)
        })?
        .as_object_mut()
}

/// An object that is made of a policy. Labels and annotations are the policy's: among them are those by
/// which TSB attaches it (facts/tsb.md, "DIRECT mode").
pub(super) fn derived(of: &Object, name: &ObjectRef, spec: Value) -> Value {
    let mut metadata = Map::new();
    metadata.insert("name".into(), json!(name.name));
    metadata.insert("namespace".into(), json!(name.namespace));
    if !of.labels.is_empty() {
        metadata.insert("labels".into(), json!(of.labels));
    }
    let mut annotations: Labels = of
        .annotations
        .iter()
        .filter(|(key, _)| !OF_ITSELF.contains(&key.as_str()))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let is_elsewhere = name.namespace.as_deref() != Some(of.namespace_or_default());
    let home = if is_elsewhere { format!("{}/", of.namespace_or_default()) } else { String::new() };
    annotations.insert(SOURCE.into(), format!("{}/{home}{}", of.gvk.kind, of.name));
    metadata.insert("annotations".into(), json!(annotations));
    json!({
        "apiVersion": of.gvk.api_version(),
        "kind": name.kind,
        "metadata": metadata,
        "spec": spec,
    })
}

fn itself(object: &Object) -> ObjectRef {
    named(object, &object.gvk.kind, object.namespace_or_default(), &object.name)
}

/// What an object says, bound to objects by name instead of selecting pods.
pub(super) fn bound_to(object: &Object, targets: &[TargetRef]) -> Value {
    let spec = object.body.get("spec").map(|spec| spec.to_json());
    let mut spec = match spec {
        Some(Value::Object(spec)) => spec,
        _ => Map::new(),
    };
    spec.shift_remove("selector");
    spec.insert("targetRefs".into(), json!(targets));
    Value::Object(spec)
}

/// The name of an object of this group.
pub(super) fn named(of: &Object, kind: &str, namespace: &str, name: &str) -> ObjectRef {
    ObjectRef {
        group: of.gvk.group.clone(),
        kind: kind.to_owned(),
        namespace: Some(namespace.to_owned()),
        name: name.to_owned(),
    }
}

/// A rule that lets an identity in, or, as one of a guard, everybody but it out.
pub(super) fn only(source: Source) -> Rule {
    Rule { from: vec![From { source }], ..Rule::default() }
}

/// An AuthorizationPolicy about pods.
pub(super) fn about_pods(selector: Option<Selector>, action: Action, rules: Vec<Rule>) -> Value {
    let selector = selector.filter(|selector| !selector.match_labels.is_empty());
    json!(Authorization { selector, action: Some(action), rules, ..Authorization::default() })
}
