//! What comes of the objects: edits of those that there are, and new ones behind them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::policy::{Action, Authorization, From, Rule, Selector, Source};
use crate::k8s::{Labels, Object, ObjectRef};

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
            added: BTreeMap::new(),
            waypoints: BTreeSet::new(),
            names: objects
                .iter()
                .map(|object| named(object, &object.gvk.kind, &object.name))
                .map(|name| (name.clone(), name))
                .collect(),
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
        let of = named(of, &of.gvk.kind, &of.name);
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

    /// What stands in place of every object that does not stay as it is.
    pub fn finish(mut self) -> BTreeMap<usize, Vec<Value>> {
        let places: BTreeSet<usize> =
            self.edited.keys().chain(&self.removed).chain(self.added.keys()).copied().collect();
        places
            .into_iter()
            .map(|at| {
                let mut values = Vec::new();
                if !self.removed.contains(&at) {
                    let own = self.edited.remove(&at);
                    values.push(own.unwrap_or_else(|| self.objects[at].body.to_json()));
                }
                values.extend(self.added.remove(&at).into_iter().flatten());
                (at, values)
            })
            .collect()
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
    annotations.insert(SOURCE.into(), format!("{}/{}", of.gvk.kind, of.name));
    metadata.insert("annotations".into(), json!(annotations));
    json!({
        "apiVersion": of.gvk.api_version(),
        "kind": name.kind,
        "metadata": metadata,
        "spec": spec,
    })
}

/// The name of an object of this group and namespace.
pub(super) fn named(of: &Object, kind: &str, name: &str) -> ObjectRef {
    ObjectRef {
        group: of.gvk.group.clone(),
        kind: kind.to_owned(),
        namespace: Some(of.namespace_or_default().to_owned()),
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
