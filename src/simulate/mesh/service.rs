//! What clients address: Services and ServiceEntries.

use std::net::IpAddr;

use crate::diagnostic::Span;
use crate::simulate::envoy::ChainKind;
use crate::simulate::raw;

use super::{NamespaceId, Workload, WorkloadId};

/// A service of a mesh.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceId(pub(in crate::simulate) u32);

/// A Service, or a ServiceEntry.
#[derive(Clone, Debug)]
pub struct Service {
    /// Its namespace.
    pub namespace: NamespaceId,
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: ServiceKind,
    /// The name that clients use.
    pub host: String,
    /// Its address, where it is known.
    pub vip: Option<IpAddr>,
    /// No address of its own: clients address the pods.
    pub headless: bool,
    /// Its ports.
    pub ports: Vec<Port>,
    /// The workloads behind it, in the order of the mesh.
    pub endpoints: Vec<WorkloadId>,
    /// Its labels that matter: `use-waypoint` and its like.
    pub labels: crate::k8s::Labels,
    /// Where it stands.
    pub span: Span,
}

/// What a service is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServiceKind {
    /// A Service.
    Service,
    /// A ServiceEntry.
    ServiceEntry,
}

/// A port of a service.
#[derive(Clone, Debug)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// The number that clients use.
    pub number: u16,
    /// The pods' port.
    pub target: raw::IntOrText,
    /// What is spoken.
    pub protocol: Protocol,
}

/// What a proxy takes a port to speak (istio/istio:pkg/config/kube/conversion.go).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// HTTP of any version.
    Http,
    /// Anything else: bytes.
    Tcp,
    /// Not told: the proxy looks at the first bytes.
    Unset,
}

impl Protocol {
    /// From `appProtocol`, else the part of the name before the first dash, else the number.
    pub fn of(app_protocol: Option<&str>, name: &str, number: u16) -> Self {
        if let Some(app_protocol) = app_protocol {
            return Self::word(app_protocol.strip_prefix("kubernetes.io/").unwrap_or(app_protocol));
        }
        let by_name = Self::word(name.split('-').next().unwrap_or_default());
        // well-known ports of protocols in which the server talks first
        if by_name == Protocol::Unset && matches!(number, 25 | 53 | 3306 | 27017) {
            return Protocol::Tcp;
        }
        by_name
    }

    fn word(word: &str) -> Self {
        match word.to_ascii_lowercase().as_str() {
            "http" | "http2" | "grpc" | "grpc-web" | "h2c" | "ws" => Protocol::Http,
            "https" | "tls" | "tcp" | "mongo" | "mysql" | "redis" | "udp" | "wss" => Protocol::Tcp,
            _ => Protocol::Unset,
        }
    }

    /// The chain that a request or a connection meets.
    pub fn chain(self, speaks_http: bool) -> ChainKind {
        match self {
            Protocol::Http => ChainKind::Http,
            Protocol::Tcp => ChainKind::Tcp,
            Protocol::Unset if speaks_http => ChainKind::Http,
            Protocol::Unset => ChainKind::Tcp,
        }
    }
}

impl Port {
    /// The number of a workload's port behind this one.
    pub fn target_at(&self, workload: &Workload) -> u16 {
        match &self.target {
            raw::IntOrText::Int(number) => *number,
            raw::IntOrText::Text(name) => workload
                .ports
                .iter()
                .find(|p| p.name.as_deref() == Some(name))
                .map_or(self.number, |p| p.container_port),
        }
    }
}
