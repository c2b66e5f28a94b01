//! Which part of an environment a run replaces.

use std::collections::BTreeSet;

use super::place::FilePlace;
use crate::model::Unit;

/// The clusters and units that are replaced; everything else is carried over as it is, lines of
/// the lock included. `None` means all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// `--cluster`
    pub clusters: Option<BTreeSet<String>>,
    /// `--unit`
    pub units: Option<BTreeSet<Unit>>,
}

impl Scope {
    /// True when a file, by its path in the environment, is replaced. A lock is when its whole
    /// cluster is.
    pub fn covers(&self, path: &str) -> bool {
        let place = FilePlace::of(path);
        let covers = |units: &BTreeSet<Unit>| place.unit().is_some_and(|u| units.contains(&u));
        self.covers_cluster(place.cluster) && self.units.as_ref().is_none_or(covers)
    }

    /// True when anything of a cluster is replaced.
    pub fn covers_cluster(&self, cluster: &str) -> bool {
        self.clusters.as_ref().is_none_or(|clusters| clusters.contains(cluster))
    }

    /// True when a cluster in the scope is replaced whole.
    pub fn is_whole_cluster(&self) -> bool {
        self.units.is_none()
    }
}
