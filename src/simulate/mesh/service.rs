//! What clients address: Services and ServiceEntries.

use std::net::IpAddr;

use crate::diagnostic::Span;
use crate::k8s::Labels;
use crate::simulate::envoy::ChainKind;
use crate::simulate::raw;

use super::{NamespaceId, Unknown, Workload, WorkloadId};

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
    /// No address of its own: clients address the pods, or whatever its name stands for.
    pub headless: bool,
    /// Outside the mesh: sidecars and gateways speak no mTLS of the mesh to it.
    pub is_external: bool,
    /// Its TCP ports.
    pub ports: Vec<Port>,
    /// The workloads behind it, in the order of the mesh.
    pub endpoints: Vec<WorkloadId>,
    /// Why these may not be all that is behind it.
    pub unknown: Option<Unknown>,
    /// Its labels that matter: `use-waypoint` and its like.
    pub labels: Labels,
    /// Its annotations.
    pub annotations: Labels,
    /// Where it stands.
    pub span: Span,
    /// What it was read from.
    pub(in crate::simulate) source: Source,
}

/// What a service was read from: istiod tells ztunnel more of it than access hangs on.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::simulate) enum Source {
    /// A Service.
    Service(raw::Service),
    /// A ServiceEntry.
    ServiceEntry(Box<raw::ServiceEntry>),
}

/// What a service is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServiceKind {
    /// A Service.
    Service,
    /// A ServiceEntry.
    ServiceEntry,
    /// A Service that stands for a name outside the mesh.
    ExternalName,
}

/// A port of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// The number that clients use.
    pub number: u16,
    /// The pods' port.
    pub target: raw::IntOrText,
    /// What is spoken.
    pub protocol: Protocol,
    /// It is said to be TLS: the server name in its hello is read.
    pub is_tls: bool,
    /// A workload's port of the same name counts first: of a ServiceEntry.
    pub by_name: bool,
}

/// What a proxy takes a port to speak (istio/istio:pkg/config/kube/conversion.go `ConvertProtocol`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// HTTP of any version.
    Http,
    /// Anything else: bytes.
    Tcp,
    /// Datagrams, which no proxy of the mesh takes.
    Udp,
    /// Not told: the proxy looks at the first bytes.
    Unset,
}

/// A port as istiod tells ztunnel of it, those of UDP among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::simulate) struct Declared {
    /// Its name.
    pub name: String,
    /// The number that clients use.
    pub number: u16,
    /// The pods' port.
    pub target: raw::IntOrText,
    /// A workload's port of the same name counts first: of a ServiceEntry.
    pub by_name: bool,
    /// `AppProtocol` of istiod's message; `None` where it is not known.
    pub app_protocol: Option<&'static str>,
}

/// Does istiod choose an address for a host of a ServiceEntry? Not where traffic goes where it is
/// addressed, nor where the label forbids it, nor beside addresses that are written (istio/istio:
/// pilot/pkg/networking/serviceentry/ip_autoallocation.go `shouldV2AutoAllocateIPFromPieces`); for
/// a wildcard only with dynamic DNS (istio/istio:pilot/pkg/serviceregistry/ambient/services.go
/// `constructServiceEntries`).
pub(in crate::simulate) fn chooses_address(
    spec: &raw::ServiceEntrySpec,
    labels: &Labels,
    host: &str,
) -> bool {
    const LABEL: &str = "networking.istio.io/enable-autoallocate-ip";
    spec.resolution != raw::Resolution::None
        && !labels.get(LABEL).is_some_and(|value| value.eq_ignore_ascii_case("false"))
        && spec.addresses.is_empty()
        && (!host.starts_with('*') || spec.resolution == raw::Resolution::DynamicDns)
}

impl Service {
    /// The hosts that it is known by.
    pub fn hosts(&self) -> impl Iterator<Item = &str> {
        let own: &[String] = match &self.source {
            Source::Service(_) => std::slice::from_ref(&self.host),
            Source::ServiceEntry(entry) => &entry.spec.hosts,
        };
        own.iter().map(String::as_str)
    }

    /// The port of a pod at which a connection to one of its ports arrives. Of a headless Service clients
    /// learn the pods' addresses, and nobody translates the port.
    pub fn arrives_at(&self, port: &Port, workload: &Workload) -> u16 {
        match &self.source {
            Source::Service(_) if self.headless => port.number,
            _ => port.target_at(workload),
        }
    }

    /// Its address of the same family as this one.
    pub(in crate::simulate) fn vip_like(&self, ip: IpAddr) -> Option<IpAddr> {
        let written: &[String] = match &self.source {
            Source::Service(spec) => &spec.cluster_ips,
            Source::ServiceEntry(entry) => &entry.spec.addresses,
        };
        let all = written.iter().filter_map(|text| text.parse().ok()).chain(self.vip);
        let mut alike = all.filter(|vip: &IpAddr| vip.is_ipv6() == ip.is_ipv6());
        alike.next()
    }

    /// Where ways to it end: at each workload, and where nothing of the mesh is known to be behind it.
    pub(in crate::simulate) fn ends(&self) -> impl Iterator<Item = Option<WorkloadId>> {
        let beyond = self.endpoints.is_empty() || self.unknown.is_some();
        self.endpoints.iter().copied().map(Some).chain(beyond.then_some(None))
    }

