//! AuthorizationPolicy to `Authorization`, exactly as istiod does it (facts/istio-ambient.md §4.3,
//! §4.4; istio/istio:pilot/pkg/serviceregistry/ambient/authorization.go `convertAuthorizationPolicy`).

use super::authorization::{Action, Authorization, Clause, Group, Match, Scope, ServiceAccount};
use crate::simulate::matcher::{Glob, IpBlock};
use crate::simulate::options::Options;
use crate::simulate::policy::{self, Policy};
use crate::simulate::raw;
use crate::simulate::version::Behaviour;

/// What istiod makes of a policy for ztunnel.
#[derive(Clone, Debug)]
pub enum Conversion {
    /// It is sent, with what became of each rule, in the order of `spec.rules`.
    Sent {
        /// What is sent.
        authorization: Authorization,
        /// By rule.
        effects: Vec<Effect>,
    },
    /// It is not sent.
    NotSent(NotSent),
}

/// Why a policy never reaches ztunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NotSent {
    /// It logs only, and the flag for that is off.
    DryRun,
    /// It has a targetRef: that is for waypoints and gateways.
    Targeted,
    /// `AUDIT` or `CUSTOM`: "ztunnel does not support the … action".
    Action,
}

/// What ztunnel makes of one rule, compared with what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// As written.
    Enforced,
    /// Left out of an ALLOW policy: it admits nobody.
    Dropped,
    /// It is there and never matches: a DENY that does nothing.
    Inert,
    /// It matches more (parts are missing), or less (alternatives are missing), or both.
    Changed {
        /// Parts are missing.
        wider: bool,
        /// Alternatives are missing.
        narrower: bool,
    },
}

/// Converts one policy.
pub fn convert(policy: &Policy, options: &Options) -> Conversion {
    // 1. dry-run, flag not set: not sent
    if policy.dry_run && !options.features.ztunnel_dry_run {
        return Conversion::NotSent(NotSent::DryRun);
    }
    // 2. any targetRef: not sent
    if policy.is_targeted() {
        return Conversion::NotSent(NotSent::Targeted);
    }
    // 3. scope
    let scope = if policy.spec.selector.is_some() {
        Scope::WorkloadSelector
    } else if policy.namespace == options.root_namespace {
        Scope::Global
    } else {
        Scope::Namespace
    };
    // 4. AUDIT, CUSTOM: not sent
    let action = match policy.action {
        policy::Action::Allow => Action::Allow,
        policy::Action::Deny => Action::Deny,
        policy::Action::Audit | policy::Action::Custom => {
            return Conversion::NotSent(NotSent::Action);
        }
    };
    // 5. each rule
    let mut groups = Vec::with_capacity(policy.spec.rules.len());
    let mut effects = Vec::with_capacity(policy.spec.rules.len());
    for (index, rule) in policy.spec.rules.iter().enumerate() {
        let rule = rule.value.clone().unwrap_or_default();
        let mut converter = Converter {
            namespace: &policy.namespace,
            has_service_accounts: options.does(Behaviour::ZtunnelServiceAccounts),
            l7: false,
            wider: false,
        };
        let clauses = converter.rule(&rule);
        // an ALLOW rule that holds any L7 attribute is dropped, the policy stays
        if action == Action::Allow && converter.l7 {
            effects.push(Effect::Dropped);
            continue;
        }
        effects.push(effect(&clauses, converter.wider));
        groups.push(Group::of(Some(index), clauses));
    }
    // a ztunnel before 1.29 does not know the mark and enforces
    let dry_run = policy.dry_run && options.does(Behaviour::ZtunnelDryRun);
    Conversion::Sent {
        authorization: Authorization {
            name: policy.name.clone(),
            namespace: policy.namespace.clone(),
            scope,
            action,
            dry_run,
            groups,
        },
        effects,
    }
}

fn effect(clauses: &[Clause], wider: bool) -> Effect {
    let empty = |clause: &Clause| clause.matches.iter().filter(|m| m.is_empty()).count();
    if clauses.iter().any(|c| !c.matches.is_empty() && empty(c) == c.matches.len()) {
        return Effect::Inert;
    }
    let narrower = clauses.iter().any(|c| empty(c) > 0);
    if wider || narrower { Effect::Changed { wider, narrower } } else { Effect::Enforced }
}

struct Converter<'a> {
    namespace: &'a str,
    has_service_accounts: bool,
    /// An attribute was met that is not for layer 4.
    l7: bool,
    /// A match that still says something has lost a part.
    wider: bool,
}

