//! The policies of ztunnel: which pods they hold for, and whom they admit.

use std::collections::BTreeSet;

use super::pods::{Pod, Pods};
use crate::simulate::identity::Peer;
use crate::simulate::matcher::Glob;
use crate::simulate::mesh::{AuthorizationRef, GatewayId, Mesh};
use crate::simulate::policy::PolicyId;
use crate::simulate::ztunnel::{
    Action, Authorization, Clause, Connection, Conversion, Group, Match, Verdict, decide,
};

/// What ztunnel says to an identity at a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It is let in, or may be: a rule reads an address that is not known.
    Admitted,
    /// Nobody is let in: whoever wrote the policies means that.
    Closed,
    /// A DENY policy names it.
    Denied(PolicyId),
    /// ALLOW policies admit others and not this one.
    NoneMatched(Vec<PolicyId>),
}

impl Mesh {
    /// True of a policy for ztunnel that no workload lists: `selector: {}` counts as a selector, and
    /// selects nothing (facts/istio-ambient.md §4.2).
    pub fn is_listed_nowhere(&self, id: PolicyId) -> bool {
        let selector = &self.policy(id).spec.selector;
        selector.as_ref().is_some_and(|s| s.match_labels.is_none())
            && matches!(self.conversion(id), Conversion::Sent { .. })
    }
}

