//! Pods by namespace: those of workloads that are shown, and those that a namespace of which no
//! workload is shown would have.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::k8s::Labels;
use crate::simulate::mesh::{
    ClusterId, Mesh, NamespaceId, PodState, Role, Source, WorkloadId, state_of_pod,
};

/// A pod that policies may select.
#[derive(Clone, Debug)]
pub struct Pod<'m> {
    /// Its namespace.
    pub namespace: NamespaceId,
    /// Its labels.
    pub labels: Cow<'m, Labels>,
    /// How it takes part in the mesh.
    pub state: PodState,
    /// What it is there for.
    pub role: Role,
    /// Whose pod it is; `None` where no workload is shown.
    pub workload: Option<WorkloadId>,
}

impl Pod<'_> {
    /// True where the ztunnel of its node has its traffic.
    pub fn is_ambient(&self) -> bool {
        self.role == Role::Application && self.state == PodState::Ambient
    }
}

/// The pods of one cluster of a mesh.
#[derive(Debug)]
pub struct Pods<'m> {
    pub(super) mesh: &'m Mesh,
    /// The cluster.
    pub cluster: ClusterId,
    by_namespace: Vec<Vec<Pod<'m>>>,
    shown: Vec<bool>,
}

impl<'m> Pods<'m> {
    /// Looks a cluster over once.
    pub fn of(mesh: &'m Mesh, cluster: ClusterId) -> Self {
        let namespaces = mesh.namespaces().count();
        let mut by_namespace: Vec<Vec<Pod<'m>>> = vec![Vec::new(); namespaces];
        let mut shown = vec![false; namespaces];
        for (id, workload) in mesh.workloads().filter(|(id, _)| mesh.cluster_of(*id) == cluster) {
            let at = workload.namespace.0 as usize;
            // what a policy selects are pods first: a machine beside them shows none
            shown[at] |= workload.role == Role::Application && workload.makes_pods();
            by_namespace[at].push(Pod {
                namespace: workload.namespace,
                labels: Cow::Borrowed(&workload.labels),
                state: mesh.state(id),
                role: workload.role,
                workload: Some(id),
            });
        }
        let mut wanted: Vec<BTreeSet<Labels>> = vec![BTreeSet::from([Labels::new()]); namespaces];
        for labels in selectors(mesh) {
            wanted[labels.0.0 as usize].insert(labels.1);
        }
        for (id, namespace) in mesh.namespaces().filter(|(_, n)| n.cluster == cluster) {
            let at = id.0 as usize;
            if shown[at] {
                continue;
            }
            let options = mesh.options(cluster);
            for labels in std::mem::take(&mut wanted[at]) {
                let is_shown = |p: &Pod<'_>| !labels.is_empty() && is_part(&labels, &p.labels);
                if is_of_gateway(&labels) || by_namespace[at].iter().any(is_shown) {
                    continue;
                }
                by_namespace[at].push(Pod {
                    namespace: id,
                    state: state_of_pod(&labels, namespace, options),
                    labels: Cow::Owned(labels),
                    role: Role::Application,
                    workload: None,
                });
            }
        }
        Self { mesh, cluster, by_namespace, shown }
    }

    /// The namespace of this name.
    pub fn namespace(&self, name: &str) -> Option<NamespaceId> {
        self.mesh.find_namespace(self.cluster, name)
    }

    /// True where workloads of the namespace are known: then its pods are theirs and no others.
    pub fn are_shown(&self, namespace: NamespaceId) -> bool {
        self.shown[namespace.0 as usize]
    }

    /// The pods of a namespace.
    pub fn in_namespace(&self, namespace: NamespaceId) -> &[Pod<'m>] {
        &self.by_namespace[namespace.0 as usize]
    }

    /// All pods.
    pub fn all(&self) -> impl Iterator<Item = &Pod<'m>> {
        self.by_namespace.iter().flatten()
    }

    /// How new pods of a namespace take part that have no label of their own for it.
    pub fn new_in(&self, namespace: NamespaceId) -> PodState {
        let options = self.mesh.options(self.cluster);
        state_of_pod(&Labels::new(), self.mesh.namespace(namespace), options)
    }

    /// The TCP ports that the containers of a pod declare.
    pub fn known_ports(&self, pod: &Pod<'_>) -> BTreeSet<u16> {
        let workload = pod.workload.map(|id| self.mesh.workload(id));
        let ports = workload.map(|w| w.ports.as_slice()).unwrap_or_default();
        ports.iter().map(|p| p.container_port).collect()
    }

    /// True where a pod of the namespace is ambient, or would be.
    pub fn has_ambient(&self, namespace: NamespaceId) -> bool {
        self.in_namespace(namespace).iter().any(Pod::is_ambient)
    }
}

/// Whatever policies and services of a namespace select pods by.
fn selectors(mesh: &Mesh) -> impl Iterator<Item = (NamespaceId, Labels)> + '_ {
    let fixed = &mesh.fixed;
    let place = |cluster: ClusterId, name: &str| mesh.find_namespace(cluster, name);
    let policies = fixed.policies.iter().filter_map(move |(cluster, p)| {
        let labels = p.spec.selector.as_ref()?.match_labels.clone()?;
        Some((place(*cluster, &p.namespace)?, labels))
    });
    let peers = fixed.peer_authentications.iter().filter_map(move |(cluster, p)| {
        let labels = p.selector.as_ref()?.match_labels.clone()?;
        Some((place(*cluster, &p.namespace)?, labels))
    });
    let tokens = fixed.request_authentications.iter().filter_map(move |(cluster, r)| {
        let labels = r.spec.selector.as_ref()?.match_labels.clone()?;
        Some((place(*cluster, &r.namespace)?, labels))
    });
    let services = fixed.services.iter().filter_map(|s| match &s.source {
        Source::Service(spec) if !spec.selector.is_empty() => {
            Some((s.namespace, spec.selector.clone()))
        }
        _ => None,
    });
    policies.chain(peers).chain(tokens).chain(services)
}

/// Labels of a gateway's pods are none of an application: those that istiod gives, and those that
/// Istio's own charts do.
fn is_of_gateway(labels: &Labels) -> bool {
    const GIVEN: [&str; 3] =
        ["gateway.networking.k8s.io/", "gateway.istio.io/", "istio.io/gateway-name"];
    labels.keys().any(|key| GIVEN.iter().any(|given| key.starts_with(given)))
        || labels.get("istio").is_some_and(|value| value.ends_with("gateway"))
}

/// Are all of these labels among those?
pub(super) fn is_part(labels: &Labels, of: &Labels) -> bool {
    labels.iter().all(|(key, value)| of.get(key) == Some(value))
}
