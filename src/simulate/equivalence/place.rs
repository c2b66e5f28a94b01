//! What is asked for: every service port and every pod's port that either mesh has, and what the
//! policies on the way to it can tell apart of clients.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use super::change::{Target, TargetKind};
use super::question::rules;
use super::who::{Lists, Who};
use crate::simulate::capture::scraped;
use crate::simulate::envoy::{ChainKind, Test};
use crate::simulate::matcher::IpBlock;
use crate::simulate::mesh::{Binding, Mesh, PodState, Role, Sends, ServiceId, WorkloadId};
use crate::simulate::raw::IntOrText;
use crate::simulate::request::Destination;
use crate::simulate::ztunnel::Match;

/// A destination of either mesh, by its name.
#[derive(Clone, Debug)]
pub struct Place {
    /// Its name.
    pub target: Arc<Target>,
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
    let mut told_apart = network_ports(meshes);
    // what is sent to these ports, wherever, goes past a client's own proxy, or to it
    let captures =
        meshes.iter().flat_map(|mesh| mesh.workloads()).filter_map(|(_, w)| w.capture.as_ref());
    told_apart.extend(captures.flat_map(|capture| capture.named_outbound()));
    // a sidecar sends to a pod's address otherwise than to a service (facts/outbound.md 01)
    let is_client =
        |mesh: &Mesh, id, role| role == Role::Application && mesh.state(id).has_sidecar();
    let by_address =
        meshes.into_iter().any(|mesh| mesh.workloads().any(|(id, w)| is_client(mesh, id, w.role)));
    for (name, ids) in pods(meshes) {
        let ports = pod_ports(meshes, ids, &told_apart);
        for (port, kind) in ports {
            let there =
                [0, 1].map(|side| ids[side].map(|w| Destination::Pod { workload: w, port }));
            if kind == TargetKind::Pod && !by_address && is_behind_plain_service(meshes, ids, port)
            {
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
    all.into_iter().map(|(target, there)| Place { target: Arc::new(target), there }).collect()
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

/// The ports that a workload or a service in front of it declares, those that a policy, a sidecar's
/// listeners or something of the whole mesh tell apart, and one that none of them names: what a port speaks
/// that no service declares, proxies find out by looking at the first bytes.
fn pod_ports(
    meshes: [&Mesh; 2],
    ids: [Option<WorkloadId>; 2],
    told_apart: &BTreeSet<u16>,
) -> BTreeMap<u16, TargetKind> {
    let mut ports: BTreeSet<u16> = told_apart.clone();
    for (mesh, id) in meshes.into_iter().zip(ids) {
        let Some(id) = id else { continue };
        let workload = mesh.workload(id);
        ports.extend(workload.ports.iter().map(|p| p.container_port));
        ports.extend(workload.capture.iter().flat_map(|capture| capture.named_inbound()));
        ports.extend(scraped(&workload.annotations, mesh.state(id).has_sidecar()));
        let in_front = mesh.services_of(id).iter().map(|id| mesh.service(*id));
        ports.extend(in_front.flat_map(|s| s.ports.iter().map(|p| s.arrives_at(p, workload))));
        ports.extend(Enforcers::of(mesh, Destination::Pod { workload: id, port: 0 }).ports(mesh));
        ports.extend(mesh.fixed.points.workloads[id.0 as usize].port_modes.keys());
        ports.extend(mesh.fixed.outbound.listener_ports(id));
    }
    let other = (1024..=u16::MAX).find(|port| !ports.contains(port));
    let named = ports.into_iter().map(|port| (port, TargetKind::Pod));
    named.chain(other.map(|port| (port, TargetKind::OtherPort))).collect()
}

/// A port for every class that NetworkPolicies tell apart by number: each one that they name alone, the
/// ends of ranges, and what lies beside them. The one that none names is asked anyway.
fn network_ports(meshes: [&Mesh; 2]) -> BTreeSet<u16> {
    let policies = meshes.into_iter().flat_map(|mesh| mesh.fixed.network_policies.iter());
    let rules = policies.flat_map(|policy| policy.spec.ingress.iter().chain(&policy.spec.egress));
    let mut starts: BTreeSet<u16> = BTreeSet::new();
    for port in rules.flat_map(|rule| &rule.ports) {
        if let Some(IntOrText::Int(first)) = port.port {
            let last = port.end_port.unwrap_or(first);
            starts.insert(first);
            // behind a range begins another class, and behind a single port that of all others
            if last > first {
                starts.insert(last);
                starts.extend(last.checked_add(1));
            }
        }
    }
    starts
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
        let own: BTreeSet<(String, u16)> = mesh
            .services_of(id)
            .iter()
            .filter(|service| !matches!(mesh.service_binding(**service), Binding::Bound(_)))
            .map(|service| (*service, mesh.service(*service)))
            .flat_map(|(service, s)| {
                let ports = s.ports.iter().filter(|p| {
                    s.arrives_at(p, mesh.workload(id)) == port && p.protocol == protocol
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
                behind(mesh, service)
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

    /// What they ask of identities, list by list.
    pub fn identities(&self, mesh: &Mesh, into: &mut Lists) {
        let own = |tests: &[Test]| -> Vec<Who> {
            let identities = tests.iter().filter_map(|test| match test {
                Test::Identity(test) => Some(Who::of(test)),
                _ => None,
            });
            identities.collect()
        };
        for point in &self.envoy {
            for kind in [ChainKind::Http, ChainKind::Tcp] {
                for clause in rules(mesh, *point, kind).flat_map(|rule| rule.clauses()) {
                    into.add(own(&clause.any));
                    into.add(own(&clause.none));
                }
            }
        }
        for own in self.matches(mesh) {
            Who::of_match(own).into_iter().for_each(|list| into.add(list));
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

/// The workloads behind a service, and those that its routes lead to.
fn behind(mesh: &Mesh, service: ServiceId) -> Vec<WorkloadId> {
    let routes = mesh.fixed.service_routes.get(&service).into_iter().flatten();
    let backends = routes.filter_map(|id| match mesh.fixed.routes[id.0 as usize].sends {
        Sends::To(backend, _) => Some(backend),
        Sends::Back | Sends::Depends => None,
    });
    let services = std::iter::once(service).chain(backends);
    services.flat_map(|id| mesh.service(id).endpoints.iter().copied()).collect()
}

/// The pods that a connection to a destination is opened to, by the waypoint or without one.
pub fn pods_on_the_way(mesh: &Mesh, to: Destination) -> Vec<WorkloadId> {
    let (binding, endpoints) = match to {
        Destination::Pod { workload, .. } => (None, vec![workload]),
        Destination::Service { service, .. } => {
            (Some(mesh.service_binding(service)), behind(mesh, service))
        }
    };
    let own = endpoints.iter().map(|id| mesh.workload_binding(*id));
    let gateways = own.chain(binding).filter_map(|binding| match binding {
        Binding::Bound(gateway) => Some(mesh.gateway(*gateway).workload),
        _ => None,
    });
    let mut all: Vec<WorkloadId> = gateways.collect();
    all.extend(endpoints);
    all.sort_unstable();
    all.dedup();
    all
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
