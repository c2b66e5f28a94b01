//! One line of a log, as far as access depends on it.

use std::borrow::Cow;

use super::time::Time;

/// A string of a line: borrowed, unless it had to be unescaped.
pub(super) type Text<'l> = Cow<'l, str>;

/// Which proxy wrote a line, or what else tells of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reporter {
    /// An Envoy that sends the request on: a client's sidecar, or a gateway.
    Client,
    /// The sidecar of the server.
    Server,
    /// A waypoint.
    Waypoint,
    /// The ztunnel of the client.
    ZtunnelOutbound,
    /// The ztunnel of the server.
    ZtunnelInbound,
    /// A metric that the client's proxy counts.
    SourceMetric,
    /// A metric that the server's proxy counts, or a waypoint.
    DestinationMetric,
    /// An edge of a graph that was made of metrics.
    Graph,
}

impl Reporter {
    /// What people call it.
    pub fn as_str(self) -> &'static str {
        match self {
            Reporter::Client => "client's proxy",
            Reporter::Server => "server's sidecar",
            Reporter::Waypoint => "waypoint",
            Reporter::ZtunnelOutbound => "client's ztunnel",
            Reporter::ZtunnelInbound => "server's ztunnel",
            Reporter::SourceMetric => "client's metric",
            Reporter::DestinationMetric => "server's metric",
            Reporter::Graph => "graph",
        }
    }
}

/// One end of a connection, by everything that the line says of it. `S` is a string of the line,
/// or a number that stands for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Party<S> {
    /// Its identity, without `spiffe://`.
    pub identity: Option<S>,
    /// Its address, without a port.
    pub address: Option<S>,
    /// Of a request that an Envoy sends on: the address that it was accepted at. That of a gateway's
    /// own pod tells that the request came in there.
    pub accepted_at: Option<S>,
    /// The port that it was accepted at.
    pub accepted_port: Option<u16>,
    /// Its namespace.
    pub namespace: Option<S>,
    /// Name of its pod.
    pub pod: Option<S>,
    /// Name of its workload.
    pub workload: Option<S>,
    /// Name of its cluster, as the mesh calls it.
    pub cluster: Option<S>,
}

/// What was addressed, by everything that the line says of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target<S> {
    /// The host of the Service.
    pub host: Option<S>,
    /// The Service's own port.
    pub service_port: Option<u16>,
    /// The pod's port.
    pub pod_port: Option<u16>,
    /// The address that was connected to: a pod's, or a Service's.
    pub address: Option<S>,
    /// Namespace of the pod or workload behind.
    pub namespace: Option<S>,
    /// The pod behind.
    pub pod: Option<S>,
    /// The workload behind.
    pub workload: Option<S>,
}

/// What was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Content<S> {
    /// An HTTP request.
    Http {
        /// Its method.
        method: S,
        /// Its path, without the query.
        path: S,
        /// False where the path was cut, and goes on.
        whole: bool,
        /// Its authority.
        host: Option<S>,
    },
    /// An HTTP request of which method and path are not said.
    SomeHttp,
    /// A connection, of which nothing above TCP is said.
    Connection,
}

/// What became of it, as far as access is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome<S> {
    /// The reporter let it through, and the answer does not say that a proxy behind it refused.
    Allowed,
    /// A policy refused it: the rule as the proxy names it, `none` where ALLOW policies exist and
    /// none matched; no name where the line has none.
    Refused(Option<S>),
    /// It failed, and the line does not say whether a policy was the reason.
    Unclear,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record<'l> {
    pub reporter: Reporter,
    pub time: Option<Time>,
    pub from: Party<Text<'l>>,
    pub to: Target<Text<'l>>,
    pub content: Content<Text<'l>>,
    /// The server name of the TLS hello, where it is not one that Istio makes.
    pub sni: Option<Text<'l>>,
    pub outcome: Outcome<Text<'l>>,
    /// How many requests it stands for.
    pub count: u64,
}

