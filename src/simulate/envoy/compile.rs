//! AuthorizationPolicy to Envoy rules, as istiod's builder does it
//! (istio/istio:pilot/pkg/security/authz/{builder,model}; facts/istio-ambient.md §7).

use std::sync::OnceLock;

use super::field::{IdentityTest, RequestPrincipal, Test};
use super::path::PathPattern;
use super::rule::{Clause, Conjunction, Rule};
use super::trust_domain::TrustDomains;
use crate::simulate::matcher::{Glob, IpBlock};
use crate::simulate::policy::{Action, Policy};
use crate::simulate::raw;

/// The two kinds of filter chains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChainKind {
    /// Requests are seen.
    Http,
    /// Connections are seen.
    Tcp,
}

/// Why a rule is not what its author wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Loss {
    /// The rule is left out of an ALLOW policy: less is allowed.
    Dropped,
    /// A part is left out of a rule that denies: more is denied.
    Widened,
    /// The whole rule is left out, whatever the action: its `when` names an unknown key.
    Unknown,
}

/// A policy's rules for one kind of chain.
#[derive(Debug, Default)]
pub struct Compiled {
    /// What Envoy gets.
    pub rules: Vec<Rule>,
    /// What it gets otherwise than written, by index of the rule.
    pub losses: Vec<(usize, Loss)>,
}

/// Compiles a policy for one kind of chain.
///
/// On a TCP chain an ALLOW rule that names an HTTP field is left out, any other rule goes on
/// without the field (§7.2); the same happens to a value that istiod cannot read.
pub fn compile(policy: &Policy, kind: ChainKind, domains: &TrustDomains) -> Compiled {
    let mut compiled = Compiled::default();
    for (index, rule) in policy.spec.rules.iter().enumerate() {
        // "skipped nil rule"
        let Some(rule) = &rule.value else { continue };
        let mut maker = Maker { policy, kind, domains, loss: None };
        let made = maker.rule(rule, index);
        match (made, maker.loss) {
            (_, Some(Loss::Unknown)) => compiled.losses.push((index, Loss::Unknown)),
            (_, Some(_)) if policy.action == Action::Allow => {
                compiled.losses.push((index, Loss::Dropped));
            }
            (made, loss) => {
                compiled.losses.extend(loss.map(|loss| (index, loss)));
                compiled.rules.push(made);
            }
        }
    }
    compiled
}

struct Maker<'a> {
    policy: &'a Policy,
    kind: ChainKind,
    domains: &'a TrustDomains,
    loss: Option<Loss>,
}

impl Maker<'_> {
    fn rule(&mut self, rule: &raw::Rule, index: usize) -> Rule {
        let sources = rule.from.iter().map(|from| self.source(&from.source)).collect();
        let operations = rule.to.iter().map(|to| self.operation(&to.operation)).collect();
        let conditions = Conjunction(
            rule.when
                .iter()
                .filter_map(|c| self.clause(&c.key, &c.values, &c.not_values))
                .collect(),
        );
        Rule {
            id: rule_id(&self.policy.namespace, &self.policy.name, index),
            index,
            sources,
            operations,
            conditions,
            reads_http: false,
            reads_addresses: false,
            who: OnceLock::new(),
        }
        .with_reads()
    }

    fn source(&mut self, s: &raw::Source) -> Conjunction {
        let fields = [
            ("source.ip", &s.ip_blocks, &s.not_ip_blocks),
            ("remote.ip", &s.remote_ip_blocks, &s.not_remote_ip_blocks),
            ("source.namespace", &s.namespaces, &s.not_namespaces),
            ("source.serviceAccount", &s.service_accounts, &s.not_service_accounts),
            ("source.trustDomain", &s.trust_domains, &s.not_trust_domains),
            ("request.auth.principal", &s.request_principals, &s.not_request_principals),
            ("source.principal", &s.principals, &s.not_principals),
        ];
        Conjunction(fields.iter().filter_map(|(key, yes, no)| self.clause(key, yes, no)).collect())
    }

    fn operation(&mut self, o: &raw::Operation) -> Conjunction {
        let fields = [
            ("destination.port", &o.ports, &o.not_ports),
            ("path", &o.paths, &o.not_paths),
            ("method", &o.methods, &o.not_methods),
            ("host", &o.hosts, &o.not_hosts),
        ];
        Conjunction(fields.iter().filter_map(|(key, yes, no)| self.clause(key, yes, no)).collect())
    }

    /// A field with its values; `None` where nothing of it is left or nothing was said.
    fn clause(&mut self, key: &str, values: &[String], not_values: &[String]) -> Option<Clause> {
        if !is_known(key) {
            self.loss = Some(Loss::Unknown);
            return None;
        }
        let any = self.tests(key, values);
        let none = self.tests(key, not_values);
        (!any.is_empty() || !none.is_empty()).then_some(Clause { any, none })
    }

    fn tests(&mut self, key: &str, values: &[String]) -> Vec<Test> {
        let mut tests = Vec::with_capacity(values.len());
        for value in values {
            let expanded = match key {
                "source.principal" => self.domains.expand_principal(value),
                "source.trustDomain" => self.domains.expand_trust_domain(value),
                _ => vec![value.clone()],
            };
            for value in expanded {
                let made = test(key, &value, &self.policy.namespace)
                    .filter(|t| self.kind == ChainKind::Http || !t.is_http());
                match made {
                    Some(test) => tests.push(test),
                    None if self.loss.is_none() => self.loss = Some(Loss::Widened),
                    None => {}
                }
            }
        }
        tests
    }
}

