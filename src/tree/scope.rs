//! Which part of an environment a run replaces.

use std::collections::BTreeSet;

use super::lock::LOCK_NAME;
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
        self.covers_cluster(cluster_of(path))
            && self
                .units
                .as_ref()
                .is_none_or(|units| unit_of(path).is_some_and(|u| units.contains(&u)))
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

/// The cluster of a path: its first part.
pub(super) fn cluster_of(path: &str) -> &str {
    path.split('/').next().unwrap_or_default()
}

/// The folder below the cluster's, if the file lies in one: a unit or another area.
pub(super) fn area_of(path: &str) -> Option<&str> {
    let (_, rest) = path.split_once('/')?;
    rest.split_once('/').map(|(area, _)| area)
}

/// The unit of a path, if it lies in one.
pub(super) fn unit_of(path: &str) -> Option<Unit> {
    area_of(path).and_then(Unit::parse)
}

/// The cluster whose lock this path is, if it is one.
pub(super) fn cluster_of_lock(path: &str) -> Option<&str> {
    let (cluster, name) = path.split_once('/')?;
    (name == LOCK_NAME).then_some(cluster)
}

/// The path of a cluster's lock.
pub(super) fn lock_path(cluster: &str) -> String {
    format!("{cluster}/{LOCK_NAME}")
}
