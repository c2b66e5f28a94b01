//! What is asked for: every service port and every pod's port that either mesh has, and what the
//! policies on the way to it can tell apart of clients.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::change::{Target, TargetKind};
use super::field::{identity, ztunnel_identities};
use super::language::Pattern;
use super::question::rules;
use crate::simulate::envoy::{ChainKind, Test};
use crate::simulate::matcher::IpBlock;
use crate::simulate::mesh::{Binding, Mesh, PodState, Role, WorkloadId};
use crate::simulate::request::Destination;
use crate::simulate::ztunnel::Match;

/// A destination of either mesh, by its name.
#[derive(Clone, Debug)]
pub struct Place {
    /// Its name.
    pub target: Target,
    /// What it is in each of the two.
    pub there: [Option<Destination>; 2],
}

/// Every destination of both meshes, by name.
pub fn places(meshes: [&Mesh; 2]) -> Vec<Place> {
    let mut all: BTreeMap<Target, [Option<Destination>; 2]> = BTreeMap::new();
    for (side, mesh) in meshes.into_iter().enumerate() {
        for (service, own) in mesh.services() {
            for port in &own.ports {
                let target = Target {
                    namespace: mesh.namespace(own.namespace).name.clone(),
                    name: mesh.service_name(service),
                    port: port.number,
                    kind: TargetKind::Service,
                };
                let to = Destination::Service { service, port: port.number };
                all.entry(target).or_default()[side] = Some(to);
            }
        }
    }
    for (name, ids) in pods(meshes) {
        let ports = pod_ports(meshes, ids);
        for (port, kind) in ports {
            let there =
                [0, 1].map(|side| ids[side].map(|w| Destination::Pod { workload: w, port }));
            if kind == TargetKind::Pod && is_behind_plain_service(meshes, ids, port) {
                continue;
            }
            let namespace = [0, 1].into_iter().find_map(|side| {
                let mesh = meshes[side];
                ids[side].map(|id| mesh.namespace(mesh.workload(id).namespace).name.clone())
            });
            let namespace = namespace.unwrap_or_default();
            all.insert(Target { namespace, name: name.clone(), port, kind }, there);
        }
    }
    all.into_iter().map(|(target, there)| Place { target, there }).collect()
}

fn pods(meshes: [&Mesh; 2]) -> BTreeMap<String, [Option<WorkloadId>; 2]> {
    let mut all: BTreeMap<String, [Option<WorkloadId>; 2]> = BTreeMap::new();
    for (side, mesh) in meshes.into_iter().enumerate() {
        for (id, workload) in mesh.workloads() {
            if workload.role == Role::Application {
                all.entry(mesh.workload_name(id)).or_default()[side] = Some(id);
            }
        }
    }
    all
}

/// The ports that a workload or a service in front of it declares, those that a policy at it names,
/// and one besides where policies tell ports apart.
fn pod_ports(meshes: [&Mesh; 2], ids: [Option<WorkloadId>; 2]) -> BTreeMap<u16, TargetKind> {
    let mut known: BTreeSet<u16> = BTreeSet::new();
    let mut told: BTreeSet<u16> = BTreeSet::new();
    for (mesh, id) in meshes.into_iter().zip(ids) {
        let Some(id) = id else { continue };
        let workload = mesh.workload(id);
        known.extend(workload.ports.iter().map(|p| p.container_port));
        let in_front = mesh.services().filter(|(_, s)| s.endpoints.contains(&id));
        known.extend(in_front.flat_map(|(_, s)| s.ports.iter().map(|p| p.target_at(workload))));
        told.extend(Enforcers::of(mesh, Destination::Pod { workload: id, port: 0 }).ports(mesh));
        told.extend(mesh.fixed.points.workloads[id.0 as usize].port_modes.keys());
    }
    let mut ports: BTreeMap<u16, TargetKind> =
        known.iter().chain(&told).map(|port| (*port, TargetKind::Pod)).collect();
    let tells_apart = !told.is_empty()
        || !meshes[0].fixed.network_policies.is_empty()
        || !meshes[1].fixed.network_policies.is_empty();
    if (tells_apart || ports.is_empty())
        && let Some(other) = (1024..=u16::MAX).find(|port| !ports.contains_key(port))
    {
        ports.insert(other, TargetKind::OtherPort);
    }
    ports
}

/// True where the way to the pod's address is that to a service in front of it, in both meshes:
/// there is no waypoint to go round.
fn is_behind_plain_service(meshes: [&Mesh; 2], ids: [Option<WorkloadId>; 2], port: u16) -> bool {
    let mut fronts: Option<BTreeSet<(String, u16)>> = None;
    for (mesh, id) in meshes.into_iter().zip(ids) {
        let Some(id) = id else { return false };
        if matches!(mesh.workload_binding(id), Binding::Bound(_)) {
            return false;
        }
        let protocol = mesh.protocol_of_pod_port(id, port);
        let own: BTreeSet<(String, u16)> =
            mesh.services()
                .filter(|(service, s)| {
                    s.endpoints.contains(&id)
                        && !matches!(mesh.service_binding(*service), Binding::Bound(_))
                })
                .flat_map(|(service, s)| {
                    let ports = s.ports.iter().filter(|p| {
                        p.target_at(mesh.workload(id)) == port && p.protocol == protocol
                    });
                    ports.map(move |p| (mesh.service_name(service), p.number))
                })
                .collect();
        fronts = Some(match fronts {
            None => own,
            Some(before) => before.intersection(&own).cloned().collect(),
        });
    }
    fronts.is_some_and(|fronts| !fronts.is_empty())
}

