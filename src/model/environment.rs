//! An environment: everything that is rendered together.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Cluster, ClusterName, Delivery, EnvironmentName, ManagementPlane, Namespace, NamespaceId,
    NamespaceName, StageName, Unit, Version,
};
use crate::diagnostic::Span;

/// Everything that one `Environment` document and its sources mean.
#[derive(Clone, Debug)]
pub struct Environment {
    /// Its name.
    pub name: EnvironmentName,
    /// TSB's organization.
    pub organization: String,
    /// TSB's version: selects field gates and the policy profile.
    pub tsb: Version,
    /// Istio's version: selects feature gates. `None` where the spec gives none, which it may where
    /// no cluster runs Istio.
    pub istio: Option<Version>,
    /// Who makes what in the cluster.
    pub ownership: Ownership,
    /// What becomes of the injection label of a namespace that leaves sidecar mode.
    pub injection_label: InjectionLabel,
    /// How workloads are restarted.
    pub restart: Restart,
    /// Its clusters, by name.
    pub clusters: BTreeMap<ClusterName, Cluster>,
    /// What is to be set in the ManagementPlane.
    pub management_plane: Option<ManagementPlane>,
    /// The migration's stages in order; empty where nothing migrates.
    pub stages: Vec<StageDefinition>,
    /// How far the migration has come: what `render` writes now.
    pub reached: Reached,
    /// How TSB resources are written for Kubernetes.
    pub tsb_objects: TsbObjects,
    /// How the tree reaches the clusters; `None` where nothing is written about it.
    pub delivery: Option<Delivery>,
    /// Where its name stands.
    pub origin: Span,
}

impl Environment {
    /// The namespaces of a cluster that are ambient now or at some stage, whole or in part.
    pub fn ambient_namespaces<'a>(
        &self,
        cluster: &'a Cluster,
    ) -> impl Iterator<Item = &'a Namespace> + use<'a, '_> {
        let ids = self.stages.iter().flat_map(|stage| &stage.namespaces);
        let staged: BTreeSet<&NamespaceName> =
            ids.filter(|id| id.cluster == cluster.name).map(|id| &id.namespace).collect();
        cluster.namespaces.values().filter(move |n| n.has_ambient() || staged.contains(&n.name))
    }

    /// The first namespace of a cluster that is ambient at some stage, or has a workload that is.
    pub fn first_ambient<'a>(&self, cluster: &'a Cluster) -> Option<&'a Namespace> {
        self.ambient_namespaces(cluster).next()
    }

    /// The namespaces of a cluster that some stage moves.
    pub fn moved_namespaces<'a>(
        &self,
        cluster: &'a Cluster,
    ) -> impl Iterator<Item = &'a Namespace> + use<'a> {
        let ids = self.stages.iter().flat_map(|stage| &stage.namespaces);
        let staged: BTreeSet<NamespaceName> =
            ids.filter(|id| id.cluster == cluster.name).map(|id| id.namespace.clone()).collect();
        cluster.namespaces.values().filter(move |n| staged.contains(&n.name))
    }

    /// What a stage moves and nothing restarts, as cluster, namespace, kind and name: its pods keep
    /// their sidecars although the labels say otherwise.
    pub fn kept_sidecars(&self) -> BTreeSet<[&str; 4]> {
        let mut kept = BTreeSet::new();
        for cluster in self.clusters.values() {
            for namespace in self.moved_namespaces(cluster) {
                for pods in namespace.other_pods.iter().filter(|pods| pods.keep_sidecars()) {
                    let (cluster, namespace) = (cluster.name.as_str(), namespace.name.as_str());
                    kept.insert([cluster, namespace, &pods.kind, &pods.name]);
                }
            }
        }
        kept
    }

    /// The steps of each of its stages, in order.
    pub fn steps(&self) -> &'static [Step] {
        self.ownership.steps()
    }

    /// The name of a unit's Application or Kustomization. A renamed one prunes what it applied and
    /// makes it anew (facts/gitops-delivery.md 3.1.12): the form never changes.
    pub fn applier_name(&self, cluster: &ClusterName, unit: Unit) -> String {
        format!("{}-{cluster}-{unit}", self.name)
    }
}

