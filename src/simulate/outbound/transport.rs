//! What a client's proxy speaks to one endpoint.

use super::leaving::{Cluster, Leaving, Why};
use crate::simulate::mesh::{Mesh, PodState, WorkloadId};
use crate::simulate::path::{Hop, Speaks};
use crate::simulate::peer_authentication::MtlsMode;
use crate::simulate::raw::TlsMode;
use crate::simulate::version::Behaviour;

/// What is spoken to an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::simulate) enum Transport {
    /// HBONE: ztunnel, or a sidecar's port 15008, sees the client's certificate.
    Hbone,
    /// The mesh's mutual TLS on the port itself.
    Mtls,
    /// TLS that is not the mesh's: bytes to any proxy, and no identity.
    Tls,
    /// What the application sent.
    Plain,
}

impl Transport {
    /// The server's proxy sees the client's certificate.
    pub fn shows_identity(self) -> bool {
        matches!(self, Transport::Hbone | Transport::Mtls)
    }
}

/// What a client speaks to an endpoint, by what its proxy made of the connection; and why not the
/// mesh's mutual TLS.
pub(in crate::simulate) fn transport(
    mesh: &Mesh,
    hop: &Hop<'_>,
    leaving: Leaving,
    server: WorkloadId,
    port: u16,
) -> (Transport, Option<Why>) {
    let state = mesh.state(server);
    let cluster = match leaving {
        Leaving::Cluster(cluster) => cluster,
        Leaving::Direct(why) => return (Transport::Plain, Some(why)),
        Leaving::Unrouted | Leaving::Nowhere => {
            // P2: ztunnel and waypoints speak HBONE to whoever takes it, or else plaintext
            let takes = matches!(state, PodState::Ambient | PodState::SidecarHbone);
            let hbone = hop.speaks == Speaks::Hbone && takes;
            return (if hbone { Transport::Hbone } else { Transport::Plain }, None);
        }
    };
    if cluster.original {
        return by_original_destination(cluster);
    }
    // HBONE goes to what takes it and has no mutual TLS of its own (istio/istio:pilot/pkg/xds/
    // endpoints/endpoint_builder.go `buildEnvoyLbEndpoint`: `supportTunnel`, `supportsMtls`)
    let tunnel = hop.speaks == Speaks::MtlsAndHbone && state == PodState::Ambient;
    let own = hop.cluster.unwrap_or_else(|| mesh.cluster_of(server));
    let hbone_beside = || tunnel && mesh.has(own, Behaviour::HboneBesideClientTls);
    // istio/istio:pilot/pkg/networking/core/cluster_tls.go `applyHBONETransportSocketMatches`
    match cluster.rule {
        Some((_, _)) if hbone_beside() => (Transport::Hbone, None),
        Some((TlsMode::Disable, rule)) => (Transport::Plain, Some(Why::Rule(rule))),
        Some((TlsMode::IstioMutual, _)) => (Transport::Mtls, None),
        Some((_, rule)) => (Transport::Tls, Some(Why::Rule(rule))),
        None if tunnel => (Transport::Hbone, None),
        None => match (cluster.plain, cluster.endpoints) {
            (Some(why), _) => (Transport::Plain, Some(why)),
            // istio/istio:pilot/pkg/xds/endpoints/mtls_checker.go `checkMtlsEnabled`, for what has a
            // `tlsMode` of its own: the rule's mode, then its PeerAuthentication
            _ if !state.has_sidecar() => (Transport::Plain, None),
            (None, Some((TlsMode::IstioMutual, _))) => (Transport::Mtls, None),
            (None, Some((_, rule))) => (Transport::Plain, Some(Why::Rule(rule))),
            (None, None) => {
                let mode = mesh.fixed.points.workloads[server.0 as usize].mtls(port);
                if mode == MtlsMode::Disable {
                    (Transport::Plain, Some(Why::PortDisabled))
                } else {
                    (Transport::Mtls, None)
                }
            }
        },
    }
}

/// One socket for all endpoints, which knows neither ports nor HBONE (cluster_tls.go
/// `applyHBONETransportSocketMatches`: the type `ORIGINAL_DST`; facts/outbound.md 02).
fn by_original_destination(cluster: Cluster) -> (Transport, Option<Why>) {
    match (cluster.rule, cluster.plain) {
        (Some((TlsMode::Disable, rule)), _) => (Transport::Plain, Some(Why::Rule(rule))),
        (Some((TlsMode::IstioMutual, _)), _) | (None, None) => (Transport::Mtls, None),
        (Some((_, rule)), _) => (Transport::Tls, Some(Why::Rule(rule))),
        (None, Some(why)) => (Transport::Plain, Some(why)),
    }
}
