//! Objects by the namespace that they are in: what concerns a workload is looked up there, and not
//! among those of the whole mesh.

use std::collections::HashMap;

use super::ClusterId;

/// Places of objects in a list, by cluster and namespace.
#[derive(Debug, Default)]
pub struct ByNamespace {
    clusters: Vec<HashMap<String, Vec<usize>>>,
}

impl ByNamespace {
    /// The objects of a list, each with its cluster and its namespace.
    pub fn new<'o>(objects: impl Iterator<Item = (ClusterId, &'o str)>) -> Self {
        let mut own = Self::default();
        for (place, (cluster, namespace)) in objects.enumerate() {
            let cluster = cluster.0 as usize;
            if own.clusters.len() <= cluster {
                own.clusters.resize_with(cluster + 1, HashMap::new);
            }
            own.clusters[cluster].entry(namespace.to_owned()).or_default().push(place);
        }
        own
    }

    /// Those of a namespace, in their order.
    pub fn of(&self, cluster: ClusterId, namespace: &str) -> &[usize] {
        let cluster = self.clusters.get(cluster.0 as usize);
        cluster.and_then(|all| all.get(namespace)).map_or(&[], Vec::as_slice)
    }

    /// Those of several namespaces, each once and in their order.
    pub fn of_all(&self, cluster: ClusterId, namespaces: &[&str]) -> Vec<usize> {
        let all = namespaces.iter().flat_map(|namespace| self.of(cluster, namespace));
        let mut all: Vec<usize> = all.copied().collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}
