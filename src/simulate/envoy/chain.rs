//! The RBAC filters of one enforcement point, in their order (facts/istio-ambient.md §7.1).

use super::compile::{ChainKind, Compiled};
use super::facts::Facts;
use super::rule::Rule;
use crate::simulate::policy::{Action, Policy, PolicyId};

/// A rule of a policy: its place in the policy's compiled rules for the chain's kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct RuleRef {
    policy: PolicyId,
    rule: usize,
}

/// All the policies that hold at one place, sorted into what Envoy asks one after another.
#[derive(Clone, Debug, Default)]
pub struct Chain {
    http: Filters,
    tcp: Filters,
    /// ALLOW policies exist, dry-run ones apart.
    has_allow: bool,
    /// ALLOW policies in dry-run exist.
    has_dry_run_allow: bool,
    /// There is a policy that logs and does not decide.
    logs: bool,
}

#[derive(Clone, Debug, Default)]
struct Filters {
    custom: Vec<(CustomState, RuleRef)>,
    deny: Vec<RuleRef>,
    allow: Vec<RuleRef>,
    audit: Vec<RuleRef>,
    dry_run_deny: Vec<RuleRef>,
    dry_run_allow: Vec<RuleRef>,
}

/// What becomes of a CUSTOM policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CustomState {
    /// The provider is not in the mesh configuration, or there are two: what matches is denied.
    Bad,
    /// An external authorizer is asked; what it says cannot be known here.
    Asked,
    /// One is asked about HTTP requests, and not about connections.
    AskedOnHttp,
}

/// What a chain says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// There is no ALLOW policy, and nothing denied.
    NoAllowPolicies,
    /// An ALLOW rule matched.
    Allowed {
        /// Its policy.
        policy: PolicyId,
        /// Its index in `spec.rules`.
        rule: usize,
    },
    /// A DENY rule matched.
    Denied {
        /// Its policy.
        policy: PolicyId,
        /// Its index in `spec.rules`.
        rule: usize,
    },
    /// A CUSTOM rule matched whose provider does not work: istiod denies.
    BadCustom {
        /// Its policy.
        policy: PolicyId,
        /// Its index in `spec.rules`.
        rule: usize,
    },
    /// ALLOW policies exist, none matched: `[none]`.
    NoneMatched,
}

/// A chain's verdict, and what it hangs on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The verdict.
    pub verdict: Verdict,
    /// A rule for this peer reads the request: another request may fare otherwise.
    pub depends_on_request: bool,
    /// A rule for this peer reads an address: where none is known, none matches.
    pub depends_on_address: bool,
    /// The CUSTOM policies by which external authorizers are asked, one for each provider, by the
    /// provider's name; all are taken to say yes.
    pub asked: Vec<PolicyId>,
}

/// What is logged of a request, and decides nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Logged {
    /// An AUDIT rule matches.
    pub audited: bool,
    /// A DENY rule in dry-run matches.
    pub dry_run_denies: bool,
    /// Whether an ALLOW rule in dry-run matches, where there are any.
    pub dry_run_allows: Option<bool>,
}

impl Logged {
    /// What several points on one way log.
    pub fn and(self, other: Self) -> Self {
        Self {
            audited: self.audited || other.audited,
            dry_run_denies: self.dry_run_denies || other.dry_run_denies,
            dry_run_allows: match (self.dry_run_allows, other.dry_run_allows) {
                (Some(one), Some(two)) => Some(one && two),
                (one, two) => one.or(two),
            },
        }
    }
}

impl Answer {
    /// The first rule that holds, with its index; notes what was read on the way.
    fn first<'a>(
        &mut self,
        refs: impl Iterator<Item = &'a RuleRef>,
        policies: &impl Policies,
        kind: ChainKind,
        facts: &Facts<'_>,
    ) -> Option<(RuleRef, usize)> {
        for r in refs {
            let rule: &Rule = &policies.compiled(r.policy).of(kind).rules[r.rule];
            if !rule.is_candidate(facts.peer) {
                continue;
            }
            self.depends_on_request |= rule.reads_http;
            self.depends_on_address |= rule.reads_addresses;
            if rule.holds(facts) {
                return Some((*r, rule.index));
            }
        }
        None
    }
}

/// A policy compiled for both kinds of chains.
#[derive(Debug, Default)]
pub struct Both {
    /// For HTTP.
    pub http: Compiled,
    /// For TCP.
    pub tcp: Compiled,
}

impl Both {
    /// For a kind of chain.
    pub fn of(&self, kind: ChainKind) -> &Compiled {
        match kind {
            ChainKind::Http => &self.http,
            ChainKind::Tcp => &self.tcp,
        }
    }
}

/// Where a chain finds the policies it refers to.
pub trait Policies {
    /// The policy.
    fn policy(&self, id: PolicyId) -> &Policy;
    /// Its rules.
    fn compiled(&self, id: PolicyId) -> &Both;
}

