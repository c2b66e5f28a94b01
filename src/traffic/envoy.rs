//! What the values of an Envoy's line say of a request.

use super::envoy_format::{Field, Fields};
use super::record::{
    Content, Outcome, Party, Record, Reporter, Target, Text, address_and_port, principal,
    without_query,
};
use super::time::parse_time;

/// What the name of an Envoy cluster says: `outbound|8000||httpbin.httpbin.svc.cluster.local`
/// (istio/istio:pilot/pkg/model/push_context.go `BuildSubsetKey`; waypoints: `inbound-vip`,
/// pilot/pkg/networking/core/cluster_waypoint.go).
#[derive(Debug, PartialEq, Eq)]
enum Cluster<'l> {
    /// The server's own application.
    Inbound,
    /// A Service, by a client's proxy.
    Outbound { host: &'l str, port: u16 },
    /// A Service, by a waypoint.
    Waypoint { host: &'l str, port: u16 },
    /// What no Service of the registry is: it goes where it was addressed.
    Passthrough,
    /// The pod that was addressed, by a waypoint.
    Pod,
    /// One of the legs inside a proxy: the same request has another line.
    Internal,
    /// Another one: what is not of the mesh's traffic, or goes nowhere (`BlackHoleCluster`).
    Other,
    /// None was chosen: the proxy refused before, or knew no way.
    None,
}

impl<'l> Cluster<'l> {
    fn of(name: &'l str) -> Self {
        // waypoints of some releases write a `;` behind it
        let name = name.trim_end_matches(';');
        let mut parts = name.split('|');
        let (kind, port, _subset, host) = (parts.next(), parts.next(), parts.next(), parts.next());
        match (kind, port.and_then(|p| p.parse().ok()), host) {
            (Some("inbound"), _, _) => Cluster::Inbound,
            (Some("inbound-vip"), Some(port), Some(host)) if !host.is_empty() => {
                Cluster::Waypoint { host, port }
            }
            (Some("outbound"), Some(port), Some(host)) if !host.is_empty() => {
                Cluster::Outbound { host, port }
            }
            _ => match name {
                "PassthroughCluster" => Cluster::Passthrough,
                name if name.starts_with("InboundPassthroughCluster") => Cluster::Inbound,
                // pilot/pkg/networking/core/listener_waypoint.go: `direct-http` and `direct-tcp`
                "encap" => Cluster::Pod,
                "connect_originate" | "main_internal" | "inner_connect_originate" => {
                    Cluster::Internal
                }
                _ => Cluster::Other,
            },
        }
    }
}

/// Host and port of the SNI that Istio's clients send: `outbound_.8000_._.httpbin.httpbin.svc.cluster.local`.
fn service_of_sni(sni: &str) -> Option<(&str, u16)> {
    let (port, rest) = sni.strip_prefix("outbound_.")?.split_once("_.")?;
    let (_subset, host) = rest.split_once("_.")?;
    Some((host, port.parse().ok()?))
}

/// The address of the peer. With port 0 it is not the peer's: Envoy takes it from the header
/// `x-forwarded-for`, which whoever asks writes (envoyproxy.io/docs:
/// configuration/http/http_conn_man/headers#x-forwarded-for; the mesh's inbound proxies trust it).
fn peer_address(value: &str) -> Option<&str> {
    address_and_port(value).filter(|(_, port)| *port != 0).map(|(address, _)| address)
}

/// The name in `rbac_access_denied_matched_policy[…]`.
fn denied_by(details: &str) -> Option<&str> {
    // most details are not of this kind, and are not searched
    let details = details.ends_with(']').then_some(details)?;
    details.split_once("rbac_access_denied_matched_policy[")?.1.strip_suffix(']')
}

fn part<'l>(of: &Text<'l>, part: &str) -> Text<'l> {
    match of {
        Text::Borrowed(whole) => {
            let offset = (part.as_ptr() as usize).wrapping_sub(whole.as_ptr() as usize);
            whole
                .get(offset..offset + part.len())
                .map_or_else(|| part.to_owned().into(), Text::Borrowed)
        }
        Text::Owned(_) => Text::Owned(part.to_owned()),
    }
}

/// What a line says; `None` of a leg inside a proxy, and of a line without a destination.
pub(super) fn record<'l>(fields: &Fields<'l>) -> Option<Record<'l>> {
    let get = |field| fields.get(field);
    let cluster = get(Field::Cluster).map_or(Cluster::None, |name| Cluster::of(name));
    let local = get(Field::DownstreamLocal);
    let local_parts = local.and_then(|v| address_and_port(v));
    let remote = get(Field::DownstreamRemote);
    let remote_address = remote.and_then(|v| Some(part(v, peer_address(v)?)));
    let sni = get(Field::Sni);
    let told = sni.and_then(|s| service_of_sni(s).map(|(host, port)| (part(s, host), port)));
    let method = get(Field::Method);
    if method.is_some_and(|m| m == "CONNECT") || cluster == Cluster::Internal {
        return None;
    }
    let reporter = match &cluster {
        Cluster::Inbound => Reporter::Server,
        Cluster::Waypoint { .. } | Cluster::Pod => Reporter::Waypoint,
        Cluster::Outbound { .. } | Cluster::Passthrough => Reporter::Client,
        // only a server is asked for `outbound_.80_._.…`
        Cluster::None if told.is_some() => Reporter::Server,
        // nothing tells who wrote it; it went from the one address to the other
        Cluster::None => Reporter::Client,
        Cluster::Other | Cluster::Internal => return None,
    };
    let address = local.and_then(|v| Some(part(v, address_and_port(v)?.0)));
    let mut to = Target { address, ..Target::default() };
    match &cluster {
        Cluster::Outbound { host, port } | Cluster::Waypoint { host, port } => {
            to.host = get(Field::Cluster).map(|name| part(name, host));
            to.service_port = Some(*port);
        }
        Cluster::Passthrough | Cluster::Pod => to.pod_port = local_parts.map(|(_, port)| port),
        _ => {
            to.pod_port = local_parts.map(|(_, port)| port);
            if let Some((host, port)) = told {
                (to.host, to.service_port) = (Some(host), Some(port));
            }
        }
    }
    let identity = get(Field::PeerUri).map(|uri| part(uri, principal(uri)));
    let from = match reporter {
        Reporter::Client => Party {
            // its own end of the connection behind it; of a refused request there is none
            address: get(Field::UpstreamLocal)
                .and_then(|v| Some(part(v, address_and_port(v)?.0)))
                .or(remote_address),
            accepted_at: to.address.clone(),
            accepted_port: local_parts.map(|(_, port)| port),
            ..Party::default()
        },
        _ => Party { identity, address: remote_address, ..Party::default() },
    };
    Some(Record {
        reporter,
        time: get(Field::StartTime).and_then(|t| parse_time(t)),
        from,
        to,
        content: content(fields),
        sni: sni.filter(|s| service_of_sni(s).is_none()).cloned(),
        outcome: match outcome(fields, reporter) {
            // what nothing was chosen for came to nobody
            Outcome::Allowed if cluster == Cluster::None => Outcome::Unclear,
            outcome => outcome,
        },
        count: 1,
    })
}

