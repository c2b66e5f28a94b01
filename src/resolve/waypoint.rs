//! Waypoints that nobody asks for here and TSB makes.

use crate::model::{Environment, NamespaceName, ObjectName, Owner, Waypoint, WaypointChoice};

/// Where TSB owns the waypoints and neither the namespace nor its cluster says anything of them, the
/// finished ControlPlane decides: what it makes is expected, not switched off.
pub(super) fn of_tsb(environment: &mut Environment) {
    if environment.ownership.waypoints != Owner::Tsb {
        return;
    }
    // what TSB's waypoints are called (facts/tsb.md, "Waypoint Gateway")
    let Ok(name) = ObjectName::parse("waypoint") else { return };
    let mut made = Vec::new();
    for cluster in environment.clusters.values().filter(|c| c.default_waypoint.is_none()) {
        let unsaid = environment
            .ambient_namespaces(cluster)
            .filter(|n| n.waypoint_choice == WaypointChoice::Unsaid);
        let makes = |namespace: &NamespaceName, labels| {
            cluster
                .control_plane
                .as_ref()
                .is_none_or(|plane| plane.tsb_makes_waypoint(namespace, labels))
        };
        let named = unsaid.filter(|n| makes(&n.name, &n.labels)).map(|n| n.name.clone());
        made.push((cluster.name.clone(), named.collect::<Vec<_>>()));
    }
    for (cluster, namespaces) in made {
        let Some(cluster) = environment.clusters.get_mut(&cluster) else { continue };
        for namespace in namespaces {
            if let Some(namespace) = cluster.namespaces.get_mut(&namespace) {
                namespace.waypoint = Some(Waypoint::named(name.clone()));
            }
        }
    }
}