/// How TSB resources are written for Kubernetes: unlike TSB, Kubernetes wants a namespace
/// (facts/tsb.md, "TSB resources in both forms").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TsbObjects {
    /// The namespace of resources that name none.
    pub namespace: String,
    /// Namespaces for the resources of some tenants, by the tenant's name.
    pub tenants: BTreeMap<String, String>,
    /// Whether each object says by its Argo CD sync wave when it is to be applied: pushMode SYNC
    /// refuses a resource whose parent is not there yet (facts/tsb.md, "pushMode").
    pub waves: bool,
}

impl Default for TsbObjects {
    fn default() -> Self {
        Self { namespace: "gitops".to_owned(), tenants: BTreeMap::new(), waves: true }
    }
}

/// Who makes an object in the cluster: exactly one of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Owner {
    /// The tree.
    #[default]
    GitOps,
    /// TSB.
    Tsb,
}

/// Who makes what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ownership {
    /// Waypoint Gateways and `istio.io/use-waypoint`.
    pub waypoints: Owner,
    /// Translated policies.
    pub policies: Owner,
    /// Policies of `sources.direct`, in namespaces that migrate.
    pub direct: DirectOwner,
}

impl Ownership {
    /// The steps of each stage, in order: there is something to clean up where the tree has policies
    /// that were written for sidecars.
    pub fn steps(&self) -> &'static [Step] {
        match self.direct {
            DirectOwner::User => &Step::PLAIN,
            DirectOwner::GitOps => &Step::ALL,
        }
    }
}

/// Who applies the policies of `sources.direct`: exactly one of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DirectOwner {
    /// The user, beside waypost: they stay as they are.
    #[default]
    User,
    /// The tree, which translates them when their namespace moves.
    GitOps,
}

/// What becomes of the injection label of a namespace that leaves sidecar mode
/// (facts/gitops-delivery.md 4.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InjectionLabel {
    /// `istio-injection: disabled`: overwritten by every applier, whoever set it.
    #[default]
    Disable,
    /// Left out, with `istio.io/rev`: removed only where the applier owned it.
    Remove,
    /// Not touched.
    Keep,
}

/// How workloads are restarted (facts/gitops-delivery.md 5.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Restart {
    /// By an annotation on the pod template, in unit `workloads`.
    #[default]
    Annotation,
    /// By a person.
    Manual,
}

/// A stage as the spec defines it.
#[derive(Clone, Debug)]
pub struct StageDefinition {
    /// Its name.
    pub name: StageName,
    /// The namespaces that become ambient in it.
    pub namespaces: Vec<NamespaceId>,
    /// Where the user wrote it.
    pub origin: Span,
}

/// The steps of a stage, in the order of the units they change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Waypoints and policies are there; nothing is enrolled.
    Mesh,
    /// The namespaces are labelled; pods are as they were.
    Enrollment,
    /// The workloads are restarted: the stage is done.
    Workloads,
    /// Hand-written policies that were for sidecars are gone, where the tree has them.
    Cleanup,
}

impl Step {
    /// All steps in order. [`Environment::steps`] are those that an environment has.
    const ALL: [Step; 4] = [Step::Mesh, Step::Enrollment, Step::Workloads, Step::Cleanup];
    /// Those that there are where nothing is cleaned up.
    const PLAIN: [Step; 3] = [Step::Mesh, Step::Enrollment, Step::Workloads];

    /// The word in the spec: the name of the unit it changes, but for `cleanup`.
    pub fn as_str(self) -> &'static str {
        match self {
            Step::Mesh => "mesh",
            Step::Enrollment => "enrollment",
            Step::Workloads => "workloads",
            Step::Cleanup => "cleanup",
        }
    }
}

/// How far a migration has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Reached {
    /// Nothing has been migrated.
    #[default]
    None,
    /// All stages before this one, and of this one all steps up to this.
    Stage(StageName, Step),
}

impl std::fmt::Display for Reached {
    /// As the spec says it: `none`, a stage, or a stage and a step.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Reached::None => f.write_str("none"),
            Reached::Stage(stage, Step::Workloads) => write!(f, "{stage}"),
            Reached::Stage(stage, step) => write!(f, "{stage}/{}", step.as_str()),
        }
    }
}
