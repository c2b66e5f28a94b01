//! What an Envoy knows about a request when it decides.

use std::borrow::Cow;
use std::net::IpAddr;

use super::path::normalise;
use crate::simulate::identity::Peer;
use crate::simulate::options::PathNormalization;

/// One connection or request at one enforcement point.
#[derive(Clone, Copy, Debug, Default)]
pub struct Facts<'a> {
    /// The other end's certificate.
    pub peer: Option<Peer<'a>>,
    /// The other end's address; never known at a waypoint.
    pub source_ip: Option<IpAddr>,
    /// The client's address, as far as the connection tells it.
    pub remote_ip: Option<IpAddr>,
    /// Where the proxy stands.
    pub edge: Edge,
    /// Of a gateway: how many proxies in front of it are believed.
    pub trusted_proxies: usize,
    /// `http` or `https`: of the connection, where the request does not say it itself.
    pub scheme: Option<&'static str>,
    /// Where the connection goes.
    pub destination_ip: Option<IpAddr>,
    /// Where the connection goes.
    pub destination_port: u16,
    /// The server name in the TLS hello, in lower case.
    pub sni: &'a str,
    /// The request; `None` on a TCP chain.
    pub http: Option<&'a Http>,
    /// The claims of a token that was verified here.
    pub claims: Option<&'a serde_json::Value>,
    /// Claims of it that are lists, written with blanks between.
    pub space_delimited: &'a [String],
}

/// Whom a proxy believes about the client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Edge {
    /// A sidecar or waypoint: the headers of the request, X-Forwarded-For and its like.
    #[default]
    Inside,
    /// A gateway: the proxies that it is told to trust, without any of them nobody. Then the other end
    /// is the client, and the headers are written anew
    /// (istio/istio:pilot/pkg/networking/core/gateway.go `useRemoteAddress`, `XffNumTrustedHops`).
    Gateway,
    /// A proxy behind a gateway, which wrote the headers from what is not known here.
    BehindGateway,
}

/// A line of a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// Its value.
    Text(Cow<'a, str>),
    /// It is there, with a value that cannot be known.
    Unknown,
}

impl Facts<'_> {
    /// What `remote.ip` is compared with: the last entry of X-Forwarded-For, at a gateway the one that
    /// the first trusted proxy wrote; else the connection's.
    pub fn client_ip(&self) -> Option<IpAddr> {
        let from_the_end = match self.edge {
            Edge::Inside => 1,
            Edge::Gateway => self.trusted_proxies,
            Edge::BehindGateway => return None,
        };
        self.http.and_then(|http| http.forwarded_for(from_the_end)).or(self.remote_ip)
    }

    /// The lines of a header, whose name is given in lower case, as RBAC finds them: with what Envoy
    /// itself has written by then.
    pub fn header(&self, name: &str) -> impl Iterator<Item = Line<'_>> {
        let rewritten = self.http.and_then(|http| self.rewritten(http, name));
        let sent = self.http.filter(|_| rewritten.is_none()).into_iter();
        let sent = sent.flat_map(move |http| http.lines(name)).map(Line::text);
        sent.chain(rewritten.flatten())
    }

    /// A header that Envoy writes, or takes away; `None` for one that stays as it was sent.
    fn rewritten<'a>(&'a self, http: &'a Http, name: &str) -> Option<Option<Line<'a>>> {
        let is_sent = || http.lines(name).next().is_some();
        let remote = || self.remote_ip.map_or(Line::Unknown, |ip| Line::owned(ip.to_string()));
        let scheme = || self.scheme.map_or(Line::Unknown, Line::text);
        let sent_scheme = || match http.lines("x-forwarded-proto").next() {
            Some("http") => Some("http"),
            Some("https") => Some("https"),
            _ => None,
        };
        let line = match (name, self.edge) {
            (":authority" | "host", _) => Line::text(&http.host),
            (":method", _) => Line::text(&http.method),
            (":path", _) => Line::text(&http.target),
            // a client of HTTP/2 says it
            (":scheme", _) if is_sent() => return None,
            (":scheme", Edge::Gateway) if self.trusted_proxies > 0 => {
                sent_scheme().map_or_else(scheme, Line::text)
            }
            (":scheme", Edge::Inside) => sent_scheme().map_or_else(scheme, Line::text),
            (":scheme", _) => scheme(),
            ("x-forwarded-proto" | "x-request-id", Edge::Inside) if is_sent() => return None,
            ("x-forwarded-proto", Edge::Gateway) if self.trusted_proxies > 0 && is_sent() => {
                return None;
            }
            ("x-forwarded-proto", _) => scheme(),
            ("x-request-id", _) => Line::Unknown,
            ("x-forwarded-for" | "x-envoy-external-address", Edge::BehindGateway) => Line::Unknown,
            ("x-envoy-external-address", Edge::Gateway) => {
                self.client_ip().map_or(Line::Unknown, |ip| Line::owned(ip.to_string()))
            }
            ("x-forwarded-for", Edge::Gateway) => match (http.lines(name).next(), remote()) {
                (None | Some(""), own) => own,
                (Some(sent), Line::Text(own)) => Line::owned(format!("{sent},{own}")),
                (Some(_), Line::Unknown) => Line::Unknown,
            },
            // of a TLS client with a certificate alone
            ("x-forwarded-client-cert", Edge::Gateway) => {
                return Some(self.peer.map(|_| Line::Unknown));
            }
            _ => return None,
        };
        Some(Some(line))
    }
}

