//! RequestAuthentication: what becomes of a token (Envoy only; ztunnel ignores it,
//! facts/istio-ambient.md §6.6).

use crate::diagnostic::{Diagnostic, Span};
use crate::k8s::{Object, TargetRef};

use super::raw;

/// A RequestAuthentication.
#[derive(Clone, Debug)]
pub struct RequestAuthentication {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// What it says.
    pub spec: raw::RequestAuthentication,
    /// Where it stands.
    pub span: Span,
}

/// The token of a request.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Token {
    /// There is none.
    #[default]
    None,
    /// One that verifies, with these claims.
    Valid(serde_json::Value),
    /// One that does not: expired, or signed by somebody else.
    Invalid,
}

/// What the proxy makes of a token.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verified<'a> {
    /// No claims: no token, or nobody here looks at tokens.
    Nothing,
    /// A token verified.
    Claims {
        /// Its claims, which policies may ask for.
        claims: &'a serde_json::Value,
        /// Claims of it that are lists, written with blanks between.
        space_delimited: &'a [String],
        /// The next proxy sees it too (`forwardOriginalToken`).
        forwarded: bool,
    },
    /// 401: a token is there and does not verify, or its issuer is not configured.
    Refused,
    /// 403: its issuer is configured, for other audiences.
    OtherAudience,
}

impl RequestAuthentication {
    pub(super) fn read(object: &Object) -> Result<Self, Box<Diagnostic>> {
        Ok(Self {
            namespace: object.namespace.clone().unwrap_or_else(|| "default".into()),
            name: object.name.clone(),
            spec: object.parse::<raw::Specified<raw::RequestAuthentication>>()?.spec,
            span: object.name_span(),
        })
    }

    /// What it is bound to, if not to pods.
    pub fn targets(&self) -> impl Iterator<Item = &TargetRef> {
        raw::targets(self.spec.target_ref.as_ref(), &self.spec.target_refs)
    }
}

/// Looks at a token as the JWT filter does. A request without one passes.
pub fn verify<'a>(
    here: impl Iterator<Item = &'a RequestAuthentication>,
    token: &'a Token,
) -> Verified<'a> {
    let mut rules =
        here.flat_map(|r| &r.spec.jwt_rules).filter(|rule| sees_authorization(rule)).peekable();
    if rules.peek().is_none() {
        return Verified::Nothing;
    }
    match token {
        Token::None => Verified::Nothing,
        Token::Invalid => Verified::Refused,
        Token::Valid(claims) => {
            let issuer = claims.get("iss").and_then(serde_json::Value::as_str);
            let mut is_known = false;
            let taken = rules.find(|rule| {
                let known = issuer == Some(rule.issuer.as_str()) && reads_bearer(rule);
                is_known |= known;
                known && audience_is_taken(&rule.audiences, claims)
            });
            match taken {
                Some(rule) => Verified::Claims {
                    claims,
                    space_delimited: &rule.space_delimited_claims,
                    forwarded: rule.forward_original_token,
                },
                None if is_known => Verified::OtherAudience,
                None => Verified::Refused,
            }
        }
    }
}

/// Does a rule look into `authorization`? Not where it names other places.
fn sees_authorization(rule: &raw::JwtRule) -> bool {
    let elsewhere = !rule.from_headers.is_empty()
        || !rule.from_params.is_empty()
        || !rule.from_cookies.is_empty();
    !elsewhere || authorization(rule).any(|h| h.prefix.is_empty() || is_bearer_prefix(&h.prefix))
}

/// Does it find the token there behind `Bearer `? Without that prefix it takes the word for a part of
/// the token.
fn reads_bearer(rule: &raw::JwtRule) -> bool {
    let mut own = authorization(rule).peekable();
    own.peek().is_none() || own.any(|h| is_bearer_prefix(&h.prefix))
}

fn is_bearer_prefix(prefix: &str) -> bool {
    prefix.trim_end() == "Bearer"
}

fn authorization(rule: &raw::JwtRule) -> impl Iterator<Item = &raw::JwtHeader> {
    rule.from_headers.iter().filter(|h| h.name.eq_ignore_ascii_case("authorization"))
}

fn audience_is_taken(wanted: &[String], claims: &serde_json::Value) -> bool {
    let is_wanted =
        |v: &serde_json::Value| v.as_str().is_some_and(|a| wanted.iter().any(|w| w == a));
    wanted.is_empty()
        || match claims.get("aud") {
            Some(serde_json::Value::Array(list)) => list.iter().any(is_wanted),
            Some(one) => is_wanted(one),
            None => false,
        }
}
