//! What exists: every namespace of every cluster, numbered in their order.

use std::collections::BTreeSet;

use crate::model::{ClusterName, NamespaceName, Principal, TrustDomain};

/// A cluster and what exists in it.
#[derive(Clone, Debug)]
pub struct Cluster<'a> {
    /// Its name in TSB.
    pub name: &'a ClusterName,
    /// The trust domain of its workloads.
    pub trust_domain: &'a TrustDomain,
    /// Its namespaces.
    pub namespaces: BTreeSet<&'a NamespaceName>,
}

/// The number of a namespace in the order of clusters and names.
pub(super) type Slot = u32;

/// Every namespace.
#[derive(Clone, Debug)]
pub(super) struct Inventory {
    clusters: Vec<ClusterSlots>,
    /// By slot: the cluster's index and the namespace.
    namespaces: Vec<(usize, NamespaceName)>,
}

/// The namespaces of one cluster.
#[derive(Clone, Debug)]
pub(super) struct ClusterSlots {
    pub name: ClusterName,
    pub trust_domain: TrustDomain,
    namespaces: Vec<NamespaceName>,
    first: Slot,
}

impl Inventory {
    pub fn new(clusters: &[Cluster<'_>]) -> Self {
        let mut sorted: Vec<&Cluster<'_>> = clusters.iter().collect();
        sorted.sort_by_key(|c| c.name);
        sorted.dedup_by_key(|c| c.name);
        let mut inventory = Self { clusters: Vec::new(), namespaces: Vec::new() };
        for (index, cluster) in sorted.into_iter().enumerate() {
            let first = inventory.len();
            let namespaces: Vec<NamespaceName> =
                cluster.namespaces.iter().map(|n| (*n).clone()).collect();
            inventory.namespaces.extend(namespaces.iter().map(|n| (index, n.clone())));
            inventory.clusters.push(ClusterSlots {
                name: cluster.name.clone(),
                trust_domain: cluster.trust_domain.clone(),
                namespaces,
                first,
            });
        }
        inventory
    }

    pub fn len(&self) -> Slot {
        slot(self.namespaces.len())
    }

    pub fn clusters(&self) -> &[ClusterSlots] {
        &self.clusters
    }

    pub fn cluster(&self, name: &str) -> Option<&ClusterSlots> {
        let index = self.clusters.binary_search_by(|c| c.name.as_str().cmp(name)).ok()?;
        self.clusters.get(index)
    }

    /// The slots of a namespace in all clusters.
    pub fn named(&self, namespace: &str) -> impl Iterator<Item = Slot> {
        self.clusters.iter().filter_map(move |c| c.slot(namespace))
    }

    /// The cluster and the namespace behind a slot of this inventory.
    pub fn at(&self, slot: Slot) -> Option<(&ClusterSlots, &NamespaceName)> {
        let (cluster, namespace) = self.namespaces.get(slot as usize)?;
        Some((self.clusters.get(*cluster)?, namespace))
    }

    /// `cluster/namespace`.
    pub fn text(&self, slot: Slot) -> String {
        self.at(slot).map(|(c, n)| format!("{}/{n}", c.name)).unwrap_or_default()
    }

    /// All workloads of a namespace.
    pub fn principal(&self, slot: Slot) -> Option<Principal> {
        self.at(slot).map(|(c, n)| Principal::Namespace(c.trust_domain.clone(), n.clone()))
    }
}

impl ClusterSlots {
    pub fn slot(&self, namespace: &str) -> Option<Slot> {
        let at = self.namespaces.binary_search_by(|n| n.as_str().cmp(namespace)).ok()?;
        Some(self.first + slot(at))
    }

    pub fn slots_with_prefix(&self, prefix: &str) -> impl Iterator<Item = Slot> {
        let from = self.namespaces.partition_point(|n| n.as_str() < prefix);
        let taken =
            self.namespaces[from..].iter().take_while(|n| n.as_str().starts_with(prefix)).count();
        let first = self.first + slot(from);
        first..first + slot(taken)
    }
}

/// Slots are numbered with 32 bits: four thousand million namespaces are not reached.
fn slot(index: usize) -> Slot {
    Slot::try_from(index).unwrap_or(Slot::MAX)
}