    /// The labels by which it selects pods, where it is a Service with a selector.
    pub(in crate::simulate) fn selector(&self) -> Option<&Labels> {
        match &self.source {
            Source::Service(spec) if !spec.selector.is_empty() => Some(&spec.selector),
            _ => None,
        }
    }

    /// Its ports as they are written.
    pub(in crate::simulate) fn declared(&self) -> Vec<Declared> {
        match &self.source {
            Source::Service(spec) => spec.ports.iter().map(Declared::of).collect(),
            Source::ServiceEntry(entry) => {
                entry.spec.ports.iter().map(Declared::of_service_entry).collect()
            }
        }
    }
}

impl Declared {
    /// istio/istio:pilot/pkg/serviceregistry/ambient/workloads.go `toAppProtocolFromKube`
    fn of(port: &raw::ServicePort) -> Self {
        let name = port.name.clone().unwrap_or_default();
        let instance = match port.protocol.as_deref() {
            Some("UDP") => None,
            _ => instance(port.app_protocol.as_deref(), &name, port.port),
        };
        Self {
            name,
            number: port.port,
            target: port.target_port.clone().unwrap_or(raw::IntOrText::Int(port.port)),
            by_name: false,
            app_protocol: app_protocol(instance),
        }
    }

    /// istio/istio:pilot/pkg/serviceregistry/ambient/services.go `constructServiceEntries`
    fn of_service_entry(port: &raw::ServiceEntryPort) -> Self {
        Self {
            name: port.name.clone().unwrap_or_default(),
            number: port.number,
            target: raw::IntOrText::Int(port.target()),
            by_name: true,
            app_protocol: app_protocol(word(port.protocol.as_deref().unwrap_or_default())),
        }
    }
}

/// istio/istio:pilot/pkg/serviceregistry/ambient/workloads.go `toAppProtocolFromProtocol`
fn app_protocol(instance: Option<&str>) -> Option<&'static str> {
    match instance {
        Some("http") => Some("HTTP11"),
        Some("http2") => Some("HTTP2"),
        Some("grpc") => Some("GRPC"),
        Some("tls" | "https") => Some("TLS"),
        Some("tcp") => Some("TCP"),
        _ => None,
    }
}

/// The words for a protocol that Istio knows, in an `appProtocol` and at the beginning of a port's name
/// (istio/istio:pkg/config/protocol/instance.go `Parse`, less its own `DoubleHBONE`).
pub const PROTOCOLS: &[&str] = &[
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
    PROTOCOLS.iter().copied().find(|known| known.eq_ignore_ascii_case(word))
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

    /// Is a port of a Service said to be TLS?
    pub(super) fn is_tls(app_protocol: Option<&str>, name: &str, number: u16) -> bool {
        matches!(instance(app_protocol, name, number), Some("tls" | "https"))
    }

    /// Is a port of a ServiceEntry?
    pub(super) fn is_tls_entry(protocol: Option<&str>) -> bool {
        matches!(word(protocol.unwrap_or_default()), Some("tls" | "https"))
    }

    fn of_instance(instance: Option<&str>) -> Self {
        match instance {
            Some("http" | "http2" | "grpc" | "grpc-web" | "http_proxy") => Protocol::Http,
            Some("udp") => Protocol::Udp,
            Some(_) => Protocol::Tcp,
            None => Protocol::Unset,
        }
    }

    /// The chain that a request or a connection meets.
    pub fn chain(self, speaks_http: bool) -> ChainKind {
        match self {
            Protocol::Http => ChainKind::Http,
            Protocol::Tcp | Protocol::Udp => ChainKind::Tcp,
            Protocol::Unset if speaks_http => ChainKind::Http,
            Protocol::Unset => ChainKind::Tcp,
        }
    }
}

impl Port {
    /// The number of the pods' port, where it is written as a number.
    pub fn target_number(&self) -> Option<u16> {
        match self.target {
            raw::IntOrText::Int(number) => Some(number),
            raw::IntOrText::Text(_) => None,
        }
    }

    /// The number of a workload's port behind this one.
    pub fn target_at(&self, workload: &Workload) -> u16 {
        target_at(&self.target, &self.name, self.by_name, workload).unwrap_or(self.number)
    }
}

impl Declared {
    /// The number of a workload's port behind this one; `None` where the workload has none of that name.
    pub fn target_at(&self, workload: &Workload) -> Option<u16> {
        target_at(&self.target, &self.name, self.by_name, workload)
    }
}

/// The name that a Service gives is the only one that counts. Where it gives a number, and of a
/// ServiceEntry always, the workload's port of the service's own name goes before it: of a pod by a
/// ServiceEntry, of other workloads by both (istio/istio:pilot/pkg/serviceregistry/ambient/
/// workloads.go `constructServices`, `constructServicesFromWorkloadEntry`).
fn target_at(
    target: &raw::IntOrText,
    name: &str,
    by_name: bool,
    workload: &Workload,
) -> Option<u16> {
    let named = |name: &str| {
        let mut ports = workload.ports.iter();
        ports.find(|p| p.name.as_deref() == Some(name)).map(|p| p.container_port)
    };
    match target {
        raw::IntOrText::Text(name) => named(name),
        raw::IntOrText::Int(number) if (by_name || !workload.makes_pods()) && !name.is_empty() => {
            named(name).or(Some(*number))
        }
        raw::IntOrText::Int(number) => Some(*number),
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