fn content<'l>(fields: &Fields<'l>) -> Content<Text<'l>> {
    match (fields.get(Field::Method), fields.get(Field::Path)) {
        (Some(method), Some(path)) => Content::Http {
            method: method.clone(),
            path: part(path, without_query(path)),
            whole: true,
            host: fields.get(Field::Authority).cloned(),
        },
        // a format that leaves one of them out says at least that it was HTTP
        _ if fields.get(Field::Protocol).is_some_and(|p| p.starts_with("HTTP/"))
            || fields.get(Field::Method).is_some()
            || fields.get(Field::Path).is_some()
            || fields.get(Field::Code).is_some_and(|code| code != "0") =>
        {
            Content::SomeHttp
        }
        _ => Content::Connection,
    }
}

fn outcome<'l>(fields: &Fields<'l>, reporter: Reporter) -> Outcome<Text<'l>> {
    for field in [Field::Details, Field::Termination] {
        let Some(details) = fields.get(field) else { continue };
        if let Some(rule) = denied_by(details) {
            return Outcome::Refused(Some(part(details, rule)));
        }
        if details.starts_with("jwt_authn_access_denied") || details.starts_with("ext_authz_denied")
        {
            return Outcome::Refused(None);
        }
    }
    let flags = fields.get(Field::Flags).map_or("", |f| f);
    if flags.split(',').any(|flag| flag == "UAEX") {
        return Outcome::Refused(None);
    }
    let code = fields.get(Field::Code).map_or("", |c| c);
    // a proxy further on may have refused: the answer alone does not tell it from the application's.
    // That of gRPC has status 200 (envoyproxy/envoy:source/common/http/utility.cc `sendLocalReply`)
    let may_be_grpc = fields.get(Field::Method).is_some_and(|m| m == "POST")
        && fields.get(Field::Protocol).is_none_or(|p| p == "HTTP/2");
    let by_another = reporter != Reporter::Server && matches!(code, "401" | "403")
        || reporter == Reporter::Client && may_be_grpc && code == "200";
    // without details the answer of this very proxy cannot be told from the application's either
    let by_this = !fields.has(Field::Details) && matches!(code, "401" | "403");
    let failed = matches!(code, "502" | "503" | "504") || !flags.is_empty();
    if by_another || by_this || failed || !is_answered(fields, reporter) {
        Outcome::Unclear
    } else {
        Outcome::Allowed
    }
}

/// Who refuses bytes has accepted their connection before, and closes it (envoyproxy/envoy:
/// source/extensions/filters/network/rbac/rbac_filter.cc `onData`): to the proxy before it, this is a
/// connection over which nothing came back. A server's own proxy says that it refused.
fn is_answered(fields: &Fields<'_>, reporter: Reporter) -> bool {
    let by_itself = reporter == Reporter::Server && fields.has(Field::Termination);
    let came_back =
        || fields.get(Field::BytesSent).is_some_and(|sent| !sent.trim_matches('0').is_empty());
    by_itself || content(fields) != Content::Connection || came_back()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clusters_and_server_names_tell_the_service() {
        let host = "httpbin.httpbin.svc.cluster.local";
        assert_eq!(
            Cluster::of("outbound|8000|v1|httpbin.httpbin.svc.cluster.local"),
            Cluster::Outbound { host, port: 8000 }
        );
        assert_eq!(
            Cluster::of("inbound-vip|8000|http|httpbin.httpbin.svc.cluster.local;"),
            Cluster::Waypoint { host, port: 8000 }
        );
        assert_eq!(Cluster::of("inbound|80||"), Cluster::Inbound);
        assert_eq!(Cluster::of("outbound|x||"), Cluster::Other);
        assert_eq!(
            service_of_sni("outbound_.8000_.v1_.httpbin.httpbin.svc.cluster.local"),
            Some((host, 8000))
        );
        assert_eq!(service_of_sni("api.example.com"), None);
    }

    #[test]
    fn the_rule_that_refused_is_named_whole() {
        let details = "rbac_access_denied_matched_policy[ns[a]-policy[b]-rule[0]]";
        assert_eq!(denied_by(details), Some("ns[a]-policy[b]-rule[0]"));
        assert_eq!(denied_by("rbac_access_denied_matched_policy[none]"), Some("none"));
        assert_eq!(denied_by("via_upstream"), None);
    }
}
