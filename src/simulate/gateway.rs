//! A gateway asks its own policies about what comes from outside (facts/istio-ambient.md §6.1,
//! last row; §4.1).

use super::decision::{Point, Step};
use super::envoy::{ChainKind, Edge, Facts};
use super::mesh::{Mesh, WorkloadId};
use super::path::{Speaks, Way};

/// Lets a request of somebody outside through a gateway; from there the gateway is the client. True
/// when the way goes on.
pub(super) fn pass(way: &mut Way<'_, '_>, id: WorkloadId) -> bool {
    let point = point_of(way.mesh, id);
    let port = bind_port(way.mesh, id);
    // TLS that ends here is HTTP after it; a client certificate would have to be asked for
    let kind = if way.request.speaks_http { ChainKind::Http } else { ChainKind::Tcp };
    let facts = Facts {
        peer: None,
        destination_port: port,
        edge: Edge::Gateway,
        trusted_proxies: way.mesh.options(way.mesh.cluster_of(id)).trusted_proxies,
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

/// The chain of a gateway: of the one that Gateway API made, or of any pod's Envoy.
pub(super) fn point_of(mesh: &Mesh, id: WorkloadId) -> usize {
    let points = &mesh.fixed.points;
    mesh.gateways().find(|(_, g)| g.workload == id).map_or_else(
        || points.workloads[id.0 as usize].envoy,
        |(gateway, _)| points.gateways[gateway.0 as usize],
    )
}

/// The port that the gateway's pods listen on: what the first service in front of them targets.
pub(super) fn bind_port(mesh: &Mesh, id: WorkloadId) -> u16 {
    let gateway = mesh.workload(id);
    mesh.services()
        .filter(|(_, s)| s.endpoints.contains(&id))
        .flat_map(|(_, s)| &s.ports)
        .find(|p| p.number != 15021)
        .map_or(80, |p| p.target_at(gateway))
}
