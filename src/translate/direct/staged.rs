//! What becomes of a policy while its namespace moves: replaced step by step, and never by nothing.

use serde_json::{Value, json};

use super::{Proposal, Rewrite};
use crate::k8s::Object;
use crate::model::DataplaneMode;
use crate::plan::NamespaceState;

/// The annotation of a policy that is there as long as sidecars are: what replaces it.
pub const REPLACED_BY: &str = "waypost.dev/replaced-by";

/// How far a policy is handed over from sidecars to waypoint and ztunnel.
///
/// What is put beside it is there before anybody needs it. It opens nothing at sidecars: an admission lets
/// the waypoint in, which asks the twin; a guard binds restarted pods only. The policy itself goes
/// last, when no sidecar is left that reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handover {
    /// It is as it was written.
    Before,
    /// It is there, and what replaces it too.
    Meanwhile,
    /// What replaces it is there alone.
    Done,
}

impl Handover {
    /// What a namespace has reached.
    pub fn of(state: NamespaceState) -> Self {
        match (state.prepared == DataplaneMode::Ambient, state.cleaned) {
            (_, true) => Handover::Done,
            (true, false) => Handover::Meanwhile,
            (false, false) => Handover::Before,
        }
    }
}

impl Proposal {
    /// What stands in the place of one of the objects.
    pub fn at(&self, place: usize, objects: &[Object], handover: Handover) -> Vec<Value> {
        let Some(object) = objects.get(place) else { return Vec::new() };
        let written = || object.body.to_json();
        let Some(rewrite) = self.changes.get(&place) else { return vec![written()] };
        let Rewrite { meanwhile, becomes, added } = rewrite;
        let own = match handover {
            Handover::Before => return vec![written()],
            Handover::Meanwhile if becomes.is_none() => {
                let own = meanwhile.clone().unwrap_or_else(written);
                Some(replaced(own, added))
            }
            Handover::Meanwhile | Handover::Done => becomes.clone(),
        };
        own.into_iter().chain(added.iter().cloned()).collect()
    }
}

/// The policy, with what replaces it.
fn replaced(mut policy: Value, by: &[Value]) -> Value {
    let name = |value: &Value| Some(value.pointer("/metadata/name")?.as_str()?.to_owned());
    let names: Vec<String> = by.iter().filter_map(name).collect();
    let annotations = policy
        .pointer_mut("/metadata")
        .and_then(Value::as_object_mut)
        .map(|metadata| metadata.entry("annotations").or_insert_with(|| json!({})));
    if let Some(annotations) = annotations.and_then(Value::as_object_mut) {
        annotations.insert(REPLACED_BY.to_owned(), json!(names.join(", ")));
    }
    policy
}
