//! A waypoint: the client's identity, the service's own address and port (facts/istio-ambient.md §6.1).

use super::decision::{Point, Reason, Step};
use super::envoy::Facts;
use super::identity::Peer;
use super::mesh::{ClusterId, Fixed, GatewayId, GatewayKind, Protocol, Unknown, WorkloadId};
use super::path::{HBONE_PORT, Speaks, Way};
use super::request::Destination;

/// Lets a request through a waypoint; from there the waypoint is the client. True when the way goes
/// on.
pub(super) fn pass(way: &mut Way<'_, '_>, id: GatewayId, endpoint: Option<WorkloadId>) -> bool {
    let gateway = way.mesh.gateway(id);
    if !way.admitted(gateway.workload, HBONE_PORT) {
        return false;
    }
    if gateway.kind != GatewayKind::Waypoint {
        // ztunnel opens HBONE to it all the same, and what comes from there has its identity
        way.step(Point::Waypoint(id), HBONE_PORT, Reason::Unknown(Unknown::ForeignProxy(id)));
        way.continue_as(gateway.workload, Speaks::Hbone, true);
        return true;
    }
    // a waypoint always demands a certificate, of the mesh's own trust domains (§5.4)
    let cluster = way.mesh.namespace(gateway.namespace).cluster;
    let peer = way.hop.peer;
    if let Some(reason) = refusal(way.fixed, cluster, peer) {
        return way.step(Point::Waypoint(id), HBONE_PORT, reason);
    }
    // addressed to a service: its VIP and port, and the chain of that service; to a pod: the pod's
    let (point, ip, port, protocol) = match way.request.to {
        Destination::Service { service, port } if !way.mesh.service(service).headless => {
            let chain = way.fixed.points.services[service.0 as usize];
            let chain = chain.unwrap_or(way.fixed.points.gateways[id.0 as usize]);
            let service = way.mesh.service(service);
            let vip = way.hop.ip.and_then(|ip| service.vip_like(ip)).or(service.vip);
            (chain, vip, port, way.request.protocol)
        }
        Destination::Service { port, .. } | Destination::Pod { port, .. } => {
            let ip = endpoint.and_then(|e| way.address_of(e));
            // what a pod's port speaks is not asked for: the waypoint looks at the first bytes
            (way.fixed.points.gateways[id.0 as usize], ip, port, Protocol::Unset)
        }
    };
    let kind = protocol.chain(way.request.speaks_http);
    if way.is_not_http(kind) {
        return way.step(Point::Waypoint(id), port, Reason::NotHttp);
    }
    let facts = Facts {
        peer,
        // the direct peer is an internal address: `ipBlocks` never match (facts/envoy.md)
        source_ip: None,
        remote_ip: way.hop.ip,
        edge: way.edge,
        scheme: way.scheme(),
        destination_ip: ip,
        destination_port: port,
        // the TLS inspector is there on ports that are said to be TLS (facts/translation.md)
        sni: if way.request.is_tls { &way.request.sni } else { "" },
        http: Some(&way.request.http),
        ..Facts::default()
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

/// What TLS refuses before any policy is asked.
pub(super) fn refusal(fixed: &Fixed, cluster: ClusterId, peer: Option<Peer<'_>>) -> Option<Reason> {
    match peer {
        None => Some(Reason::NoClientCertificate(None)),
        Some(peer) => (!fixed.takes_peer(cluster, peer)).then_some(Reason::TrustDomain),
    }
}
