//! What is asked of a mesh: may this client make this request?

use std::net::IpAddr;

use super::envoy::Http;
use super::mesh::{Mesh, Protocol, ServiceId, WorkloadId};
use super::options::PathNormalization;
use super::request_authentication::Token;

/// A question.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Who asks.
    pub from: Client,
    /// For what.
    pub to: Destination,
    /// The HTTP request; on ports that do not speak HTTP only the connection counts.
    pub http: HttpRequest,
    /// A connection that is not HTTP, on a port that does not say what it speaks.
    pub raw_tcp: bool,
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Client {
    /// A workload. A gateway passes on what comes from outside.
    Workload(WorkloadId),
    /// Somebody without a proxy, straight to the pod; the address where it is known.
    Outside(Option<IpAddr>),
}

/// What the client addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Destination {
    /// A service, by its own port.
    Service {
        /// Which.
        service: ServiceId,
        /// The service's port.
        port: u16,
    },
    /// A pod of a workload, by its address.
    Pod {
        /// Which.
        workload: WorkloadId,
        /// The pod's port.
        port: u16,
    },
}

/// An HTTP request as it is sent.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpRequest {
    /// Method.
    pub method: String,
    /// Path, query included.
    pub path: String,
    /// `:authority`; the destination's name and port where absent.
    pub host: Option<String>,
    /// Headers, in any case and order, repeated ones as often.
    pub headers: Vec<(String, String)>,
    /// The token in `authorization`.
    pub token: Token,
    /// The server name in the TLS hello of the application; where absent the destination's, on ports
    /// that are said to be TLS.
    pub sni: Option<String>,
    /// The port of a gateway's pods that it came in by; where absent one is found for what is spoken.
    pub edge_port: Option<u16>,
}

impl Default for HttpRequest {
    fn default() -> Self {
        Self {
            method: "GET".into(),
            path: "/".into(),
            host: None,
            headers: Vec::new(),
            token: Token::None,
            sni: None,
            edge_port: None,
        }
    }
}

impl Request {
    /// `GET /` to a service.
    pub fn to_service(from: Client, service: ServiceId, port: u16) -> Self {
        let to = Destination::Service { service, port };
        Self { from, to, http: HttpRequest::default(), raw_tcp: false }
    }

    /// `GET /` to a pod's address.
    pub fn to_pod(from: Client, workload: WorkloadId, port: u16) -> Self {
        let to = Destination::Pod { workload, port };
        Self { from, to, http: HttpRequest::default(), raw_tcp: false }
    }
}

/// A request with what depends on the destination alone worked out.
#[derive(Clone, Debug)]
pub(super) struct Prepared {
    pub to: Destination,
    pub http: Http,
    pub token: Token,
    pub protocol: Protocol,
    pub speaks_http: bool,
    /// The server name in the application's own TLS hello, in lower case; empty without.
    pub sni: String,
    /// The one that a sidecar puts into the mesh's mTLS (istio/istio:pilot/pkg/model/service.go
    /// `BuildDNSSrvSubsetKey`); empty for a pod's address.
    pub mesh_sni: String,
    /// The port is said to be TLS.
    pub is_tls: bool,
    /// The server name that a gateway is asked for, where TLS is spoken to it.
    pub edge_sni: String,
    /// The port of a gateway's pods, where it is known.
    pub edge_port: Option<u16>,
    /// The client names the host, or the server.
    pub names_host: bool,
}

impl Prepared {
    /// The port that the client addresses.
    pub fn port(&self) -> u16 {
        match self.to {
            Destination::Service { port, .. } | Destination::Pod { port, .. } => port,
        }
    }

    pub fn new(mesh: &Mesh, to: Destination, http: &HttpRequest, raw_tcp: bool) -> Self {
        let (host, protocol) = Self::ordinary(mesh, to);
        let host = http.host.clone().unwrap_or(host);
        let (mesh_sni, is_tls, name) = Self::names(mesh, to);
        let asked = http.sni.clone().unwrap_or_else(|| without_port(&host).to_ascii_lowercase());
        let sni = http.sni.clone().or(name.filter(|_| is_tls)).unwrap_or_default();
        Self {
            to,
            http: Http::new(
                &http.method,
                &host,
                &http.path,
                &http.headers,
                normalization(mesh, to),
            ),
            token: http.token.clone(),
            protocol,
            speaks_http: !raw_tcp,
            sni: sni.to_ascii_lowercase(),
            mesh_sni,
            is_tls,
            edge_sni: asked.to_ascii_lowercase(),
            edge_port: http.edge_port,
            names_host: http.host.is_some() || http.sni.is_some(),
        }
    }

    /// The server name of mTLS, whether the application's own TLS is looked for, and what it names.
    fn names(mesh: &Mesh, to: Destination) -> (String, bool, Option<String>) {
        let Destination::Service { service, port } = to else {
            return (String::new(), false, None);
        };
        let service = mesh.service(service);
        let is_tls = service.ports.iter().any(|p| p.number == port && p.is_tls);
        let name = (!service.host.starts_with('*')).then(|| service.host.clone());
        (format!("outbound_.{port}_._.{}", service.host), is_tls, name)
    }

    /// The authority of a request that says nothing else, and what the port speaks.
    pub fn ordinary(mesh: &Mesh, to: Destination) -> (String, Protocol) {
        match to {
            Destination::Service { service, port } => {
                let service = mesh.service(service);
                let found = service.ports.iter().find(|p| p.number == port);
                let protocol = found.map_or(Protocol::Unset, |p| p.protocol);
                (format!("{}:{port}", service.host), protocol)
            }
            Destination::Pod { workload, port } => {
                let host = mesh.workload(workload).ip.map_or_else(
                    || format!("{}:{port}", mesh.workload(workload).name),
                    |ip| format!("{ip}:{port}"),
                );
                (host, mesh.protocol_of_pod_port(workload, port))
            }
        }
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    }
}

/// What becomes of paths on the way to a destination.
pub(super) fn normalization(mesh: &Mesh, to: Destination) -> PathNormalization {
    let namespace = match to {
        Destination::Service { service, .. } => mesh.service(service).namespace,
        Destination::Pod { workload, .. } => mesh.workload(workload).namespace,
    };
    mesh.options(mesh.namespace(namespace).cluster).path_normalization
}

impl Mesh {
    /// Is a port declared to speak HTTP? Then a proxy that reads requests lets nothing else through.
    pub fn declares_http(&self, to: Destination) -> bool {
        Prepared::ordinary(self, to).1 == Protocol::Http
    }

    /// What a pod's port speaks, by the first service in front of it.
    pub(super) fn protocol_of_pod_port(&self, workload: WorkloadId, port: u16) -> Protocol {
        let target = self.workload(workload);
        self.services_of(workload)
            .iter()
            .flat_map(|id| &self.service(*id).ports)
            .find(|p| p.target_at(target) == port)
            .map_or(Protocol::Unset, |p| p.protocol)
    }
}
