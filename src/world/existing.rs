//! What is in the clusters of an environment without what is rendered, and what is rendered over it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value};

use super::merge::merged;
use super::{Origin, Present, Rendered};
use crate::diagnostic::Span;
use crate::k8s::{Object, ObjectRef};
use crate::model::{ClusterName, Version};
use crate::resolve::Resolved;

/// All that the mesh of an environment is made of but what is rendered: what exists in each cluster
/// anyway (the inventory, and over it what the user applies beside waypost), and what the spec says of
/// the mesh. It is the same at every point of a migration, so that it is put together once.
#[derive(Debug, Default)]
pub struct Existing {
    /// Of each cluster what the spec says of its mesh, and its objects.
    pub(super) clusters: BTreeMap<ClusterName, (MeshSettings, Objects)>,
    /// The version of Istio.
    pub(super) istio: Option<Version>,
    /// What nothing restarts: cluster, namespace, kind and name.
    pub(super) kept: BTreeSet<[String; 4]>,
    merges: Merges,
}

/// What the spec says of a cluster's mesh.
#[derive(Clone, Debug)]
pub(super) struct MeshSettings {
    pub trust_domain: String,
    /// Fields of its MeshConfig.
    pub mesh_config: Map<String, Value>,
    /// Where the cluster stands.
    pub origin: Span,
}

impl MeshSettings {
    /// Do they say the same, wherever they stand?
    fn say(&self, other: &Self) -> bool {
        let Self { trust_domain, mesh_config, origin: _ } = self;
        *trust_domain == other.trust_domain && *mesh_config == other.mesh_config
    }
}

/// The objects of a cluster. Those without a name (`generateName`) are another object each time.
#[derive(Clone, Debug, Default)]
pub(super) struct Objects {
    named: BTreeMap<Arc<ObjectRef>, Present>,
    nameless: Vec<Present>,
}

/// What came of objects that were applied over others: at many points of a migration they are the same
/// two. By the objects themselves, which are held as long as what came of them.
#[derive(Debug, Default)]
struct Merges(Mutex<HashMap<[usize; 2], Merge>>);

#[derive(Debug)]
struct Merge {
    _of: [Arc<Object>; 2],
    made: Arc<Object>,
}

impl Merges {
    fn merged(&self, existing: &Arc<Object>, applied: &Arc<Object>) -> Arc<Object> {
        let address = |object: &Arc<Object>| Arc::as_ptr(object) as usize;
        let key = [address(existing), address(applied)];
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let merge = known.entry(key).or_insert_with(|| Merge {
            _of: [Arc::clone(existing), Arc::clone(applied)],
            made: Arc::new(merged(existing, applied)),
        });
        Arc::clone(&merge.made)
    }
}

impl Existing {
    /// What an environment's sources say.
    pub fn new(resolved: &Resolved) -> Self {
        let merges = Merges::default();
        let of = |name: &ClusterName| {
            let mut objects = Objects::default();
            // what of these is there, and in which words, the tree says
            let adopted: BTreeSet<ObjectRef> =
                resolved.adopted.get(name).into_iter().flatten().map(|o| o.reference()).collect();
            let inventory = resolved.inventory.get(name).into_iter().flatten();
            for object in inventory.filter(|object| !adopted.contains(&object.reference())) {
                let origin = Origin { inventory: true, ..Origin::default() };
                objects.apply(object, origin, &merges);
            }
            for object in resolved.direct.get(name).into_iter().flatten() {
                objects.apply(object, Origin { direct: true, ..Origin::default() }, &merges);
            }
            objects
        };
        let environment = &resolved.environment;
        let clusters = environment.clusters.iter().map(|(name, cluster)| {
            let settings = MeshSettings {
                trust_domain: cluster.trust_domain.as_str().to_owned(),
                mesh_config: cluster.mesh_config.clone(),
                origin: cluster.origin,
            };
            (name.clone(), (settings, of(name)))
        });
        Self {
            clusters: clusters.collect(),
            istio: environment.istio,
            kept: environment
                .kept_sidecars()
                .into_iter()
                .map(|own| own.map(str::to_owned))
                .collect(),
            merges,
        }
    }

    /// Does it say the same as that of another spec? With the same rendered over it, the mesh is the
    /// same then.
    pub fn says(&self, other: &Self) -> bool {
        let Self { clusters, istio, kept, merges: _ } = self;
        *istio == other.istio
            && *kept == other.kept
            && clusters.len() == other.clusters.len()
            && clusters.iter().zip(&other.clusters).all(|((name, own), (other_name, other))| {
                name == other_name && own.0.say(&other.0) && own.1.says(&other.1)
            })
    }

    /// The objects of a cluster once these are rendered into it, by their references.
    pub(super) fn overlaid(&self, cluster: &ClusterName, rendered: &[Rendered]) -> Vec<Present> {
        let own = self.clusters.get(cluster).map(|(_, objects)| objects.clone());
        let mut objects = own.unwrap_or_default();
        for Rendered { area, object } in rendered {
            let origin = Origin { rendered: Some(*area), ..Origin::default() };
            objects.apply(object, origin, &self.merges);
        }
        objects.named.into_values().chain(objects.nameless).collect()
    }
}

impl Objects {
    fn apply(&mut self, object: &Arc<Object>, origin: Origin, merges: &Merges) {
        let applied = Present { object: Arc::clone(object), origin };
        if object.name.is_empty() {
            self.nameless.push(applied);
            return;
        }
        self.named
            .entry(Arc::new(object.reference()))
            .and_modify(|present| {
                present.object = merges.merged(&present.object, object);
                present.origin.inventory |= origin.inventory;
                present.origin.direct |= origin.direct;
                present.origin.rendered = origin.rendered.or(present.origin.rendered);
            })
            .or_insert(applied);
    }

    fn says(&self, other: &Self) -> bool {
        let Self { named, nameless } = self;
        named.len() == other.named.len()
            && nameless.len() == other.nameless.len()
            && named
                .values()
                .chain(nameless)
                .zip(other.named.values().chain(&other.nameless))
                .all(|(own, other)| own.object.says(&other.object))
    }
}