impl<'m> Pods<'m> {
    /// The pods that a policy without a target selects (facts/istio-ambient.md §4.1, A1 to A4).
    pub fn selected(&self, id: PolicyId) -> impl Iterator<Item = &Pod<'m>> {
        let policy = self.mesh.policy(id);
        let is_global = policy.namespace == self.mesh.options(self.cluster).root_namespace;
        let own = self.namespace(&policy.namespace).filter(|_| !policy.is_targeted());
        let own = own.filter(|_| self.mesh.policy_cluster(id) == self.cluster);
        let all = own.is_some() && is_global;
        let of_own = own.filter(|_| !is_global).map(|n| self.in_namespace(n)).unwrap_or_default();
        of_own
            .iter()
            .chain(all.then(|| self.all()).into_iter().flatten())
            .filter(|pod| policy.spec.selector.as_ref().is_none_or(|s| s.matches(&pod.labels)))
    }

    /// True when the policy holds for a pod that ztunnel has the traffic of.
    pub fn at_ztunnel(&self, id: PolicyId) -> bool {
        self.selected(id).any(Pod::is_ambient)
    }

    /// The policies that a pod's ztunnel asks.
    fn asked(&self, pod: &Pod<'_>) -> Vec<(AuthorizationRef, &'m Authorization)> {
        let fixed = &self.mesh.fixed;
        let refs = match pod.workload {
            Some(id) => {
                let point = fixed.points.workloads[id.0 as usize].ztunnel;
                fixed.points.ztunnel[point].policies.clone()
            }
            None => self.mesh.ztunnel_refs(pod.namespace, &pod.labels),
        };
        refs.into_iter().filter_map(|r| Some((r, fixed.authorization(r)?))).collect()
    }

    /// True when the ztunnel of a pod refuses callers without identity at a port of it: STRICT, as
    /// istiod carries it out (facts/istio-ambient.md §5.2, §5.3).
    pub fn refuses_plaintext(&self, pod: &Pod<'_>, port: u16) -> bool {
        let asked = self.asked(pod);
        let connection = Connection { destination_port: port, ..Connection::default() };
        asked
            .iter()
            .filter(|(r, _)| !matches!(r, AuthorizationRef::Policy(_)))
            .any(|(_, a)| a.matching_group(&connection).is_some())
    }

    /// The ports that the policies of a pod's ztunnel name, and one that none does.
    pub fn named_ports(&self, pod: &Pod<'_>) -> Vec<u16> {
        let asked = self.asked(pod);
        let groups = asked.iter().flat_map(|(_, a)| &a.groups);
        let matches = groups.flat_map(|g| &g.clauses).flat_map(|c| &c.matches);
        let ports =
            matches.flat_map(|m| m.destination_ports.iter().chain(&m.not_destination_ports));
        let named: BTreeSet<u16> = ports.filter_map(|p| u16::try_from(*p).ok()).collect();
        let other = (1..=u16::MAX).find(|port| !named.contains(port));
        named.iter().copied().chain(other).collect()
    }

    /// True when no AuthorizationPolicy holds at the pod's ztunnel: whoever gets there is let in.
    pub fn has_no_policy(&self, pod: &Pod<'_>) -> bool {
        !self.asked(pod).iter().any(|(r, a)| matches!(r, AuthorizationRef::Policy(_)) && !a.dry_run)
    }

    /// What the ztunnel of a pod says to a waypoint at a port of the pod. Where the trust domain is
    /// not known, one that the policies name counts.
    pub fn admits_waypoint(
        &self,
        pod: &Pod<'_>,
        waypoint: GatewayId,
        port: u16,
        knows_trust_domain: bool,
    ) -> Admission {
        let asked = self.asked(pod);
        let enforced: Vec<&(AuthorizationRef, &Authorization)> =
            asked.iter().filter(|(_, a)| !a.dry_run).collect();
        let own = self.mesh.workload(self.mesh.gateway(waypoint).workload);
        let account = &own.service_account;
        let namespace = &self.mesh.namespace(own.namespace).name;
        let mut domains = BTreeSet::from([self.mesh.options(self.cluster).trust_domain.as_str()]);
        if !knows_trust_domain {
            let groups = enforced.iter().flat_map(|(_, a)| &a.groups);
            domains.extend(groups.flat_map(Group::trust_domains));
        }
        let answers: Vec<_> = domains
            .iter()
            .map(|domain| {
                let uri = format!("spiffe://{domain}/ns/{namespace}/sa/{account}");
                let connection = Connection {
                    peer: Some(Peer::from_uri(&uri)),
                    source_ip: None,
                    destination_ip: pod.workload.and_then(|id| self.mesh.workload(id).ip),
                    destination_port: port,
                };
                decide(enforced.iter().map(|(_, a)| *a), &connection)
            })
            .collect();
        let policy = |index: usize| match enforced[index].0 {
            AuthorizationRef::Policy(id) => Some(id),
            _ => None,
        };
        let mut denied = None;
        for answer in answers {
            match answer.verdict {
                Verdict::NoAllowPolicies | Verdict::Allowed { .. } => return Admission::Admitted,
                _ if answer.depends_on_address => return Admission::Admitted,
                Verdict::Denied { policy: index, rule } => {
                    let groups = &enforced[index].1.groups;
                    let names = groups.iter().any(|g| g.rule == rule && g.reads_peer());
                    denied = match policy(index) {
                        Some(id) if names => Some(Admission::Denied(id)),
                        _ => Some(Admission::Closed),
                    };
                }
                Verdict::NoneMatched => {
                    let allows = enforced.iter().filter(|(_, a)| a.action == Action::Allow);
                    let open = allows.filter(|(_, a)| a.groups.iter().any(|g| g.may_take(port)));
                    let open: Vec<PolicyId> = open
                        .filter_map(|(r, _)| match r {
                            AuthorizationRef::Policy(id) => Some(*id),
                            _ => None,
                        })
                        .collect();
                    denied = Some(match open.is_empty() {
                        true => Admission::Closed,
                        false => Admission::NoneMatched(open),
                    });
                }
            }
        }
        denied.unwrap_or(Admission::Admitted)
    }

    /// True when the ztunnel of a pod lets nobody in but a waypoint: every ALLOW rule names it and
    /// nobody else, or a DENY rule names everybody but it.
    pub fn admits_only(&self, pod: &Pod<'_>, waypoint: GatewayId) -> bool {
        let asked = self.asked(pod);
        let own = self.mesh.workload(self.mesh.gateway(waypoint).workload);
        let namespace = &self.mesh.namespace(own.namespace).name;
        let is_it = |m: &Match| is_only(m, namespace, &own.service_account);
        let of =
            |action: Action| asked.iter().filter(move |(_, a)| !a.dry_run && a.action == action);
        let mut allows = of(Action::Allow).peekable();
        let allows_it_alone = allows.peek().is_some()
            && allows.flat_map(|(_, a)| &a.groups).filter(|g| !g.never_matches()).all(|g| {
                g.clauses.iter().any(|c| {
                    !c.matches.is_empty() && c.matches.iter().filter(|m| !m.is_empty()).all(is_it)
                })
            });
        let denies_others = of(Action::Deny).flat_map(|(_, a)| &a.groups).any(|g| {
            !g.clauses.is_empty()
                && g.clauses.iter().all(|c| {
                    c.matches.iter().any(|m| is_everybody_but(m, namespace, &own.service_account))
                })
        });
        allows_it_alone || denies_others
    }
}

