//! Who asks: every workload of either mesh, somebody outside, and an identity for each class that
//! the policies on the way tell apart and no workload is in.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use super::change::{Caller, CallerKind, StandsFor};
use super::language::{Pattern, Signature, Witnesses, signature, witnesses};
use super::place::{Enforcers, Place};
use super::universe::Universe;
use crate::simulate::identity::Peer;
use crate::simulate::mesh::{Mesh, PodState, Role, WorkloadId};
use crate::simulate::path::{Hop, Speaks};
use crate::simulate::request::Client as KnownClient;

/// A client, and what it is in each of the two meshes.
#[derive(Clone, Debug)]
pub struct Client<'m> {
    /// Its name.
    pub caller: Caller,
    /// Who connects; `None` where it is not there.
    pub hops: [Option<Hop<'m>>; 2],
    /// The workload that it is.
    pub workloads: [Option<WorkloadId>; 2],
}

impl<'m> Client<'m> {
    /// The same one at an address, where manifests do not tell its own.
    pub fn at(&self, address: IpAddr) -> Self {
        let mut other = self.clone();
        other.caller.address = Some(address);
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

/// Everybody whom the manifests show, by name, and somebody outside.
pub fn known<'m>(meshes: [&'m Mesh; 2]) -> Vec<Client<'m>> {
    let mut all: BTreeMap<CallerKind, Client<'m>> = BTreeMap::new();
    for (side, mesh) in meshes.into_iter().enumerate() {
        for (id, workload) in mesh.workloads() {
            if !mesh.is_caller(id) {
                continue;
            }
            let kind = CallerKind::Workload {
                namespace: mesh.namespace(workload.namespace).name.clone(),
                name: mesh.workload_name(id),
            };
            let client = all.entry(kind.clone()).or_insert_with(|| Client {
                caller: Caller { kind, address: None },
                hops: [None; 2],
                workloads: [None; 2],
            });
            client.hops[side] = Some(Hop::of(mesh, KnownClient::Workload(id)));
            client.workloads[side] = Some(id);
        }
    }
    let outside = Client {
        caller: Caller { kind: CallerKind::Outside, address: None },
        hops: [Some(Hop::outside()); 2],
        workloads: [None; 2],
    };
    all.into_values().chain([outside]).collect()
}

/// A class of identities that no workload is in.
#[derive(Clone, Debug)]
struct Stranger {
    uri: String,
    stands_for: StandsFor,
}

/// The identities that policies tell apart beyond those of workloads. They outlive the comparison,
/// which holds on to them.
#[derive(Debug, Default)]
pub struct Strangers {
    classes: Vec<(Vec<Stranger>, bool)>,
    /// By what is asked of identities: places often ask the same.
    by_patterns: HashMap<BTreeSet<Pattern>, usize>,
}

impl Strangers {
    /// Works out the classes of one place; the number to ask [`Strangers::clients`] for.
    pub fn prepare(&mut self, meshes: [&Mesh; 2], enforcers: &[Option<Enforcers>; 2]) -> usize {
        let mut patterns = BTreeSet::new();
        let mut named = BTreeSet::new();
        let mut domains = BTreeSet::new();
        for (mesh, enforcers) in meshes.into_iter().zip(enforcers) {
            if let Some(enforcers) = enforcers {
                enforcers.identities(mesh, &mut patterns);
                enforcers.principals(mesh, &mut named);
            }
            for (_, options) in mesh.clusters() {
                domains.insert(options.trust_domain.clone());
                domains.extend(options.trust_domain_aliases.iter().cloned());
            }
        }
        // TLS tells them apart before any policy does
        let told = patterns.clone();
        for domain in &domains {
            patterns.insert(Pattern::new().text(&format!("spiffe://{domain}/")).anything());
        }
        let next = self.classes.len();
        let index = *self.by_patterns.entry(patterns.clone()).or_insert(next);
        if index == next {
            let told: Vec<Pattern> = told.into_iter().collect();
            let patterns: Vec<Pattern> = patterns.into_iter().collect();
            self.classes.push(classes(meshes, &patterns, &told, &domains, &named));
        }
        index
    }

    /// The clients of a prepared place: each class with every kind of proxy that either mesh has. And
    /// whether they are all.
    pub fn clients<'m>(
        &'m self,
        meshes: [&'m Mesh; 2],
        prepared: usize,
    ) -> (Vec<Client<'m>>, bool) {
        let Some((strangers, complete)) = self.classes.get(prepared) else {
            return (Vec::new(), true);
        };
        let states = states(meshes);
        let clients = strangers.iter().flat_map(|stranger| {
            states.iter().map(move |state| {
                let peer = Peer::from_uri(&stranger.uri);
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
                Client {
                    caller: Caller { kind, address: None },
                    hops: [Some(hop); 2],
                    workloads: [None; 2],
                }
            })
        });
        (clients.collect(), *complete)
    }
}

/// The kinds of proxies that workloads have; both where there are none to tell.
fn states(meshes: [&Mesh; 2]) -> Vec<PodState> {
    let seen: BTreeSet<PodState> = meshes
        .into_iter()
        .flat_map(|mesh| mesh.workloads().map(|(id, _)| mesh.state(id)))
        .filter(|state| *state != PodState::Plain)
        .collect();
    if seen.is_empty() {
        return vec![PodState::Ambient, PodState::SidecarHbone];
    }
    seen.into_iter().rev().collect()
}

fn classes(
    meshes: [&Mesh; 2],
    patterns: &[Pattern],
    told: &[Pattern],
    domains: &BTreeSet<String>,
    named: &BTreeSet<String>,
) -> (Vec<Stranger>, bool) {
    let mut seen: BTreeSet<Signature> = BTreeSet::new();
    for mesh in meshes {
        for (id, workload) in mesh.workloads() {
            // a pod without proxy shows no certificate, and a waypoint asks for nobody but others
            let shows = mesh.state(id) != PodState::Plain && workload.role == Role::Application;
            if shows {
                let peer = mesh.identities().peer(workload.identity);
                seen.insert(signature(patterns, peer.uri()));
            }
        }
    }
    let others = domains.iter().map(|domain| format!("spiffe://{domain}/ns/other/sa/other"));
    let named = named.iter().map(|principal| format!("spiffe://{principal}"));
    let named: BTreeSet<String> = named.collect();
    let preferred: Vec<String> = others.chain(named.iter().cloned()).collect();
    let Witnesses { all, complete } = witnesses(patterns, Universe::Identity, &preferred);
    let strangers = all
        .into_iter()
        .filter(|witness| !seen.contains(&witness.signature))
        // certificates of other trust domains are refused before any policy is asked
        .filter(|witness| domains.contains(Peer::from_uri(&witness.text).trust_domain()))
        .map(|witness| Stranger {
            stands_for: if named.contains(&witness.text) {
                StandsFor::Itself
            } else if signature(told, &witness.text) == Signature::default() {
                StandsFor::AllOthers
            } else {
                StandsFor::ItsLike
            },
            uri: witness.text,
        })
        .collect();
    (strangers, complete)
}

/// What the enforcers of a place in both meshes are.
pub fn enforcers(meshes: [&Mesh; 2], place: &Place) -> [Option<Enforcers>; 2] {
    [0, 1].map(|side| place.there[side].map(|to| Enforcers::of(meshes[side], to)))
}
