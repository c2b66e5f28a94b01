//! The namespaces of a mesh on both sides: how they take part, and by which waypoint.

use std::collections::{BTreeMap, HashSet};

use super::mode::MeshMode;
use crate::simulate::{Binding, GatewayKind, Mesh, NamespaceId};

/// A namespace, before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamespaceStates {
    /// Its cluster.
    pub cluster: String,
    /// Its name.
    pub name: String,
    /// As it was; `None` where it was not there.
    pub before: Option<NamespaceState>,
    /// As it is.
    pub after: Option<NamespaceState>,
}

/// How a namespace takes part in the mesh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamespaceState {
    /// By its labels.
    pub mode: MeshMode,
    /// The waypoints that traffic to its services and workloads meets: `namespace/name`, sorted.
    pub waypoints: Vec<String>,
    /// How many workloads it has, waypoints apart.
    pub workloads: usize,
    /// How many Services it has.
    pub services: usize,
}

/// The namespaces of two meshes, by cluster and name.
pub fn topology(before: &Mesh, after: &Mesh) -> Vec<NamespaceStates> {
    let mut all: BTreeMap<(String, String), [Option<NamespaceState>; 2]> = BTreeMap::new();
    for (side, mesh) in [before, after].into_iter().enumerate() {
        for (name, state) in states(mesh) {
            all.entry(name).or_default()[side] = Some(state);
        }
    }
    all.into_iter()
        .map(|((cluster, name), [before, after])| NamespaceStates { cluster, name, before, after })
        .collect()
}

fn states(mesh: &Mesh) -> BTreeMap<(String, String), NamespaceState> {
    let mut states: BTreeMap<NamespaceId, NamespaceState> = BTreeMap::new();
    for (id, namespace) in mesh.namespaces() {
        let mode = MeshMode::of(|key| namespace.labels.get(key).map(String::as_str));
        let state = NamespaceState { mode, waypoints: Vec::new(), workloads: 0, services: 0 };
        states.insert(id, state);
    }
    let waypoint = |binding: &Binding| match binding {
        Binding::Bound(id) => {
            let gateway = mesh.gateway(*id);
            Some(format!("{}/{}", mesh.namespace(gateway.namespace).name, gateway.name))
        }
        Binding::Unbound | Binding::Missing { .. } | Binding::Refused(_) | Binding::Unserved(_) => {
            None
        }
    };
    let waypoints: HashSet<_> = mesh
        .gateways()
        .filter(|(_, gateway)| gateway.kind == GatewayKind::Waypoint)
        .map(|(_, gateway)| gateway.workload)
        .collect();
    for (id, service) in mesh.services() {
        if let Some(state) = states.get_mut(&service.namespace) {
            state.services += 1;
            state.waypoints.extend(waypoint(mesh.service_binding(id)));
        }
    }
    for (id, workload) in mesh.workloads().filter(|(id, _)| !waypoints.contains(id)) {
        if let Some(state) = states.get_mut(&workload.namespace) {
            state.workloads += 1;
            state.waypoints.extend(waypoint(mesh.workload_binding(id)));
        }
    }
    let named = |(id, mut state): (NamespaceId, NamespaceState)| {
        state.waypoints.sort();
        state.waypoints.dedup();
        let namespace = mesh.namespace(id);
        ((mesh.options(namespace.cluster).cluster.clone(), namespace.name.clone()), state)
    };
    states.into_iter().map(named).collect()
}
