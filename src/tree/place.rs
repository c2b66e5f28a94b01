//! Where an object of a tree lies.

use std::sync::Arc;

use crate::model::{Area, Unit};

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
