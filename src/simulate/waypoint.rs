//! A waypoint: the client's identity, the service's own address and port (facts/istio-ambient.md §6.1).

use super::decision::{Point, Reason, Step};
use super::envoy::Facts;
use super::mesh::{GatewayId, WorkloadId};
use super::path::{HBONE_PORT, Speaks, Way};
use super::request::Destination;

/// Lets a request through a waypoint; from there the waypoint is the client. True when the way goes
/// on.
pub(super) fn pass(way: &mut Way<'_, '_>, id: GatewayId, endpoint: Option<WorkloadId>) -> bool {
    let gateway = way.mesh.gateway(id);
    if !way.admitted(gateway.workload, HBONE_PORT) {
        return false;
    }
    // a waypoint always demands a certificate, of the mesh's own trust domains (§5.4)
    let cluster = way.mesh.namespace(gateway.namespace).cluster;
    let peer = way.hop.peer;
    match peer {
        None => {
            return way.step(Point::Waypoint(id), HBONE_PORT, Reason::NoClientCertificate(None));
        }
        Some(peer) if !way.fixed.trust_domains(cluster).contains(peer.trust_domain()) => {
            return way.step(Point::Waypoint(id), HBONE_PORT, Reason::TrustDomain);
        }
        Some(_) => {}
    }
    // addressed to a service: its VIP and port, and the chain of that service; to a pod: the pod's
    let (point, ip, port) = match way.request.to {
        Destination::Service { service, port } if !way.mesh.service(service).headless => {
            let chain = way.fixed.points.services[service.0 as usize];
            let chain = chain.unwrap_or(way.fixed.points.gateways[id.0 as usize]);
            (chain, way.mesh.service(service).vip, port)
        }
        Destination::Service { port, .. } | Destination::Pod { port, .. } => {
            let ip = endpoint.and_then(|e| way.mesh.workload(e).ip);
            (way.fixed.points.gateways[id.0 as usize], ip, port)
        }
    };
    let kind = way.request.protocol.chain(way.request.speaks_http);
    let facts = Facts {
        peer,
        // the direct peer is an internal address: `ipBlocks` never match (facts/envoy.md)
        source_ip: None,
        remote_ip: way.hop.ip,
        destination_ip: ip,
        destination_port: port,
        sni: "",
        http: Some(&way.request.http),
        claims: None,
    };
    let said = way.ask(point, kind, facts);
    way.steps.push(Step {
        point: Point::Waypoint(id),
        peer: way.hop.peer.and_then(|p| p.id()),
        source_ip: way.hop.ip,
        port,
        chain: Some(kind),
        reason: said.reason,
        depends_on_request: said.depends_on_request,
        unknown_address: said.depends_on_address,
    });
    way.continue_as(gateway.workload, Speaks::Hbone, said.token_goes_on);
    !said.reason.is_refusal()
}
