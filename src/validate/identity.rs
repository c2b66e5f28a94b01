//! Which object a manifest is: what an apply of another manifest would replace.

use std::fmt;

use crate::k8s::{Object, ObjectRef};
use crate::spec::tsb::is_tsb_group;
use crate::yaml::Node;

/// An object of a cluster, or of TSB.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Identity {
    /// Kind, namespace and name.
    pub reference: ObjectRef,
    /// Of a resource in tctl's form: where it is.
    place: Option<String>,
}

/// The identity of an object; `None` without a name, and for what configures kustomize and is no
/// object of a cluster.
pub fn identity(object: &Object) -> Option<Identity> {
    if object.gvk.group == "kustomize.config.k8s.io" {
        return None;
    }
    let place = tctl_place(object);
    let is_named = !object.name.is_empty() || place.is_some();
    is_named.then(|| Identity { reference: object.reference(), place })
}

/// The place of a TSB resource in tctl form, where names are unique below their parent only, and
/// AccessBindings have no name but that of what they are about (facts/tsb.md, "TSB resources in both
/// forms"). `None` for every other object.
pub(super) fn tctl_place(object: &Object) -> Option<String> {
    if !is_tsb_group(&object.gvk.group) {
        return None;
    }
    let metadata = object.body.get("metadata")?;
    let text = |key: &str| metadata.get(key).and_then(Node::as_str);
    if let Some(fqn) = text("fqn") {
        return Some(fqn.to_owned());
    }
    let parents = ["organization", "tenant", "workspace", "group", "application"];
    let place: String = parents.iter().filter_map(|key| Some(format!("{}/", text(key)?))).collect();
    (!place.is_empty()).then_some(place)
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(place) = &self.place else { return self.reference.fmt(f) };
        let reference =
            ObjectRef { name: format!("{place}{}", self.reference.name), ..self.reference.clone() };
        reference.fmt(f)
    }
}