impl Record<'_> {
    /// The same with strings of its own.
    pub fn into_owned(self) -> Record<'static> {
        let own = |text: Text<'_>| -> Text<'static> { Cow::Owned(text.into_owned()) };
        Record {
            reporter: self.reporter,
            time: self.time,
            from: self.from.map(own),
            to: self.to.map(own),
            content: self.content.map(own),
            sni: self.sni.map(own),
            outcome: self.outcome.map(own),
            count: self.count,
        }
    }
}

impl<S> Party<S> {
    /// The same with other strings.
    pub(super) fn map<T>(self, mut f: impl FnMut(S) -> T) -> Party<T> {
        Party {
            identity: self.identity.map(&mut f),
            address: self.address.map(&mut f),
            accepted_at: self.accepted_at.map(&mut f),
            accepted_port: self.accepted_port,
            namespace: self.namespace.map(&mut f),
            pod: self.pod.map(&mut f),
            workload: self.workload.map(&mut f),
            cluster: self.cluster.map(&mut f),
        }
    }
}

impl<S> Target<S> {
    /// The same with other strings.
    pub(super) fn map<T>(self, mut f: impl FnMut(S) -> T) -> Target<T> {
        Target {
            host: self.host.map(&mut f),
            service_port: self.service_port,
            pod_port: self.pod_port,
            address: self.address.map(&mut f),
            namespace: self.namespace.map(&mut f),
            pod: self.pod.map(&mut f),
            workload: self.workload.map(&mut f),
        }
    }
}

impl<S> Content<S> {
    /// The same with other strings.
    pub(super) fn map<T>(self, mut f: impl FnMut(S) -> T) -> Content<T> {
        match self {
            Content::Http { method, path, whole, host } => {
                Content::Http { method: f(method), path: f(path), whole, host: host.map(f) }
            }
            Content::SomeHttp => Content::SomeHttp,
            Content::Connection => Content::Connection,
        }
    }
}

impl<S> Outcome<S> {
    /// The same with other strings.
    pub(super) fn map<T>(self, f: impl FnOnce(S) -> T) -> Outcome<T> {
        match self {
            Outcome::Allowed => Outcome::Allowed,
            Outcome::Refused(rule) => Outcome::Refused(rule.map(f)),
            Outcome::Unclear => Outcome::Unclear,
        }
    }
}

/// What a proxy writes for a value that it does not have.
pub(super) fn known(value: &str) -> Option<&str> {
    (!value.is_empty() && value != "-").then_some(value)
}

/// Address and port of `10.0.0.1:80` and `[2001:db8::1]:80`; none of what is no IP address, such as
/// Envoy's internal ones.
pub(super) fn address_and_port(value: &str) -> Option<(&str, u16)> {
    let (address, port) = value.rsplit_once(':')?;
    let address = address.strip_prefix('[').and_then(|a| a.strip_suffix(']')).unwrap_or(address);
    let first = address.as_bytes().first()?;
    if !(first.is_ascii_hexdigit() || *first == b':') || !address.bytes().all(is_of_address) {
        return None;
    }
    Some((address, port.parse().ok()?))
}

fn is_of_address(byte: u8) -> bool {
    byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':')
}

/// An identity as it is compared: without its scheme.
pub(super) fn principal(uri: &str) -> &str {
    uri.strip_prefix("spiffe://").unwrap_or(uri)
}

/// A path without its query and fragment: they may hold what is nobody's business.
pub(super) fn without_query(path: &str) -> &str {
    path.split(['?', '#']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_both_families_are_split_from_their_ports() {
        assert_eq!(address_and_port("172.25.64.39:58468"), Some(("172.25.64.39", 58468)));
        assert_eq!(address_and_port("[2001:db8::1]:80"), Some(("2001:db8::1", 80)));
        for none in
            ["-", "envoy://internal_client_address/", "10.0.0.1", "host:80", "10.0.0.1:x", ""]
        {
            assert_eq!(address_and_port(none), None, "{none}");
        }
    }
}
