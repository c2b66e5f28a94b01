//! One enforcement point asked directly, with everything it sees given: what a log line tells, or a
//! test wants to know.

use std::net::IpAddr;

use super::decision::{Point, Step};
use super::envoy::{ChainKind, Facts};
use super::identity::Peer;
use super::mesh::{GatewayId, Mesh, ServiceId, WorkloadId};
use super::point::{self, Said};
use super::request::HttpRequest;
use super::ztunnel_point;

/// What a point sees of a connection or request.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// The client's identity (`spiffe://…`), of the mesh or not.
    pub peer: Option<String>,
    /// The other end's address.
    pub source_ip: Option<IpAddr>,
    /// The client's address, where a proxy protocol tells another.
    pub remote_ip: Option<IpAddr>,
    /// Where the connection goes.
    pub destination_ip: Option<IpAddr>,
    /// Where the connection goes.
    pub destination_port: u16,
    /// The server name in the TLS hello.
    pub sni: String,
    /// The kind of filter chain.
    pub chain: ChainKind,
    /// The request, for an HTTP chain.
    pub http: HttpRequest,
}

impl Mesh {
    /// Asks the sidecar of a workload, or a gateway that is not of Gateway API.
    pub fn ask_sidecar(&self, workload: WorkloadId, seen: &Seen) -> Step {
        let point = self.fixed.points.workloads[workload.0 as usize].envoy;
        let cluster = self.cluster_of(workload);
        let normalization = self.options(cluster).path_normalization;
        let said = self.ask(point, seen, normalization, seen.source_ip);
        step(Point::Sidecar(workload), seen, Some(seen.chain), &said)
    }

    /// Asks a waypoint: about traffic to a service, or to a pod where none is given.
    pub fn ask_waypoint(&self, id: GatewayId, service: Option<ServiceId>, seen: &Seen) -> Step {
        let points = &self.fixed.points;
        let point = service
            .and_then(|s| points.services[s.0 as usize])
            .unwrap_or(points.gateways[id.0 as usize]);
        let cluster = self.namespace(self.gateway(id).namespace).cluster;
        let normalization = self.options(cluster).path_normalization;
        // the direct peer is an internal address (facts/envoy.md)
        let said = self.ask(point, seen, normalization, None);
        step(Point::Waypoint(id), seen, Some(seen.chain), &said)
    }

    /// Asks the ztunnel of a workload.
    pub fn ask_ztunnel(&self, workload: WorkloadId, seen: &Seen) -> Step {
        let connection = super::ztunnel::Connection {
            peer: seen.peer.as_deref().map(Peer::from_uri),
            source_ip: seen.source_ip,
            destination_ip: seen.destination_ip,
            destination_port: seen.destination_port,
        };
        let (reason, depends_on_address) = ztunnel_point::ask(&self.fixed, workload, &connection);
        let said =
            Said { reason, depends_on_request: false, depends_on_address, token_goes_on: true };
        step(Point::Ztunnel(workload), seen, None, &said)
    }

    fn ask(
        &self,
        point: usize,
        seen: &Seen,
        normalization: super::PathNormalization,
        source_ip: Option<IpAddr>,
    ) -> Said {
        let h = &seen.http;
        let host = h.host.as_deref().unwrap_or_default();
        let http = super::envoy::Http::new(&h.method, host, &h.path, &h.headers, normalization);
        let sni = seen.sni.to_ascii_lowercase();
        let facts = Facts {
            peer: seen.peer.as_deref().map(Peer::from_uri),
            source_ip,
            remote_ip: seen.remote_ip.or(seen.source_ip),
            destination_ip: seen.destination_ip,
            destination_port: seen.destination_port,
            sni: &sni,
            http: Some(&http),
            claims: None,
        };
        let point = &self.fixed.points.envoy[point];
        point::ask(&self.fixed, point, seen.chain, facts, &h.token)
    }
}

fn step(point: Point, seen: &Seen, chain: Option<ChainKind>, said: &Said) -> Step {
    Step {
        point,
        peer: None,
        source_ip: seen.source_ip,
        port: seen.destination_port,
        chain,
        reason: said.reason,
        depends_on_request: said.depends_on_request,
        unknown_address: said.depends_on_address,
    }
}
