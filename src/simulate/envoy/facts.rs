//! What an Envoy knows about a request when it decides.

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
    /// The client's address, as far as it is known.
    pub remote_ip: Option<IpAddr>,
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
}

/// An HTTP request as Envoy's filters see it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Http {
    method: String,
    host: String,
    lower_host: String,
    path: String,
    headers: Vec<(String, String)>,
    forwarded_for: Option<IpAddr>,
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
    "user-agent",
    "via",
    "x-envoy-external-address",
    "x-envoy-original-path",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-request-id",
];

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
            if matches!((name.as_str(), value), ("connection", _))
                || (name == "te" && value != "trailers")
            {
                continue;
            }
            let known = lines.iter_mut().find(|(n, _)| *n == name);
            match known {
                Some((_, line)) if INLINE.contains(&name.as_str()) => {
                    line.push(',');
                    line.push_str(value);
                }
                _ => lines.push((name, value.to_owned())),
            }
        }
        let forwarded_for = lines
            .iter()
            .find(|(name, _)| name == "x-forwarded-for")
            .and_then(|(_, line)| line.rsplit(',').next())
            .and_then(|last| last.trim().parse().ok());
        Self {
            method: method.to_owned(),
            host: host.to_owned(),
            lower_host: host.to_ascii_lowercase(),
            path: normalise(target, normalization),
            headers: lines,
            forwarded_for,
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

    /// The lines of a header, whose name is given in lower case.
    pub fn header<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> + 'a {
        let pseudo = match name {
            ":authority" => Some(self.host.as_str()),
            ":method" => Some(self.method.as_str()),
            ":path" => Some(self.path.as_str()),
            _ => None,
        };
        pseudo.into_iter().chain(
            self.headers.iter().filter(move |(n, _)| n == name).map(|(_, value)| value.as_str()),
        )
    }

    /// The last entry of X-Forwarded-For, where it is an address.
    pub fn forwarded_for(&self) -> Option<IpAddr> {
        self.forwarded_for
    }
}
