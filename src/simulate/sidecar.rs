//! The destination's sidecar: the direct peer's identity, the pod's own port (facts/istio-ambient.md §6.1).

use super::capture::Capture;
use super::decision::{Point, Reason, Step};
use super::envoy::{ChainKind, Facts};
use super::identity::Peer;
use super::mesh::{Mesh, Protocol, WorkloadId};
use super::outbound::Transport;
use super::path::{HBONE_PORT, Way};
use super::peer_authentication::MtlsMode;

/// Lets a connection through a sidecar. True when it reaches the application.
pub(super) fn pass(way: &mut Way<'_, '_>, id: WorkloadId, port: u16) -> bool {
    let here = &way.fixed.points.workloads[id.0 as usize];
    let mode = here.mtls(port);
    let transport = way.transport(id, port);
    let hbone = transport == Transport::Hbone;
    if !way.admitted(id, if hbone { HBONE_PORT } else { port }) {
        return false;
    }
    // HBONE comes to the proxy's own port; everything else to the application, unless it is
    // redirected (facts/outbound.md 03)
    if !hbone && !Capture::inbound(way.mesh.workload(id).capture.as_deref(), port) {
        way.hop.peer = None;
        return way.reach_plain(port, transport, Reason::NotRedirected);
    }
    // facts/outbound.md 02 `port-disable`
    if transport == Transport::Mtls && mode == MtlsMode::Disable {
        return way.step(Point::Sidecar(id), port, Reason::TlsNotTaken);
    }
    let peer = way.hop.peer;
    if let Some(reason) = refusal(way.mesh, id, port, peer) {
        return way.step(Point::Sidecar(id), port, reason);
    }
    // no chain of a port that is declared HTTP takes TLS that is not the mesh's (istio/istio:pilot/pkg/networking/core/
    // filterchain_options.go `inboundPermissiveHTTPFilterChainMatchWithMxcOptions`)
    if transport == Transport::Tls && way.request.protocol == Protocol::Http {
        return way.step(Point::Sidecar(id), port, Reason::TlsNotTaken);
    }
    let crosses = way.hop.cluster.is_some_and(|c| c != way.mesh.cluster_of(id));
    let source_ip = if crosses { None } else { way.hop.ip };
    // to other ports it is bytes
    let kind = match transport {
        Transport::Tls => ChainKind::Tcp,
        _ => way.request.protocol.chain(way.request.speaks_http),
    };
    if way.is_not_http(kind) {
        return way.step(Point::Sidecar(id), port, Reason::NotHttp);
    }
    let facts = Facts {
        peer,
        source_ip,
        remote_ip: source_ip,
        edge: way.edge,
        scheme: way.scheme(),
        destination_ip: way.address_of(id),
        destination_port: port,
        // that of the mesh's mTLS; without it the application's own
        sni: if transport == Transport::Mtls { &way.request.mesh_sni } else { &way.request.sni },
        http: Some(&way.request.http),
        ..Facts::default()
    };
    let said = way.ask(here.envoy, kind, facts);
    way.steps.push(Step {
        point: Point::Sidecar(id),
        peer: way.hop.peer.and_then(|p| p.id()),
        source_ip,
        port,
        chain: Some(kind),
        reason: said.reason,
        depends_on_request: said.depends_on_request,
        unknown_address: said.depends_on_address,
    });
    !said.reason.is_refusal()
}

/// What TLS refuses before any policy is asked.
pub(super) fn refusal(
    mesh: &Mesh,
    id: WorkloadId,
    port: u16,
    peer: Option<Peer<'_>>,
) -> Option<Reason> {
    let here = &mesh.fixed.points.workloads[id.0 as usize];
    match peer {
        None if here.mtls(port) == MtlsMode::Strict => {
            Some(Reason::NoClientCertificate(here.mode_from))
        }
        Some(peer) if !mesh.fixed.takes_peer(mesh.cluster_of(id), peer) => {
            Some(Reason::TrustDomain)
        }
        _ => None,
    }
}
