//! Where a file of a tree lies, and where an object does. Nobody else takes a path of a tree apart.

use std::sync::Arc;

use super::lock::LOCK_NAME;
use crate::model::{Area, Unit};

/// Areas of a cluster that no applier reads. Any other folder counts as a unit, also one of a name
/// that this version does not know: it may be the unit's old name.
const NOT_APPLIED: [&str; 2] = ["components", "expected"];

/// The folders that a file lies in: `<cluster>/<area>/…`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilePlace<'p> {
    /// The first folder. Of a file that lies in none, its name.
    pub cluster: &'p str,
    /// The path in that folder, as the cluster's lock lists it; empty where there is none.
    pub below: &'p str,
}

impl<'p> FilePlace<'p> {
    /// The place of a path of the tree.
    pub fn of(path: &'p str) -> Self {
        let (cluster, below) = path.split_once('/').unwrap_or((path, ""));
        Self { cluster, below }
    }

    /// The place of a path that the lock of a cluster lists.
    pub fn listed(cluster: &'p str, below: &'p str) -> Self {
        Self { cluster, below }
    }

    /// The folder below the cluster's, if the file lies in one: a unit or another area.
    pub fn area(self) -> Option<&'p str> {
        self.below.split_once('/').map(|(area, _)| area)
    }

    /// The unit, if it lies in one.
    pub fn unit(self) -> Option<Unit> {
        self.area().and_then(Unit::parse)
    }

    /// False in the areas of a cluster that no applier reads.
    pub fn is_applied(self) -> bool {
        self.area().is_none_or(|area| !NOT_APPLIED.contains(&area))
    }

    /// True for the lock of a cluster.
    pub fn is_lock(self) -> bool {
        self.below == LOCK_NAME
    }
}

/// The cluster whose lock this path is, if it is one.
pub(super) fn cluster_of_lock(path: &str) -> Option<&str> {
    let place = FilePlace::of(path);
    place.is_lock().then_some(place.cluster)
}

/// The path of a cluster's lock.
pub(super) fn lock_path(cluster: &str) -> String {
    format!("{cluster}/{LOCK_NAME}")
}

/// The cluster and the area of an object. A rendered file is made with it; of a tree that was read
/// from disk or from git, [`Place::of`] reads it off the path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The cluster whose folder it is in.
    pub cluster: Arc<str>,
    /// The unit, or the area beside the units.
    pub area: Area,
}

impl Place {
    /// The place of a file of objects: `<cluster>/<area>/<namespace|_cluster>/<kind>-<name>.yaml`.
    /// `None` for kustomizations, guards, patches, and the Components for a ControlPlane that lives
    /// elsewhere: they describe objects, and are not objects of the cluster.
    pub fn of(path: &str) -> Option<Self> {
        let mut parts = path.split('/');
        let (cluster, area) = (parts.next()?, Area::parse(parts.next()?)?);
        let (folder, file) = (parts.next()?, parts.next()?);
        let is_patch = area == Area::Unit(Unit::Platform) && folder == "patches";
        let is_guard = folder.starts_with('_') && folder != "_cluster";
        let is_object = [".yaml", ".yml", ".json"].iter().any(|end| file.ends_with(end));
        (is_object && !is_patch && !is_guard && parts.next().is_none())
            .then(|| Self { cluster: cluster.into(), area })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_have_a_place_and_what_describes_them_has_none() {
        let place = |path| Place::of(path).map(|p| (p.cluster.to_string(), p.area));
        let east = |area| Some(("east".to_owned(), area));
        assert_eq!(place("east/mesh/shop/gateway-waypoint.yaml"), east(Area::Unit(Unit::Mesh)));
        assert_eq!(place("east/expected/shop/gateway-waypoint.yaml"), east(Area::Expected));
        assert_eq!(
            place("east/enrollment/_cluster/namespace-shop.yaml"),
            east(Area::Unit(Unit::Enrollment))
        );
        // a namespace may be called so
        assert_eq!(place("east/mesh/patches/gateway-w.yaml"), east(Area::Unit(Unit::Mesh)));
        for path in [
            "east/waypost.lock",
            "east/mesh/kustomization.yaml",
            "east/mesh/_guard/Kustomization",
            "east/platform/patches/controlplane.yaml",
            "east/components/controlplane/kustomization.yaml",
            "east/other/shop/gateway-w.yaml",
        ] {
            assert_eq!(place(path), None, "{path}");
        }
    }
}
