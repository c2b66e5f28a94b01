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
    /// Its TCP ports.
    pub ports: Vec<Port>,
    /// Every port of a Service as it is written, those of UDP among them: what istiod tells of.
    pub declared: Vec<Declared>,
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

/// What a proxy takes a port to speak (istio/istio:pkg/config/kube/conversion.go `ConvertProtocol`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// HTTP of any version.
    Http,
    /// Anything else: bytes.
    Tcp,
    /// Not told: the proxy looks at the first bytes.
    Unset,
}

/// A port as istiod tells ztunnel of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    /// The number that clients use.
    pub number: u16,
    /// The pods' port.
    pub target: raw::IntOrText,
    /// `AppProtocol` of istiod's message; `None` where it is not known.
    pub app_protocol: Option<&'static str>,
}

impl Declared {
    /// istio/istio:pilot/pkg/serviceregistry/ambient/workloads.go `toAppProtocolFromKube`
    pub(super) fn of(port: &raw::ServicePort) -> Self {
        let instance = match port.protocol.as_deref() {
            Some("UDP") => None,
            _ => instance(
                port.app_protocol.as_deref(),
                port.name.as_deref().unwrap_or_default(),
                port.port,
            ),
        };
        Self {
            number: port.port,
            target: port.target_port.clone().unwrap_or(raw::IntOrText::Int(port.port)),
            app_protocol: match instance {
                Some("http") => Some("HTTP11"),
                Some("http2") => Some("HTTP2"),
                Some("grpc") => Some("GRPC"),
                Some("tls" | "https") => Some("TLS"),
                Some("tcp") => Some("TCP"),
                _ => None,
            },
        }
    }
}

/// istio/istio:pkg/config/protocol/instance.go `Parse`
const INSTANCES: &[&str] = &[
    "tcp",
    "udp",
    "grpc",
    "grpc-web",
    "http",
    "http_proxy",
    "http2",
    "https",
    "tls",
    "mongo",
    "redis",
    "mysql",
];

/// `appProtocol`, else the part of the name before the first dash, else the number
/// (istio/istio:pkg/config/kube/conversion.go `ConvertProtocol`).
fn instance(app_protocol: Option<&str>, name: &str, number: u16) -> Option<&'static str> {
    let name = match app_protocol {
        Some("kubernetes.io/h2c") => "http2",
        Some("kubernetes.io/ws") => "http",
        Some("kubernetes.io/wss") => "https",
        Some(other) => other,
        None => name,
    };
    if name.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("grpc-web")) {
        return Some("grpc-web");
    }
    let known = word(name.split('-').next().unwrap_or_default());
    // well-known ports of protocols in which the server talks first
    known.or_else(|| matches!(number, 25 | 53 | 3306 | 27017).then_some("tcp"))
}

fn word(word: &str) -> Option<&'static str> {
    INSTANCES.iter().copied().find(|known| known.eq_ignore_ascii_case(word))
}

impl Protocol {
    /// A port of a Service: by `appProtocol`, else by its name, of both the part before the first
    /// dash; else by its number.
    pub fn of(app_protocol: Option<&str>, name: &str, number: u16) -> Self {
        Self::of_instance(instance(app_protocol, name, number))
    }

    /// A port of a ServiceEntry, whose name and number tell nothing.
    pub fn of_service_entry(protocol: Option<&str>) -> Self {
        Self::of_instance(word(protocol.unwrap_or_default()))
    }

    fn of_instance(instance: Option<&str>) -> Self {
        match instance {
            Some("http" | "http2" | "grpc" | "grpc-web" | "http_proxy") => Protocol::Http,
            Some(_) => Protocol::Tcp,
            None => Protocol::Unset,
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
        target_at(&self.target, workload).unwrap_or(self.number)
    }
}

impl Declared {
    /// The number of a workload's port behind this one; `None` where the workload has none of that name.
    pub fn target_at(&self, workload: &Workload) -> Option<u16> {
        target_at(&self.target, workload)
    }
}

fn target_at(target: &raw::IntOrText, workload: &Workload) -> Option<u16> {
    match target {
        raw::IntOrText::Int(number) => Some(*number),
        raw::IntOrText::Text(name) => workload
            .ports
            .iter()
            .find(|p| p.name.as_deref() == Some(name))
            .map(|p| p.container_port),
    }
}

#[cfg(test)]
mod tests {
    use super::Protocol::{self, Http, Tcp, Unset};

    #[test]
    fn what_a_port_is_said_to_speak() {
        for (app_protocol, name, number, expected) in [
            (None, "http-web", 80, Http),
            (None, "grpc-web", 80, Http),
            (None, "grpcweb", 80, Unset),
            (None, "http_proxy", 80, Http),
            (None, "redis", 80, Tcp),
            (None, "h2c", 80, Unset),
            (None, "web", 3306, Tcp),
            (None, "http", 3306, Http),
            (Some("HTTP"), "tcp", 80, Http),
            (Some("http-foo"), "tcp", 80, Http),
            (Some("kubernetes.io/h2c"), "tcp", 80, Http),
            (Some("kubernetes.io/ws"), "tcp", 80, Http),
            (Some("kubernetes.io/wss"), "http", 80, Tcp),
            (Some("kubernetes.io/http"), "http", 80, Unset),
            (Some("h2c"), "http", 80, Unset),
            (Some("ws"), "http", 80, Unset),
            (Some("wss"), "http", 80, Unset),
            (Some("unknown"), "http", 80, Unset),
            (Some("unknown"), "http", 53, Tcp),
        ] {
            let found = Protocol::of(app_protocol, name, number);
            assert_eq!(found, expected, "{app_protocol:?} {name} {number}");
        }
        assert_eq!(Protocol::of_service_entry(None), Unset);
        assert_eq!(Protocol::of_service_entry(Some("http-x")), Unset);
        assert_eq!(Protocol::of_service_entry(Some("GRPC-Web")), Http);
    }
}
