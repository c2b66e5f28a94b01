//! The destination's sidecar: the direct peer's identity, the pod's own port (facts/istio-ambient.md §6.1).

use super::decision::{Point, Reason, Step};
use super::envoy::Facts;
use super::identity::Peer;
use super::mesh::{Mesh, PodState, WorkloadId};
use super::path::{HBONE_PORT, Speaks, Way};
use super::peer_authentication::MtlsMode;

/// Lets a connection through a sidecar. True when it reaches the application.
pub(super) fn pass(way: &mut Way<'_, '_>, id: WorkloadId, port: u16, state: PodState) -> bool {
    let here = &way.fixed.points.workloads[id.0 as usize];
    let mode = here.mtls(port);
    let hbone = way.hop.speaks == Speaks::Hbone && state == PodState::SidecarHbone;
    // P1: sidecars and gateways speak mTLS, unless the port wants plaintext, or the destination is
    // outside the mesh (istio/istio:pilot/pkg/networking/core/cluster_traffic_policy.go
    // `buildUpstreamTLSSettings`)
    let mtls = matches!(way.hop.speaks, Speaks::Mtls | Speaks::MtlsAndHbone)
        && mode != MtlsMode::Disable
        && !way.is_external();
    // P2: ztunnel and waypoints speak HBONE, or else plaintext
    if !hbone && !mtls {
        way.hop.peer = None;
    }
    if !way.admitted(id, if hbone { HBONE_PORT } else { port }) {
        return false;
    }
    let peer = way.hop.peer;
    if let Some(reason) = refusal(way.mesh, id, port, peer) {
        return way.step(Point::Sidecar(id), port, reason);
    }
    let crosses = way.hop.cluster.is_some_and(|c| c != way.mesh.cluster_of(id));
    let source_ip = if crosses { None } else { way.hop.ip };
    let kind = way.request.protocol.chain(way.request.speaks_http);
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
        sni: if mtls { &way.request.mesh_sni } else { &way.request.sni },
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
