//! A gateway asks its own policies about what comes from outside (facts/istio-ambient.md §6.1,
//! last row; §4.1).

use super::decision::{Point, Reason, Step};
use super::envoy::{ChainKind, Edge, Facts};
use super::mesh::{Listener, Mesh, Protocol, Reads, Unknown, WorkloadId};
use super::path::{Speaks, Way};
use super::request::Prepared;

/// Lets a request of somebody outside through a gateway; from there the gateway is the client. True
/// when the way goes on.
pub(super) fn pass(way: &mut Way<'_, '_>, id: WorkloadId) -> bool {
    let shown = way.mesh.gateways().find(|(_, gateway)| gateway.workload == id);
    if let Some((gateway, _)) = shown.filter(|(_, gateway)| !gateway.pods_shown) {
        let port = bind_port(way.mesh, id);
        way.hop.peer = None;
        return way.step(Point::NotShown, port, Reason::Unknown(Unknown::GatewayPods(gateway)));
    }
    let point = point_of(way.mesh, id);
    let came_in_by = way.request.edge_port;
    let at_port = |l: &&Listener| came_in_by.is_none_or(|p| bound(way.mesh, id, l.port) == p);
    let listeners = way.mesh.workload(id).listeners.iter().filter(at_port).collect();
    let listener = listener(listeners, way.request);
    let port = came_in_by
        .or_else(|| listener.map(|l| bound(way.mesh, id, l.port)))
        .unwrap_or_else(|| bind_port(way.mesh, id));
    let kind = match listener.map(|l| l.reads) {
        // of a listener that passes TLS on nothing is read, whatever is spoken inside
        Some(Reads::Bytes) => ChainKind::Tcp,
        Some(Reads::Requests) if way.request.speaks_http => ChainKind::Http,
        // TLS that ends here is HTTP after it; a client certificate would have to be asked for
        None if way.request.speaks_http => ChainKind::Http,
        _ => ChainKind::Tcp,
    };
    let facts = Facts {
        peer: None,
        destination_port: port,
        edge: Edge::Gateway,
        trusted_proxies: way.mesh.options(way.mesh.cluster_of(id)).trusted_proxies,
        sni: &way.request.edge_sni,
        http: Some(&way.request.http),
        ..Facts::default()
    };
    let said = way.ask(point, kind, facts);
    way.steps.push(Step {
        point: Point::Gateway(id),
        peer: None,
        source_ip: None,
        port,
        chain: Some(kind),
        reason: said.reason,
        depends_on_request: said.depends_on_request,
        unknown_address: said.depends_on_address,
    });
    way.edge = Edge::BehindGateway;
    way.continue_as(id, Speaks::MtlsAndHbone, said.token_goes_on);
    !said.reason.is_refusal()
}

/// The listener that a request comes in by: one for its host, where it names one; TLS that is passed on for
/// ports that are no HTTP, else one that reads requests.
fn listener<'l>(all: Vec<&'l Listener>, request: &Prepared) -> Option<&'l Listener> {
    let named = |l: &&&Listener| request.names_host && l.takes(&request.edge_sni);
    let for_host: Vec<&Listener> = all.iter().filter(named).copied().collect();
    let candidates = if for_host.is_empty() { all } else { for_host };
    let reads = |what| candidates.iter().find(|l| l.reads == what).copied();
    let order = if !request.speaks_http || request.protocol == Protocol::Tcp {
        [Reads::Bytes, Reads::Requests]
    } else {
        [Reads::Requests, Reads::Bytes]
    };
    order.into_iter().find_map(reads)
}

/// The chain of a gateway: of the one that Gateway API made, or of any pod's Envoy.
pub(super) fn point_of(mesh: &Mesh, id: WorkloadId) -> usize {
    let points = &mesh.fixed.points;
    mesh.gateways().find(|(_, g)| g.workload == id).map_or_else(
        || points.workloads[id.0 as usize].envoy,
        |(gateway, _)| points.gateways[gateway.0 as usize],
    )
}

/// The pods' port of a listener: what the Service in front of them makes of it.
fn bound(mesh: &Mesh, id: WorkloadId, port: u16) -> u16 {
    let gateway = mesh.workload(id);
    mesh.services()
        .filter(|(_, s)| s.endpoints.contains(&id))
        .flat_map(|(_, s)| &s.ports)
        .find(|p| p.number == port)
        .map_or(port, |p| p.target_at(gateway))
}

/// The port that the gateway's pods listen on: what the first service in front of them targets.
pub(super) fn bind_port(mesh: &Mesh, id: WorkloadId) -> u16 {
    let gateway = mesh.workload(id);
    mesh.services_of(id)
        .iter()
        .flat_map(|service| &mesh.service(*service).ports)
        .find(|p| p.number != 15021)
        .map_or(80, |p| p.target_at(gateway))
}