/// Who enforces something on the way to a destination, the client's own gateway apart.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Enforcers {
    envoy: BTreeSet<usize>,
    ztunnel: BTreeSet<usize>,
}

impl Enforcers {
    /// Those of a destination.
    pub fn of(mesh: &Mesh, to: Destination) -> Self {
        let points = &mesh.fixed.points;
        let mut all = Self::default();
        let endpoints = match to {
            Destination::Pod { workload, .. } => vec![workload],
            Destination::Service { service, .. } => {
                if let Binding::Bound(gateway) = mesh.service_binding(service) {
                    let point = points.services[service.0 as usize];
                    all.envoy.insert(point.unwrap_or(points.gateways[gateway.0 as usize]));
                }
                mesh.service(service).endpoints.clone()
            }
        };
        for id in endpoints {
            let here = &points.workloads[id.0 as usize];
            match mesh.state(id) {
                PodState::Plain => {}
                PodState::Ambient => {
                    all.ztunnel.insert(here.ztunnel);
                }
                _ => {
                    all.envoy.insert(here.envoy);
                }
            }
            if let Binding::Bound(gateway) = mesh.workload_binding(id) {
                all.envoy.insert(points.gateways[gateway.0 as usize]);
            }
        }
        all
    }

    fn tests<'m>(&'m self, mesh: &'m Mesh) -> impl Iterator<Item = &'m Test> {
        self.envoy.iter().flat_map(move |point| {
            let of = |kind| rules(mesh, *point, kind).flat_map(|rule| rule.tests());
            of(ChainKind::Http).chain(of(ChainKind::Tcp))
        })
    }

    fn matches<'m>(&'m self, mesh: &'m Mesh) -> impl Iterator<Item = &'m Match> {
        let fixed = &*mesh.fixed;
        self.ztunnel
            .iter()
            .flat_map(move |point| fixed.points.ztunnel[*point].authorizations(fixed))
            .flat_map(|authorization| &authorization.groups)
            .flat_map(|group| &group.clauses)
            .flat_map(|clause| &clause.matches)
    }

    /// What they ask of identities.
    pub fn identities(&self, mesh: &Mesh, into: &mut BTreeSet<Pattern>) {
        for test in self.tests(mesh) {
            if let Test::Identity(test) = test {
                into.insert(identity(test));
            }
        }
        self.matches(mesh).for_each(|m| ztunnel_identities(m, into));
    }

    /// The principals that they name whole.
    pub fn principals(&self, mesh: &Mesh, into: &mut BTreeSet<String>) {
        use crate::simulate::envoy::IdentityTest::Principal;
        use crate::simulate::matcher::Glob::Exact;
        for test in self.tests(mesh) {
            if let Test::Identity(Principal(Exact(whole))) = test {
                into.insert(whole.clone());
            }
        }
        for own in self.matches(mesh) {
            for glob in own.principals.iter().chain(&own.not_principals) {
                if let Exact(whole) = glob {
                    into.insert(whole.clone());
                }
            }
        }
    }

    /// The blocks that they look for clients in.
    pub fn client_addresses(&self, mesh: &Mesh, into: &mut BTreeSet<IpBlock>) {
        for test in self.tests(mesh) {
            if let Test::SourceIp(block) | Test::RemoteIp(block) = test {
                into.insert(*block);
            }
        }
        for own in self.matches(mesh) {
            into.extend(own.source_ips.iter().chain(&own.not_source_ips));
        }
    }

    /// Do they read the destination's address?
    pub fn reads_destination(&self, mesh: &Mesh) -> bool {
        self.tests(mesh).any(|test| matches!(test, Test::DestinationIp(_)))
            || self
                .matches(mesh)
                .any(|m| !m.destination_ips.is_empty() || !m.not_destination_ips.is_empty())
    }

    fn ports(&self, mesh: &Mesh) -> BTreeSet<u16> {
        let tests = self.tests(mesh).filter_map(|test| match test {
            Test::DestinationPort(port) => Some(*port),
            _ => None,
        });
        let matches = self
            .matches(mesh)
            .flat_map(|m| m.destination_ports.iter().chain(&m.not_destination_ports).copied());
        // ztunnel compares the lower 16 bits
        tests.chain(matches).map(|port| (port & 0xffff) as u16).collect()
    }
}

/// Does a manifest tell every address that requests to a destination go to?
pub fn knows_addresses(mesh: &Mesh, to: Destination) -> bool {
    let known = |ip: Option<IpAddr>| ip.is_some();
    match to {
        Destination::Pod { workload, .. } => known(mesh.workload(workload).ip),
        Destination::Service { service, .. } => {
            let service = mesh.service(service);
            known(service.vip) && service.endpoints.iter().all(|e| known(mesh.workload(*e).ip))
        }
    }
}
