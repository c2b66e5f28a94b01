//! Who asks: every workload of either mesh, somebody outside, and an identity for each class that
//! the policies on the way tell apart and no workload is in.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use super::change::{Caller, CallerKind};
use super::place::{Enforcers, Place};
use super::who::Classes;
use crate::simulate::identity::Peer;
use crate::simulate::mesh::{Mesh, PodState, Role, WorkloadId};
use crate::simulate::path::{Hop, Speaks};
use crate::simulate::request::Client as KnownClient;

/// A client, and what it is in each of the two meshes.
#[derive(Clone, Debug)]
pub struct Client<'m> {
    /// Its name.
    pub caller: Arc<Caller>,
    /// Who connects; `None` where it is not there.
    pub hops: [Option<Hop<'m>>; 2],
    /// The workload that it is.
    pub workloads: [Option<WorkloadId>; 2],
}

impl<'m> Client<'m> {
    /// The same one at an address, where manifests do not tell its own.
    pub fn at(&self, address: IpAddr) -> Self {
        let mut other = self.clone();
        other.caller = self.caller.at(address);
        for hop in other.hops.iter_mut().flatten() {
            hop.ip = hop.ip.or(Some(address));
        }
        other
    }

    /// Is there a mesh in which nothing tells its address?
    pub fn has_unknown_address(&self) -> bool {
        // what comes through a gateway has the address of whoever sent it, and nobody sees it
        self.hops.iter().flatten().any(|hop| hop.ip.is_none() && hop.role != Some(Role::Gateway))
    }
}

/// Everybody whom the manifests show, by name, and somebody outside. Who asks for something in one of the
/// meshes is asked about in both: a machine that gets its sidecar was there before.
pub fn known<'m>(meshes: [&'m Mesh; 2]) -> Vec<Client<'m>> {
    let mut all: BTreeMap<CallerKind, Client<'m>> = BTreeMap::new();
    let name = |mesh: &Mesh, id| CallerKind::Workload {
        namespace: mesh.namespace(mesh.workload(id).namespace).name.clone(),
        name: mesh.workload_name(id),
    };
    let callers =
        |mesh: &'m Mesh| mesh.workloads().map(|(id, _)| id).filter(|id| mesh.is_caller(*id));
    let wanted: BTreeSet<CallerKind> =
        meshes.into_iter().flat_map(|mesh| callers(mesh).map(move |id| name(mesh, id))).collect();
    for (side, mesh) in meshes.into_iter().enumerate() {
        for (id, _) in mesh.workloads() {
            let kind = name(mesh, id);
            if !wanted.contains(&kind) {
                continue;
            }
            let client = all.entry(kind.clone()).or_insert_with(|| Client {
                caller: Arc::new(Caller { kind, address: None }),
                hops: [None; 2],
                workloads: [None; 2],
            });
            client.hops[side] = Some(Hop::of(mesh, KnownClient::Workload(id)));
            client.workloads[side] = Some(id);
        }
    }
    let outside = Client {
        caller: Arc::new(Caller { kind: CallerKind::Outside, address: None }),
        hops: [Some(Hop::outside()); 2],
        workloads: [None; 2],
    };
    all.into_values().chain([outside]).collect()
}

/// The identities that no workload has at a place, each with every kind of proxy that either mesh has: in
/// groups that nothing there can tell apart.
pub fn strangers<'m>(classes: &'m Classes, states: &[PodState]) -> Vec<Vec<Client<'m>>> {
    let mut groups: BTreeMap<(&str, &[u32], PodState), Vec<Client<'m>>> = BTreeMap::new();
    for stranger in &classes.strangers {
        let peer = Peer::from_uri(&stranger.uri);
        for state in states {
            let hop = Hop {
                workload: None,
                role: Some(Role::Application),
                peer: Some(peer),
                cluster: None,
                ip: None,
                speaks: Speaks::of(*state),
            };
            let kind = CallerKind::Identity {
                principal: peer.to_string(),
                state: *state,
                stands_for: stranger.stands_for,
            };
            let client = Client {
                caller: Arc::new(Caller { kind, address: None }),
                hops: [Some(hop); 2],
                workloads: [None; 2],
            };
            let group = (peer.trust_domain(), stranger.lists.as_slice(), *state);
            groups.entry(group).or_default().push(client);
        }
    }
    groups.into_values().collect()
}

/// The kinds of proxies that applications have; both where there are none to tell.
pub fn states(meshes: [&Mesh; 2]) -> Vec<PodState> {
    let seen: BTreeSet<PodState> = meshes
        .into_iter()
        .flat_map(|mesh| {
            let applications = mesh.workloads().filter(|(_, w)| w.role == Role::Application);
            applications.map(|(id, _)| mesh.state(id))
        })
        .filter(|state| *state != PodState::Plain)
        .collect();
    if seen.is_empty() {
        return vec![PodState::Ambient, PodState::SidecarHbone];
    }
    seen.into_iter().rev().collect()
}

/// What the enforcers of a place in both meshes are.
pub fn enforcers(meshes: [&Mesh; 2], place: &Place) -> [Option<Enforcers>; 2] {
    [0, 1].map(|side| place.there[side].map(|to| Enforcers::of(meshes[side], to)))
}