impl<'a> Line<'a> {
    fn text(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    fn owned(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

/// An HTTP request as Envoy's filters see it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Http {
    method: String,
    host: String,
    lower_host: String,
    /// The path, normalised.
    path: String,
    /// And its query.
    target: String,
    headers: Vec<(String, String)>,
}

/// Envoy joins repeated lines of these with a comma; lines of all others are matched one by one
/// (facts/envoy.md, `dup:*`).
const INLINE: &[&str] = &[
    "accept",
    "accept-encoding",
    "access-control-request-method",
    "authorization",
    "cache-control",
    "content-encoding",
    "content-type",
    "expect",
    "grpc-timeout",
    "if-match",
    "if-none-match",
    "origin",
    "pragma",
    "referer",
    "te",
    "user-agent",
    "via",
    "x-envoy-external-address",
    "x-envoy-original-path",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-request-id",
];

/// `trailers` is all that may be left of `te`.
fn keep_te(line: &mut String) -> bool {
    if line.split(',').any(|word| word.trim() == "trailers") {
        *line = "trailers".to_owned();
    }
    line.is_empty() || line == "trailers"
}

impl Http {
    /// Takes a request as it is sent.
    pub fn new(
        method: &str,
        host: &str,
        target: &str,
        headers: &[(String, String)],
        normalization: PathNormalization,
    ) -> Self {
        let mut lines: Vec<(String, String)> = Vec::with_capacity(headers.len());
        for (name, value) in headers {
            let (name, value) = (name.to_ascii_lowercase(), value.trim());
            // gone before RBAC (facts/envoy.md, `dup:te`)
            if name == "connection" {
                continue;
            }
            let known = lines.iter_mut().find(|(n, _)| *n == name);
            match known {
                Some((_, line)) if INLINE.contains(&name.as_str()) => {
                    // an empty line adds nothing, not even the comma
                    if !line.is_empty() && !value.is_empty() {
                        line.push(',');
                    }
                    line.push_str(value);
                }
                _ => lines.push((name, value.to_owned())),
            }
        }
        lines.retain_mut(|(name, line)| name != "te" || keep_te(line));
        let path = normalise(target, normalization);
        Self {
            method: method.to_owned(),
            host: host.to_owned(),
            lower_host: host.to_ascii_lowercase(),
            target: match target.split_once('?') {
                Some((_, query)) => format!("{path}?{query}"),
                None => path.clone(),
            },
            path,
            headers: lines,
        }
    }

    /// The method.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// `:authority` in lower case: it is compared without regard to case.
    pub fn folded_host(&self) -> &str {
        &self.lower_host
    }

    /// The path without its query, normalised.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The lines of a header as they were sent; its name is given in lower case.
    fn lines(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = self.headers.iter().filter(move |(n, _)| n == name);
        named.map(|(_, value)| value.as_str())
    }

    /// A browser's question before the request itself, which carries no token: the JWT filter lets it
    /// pass unseen (`bypass_cors_preflight`).
    pub fn is_cors_preflight(&self) -> bool {
        let has = |name| self.lines(name).next().is_some_and(|line| !line.is_empty());
        self.method == "OPTIONS" && has("origin") && has("access-control-request-method")
    }

    /// An entry of X-Forwarded-For, where it is an address: 1 is the last.
    fn forwarded_for(&self, from_the_end: usize) -> Option<IpAddr> {
        let line = self.lines("x-forwarded-for").next()?;
        line.rsplit(',').nth(from_the_end.checked_sub(1)?)?.trim().parse().ok()
    }
}
