//! The units as the appliers are told of them.

use std::collections::{BTreeMap, BTreeSet};

use crate::k8s::{Labels, ObjectRef};
use crate::manifest::Manifest;
use crate::model::{ClusterName, DataplaneMode, Delivery, Environment, NamespaceId, Target, Unit};
use crate::plan::{NamespaceState, State};

/// The objects of every unit that has any, by cluster.
pub type UnitObjects = BTreeMap<ClusterName, BTreeMap<Unit, Vec<ObjectRef>>>;

/// What the appliers' objects are made from.
#[derive(Clone, Copy, Debug)]
pub struct Units<'a> {
    /// The environment.
    pub environment: &'a Environment,
    /// Its part on delivery.
    pub delivery: &'a Delivery,
    /// The point of the migration that is rendered.
    pub state: &'a State,
    /// What is rendered.
    pub objects: &'a UnitObjects,
}

/// An object for an applier.
#[derive(Clone, Debug)]
pub struct ForApplier {
    /// Who is told.
    pub target: Target,
    /// The folder below `gitops/<target>/<environment>`; `None` for that folder itself. Each is
    /// applied by itself.
    pub folder: Option<String>,
    /// The object.
    pub manifest: Manifest,
}

impl Units<'_> {
    /// The name of a unit's Application or Kustomization.
    pub(super) fn name(&self, cluster: &ClusterName, unit: Unit) -> String {
        self.environment.applier_name(cluster, unit)
    }

    /// The name of what an environment has one of: its AppProject, its source.
    pub(super) fn own_name(&self) -> String {
        format!("waypost-{}", self.environment.name)
    }

    /// A unit's folder in the repository.
    pub(super) fn path(&self, cluster: &ClusterName, unit: Unit) -> String {
        let below = format!("{}/{cluster}/{unit}", self.environment.name);
        match self.delivery.path.as_str() {
            "" => below,
            root => format!("{root}/{below}"),
        }
    }

    /// What a unit's objects are found by: progressive syncs select by `unit`.
    pub(super) fn labels(&self, cluster: &ClusterName, unit: Unit) -> Labels {
        let mut labels = self.environment_label();
        labels.insert("waypost.dev/cluster".to_owned(), cluster.to_string());
        labels.insert("waypost.dev/unit".to_owned(), unit.to_string());
        labels
    }

    /// The label of everything that belongs to the environment.
    pub(super) fn environment_label(&self) -> Labels {
        Labels::from([("waypost.dev/environment".to_owned(), self.environment.name.to_string())])
    }

    /// Every unit of every cluster, in the order in which they are applied.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&ClusterName, Unit, &[ObjectRef])> {
        self.objects.iter().flat_map(|(cluster, units)| {
            units.iter().map(move |(unit, objects)| (cluster, *unit, objects.as_slice()))
        })
    }

    /// The units that exist anywhere.
    pub(super) fn all(&self) -> BTreeSet<Unit> {
        self.iter().map(|(_, unit, _)| unit).collect()
    }

    /// True where a namespace of a cluster is ambient at some stage.
    pub(super) fn is_ever_ambient(&self, cluster: &ClusterName) -> bool {
        let migrates = self.environment.stages.iter().flat_map(|stage| &stage.namespaces);
        let known = self.environment.clusters.get(cluster);
        let mut namespaces = known.into_iter().flat_map(|c| c.namespaces.keys());
        migrates.into_iter().any(|id| id.cluster == *cluster)
            || namespaces.any(|name| self.is_prepared(cluster, name.as_str()))
    }

    /// True where pods of a namespace are ambient once its labels are applied.
    pub(super) fn is_enrolled(&self, cluster: &ClusterName, namespace: &str) -> bool {
        self.is_ambient(cluster, namespace, |state| state.enrolled)
    }

    /// True where waypoints and policies of a namespace are there for pods that are ambient now or
    /// will be.
    pub(super) fn is_prepared(&self, cluster: &ClusterName, namespace: &str) -> bool {
        self.is_ambient(cluster, namespace, |state| state.prepared)
    }

    fn is_ambient(
        &self,
        cluster: &ClusterName,
        namespace: &str,
        mode: fn(NamespaceState) -> DataplaneMode,
    ) -> bool {
        let known = self.environment.clusters.get(cluster);
        known.and_then(|c| c.namespaces.get_key_value(namespace)).is_some_and(|(name, n)| {
            let id = NamespaceId { cluster: cluster.clone(), namespace: name.clone() };
            mode(self.state.of(&id)) == DataplaneMode::Ambient
                || n.workloads.values().any(|w| w.mode == Some(DataplaneMode::Ambient))
        })
    }
}

/// True for what deletes nothing when it leaves the tree: partial objects, of which only some
/// fields are ours, and the installation, whose deletion would take the mesh away.
pub(super) fn keeps_what_leaves(unit: Unit) -> bool {
    match unit {
        Unit::Platform | Unit::Enrollment | Unit::Workloads => true,
        Unit::Tsb | Unit::Mesh => false,
    }
}