impl Group {
    /// The trust domains that it names.
    fn trust_domains(&self) -> impl Iterator<Item = &str> {
        let matches = self.clauses.iter().flat_map(|c| &c.matches);
        let globs = matches.flat_map(|m| m.principals.iter().chain(&m.not_principals));
        globs.filter_map(|glob| match glob {
            Glob::Exact(text) | Glob::Prefix(text) => {
                text.split_once('/').map(|(domain, _)| domain).filter(|d| !d.contains('*'))
            }
            _ => None,
        })
    }

    fn reads_peer(&self) -> bool {
        self.clauses.iter().flat_map(|c| &c.matches).any(Match::reads_peer)
    }

    /// A clause is left with nothing to match.
    fn never_matches(&self) -> bool {
        self.clauses.iter().any(|c| !c.matches.is_empty() && c.matches.iter().all(Match::is_empty))
    }

    /// May it match somebody's connection to a port?
    fn may_take(&self, port: u16) -> bool {
        self.clauses.iter().all(|c: &Clause| {
            c.matches.is_empty()
                || c.matches.iter().any(|m| {
                    let port = u32::from(port);
                    !m.is_empty()
                        && (m.destination_ports.is_empty() || m.destination_ports.contains(&port))
                        && !m.not_destination_ports.contains(&port)
                })
        })
    }
}

impl Match {
    fn reads_peer(&self) -> bool {
        !(self.principals.is_empty()
            && self.not_principals.is_empty()
            && self.namespaces.is_empty()
            && self.not_namespaces.is_empty()
            && self.service_accounts.is_empty()
            && self.not_service_accounts.is_empty())
    }
}

/// Does it name one account and no other, in whatever trust domain?
fn is_only(m: &Match, namespace: &str, account: &str) -> bool {
    let accounts = &m.service_accounts;
    (!m.principals.is_empty() && m.principals.iter().all(|p| is_account(p, namespace, account)))
        || (!accounts.is_empty()
            && accounts.iter().all(|a| a.namespace == namespace && a.name == account))
}

/// Does it name everybody but one account, and ask for nothing else?
fn is_everybody_but(m: &Match, namespace: &str, account: &str) -> bool {
    let without =
        Match { not_principals: Vec::new(), not_service_accounts: Vec::new(), ..m.clone() };
    let principals = m.not_principals.iter().all(|p| is_account(p, namespace, account));
    let accounts =
        m.not_service_accounts.iter().all(|a| a.namespace == namespace && a.name == account);
    !m.is_empty() && without.is_empty() && principals && accounts
}

fn is_account(glob: &Glob, namespace: &str, account: &str) -> bool {
    let Glob::Exact(principal) = glob else { return false };
    principal
        .split_once('/')
        .is_some_and(|(_, rest)| rest == format!("ns/{namespace}/sa/{account}"))
}
