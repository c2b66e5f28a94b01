//! NetworkPolicies: those that select a pod add up (Kubernetes' "Network Policies", "The two sorts of
//! pod isolation": what any of them admits is admitted).

use super::pods::{Pod, Pods};
use crate::simulate::network_policy::{NetworkPolicy, PodEnd, Transport, peers_hold, ports_hold};
use crate::simulate::raw;

/// What comes in, or what goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// What comes in.
    Ingress,
    /// What goes out.
    Egress,
}

impl NetworkPolicy {
    /// Its rules of one direction.
    pub fn rules(&self, direction: Direction) -> &[raw::NetworkPolicyRule] {
        match direction {
            Direction::Ingress => &self.spec.ingress,
            Direction::Egress => &self.spec.egress,
        }
    }

    fn isolates(&self, direction: Direction) -> bool {
        match direction {
            Direction::Ingress => self.spec.isolates_ingress(),
            Direction::Egress => self.spec.isolates_egress(),
        }
    }
}

impl raw::NetworkPolicyRule {
    /// The peers that it admits; none means everyone.
    pub fn peers(&self, direction: Direction) -> &[raw::NetworkPolicyPeer] {
        match direction {
            Direction::Ingress => &self.from,
            Direction::Egress => &self.to,
        }
    }
}

impl<'m> Pods<'m> {
    /// The NetworkPolicies that isolate a pod in one direction.
    pub fn isolating(&self, pod: &Pod<'_>, direction: Direction) -> Vec<&'m NetworkPolicy> {
        let own = self.mesh.fixed.network_policies.of(pod.namespace).map(|(_, policy)| policy);
        own.filter(|p| p.isolates(direction) && p.spec.pod_selector.matches(&pod.labels)).collect()
    }

    /// Does a rule admit a port of a pod, from or to somebody?
    pub fn rule_takes_port(&self, rule: &raw::NetworkPolicyRule, pod: &Pod<'_>, port: u16) -> bool {
        ports_hold(&rule.ports, port, self.end(pod).ports, Transport::Tcp)
    }

    /// Does a rule of a policy admit a pod as its peer?
    pub fn rule_takes_peer(
        &self,
        policy: &NetworkPolicy,
        rule: &raw::NetworkPolicyRule,
        direction: Direction,
        peer: &Pod<'_>,
    ) -> bool {
        peers_hold(policy, rule.peers(direction), &self.end(peer))
    }

    /// The pods that a rule of a policy admits as peers; `None` where it admits others than pods whose
    /// workloads are shown.
    pub fn known_peers(
        &self,
        policy: &NetworkPolicy,
        rule: &raw::NetworkPolicyRule,
        direction: Direction,
    ) -> Option<Vec<&Pod<'m>>> {
        let peers = rule.peers(direction);
        if peers.is_empty() || peers.iter().any(|p| p.ip_block.is_some()) {
            return None;
        }
        let pods: Vec<&Pod<'m>> =
            self.all().filter(|pod| self.rule_takes_peer(policy, rule, direction, pod)).collect();
        let all_shown = pods.iter().all(|p| p.workload.is_some());
        (all_shown && !pods.is_empty()).then_some(pods)
    }

    /// Do the policies that isolate one end in a direction, together, admit the other end at a port?
    /// Without any everything is admitted.
    pub fn admitted(
        &self,
        isolating: &[&NetworkPolicy],
        direction: Direction,
        (peer, server): (&Pod<'_>, &Pod<'_>),
        port: u16,
    ) -> bool {
        isolating.is_empty()
            || isolating.iter().any(|policy| {
                policy.rules(direction).iter().any(|rule| {
                    self.rule_takes_port(rule, server, port)
                        && self.rule_takes_peer(policy, rule, direction, peer)
                })
            })
    }

    fn end<'p>(&'p self, pod: &'p Pod<'_>) -> PodEnd<'p> {
        let workload = pod.workload.map(|id| self.mesh.workload(id));
        let labels = &self.mesh.namespace(pod.namespace).labels;
        PodEnd {
            namespace: Some((pod.namespace, labels)),
            labels: &pod.labels,
            ip: workload.and_then(|w| w.ip),
            ports: workload.map(|w| w.ports.as_slice()).unwrap_or_default(),
        }
    }
}