/// The id that Envoy logs.
pub fn rule_id(namespace: &str, policy: &str, index: usize) -> String {
    format!("ns[{namespace}]-policy[{policy}]-rule[{index}]")
}

fn is_known(key: &str) -> bool {
    const WORDS: &[&str] = &[
        "source.ip",
        "remote.ip",
        "source.namespace",
        "source.principal",
        "source.serviceAccount",
        "source.trustDomain",
        "request.auth.principal",
        "request.auth.audiences",
        "request.auth.presenter",
        "destination.ip",
        "destination.port",
        "connection.sni",
        // fields of an operation, which no `when` can name: the words carry no point
        "path",
        "method",
        "host",
    ];
    WORDS.contains(&key)
        || key.starts_with("request.headers")
        || key.starts_with("request.auth.claims")
        || key.starts_with("experimental.envoy.filters.")
}

/// One value; `None` where istiod cannot make a matcher of it.
fn test(key: &str, value: &str, policy_namespace: &str) -> Option<Test> {
    let glob = || Glob::parse(value);
    Some(match key {
        "source.ip" => Test::SourceIp(IpBlock::parse(value)?),
        "remote.ip" => Test::RemoteIp(IpBlock::parse(value)?),
        "destination.ip" => Test::DestinationIp(IpBlock::parse(value)?),
        "destination.port" => Test::DestinationPort(port(value)?),
        "connection.sni" => Test::Sni(glob()),
        "source.principal" => Test::Identity(IdentityTest::Principal(glob())),
        "source.namespace" => Test::Identity(IdentityTest::Namespace(value.to_owned())),
        "source.serviceAccount" => {
            let (namespace, name) = value.split_once('/').unwrap_or((policy_namespace, value));
            Test::Identity(IdentityTest::ServiceAccount {
                namespace: namespace.to_owned(),
                name: name.to_owned(),
            })
        }
        "source.trustDomain" => Test::Identity(IdentityTest::TrustDomain(value.to_owned())),
        "host" => Test::Host(Glob::parse(&value.to_ascii_lowercase())),
        "method" => Test::Method(glob()),
        "path" => Test::Path(PathPattern::parse(value)),
        "request.auth.principal" => Test::RequestPrincipal(RequestPrincipal::parse(value)),
        "request.auth.audiences" => Test::Claim(vec!["aud".into()], glob()),
        "request.auth.presenter" => Test::Claim(vec!["azp".into()], glob()),
        _ if key.starts_with("request.headers") => {
            Test::Header(bracketed(key).into_iter().next()?.to_ascii_lowercase(), glob())
        }
        _ if key.starts_with("request.auth.claims") => Test::Claim(bracketed(key), glob()),
        // metadata of a filter, `experimental.envoy.filters.a.b[c]`: of connections as of requests
        _ => key.contains('[').then_some(Test::Never)?,
    })
}

/// A port: digits, not over 65535 (istio/istio:pilot/pkg/security/authz/model/util.go).
fn port(value: &str) -> Option<u32> {
    let digits = value.bytes().all(|b| b.is_ascii_digit());
    value.parse().ok().filter(|port| digits && *port <= 65535)
}

/// `a` and `b` of `key[a][b]`.
fn bracketed(key: &str) -> Vec<String> {
    key.split('[').skip(1).filter_map(|part| part.split(']').next()).map(str::to_owned).collect()
}
