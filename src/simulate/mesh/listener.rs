//! What a gateway listens for: ports, hosts, and whether requests or bytes are read behind them.

use crate::simulate::raw;

/// A listener of a gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// The port that clients use.
    pub port: u16,
    /// The hosts it is for; none is every host.
    pub hosts: Vec<String>,
    /// What it reads.
    pub reads: Reads,
}

/// What a listener reads of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reads {
    /// Requests: HTTP, or HTTPS that ends here.
    Requests,
    /// Bytes: TCP, and TLS, which it passes through or of which it does not know what is inside.
    Bytes,
}

impl Reads {
    /// Of a listener of Gateway API. TLS that is not HTTPS is bytes, wherever it ends
    /// (istio/istio:pilot/pkg/config/kube/gateway/conversion.go `listenerProtocolToIstio`).
    fn of_listener(listener: &raw::Listener) -> Option<Self> {
        let passes = listener.tls.mode.as_deref() == Some("Passthrough");
        match listener.protocol.as_str() {
            "HTTP" => Some(Reads::Requests),
            "HTTPS" if !passes => Some(Reads::Requests),
            "HTTPS" | "TLS" | "TCP" => Some(Reads::Bytes),
            // HBONE and its like are no way in from outside
            _ => None,
        }
    }

    /// Of a server of an Istio Gateway: requests are read of HTTP, and of HTTPS that is not passed
    /// through (istio/istio:pkg/config/gateway/gateway.go `IsTLSServer`, `IsPassThroughServer`,
    /// `IsHTTPServer`).
    fn of_server(server: &raw::GatewayServer) -> Self {
        let passes = matches!(server.tls.mode.as_deref(), Some("PASSTHROUGH" | "AUTO_PASSTHROUGH"));
        let protocol = server.port.protocol.to_ascii_uppercase();
        match protocol.as_str() {
            "HTTP" | "HTTP2" | "GRPC" | "GRPC-WEB" | "HTTP_PROXY" => Reads::Requests,
            "HTTPS" if !passes => Reads::Requests,
            _ => Reads::Bytes,
        }
    }
}

impl Listener {
    /// Those of a Gateway of Gateway API.
    pub(super) fn of_gateway(listeners: &[raw::Listener]) -> Vec<Self> {
        let read = listeners.iter().filter_map(|l| Some((l, Reads::of_listener(l)?)));
        read.map(|(l, reads)| Self {
            port: l.port,
            hosts: l.hostname.iter().cloned().collect(),
            reads,
        })
        .collect()
    }

    /// Those of an Istio Gateway. A host may have a namespace before it.
    pub(super) fn of_servers(servers: &[raw::GatewayServer]) -> Vec<Self> {
        let host = |host: &String| match host.split_once('/') {
            Some((_, host)) => host.to_owned(),
            None => host.clone(),
        };
        servers
            .iter()
            .map(|server| Self {
                port: server.port.number,
                hosts: server.hosts.iter().map(host).collect(),
                reads: Reads::of_server(server),
            })
            .collect()
    }

    /// Is it for this host, by Host or server name?
    pub(in crate::simulate) fn takes(&self, host: &str) -> bool {
        let host = host.rsplit_once(':').map_or(host, |(name, port)| {
            if port.bytes().all(|b| b.is_ascii_digit()) { name } else { host }
        });
        self.hosts.is_empty()
            || self.hosts.iter().any(|own| match own.strip_prefix('*') {
                Some(end) => host.len() > end.len() && ends_with(host, end) || end.is_empty(),
                None => own.eq_ignore_ascii_case(host),
            })
    }
}

fn ends_with(host: &str, end: &str) -> bool {
    host.to_ascii_lowercase().ends_with(&end.to_ascii_lowercase())
}
