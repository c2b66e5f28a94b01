//! One Envoy asked about one request: its token, and its chain.

use super::decision::{Reason, Rule};
use super::envoy::{ChainKind, Facts, Http, Logged, Verdict};
use super::mesh::{EnvoyPoint, Fixed};
use super::policy::PolicyId;
use super::request_authentication::{RequestAuthentication, Token, Verified, verify};

/// What an Envoy says, and what it hangs on.
pub(super) struct Said {
    pub reason: Reason,
    pub depends_on_request: bool,
    pub depends_on_address: bool,
    /// The next proxy sees the token too.
    pub token_goes_on: bool,
    /// The CUSTOM policies by which external authorizers are asked.
    pub asked: Vec<PolicyId>,
    /// What is logged.
    pub logged: Logged,
}

impl Said {
    /// Nothing stands in the way.
    pub fn passed() -> Self {
        Self {
            reason: Reason::NotEnforced,
            depends_on_request: false,
            depends_on_address: false,
            token_goes_on: true,
            asked: Vec::new(),
            logged: Logged::default(),
        }
    }

    /// What is said before any policy is asked, or by somebody else than an Envoy.
    pub fn of(reason: Reason, depends_on_address: bool) -> Self {
        Self { reason, depends_on_address, ..Self::passed() }
    }
}

/// Asks an Envoy: CUSTOM, then the token, then DENY and ALLOW, which may read it
/// (istio/istio:pilot/pkg/networking/core/listener_builder.go `buildHTTPConnectionManager`).
pub(super) fn ask<'a>(
    fixed: &'a Fixed,
    point: &'a EnvoyPoint,
    kind: ChainKind,
    mut facts: Facts<'a>,
    token: &'a Token,
) -> Said {
    if kind == ChainKind::Tcp {
        facts.http = None;
    }
    let mut token_goes_on = true;
    let chain = point.chain(fixed);
    let mut answer = chain.custom(fixed, kind, &facts);
    if !matches!(answer.verdict, Verdict::BadCustom { .. }) {
        let preflight = facts.http.is_none_or(Http::is_cors_preflight);
        let rules = request_authentications(fixed, point);
        match if preflight { Verified::Nothing } else { verify(rules, token) } {
            Verified::Nothing => {}
            Verified::Claims { claims, space_delimited, forwarded } => {
                facts.claims = Some(claims);
                facts.space_delimited = space_delimited;
                token_goes_on = forwarded;
            }
            refused => {
                let other = refused == Verified::OtherAudience;
                return Said {
                    reason: if other { Reason::TokenAudience } else { Reason::TokenRefused },
                    depends_on_request: true,
                    depends_on_address: answer.depends_on_address,
                    token_goes_on: false,
                    asked: Vec::new(),
                    logged: Logged::default(),
                };
            }
        }
        answer = chain.decide(answer, fixed, kind, &facts);
    }
    let logged = chain.logged(fixed, kind, &facts);
    let reason = match (answer.verdict, answer.asked.first()) {
        (Verdict::Denied { policy, rule }, _) => Reason::Denied(Rule::Policy(policy, Some(rule))),
        (Verdict::BadCustom { policy, rule }, _) => {
            Reason::BadCustom(Rule::Policy(policy, Some(rule)))
        }
        (Verdict::NoneMatched, _) => Reason::NoneMatched,
        (_, Some(policy)) => Reason::IfAuthorizerAllows(*policy),
        (Verdict::Allowed { policy, rule }, None) => {
            Reason::Allowed(Rule::Policy(policy, Some(rule)))
        }
        (Verdict::NoAllowPolicies, None) => Reason::NoAllowPolicies,
    };
    Said {
        reason,
        depends_on_request: answer.depends_on_request,
        depends_on_address: answer.depends_on_address,
        token_goes_on,
        asked: answer.asked,
        logged,
    }
}

pub(super) fn request_authentications<'a>(
    fixed: &'a Fixed,
    point: &'a EnvoyPoint,
) -> impl Iterator<Item = &'a RequestAuthentication> + Clone {
    point.request_authentications.iter().map(|i| &fixed.request_authentications[*i].1)
}
