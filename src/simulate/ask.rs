//! One enforcement point asked directly, with everything it sees given: what a log line tells, or a
//! test wants to know.

use std::net::IpAddr;

use super::decision::{Point, Reason, Step};
use super::envoy::{ChainKind, Edge, Facts};
use super::identity::Peer;
use super::mesh::{ClusterId, GatewayId, Mesh, Protocol, ServiceId, WorkloadId};
use super::point::{self, Said};
use super::request::HttpRequest;
use super::{gateway, sidecar, waypoint, ztunnel_point};

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
    /// It is TLS that ends here; a client with an identity speaks it anyway.
    pub is_tls: bool,
    /// HTTP is spoken; else bytes.
    pub speaks_http: bool,
    /// The request, where it is.
    pub http: HttpRequest,
}

impl Mesh {
    /// Asks the sidecar of a workload.
    pub fn ask_sidecar(&self, workload: WorkloadId, seen: &Seen) -> Step {
        let (point, port) = (Point::Sidecar(workload), seen.destination_port);
        let peer = seen.peer.as_deref().map(Peer::from_uri);
        if let Some(reason) = sidecar::refusal(self, workload, port, peer) {
            return refused(point, seen, reason);
        }
        let place = Place {
            envoy: self.fixed.points.workloads[workload.0 as usize].envoy,
            cluster: self.cluster_of(workload),
            chain: self.protocol_of_pod_port(workload, port).chain(seen.speaks_http),
            source_ip: seen.source_ip,
            edge: Edge::Inside,
            scheme: if seen.peer.is_some() { "https" } else { "http" },
        };
        self.ask(point, &place, seen)
    }

    /// Asks a waypoint: about traffic to a service, or to a pod where none is given.
    pub fn ask_waypoint(&self, id: GatewayId, service: Option<ServiceId>, seen: &Seen) -> Step {
        let points = &self.fixed.points;
        let cluster = self.namespace(self.gateway(id).namespace).cluster;
        let peer = seen.peer.as_deref().map(Peer::from_uri);
        if let Some(reason) = waypoint::refusal(&self.fixed, cluster, peer) {
            return refused(Point::Waypoint(id), seen, reason);
        }
        let port = service
            .and_then(|s| self.service(s).ports.iter().find(|p| p.number == seen.destination_port));
        let place = Place {
            envoy: service
                .and_then(|s| points.services[s.0 as usize])
                .unwrap_or(points.gateways[id.0 as usize]),
            cluster,
            chain: port.map_or(Protocol::Unset, |p| p.protocol).chain(seen.speaks_http),
            // the direct peer is an internal address (facts/envoy.md)
            source_ip: None,
            edge: Edge::Inside,
            scheme: "http",
        };
        self.ask(Point::Waypoint(id), &place, seen)
    }

    /// Asks an ingress gateway.
    pub fn ask_gateway(&self, workload: WorkloadId, seen: &Seen) -> Step {
        let place = Place {
            envoy: gateway::point_of(self, workload),
            cluster: self.cluster_of(workload),
            chain: Protocol::Unset.chain(seen.speaks_http),
            source_ip: seen.source_ip,
            edge: Edge::Gateway,
            scheme: if seen.is_tls { "https" } else { "http" },
        };
        self.ask(Point::Gateway(workload), &place, seen)
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
        let said = Said::of(reason, depends_on_address);
        step(Point::Ztunnel(workload), seen, None, &said)
    }

    fn ask(&self, point: Point, place: &Place, seen: &Seen) -> Step {
        let h = &seen.http;
        let host = h.host.as_deref().unwrap_or_default();
        let normalization = self.options(place.cluster).path_normalization;
        let http = super::envoy::Http::new(&h.method, host, &h.path, &h.headers, normalization);
        let sni = seen.sni.to_ascii_lowercase();
        let facts = Facts {
            peer: seen.peer.as_deref().map(Peer::from_uri),
            source_ip: place.source_ip,
            remote_ip: seen.remote_ip.or(seen.source_ip),
            edge: place.edge,
            trusted_proxies: self.options(place.cluster).trusted_proxies,
            scheme: Some(place.scheme),
            destination_ip: seen.destination_ip,
            destination_port: seen.destination_port,
            sni: &sni,
            http: Some(&http),
            ..Facts::default()
        };
        let envoy = &self.fixed.points.envoy[place.envoy];
        let said = point::ask(&self.fixed, envoy, place.chain, facts, &h.token);
        step(point, seen, Some(place.chain), &said)
    }
}

/// What a point brings along.
struct Place {
    envoy: usize,
    cluster: ClusterId,
    chain: ChainKind,
    source_ip: Option<IpAddr>,
    edge: Edge,
    scheme: &'static str,
}

/// The connection was refused before any policy was asked.
fn refused(point: Point, seen: &Seen, reason: Reason) -> Step {
    step(point, seen, None, &Said::of(reason, false))
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
