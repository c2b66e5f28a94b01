//! NetworkPolicy: which pods may open which ports. In ambient what must be open between pods is
//! 15008 (facts/istio-ambient.md §6.5).

use std::collections::HashMap;
use std::net::IpAddr;
use std::ops::Deref;

use crate::diagnostic::Diagnostic;
use crate::k8s::{Labels, Object};

use super::matcher;
use super::mesh::NamespaceId;
use super::raw;

/// A NetworkPolicy.
#[derive(Clone, Debug)]
pub struct NetworkPolicy {
    /// Its namespace.
    pub namespace: NamespaceId,
    /// Its name.
    pub name: String,
    /// What it says.
    pub spec: raw::NetworkPolicy,
}

/// One end of a connection between pods.
#[derive(Clone, Copy, Debug)]
pub struct PodEnd<'a> {
    /// Its namespace, where it is a pod of the mesh.
    pub namespace: Option<(NamespaceId, &'a Labels)>,
    /// Its labels.
    pub labels: &'a Labels,
    /// Its address, where it is known.
    pub ip: Option<IpAddr>,
    /// Names of its ports.
    pub ports: &'a [raw::ContainerPort],
}

impl NetworkPolicy {
    pub(super) fn read(object: &Object, namespace: NamespaceId) -> Result<Self, Box<Diagnostic>> {
        Ok(Self {
            namespace,
            name: object.name.clone(),
            spec: object.parse::<raw::Specified<raw::NetworkPolicy>>()?.spec,
        })
    }
}

/// What goes between pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Connections.
    Tcp,
    /// Datagrams.
    Udp,
}

/// What a policy does not admit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Blocked {
    /// The client, whatever the port.
    Client,
    /// The client at this port.
    ClientPort,
    /// The server, whatever the port.
    Server,
    /// The server at this port.
    ServerPort,
}

/// The policies of a mesh.
#[derive(Debug, Default)]
pub struct NetworkPolicies {
    all: Vec<NetworkPolicy>,
    by_namespace: HashMap<NamespaceId, Vec<usize>>,
}

impl NetworkPolicies {
    pub(super) fn add(&mut self, policy: NetworkPolicy) {
        self.by_namespace.entry(policy.namespace).or_default().push(self.all.len());
        self.all.push(policy);
    }

    /// Those of a namespace, with their places.
    pub fn of(&self, namespace: NamespaceId) -> impl Iterator<Item = (usize, &NetworkPolicy)> {
        let own = self.by_namespace.get(&namespace).into_iter().flatten();
        own.map(|place| (*place, &self.all[*place]))
    }

    /// Those that select a pod.
    fn selecting(&self, end: &PodEnd<'_>) -> impl Iterator<Item = (usize, &NetworkPolicy)> {
        let own = end.namespace.into_iter().flat_map(|(id, _)| self.of(id));
        own.filter(|(_, policy)| policy.spec.pod_selector.matches(end.labels))
    }
}

impl Deref for NetworkPolicies {
    type Target = [NetworkPolicy];

    fn deref(&self) -> &[NetworkPolicy] {
        &self.all
    }
}

/// The policy that blocks a connection, by its place: the first of those that isolate an end, when none
/// of them admits it. A node's own processes are not asked for, nor what stays in one pod.
pub fn blocking(
    policies: &NetworkPolicies,
    from: &PodEnd<'_>,
    to: &PodEnd<'_>,
    port: u16,
    transport: Transport,
) -> Option<(usize, Blocked)> {
    type Isolating<'p> = Vec<(usize, &'p NetworkPolicy)>;
    let verdict = |isolating: Isolating<'_>, admits: &dyn Fn(&NetworkPolicy) -> bool| {
        if isolating.iter().any(|(_, p)| admits(p)) { None } else { isolating.first().map(|p| p.0) }
    };
    let ports_hold = |ports: &[_], port, named: &[_]| ports_hold(ports, port, named, transport);
    let out = policies.selecting(from).filter(|(_, p)| p.spec.isolates_egress()).collect();
    let incoming = policies.selecting(to).filter(|(_, p)| p.spec.isolates_ingress()).collect();
    let admits_out = |p: &NetworkPolicy| {
        p.spec
            .egress
            .iter()
            .any(|rule| peers_hold(p, &rule.to, to) && ports_hold(&rule.ports, port, to.ports))
    };
    let admits_in = |p: &NetworkPolicy| {
        p.spec
            .ingress
            .iter()
            .any(|rule| peers_hold(p, &rule.from, from) && ports_hold(&rule.ports, port, to.ports))
    };
    if let Some(place) = verdict(out, &admits_out) {
        let policy = &policies[place];
        let peer = policy.spec.egress.iter().any(|rule| peers_hold(policy, &rule.to, to));
        return Some((place, if peer { Blocked::ServerPort } else { Blocked::Server }));
    }
    let place = verdict(incoming, &admits_in)?;
    let policy = &policies[place];
    let peer = policy.spec.ingress.iter().any(|rule| peers_hold(policy, &rule.from, from));
    Some((place, if peer { Blocked::ClientPort } else { Blocked::Client }))
}

/// Is an end one of these peers? Without any, everybody is.
pub fn peers_hold(
    policy: &NetworkPolicy,
    peers: &[raw::NetworkPolicyPeer],
    end: &PodEnd<'_>,
) -> bool {
    peers.is_empty() || peers.iter().any(|peer| peer_holds(policy, peer, end))
}

fn peer_holds(policy: &NetworkPolicy, peer: &raw::NetworkPolicyPeer, end: &PodEnd<'_>) -> bool {
    if let Some(block) = &peer.ip_block {
        let inside = |text: &str| {
            end.ip.zip(matcher::IpBlock::parse(text)).is_some_and(|(ip, block)| block.contains(ip))
        };
        let everyone = matches!(block.cidr.as_str(), "0.0.0.0/0" | "::/0");
        return (inside(&block.cidr) || (everyone && end.ip.is_none()))
            && !block.except.iter().any(|e| inside(e));
    }
    let Some((id, labels)) = end.namespace else { return false };
    let namespace = match &peer.namespace_selector {
        Some(selector) => selector.matches(labels),
        None => id == policy.namespace,
    };
    namespace && peer.pod_selector.as_ref().is_none_or(|s| s.matches(end.labels))
}

pub(super) fn ports_hold(
    ports: &[raw::NetworkPolicyPort],
    port: u16,
    named: &[raw::ContainerPort],
    transport: Transport,
) -> bool {
    let word = match transport {
        Transport::Tcp => "TCP",
        Transport::Udp => "UDP",
    };
    ports.is_empty()
        || ports.iter().any(|p| {
            p.protocol.as_deref().unwrap_or("TCP") == word
                && match &p.port {
                    None => true,
                    Some(raw::IntOrText::Int(first)) => {
                        (*first..=p.end_port.unwrap_or(*first)).contains(&port)
                    }
                    Some(raw::IntOrText::Text(name)) => named
                        .iter()
                        .any(|c| c.name.as_deref() == Some(name) && c.container_port == port),
                }
        })
}
