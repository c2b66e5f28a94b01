//! The same objects under other releases of Istio: what an upgrade alone changes.

use super::World;
use crate::simulate::{
    Brought, Cluster, Comparison, IstioVersion, Mesh, Options, PodState, compare_each, turns,
};

/// Whose release it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// istiod's, and that of the proxies that come with it.
    Istio,
    /// ztunnel's, where it is another.
    Ztunnel,
}

/// A release that is taken instead of the one that the clusters have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// Of what.
    pub part: Part,
    /// In one cluster; in all of them where none is named.
    pub cluster: Option<String>,
    /// Which one.
    pub version: IstioVersion,
}

impl World {
    /// Takes these releases instead; of several for one cluster the last. An error names a cluster that
    /// is not there.
    pub fn set_releases(&mut self, releases: &[Release]) -> Result<(), String> {
        if releases.is_empty() {
            return Ok(());
        }
        let mut options = self.options();
        for Release { part, cluster, version } in releases {
            let is_it = |own: &Options| cluster.as_ref().is_none_or(|name| own.cluster == *name);
            if !options.iter().any(is_it) {
                let names: Vec<&str> = options.iter().map(|o| o.cluster.as_str()).collect();
                let names: Vec<&str> = names.into_iter().filter(|n| !n.is_empty()).collect();
                return Err(format!(
                    "there is no cluster `{}` in {}{}",
                    cluster.as_deref().unwrap_or_default(),
                    self.name,
                    match names.as_slice() {
                        [] => ": its only one has no name".to_owned(),
                        names => format!(": there are {}", names.join(", ")),
                    }
                ));
            }
            for own in options.iter_mut().filter(|own| is_it(own)) {
                match part {
                    Part::Istio => own.istio = *version,
                    Part::Ztunnel => own.ztunnel = Some(*version),
                }
            }
        }
        self.mesh = self.under(&options);
        for (cluster, options) in self.clusters.iter_mut().zip(options) {
            cluster.options = options;
        }
        Ok(())
    }

    /// The steps on which this world takes the releases of another, each with what changes from the one
    /// before.
    pub fn upgrade(&self, to: &World) -> Vec<(Brought, Comparison)> {
        let target: Vec<Options> = self
            .clusters
            .iter()
            .map(|own| {
                let there = to.cluster(&own.options.cluster).map(|cluster| &cluster.options);
                let there = there.unwrap_or(&own.options);
                Options { istio: there.istio, ztunnel: there.ztunnel, ..own.options.clone() }
            })
            .collect();
        let (begin, turns) = turns(&self.options(), &target);
        let mut before = self.under(&begin);
        turns
            .into_iter()
            .map(|turn| {
                let after = self.under(&turn.after);
                let comparison = compare_each(&before, &after);
                before = after;
                (turn.brought, comparison)
            })
            .collect()
    }

    fn options(&self) -> Vec<Options> {
        self.clusters.iter().map(|cluster| cluster.options.clone()).collect()
    }

    /// The mesh of the same objects with other settings.
    fn under(&self, options: &[Options]) -> Mesh {
        let clusters = self.clusters.iter().zip(options);
        let given: Vec<Cluster<'_>> = clusters
            .map(|(cluster, options)| Cluster {
                options: options.clone(),
                objects: cluster.objects().collect(),
            })
            .collect();
        // what cannot be read was found when the world was made
        let (mut mesh, _) = Mesh::from_clusters(&given);
        // a release changes neither which workloads there are nor their order
        self.restarted.keys().for_each(|id| mesh.set_state(*id, PodState::SidecarHbone));
        mesh
    }
}
