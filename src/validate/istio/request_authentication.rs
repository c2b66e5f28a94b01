//! `ValidateRequestAuthentication`.

use super::{attachment, field, items};
use crate::diagnostic::Diagnostic;
use crate::simulate::{has_port_of_digits, is_key_set, is_timeout};
use crate::yaml::Node;

pub(super) fn check(spec: Option<&Node>, found: &mut Vec<Diagnostic>) {
    let Some(spec) = spec else { return };
    attachment::check(spec, found);
    for rule in items(spec, "jwtRules") {
        check_jwt_rule(rule, found);
    }
}

/// `validateJwtRule`, as far as the CRD does not say it.
fn check_jwt_rule(rule: &Node, found: &mut Vec<Diagnostic>) {
    let text = |key: &str| field(rule, key).and_then(Node::as_str).filter(|t| !t.is_empty());
    let uri = text("jwksUri").or_else(|| text("jwks_uri"));
    if rule.as_mapping().is_some() && text("issuer").is_none() && uri.is_none() {
        found.push(
            Diagnostic::error("missing-issuer", "this rule has neither an issuer nor a `jwksUri`")
                .at(rule.span, "")
                .help("add `issuer`"),
        );
    }
    if let (Some(_), Some(jwks)) = (uri, field(rule, "jwks")) {
        found.push(
            Diagnostic::error("jwks-conflict", "only one of `jwks` and `jwksUri` can be set")
                .at(jwks.span, "")
                .help("keep one"),
        );
    }
    for key in ["jwksUri", "jwks_uri"] {
        if let Some(uri) = field(rule, key)
            && let Some(text) = uri.as_str()
            && !has_port_of_digits(text)
        {
            found.push(
                Diagnostic::error("bad-port", format!("the port in `{text}` is not a number"))
                    .at(uri.span, "")
                    .help("write digits after the colon, or leave the colon out"),
            );
        }
    }
    if let Some(timeout) = field(rule, "timeout")
        && let Some(text) = timeout.as_str()
        && !is_timeout(text)
    {
        found.push(
            Diagnostic::error(
                "bad-duration",
                format!("`{text}` is not a valid duration of at least 1ms"),
            )
            .at(timeout.span, "")
            .help("write it as `5s` or `100ms`"),
        );
    }
    if let Some(jwks) = field(rule, "jwks")
        && let Some(text) = jwks.as_str().filter(|t| !t.is_empty())
        && !is_key_set(text)
    {
        found.push(
            Diagnostic::error("bad-jwks", "`jwks` is not a JSON Web Key Set")
                .at(jwks.span, "")
                .help("write a JSON object with `keys`, or one key with `kty`"),
        );
    }
}