impl Chain {
    /// Sorts the policies of a place. `custom` says what becomes of a provider.
    pub fn new(
        ids: &[PolicyId],
        policies: &impl Policies,
        custom: impl Fn(&Policy) -> CustomState,
    ) -> Self {
        let mut chain = Self::default();
        for id in ids {
            let policy = policies.policy(*id);
            // dry-run policies become shadow rules, AUDIT only logs: neither decides (§7.6)
            chain.logs |= policy.dry_run || policy.action == Action::Audit;
            match (policy.action, policy.dry_run) {
                (Action::Allow, false) => chain.has_allow = true,
                (Action::Allow, true) => chain.has_dry_run_allow = true,
                _ => {}
            }
            let state = custom(policy);
            for (kind, filters) in
                [(ChainKind::Http, &mut chain.http), (ChainKind::Tcp, &mut chain.tcp)]
            {
                let compiled = policies.compiled(*id).of(kind);
                let refs = (0..compiled.rules.len()).map(|rule| RuleRef { policy: *id, rule });
                match (policy.action, policy.dry_run) {
                    (Action::Custom, false) => match (state, kind) {
                        (CustomState::AskedOnHttp, ChainKind::Tcp) => {}
                        (CustomState::AskedOnHttp, ChainKind::Http) => {
                            filters.custom.extend(refs.map(|r| (CustomState::Asked, r)));
                        }
                        _ => filters.custom.extend(refs.map(|r| (state, r))),
                    },
                    (Action::Deny, false) => filters.deny.extend(refs),
                    (Action::Allow, false) => filters.allow.extend(refs),
                    (Action::Audit, _) => filters.audit.extend(refs),
                    (Action::Deny, true) => filters.dry_run_deny.extend(refs),
                    (Action::Allow, true) => filters.dry_run_allow.extend(refs),
                    // Istio takes no dry-run for CUSTOM, and istiod makes nothing of one
                    (Action::Custom, true) => {}
                }
            }
        }
        // Envoy keeps rules by id, so that of several matching ones the smallest id as a string
        // is the one reported (facts/envoy.md, `order2`)
        for (kind, filters) in
            [(ChainKind::Http, &mut chain.http), (ChainKind::Tcp, &mut chain.tcp)]
        {
            let rule = |r: &RuleRef| &policies.compiled(r.policy).of(kind).rules[r.rule];
            filters.custom.sort_by(|(_, a), (_, b)| {
                let provider = |r: &RuleRef| &policies.policy(r.policy).provider;
                (provider(a), &rule(a).id).cmp(&(provider(b), &rule(b).id))
            });
            filters.deny.sort_by(|a, b| rule(a).id.cmp(&rule(b).id));
            filters.allow.sort_by(|a, b| rule(a).id.cmp(&rule(b).id));
        }
        chain
    }

    /// CUSTOM: any provider denies -> deny. These rules come before the token is looked at; where
    /// none denies, [`Chain::decide`] goes on with the answer.
    pub fn custom(&self, policies: &impl Policies, kind: ChainKind, facts: &Facts<'_>) -> Answer {
        let mut answer = Answer {
            verdict: Verdict::NoAllowPolicies,
            depends_on_request: false,
            depends_on_address: false,
            asked: Vec::new(),
        };
        let of = |state| {
            let all = self.of(kind).custom.iter();
            all.filter(move |(s, _)| *s == state).map(|(_, r)| r)
        };
        if let Some((r, rule)) = answer.first(of(CustomState::Bad), policies, kind, facts) {
            answer.verdict = Verdict::BadCustom { policy: r.policy, rule };
        } else {
            // the rules are in the order of their providers, each of which is asked once
            let provider = |r: &RuleRef| &policies.policy(r.policy).provider;
            for rules in of(CustomState::Asked)
                .collect::<Vec<_>>()
                .chunk_by(|a, b| provider(a) == provider(b))
            {
                let asked = answer.first(rules.iter().copied(), policies, kind, facts);
                answer.asked.extend(asked.map(|(r, _)| r.policy));
            }
        }
        answer
    }

    /// What AUDIT policies and those in dry-run log: their filters see what the others see
    /// (istio/istio:pilot/pkg/security/authz/builder/builder.go `build`).
    pub fn logged(&self, policies: &impl Policies, kind: ChainKind, facts: &Facts<'_>) -> Logged {
        if !self.logs {
            return Logged::default();
        }
        let any = |refs: &[RuleRef]| {
            refs.iter().any(|r| policies.compiled(r.policy).of(kind).rules[r.rule].holds(facts))
        };
        let filters = self.of(kind);
        Logged {
            audited: any(&filters.audit),
            dry_run_denies: any(&filters.dry_run_deny),
            dry_run_allows: self.has_dry_run_allow.then(|| any(&filters.dry_run_allow)),
        }
    }

    /// DENY, then ALLOW.
    pub fn decide(
        &self,
        mut answer: Answer,
        policies: &impl Policies,
        kind: ChainKind,
        facts: &Facts<'_>,
    ) -> Answer {
        let filters = self.of(kind);
        // DENY: any match -> deny
        answer.verdict = match answer.first(filters.deny.iter(), policies, kind, facts) {
            Some((r, rule)) => Verdict::Denied { policy: r.policy, rule },
            // no ALLOW policies -> allow
            None if !self.has_allow => Verdict::NoAllowPolicies,
            // any ALLOW matches -> allow, otherwise -> deny
            None => match answer.first(filters.allow.iter(), policies, kind, facts) {
                Some((r, rule)) => Verdict::Allowed { policy: r.policy, rule },
                None => Verdict::NoneMatched,
            },
        };
        answer
    }

    fn of(&self, kind: ChainKind) -> &Filters {
        match kind {
            ChainKind::Http => &self.http,
            ChainKind::Tcp => &self.tcp,
        }
    }

    /// True when nothing is asked.
    pub fn is_empty(&self) -> bool {
        !self.has_allow && self.http.custom.is_empty() && self.http.deny.is_empty()
    }
}
