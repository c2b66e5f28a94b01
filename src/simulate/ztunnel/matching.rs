//! Does a policy match a connection? (facts/istio-ambient.md §4.5; facts/ztunnel.md, "Matching";
//! istio/ztunnel:src/rbac.rs `Authorization::matches`)

use std::net::IpAddr;

use super::authorization::{Authorization, Clause, Group, Match, ServiceAccount};
use crate::simulate::identity::{IdentityId, Peer};
use crate::simulate::matcher::{Glob, IpBlock};
use crate::simulate::suspects::{self, Suspects};

/// A connection as the destination's ztunnel sees it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Connection<'a> {
    /// The client certificate; none in plaintext.
    pub peer: Option<Peer<'a>>,
    /// The other end's address, where it is known.
    pub source_ip: Option<IpAddr>,
    /// The pod's address, where it is known.
    pub destination_ip: Option<IpAddr>,
    /// The pod's port.
    pub destination_port: u16,
}

impl Authorization {
    /// The group that matches: ANY. Without groups none does.
    pub fn matching_group(&self, connection: &Connection<'_>) -> Option<&Group> {
        self.candidates(connection.peer).find(|group| group.matches(connection))
    }

    /// The groups that are not known to be out of the question for a peer.
    pub(super) fn candidates(&self, peer: Option<Peer<'_>>) -> impl Iterator<Item = &Group> {
        self.groups.iter().filter(move |group| group.who.get().is_none_or(|who| who.may_hold(peer)))
    }
}

impl Group {
    /// ALL clauses; without clauses everything.
    pub fn matches(&self, connection: &Connection<'_>) -> bool {
        self.clauses.iter().all(|clause| clause.matches(connection))
    }

    /// Can it match for this peer, whatever the rest of the connection is?
    pub(super) fn may_match(&self, peer: Option<Peer<'_>>) -> bool {
        self.clauses.iter().all(|clause| clause.any(|m| m.peer_matches(peer)))
    }

    /// Those for whom it can match; `None` where that may be anybody.
    pub(super) fn suspects(&self, known: &Suspects) -> Option<Vec<IdentityId>> {
        suspects::of_all(&self.clauses, |clause| {
            // without matches a clause is true
            let matches = Some(&clause.matches).filter(|all| !all.is_empty())?;
            suspects::of_any(matches.iter().filter(|m| !m.is_empty()), |m| m.suspects(known))
        })
    }
}

impl Clause {
    /// Without matches true; else ANY match that is not EMPTY: a clause of EMPTY ones is false.
    fn matches(&self, connection: &Connection<'_>) -> bool {
        self.any(|m| m.matches(connection))
    }

    fn any(&self, holds: impl Fn(&Match) -> bool) -> bool {
        self.matches.is_empty() || self.matches.iter().any(|m| !m.is_empty() && holds(m))
    }
}

impl Match {
    /// AND over the fields.
    fn matches(&self, connection: &Connection<'_>) -> bool {
        let port = |p: &u32| u32::from(connection.destination_port) == *p & 0xffff;
        let inside = |ip: Option<IpAddr>| move |b: &IpBlock| ip.is_some_and(|ip| b.contains(ip));
        field(&self.destination_ips, &self.not_destination_ips, inside(connection.destination_ip))
            && field(&self.source_ips, &self.not_source_ips, inside(connection.source_ip))
            && field(&self.destination_ports, &self.not_destination_ports, port)
            && self.peer_matches(connection.peer)
    }

    fn suspects(&self, known: &Suspects) -> Option<Vec<IdentityId>> {
        let exactly = |glob: &Glob| match glob {
            Glob::Exact(name) => known.namespace(name),
            _ => None,
        };
        let some = |told: Option<Vec<IdentityId>>, is_asked: bool| told.filter(|_| is_asked);
        let by_field = [
            some(
                suspects::of_any(&self.principals, |glob| known.principal(glob)),
                !self.principals.is_empty(),
            ),
            some(suspects::of_any(&self.namespaces, exactly), !self.namespaces.is_empty()),
            some(
                suspects::of_any(&self.service_accounts, |a| known.namespace(&a.namespace)),
                !self.service_accounts.is_empty(),
            ),
        ];
        suspects::of_all(by_field, |told| told)
    }

    /// The fields about the peer. Nothing positive holds without an identity, everything
    /// negative does.
    fn peer_matches(&self, peer: Option<Peer<'_>>) -> bool {
        let principal = peer.and_then(|p| p.principal());
        let parts = peer.and_then(|p| p.parts());
        let namespace = parts.map_or("", |(_, namespace, _)| namespace);
        let account =
            |a: &ServiceAccount| parts.is_some_and(|(_, ns, sa)| a.namespace == ns && a.name == sa);
        field(&self.principals, &self.not_principals, |g: &Glob| {
            principal.is_some_and(|p| g.holds(p))
        }) && field(&self.namespaces, &self.not_namespaces, |g: &Glob| g.holds(namespace))
            && field(&self.service_accounts, &self.not_service_accounts, account)
    }
}

/// No positive value or ANY of them, and NONE of the negative ones.
fn field<T>(any: &[T], none: &[T], holds: impl Fn(&T) -> bool) -> bool {
    (any.is_empty() || any.iter().any(&holds)) && !none.iter().any(&holds)
}
