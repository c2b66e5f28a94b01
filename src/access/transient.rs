//! The states that a mesh may be in on the way from one point of a migration to the next.

use std::collections::{BTreeMap, HashSet};

use crate::simulate::{
    Client, Destination, GatewayId, Mesh, PodState, Request, WaypointState, WorkloadId,
};
use crate::world::World;

/// A state that the mesh may be in at a point, other than the one the point ends in.
#[derive(Clone, Debug, Default)]
pub(super) struct Transient {
    pods: BTreeMap<WorkloadId, PodState>,
    waypoints: BTreeMap<GatewayId, WaypointState>,
}

impl Transient {
    /// Pods that are not in the state that the point ends in.
    pub(super) fn of(pods: BTreeMap<WorkloadId, PodState>) -> Self {
        Self { pods, waypoints: BTreeMap::new() }
    }

    /// With waypoints that are not ready besides.
    pub(super) fn without(self, waypoints: BTreeMap<GatewayId, WaypointState>) -> Self {
        Self { waypoints, ..self }
    }

    /// Is it the state that the point ends in?
    pub(super) fn is_end(&self) -> bool {
        self.pods.is_empty() && self.waypoints.is_empty()
    }

    /// Are there pods in this state?
    pub(super) fn has(&self, state: PodState) -> bool {
        self.pods.values().any(|own| *own == state)
    }

    pub(super) fn apply(&self, mesh: &Mesh) -> Mesh {
        let mut mesh = mesh.clone();
        self.pods.iter().for_each(|(id, state)| mesh.set_state(*id, *state));
        self.waypoints.iter().for_each(|(id, state)| mesh.set_waypoint_state(*id, *state));
        mesh
    }

    pub(super) fn name(&self, mesh: &Mesh) -> Option<String> {
        let pods = self.pods.iter().map(|(id, state)| {
            format!("pods of {} are {}", mesh.workload_name(*id), state.as_str())
        });
        let waypoints = self.waypoints.keys().map(|id| {
            let gateway = mesh.gateway(*id);
            format!(
                "waypoint {}/{} is not ready",
                mesh.namespace(gateway.namespace).name,
                gateway.name
            )
        });
        let parts: Vec<String> = pods.chain(waypoints).collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

/// The way to a point of a migration from the one before it.
pub(super) struct OnTheWay<'a> {
    world: &'a World,
    before: Option<&'a Mesh>,
    /// The waypoints that are new: they may be there and not ready.
    new: BTreeMap<GatewayId, WaypointState>,
}

impl<'a> OnTheWay<'a> {
    /// The way to a world; without a point before it there is none.
    pub(super) fn to(world: &'a World, before: Option<&'a Mesh>) -> Self {
        let new = before.map_or_else(BTreeMap::new, |before| new_waypoints(before, &world.mesh));
        Self { world, before, new }
    }

    /// Every state that matters to a request: what differs from before may have changed already or not
    /// yet, on each side for itself; and a pod may be restarted at any time.
    pub(super) fn states(&self, request: &Request) -> Vec<Transient> {
        let mesh = &self.world.mesh;
        let mut states = vec![Transient::default()];
        let Some(before) = self.before else { return states };
        let client = match request.from {
            Client::Workload(id) => vec![id],
            Client::Outside(_) => vec![],
        };
        let servers = servers(mesh, request.to);
        for side in [client, servers] {
            let old: BTreeMap<WorkloadId, PodState> = side
                .iter()
                .filter_map(|id| {
                    let was = before.find_workload(&mesh.workload_name(*id), false).ok()?;
                    let was = before.state(was);
                    (was != mesh.state(*id)).then_some((*id, was))
                })
                .collect();
            let restarted: BTreeMap<WorkloadId, PodState> = side
                .iter()
                .filter_map(|id| self.world.restarted.get(id).map(|state| (*id, *state)))
                .collect();
            let base = states.clone();
            for others in [old, restarted].iter().filter(|o| !o.is_empty()) {
                states.extend(base.iter().map(|state| {
                    let mut state = state.clone();
                    state.pods.extend(others);
                    state
                }));
            }
        }
        if !self.new.is_empty() {
            let more: Vec<Transient> = states
                .iter()
                .map(|state| Transient { pods: state.pods.clone(), waypoints: self.new.clone() })
                .collect();
            states.extend(more);
        }
        states
    }
}

/// The gateways of a mesh, by namespace and name.
fn names(mesh: &Mesh) -> impl Iterator<Item = (GatewayId, (&str, &str))> {
    mesh.gateways().map(|(id, gateway)| {
        let namespace = mesh.namespace(gateway.namespace);
        (id, (namespace.name.as_str(), gateway.name.as_str()))
    })
}

/// The states of a mesh's workloads, by names: ids mean something in one mesh only.
pub(super) fn states_by_name(mesh: &Mesh) -> BTreeMap<String, PodState> {
    mesh.workloads().map(|(id, _)| (mesh.workload_name(id), mesh.state(id))).collect()
}

/// The workloads whose pods are addressed.
pub(super) fn servers(mesh: &Mesh, to: Destination) -> Vec<WorkloadId> {
    match to {
        Destination::Pod { workload, .. } => vec![workload],
        Destination::Service { service, .. } => mesh.service(service).endpoints.clone(),
    }
}

/// The waypoints that a mesh has and the one before has not: they may be there and not ready.
pub(super) fn new_waypoints(before: &Mesh, mesh: &Mesh) -> BTreeMap<GatewayId, WaypointState> {
    let known: HashSet<(&str, &str)> = names(before).map(|(_, name)| name).collect();
    let new = names(mesh).filter(|(_, name)| !known.contains(name));
    new.map(|(id, _)| (id, WaypointState::NotProgrammed)).collect()
}
