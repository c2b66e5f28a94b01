//! One Envoy asked about one request: tokens first, then its chain.

use super::decision::{Reason, Rule};
use super::envoy::{ChainKind, Facts, Verdict};
use super::mesh::{EnvoyPoint, Fixed};
use super::request_authentication::{RequestAuthentication, Token, Verified, verify};

/// What an Envoy says, and what it hangs on.
pub(super) struct Said {
    pub reason: Reason,
    pub depends_on_request: bool,
    pub depends_on_address: bool,
    /// The next proxy sees the token too.
    pub token_goes_on: bool,
}

impl Said {
    /// Nothing stands in the way.
    pub fn passed() -> Self {
        Self {
            reason: Reason::NotEnforced,
            depends_on_request: false,
            depends_on_address: false,
            token_goes_on: true,
        }
    }
}

/// Asks an Envoy. JWT comes before RBAC in the chain (istio/istio:pilot/pkg/security/authn).
pub(super) fn ask<'a>(
    fixed: &'a Fixed,
    point: &'a EnvoyPoint,
    kind: ChainKind,
    mut facts: Facts<'a>,
    token: &'a Token,
) -> Said {
    let mut token_goes_on = true;
    if kind == ChainKind::Http {
        match verify(request_authentications(fixed, point), token) {
            Verified::Nothing => {}
            Verified::Claims { claims, forwarded } => {
                facts.claims = Some(claims);
                token_goes_on = forwarded;
            }
            Verified::Refused => {
                return Said {
                    reason: Reason::TokenRefused,
                    depends_on_request: true,
                    depends_on_address: false,
                    token_goes_on: false,
                };
            }
        }
    } else {
        facts.http = None;
    }
    let answer = point.chain(fixed).decide(fixed, kind, &facts);
    let reason = match (answer.verdict, answer.asked) {
        (Verdict::Denied { policy, rule }, _) => Reason::Denied(Rule::Policy(policy, Some(rule))),
        (Verdict::BadCustom { policy, rule }, _) => {
            Reason::BadCustom(Rule::Policy(policy, Some(rule)))
        }
        (Verdict::NoneMatched, _) => Reason::NoneMatched,
        (_, Some(policy)) => Reason::IfAuthorizerAllows(policy),
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
    }
}

pub(super) fn request_authentications<'a>(
    fixed: &'a Fixed,
    point: &'a EnvoyPoint,
) -> impl Iterator<Item = &'a RequestAuthentication> + Clone {
    point.request_authentications.iter().map(|i| &fixed.request_authentications[*i].1)
}