impl Converter<'_> {
    /// `handleRule`: the `to` entries, the `from` entries, then each condition.
    fn rule(&mut self, rule: &raw::Rule) -> Vec<Clause> {
        let mut clauses = Vec::new();
        if !rule.to.is_empty() {
            let matches = rule.to.iter().map(|to| self.operation(&to.operation)).collect();
            clauses.push(Clause { matches });
        }
        if !rule.from.is_empty() {
            let matches = rule.from.iter().map(|from| self.source(&from.source)).collect();
            clauses.push(Clause { matches });
        }
        for condition in &rule.when {
            clauses.push(Clause::of(self.condition(condition)));
        }
        clauses
    }

    fn operation(&mut self, o: &raw::Operation) -> Match {
        let lost = [&o.hosts, &o.not_hosts, &o.methods, &o.not_methods, &o.paths, &o.not_paths]
            .iter()
            .any(|list| !list.is_empty());
        self.l7 |= lost;
        let mut bad = false;
        let made = Match {
            destination_ports: ports(&o.ports, &mut bad),
            not_destination_ports: ports(&o.not_ports, &mut bad),
            ..Match::default()
        };
        self.keep(made, lost || bad)
    }

    fn source(&mut self, s: &raw::Source) -> Match {
        let l7 = [
            &s.remote_ip_blocks,
            &s.not_remote_ip_blocks,
            &s.request_principals,
            &s.not_request_principals,
        ]
        .iter()
        .any(|list| !list.is_empty());
        self.l7 |= l7;
        // ztunnel's message has no field for these, and istiod does not count them as L7
        let mut lost = l7 || !s.trust_domains.is_empty() || !s.not_trust_domains.is_empty();
        let mut made = Match {
            source_ips: blocks(&s.ip_blocks, &mut lost),
            not_source_ips: blocks(&s.not_ip_blocks, &mut lost),
            namespaces: strings(&s.namespaces),
            not_namespaces: strings(&s.not_namespaces),
            principals: strings(&s.principals),
            not_principals: strings(&s.not_principals),
            ..Match::default()
        };
        if self.has_service_accounts {
            made.service_accounts = self.accounts(&s.service_accounts);
            made.not_service_accounts = self.accounts(&s.not_service_accounts);
        } else {
            lost |= !s.service_accounts.is_empty() || !s.not_service_accounts.is_empty();
        }
        self.keep(made, lost)
    }

    /// L4 keys are source.ip, source.namespace, source.principal, destination.ip and
    /// destination.port; any other makes the EMPTY match.
    fn condition(&mut self, c: &raw::Condition) -> Match {
        let mut lost = false;
        let made = match c.key.as_str() {
            "source.ip" => Match {
                source_ips: blocks(&c.values, &mut lost),
                not_source_ips: blocks(&c.not_values, &mut lost),
                ..Match::default()
            },
            "source.namespace" => Match {
                namespaces: strings(&c.values),
                not_namespaces: strings(&c.not_values),
                ..Match::default()
            },
            "source.principal" => Match {
                principals: strings(&c.values),
                not_principals: strings(&c.not_values),
                ..Match::default()
            },
            "destination.ip" => Match {
                destination_ips: blocks(&c.values, &mut lost),
                not_destination_ips: blocks(&c.not_values, &mut lost),
                ..Match::default()
            },
            "destination.port" => Match {
                destination_ports: ports(&c.values, &mut lost),
                not_destination_ports: ports(&c.not_values, &mut lost),
                ..Match::default()
            },
            _ => {
                self.l7 = true;
                Match::default()
            }
        };
        self.keep(made, lost)
    }

    fn accounts(&self, values: &[String]) -> Vec<ServiceAccount> {
        values
            .iter()
            .map(|value| {
                let (namespace, name) = value.split_once('/').unwrap_or((self.namespace, value));
                ServiceAccount { namespace: namespace.to_owned(), name: name.to_owned() }
            })
            .collect()
    }

    fn keep(&mut self, made: Match, lost: bool) -> Match {
        self.wider |= lost && !made.is_empty();
        made
    }
}

fn strings(values: &[String]) -> Vec<Glob> {
    values.iter().map(|v| Glob::parse(v)).collect()
}

/// Addresses that do not parse are dropped without a message.
fn blocks(values: &[String], lost: &mut bool) -> Vec<IpBlock> {
    let made: Vec<IpBlock> = values.iter().filter_map(|v| IpBlock::parse(v)).collect();
    *lost |= made.len() < values.len();
    made
}

/// Ports that are not numbers up to 65535 are dropped without a message.
fn ports(values: &[String], lost: &mut bool) -> Vec<u32> {
    let made: Vec<u32> = values.iter().filter_map(|v| port(v)).map(u32::from).collect();
    *lost |= made.len() < values.len();
    made
}

/// A port as Go's `strconv.ParseUint` reads it: digits and nothing else.
pub(in crate::simulate) fn port(text: &str) -> Option<u16> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}
