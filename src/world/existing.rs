//! What is in the clusters of an environment without what is rendered, and what is rendered over it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::merge::merged;
use super::{Origin, Present, Rendered};
use crate::k8s::{Object, ObjectRef};
use crate::model::ClusterName;
use crate::resolve::Resolved;

/// What exists in each cluster anyway: the inventory, and over it what the user applies beside
/// waypost. It is the same at every point of a migration, so that it is put together once.
#[derive(Clone, Debug, Default)]
pub struct Existing {
    clusters: BTreeMap<ClusterName, Objects>,
}

/// The objects of a cluster. Those without a name (`generateName`) are another object each time.
#[derive(Clone, Debug, Default)]
struct Objects {
    named: BTreeMap<Arc<ObjectRef>, Present>,
    nameless: Vec<Present>,
}

impl Existing {
    /// What an environment's sources say.
    pub fn new(resolved: &Resolved) -> Self {
        let of = |name: &ClusterName| {
            let mut objects = Objects::default();
            let inventory = resolved.inventory.get(name).into_iter().flatten();
            for object in inventory {
                let origin = Origin { inventory: true, ..Origin::default() };
                objects.apply(object, origin);
            }
            for object in resolved.direct.get(name).into_iter().flatten() {
                objects.apply(object, Origin { direct: true, ..Origin::default() });
            }
            objects
        };
        let names = resolved.environment.clusters.keys();
        Self { clusters: names.map(|name| (name.clone(), of(name))).collect() }
    }

    /// The objects of a cluster once these are rendered into it, by their references.
    pub(super) fn overlaid(&self, cluster: &ClusterName, rendered: &[Rendered]) -> Vec<Present> {
        let mut objects = self.clusters.get(cluster).cloned().unwrap_or_default();
        for Rendered { area, object } in rendered {
            objects.apply(object, Origin { rendered: Some(*area), ..Origin::default() });
        }
        objects.named.into_values().chain(objects.nameless).collect()
    }
}

impl Objects {
    fn apply(&mut self, object: &Arc<Object>, origin: Origin) {
        let applied = Present { object: Arc::clone(object), origin };
        if object.name.is_empty() {
            self.nameless.push(applied);
            return;
        }
        self.named
            .entry(Arc::new(object.reference()))
            .and_modify(|present| {
                present.object = Arc::new(merged(&present.object, object));
                present.origin.inventory |= origin.inventory;
                present.origin.direct |= origin.direct;
                present.origin.rendered = origin.rendered.or(present.origin.rendered);
            })
            .or_insert(applied);
    }
}
