//! `ValidateRequestAuthentication`.

use super::{attachment, field, items};
use crate::diagnostic::Diagnostic;
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
                    .at(uri.span, ""),
            );
        }
    }
    if let Some(timeout) = field(rule, "timeout")
        && let Some(text) = timeout.as_str()
        && milliseconds(text).is_none_or(|ms| ms < 1.0)
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

/// Go's `url.Parse` refuses any other port (net/url `validOptionalPort`), and with it the CRD's rule.
fn has_port_of_digits(uri: &str) -> bool {
    let Some((_, rest)) = uri.split_once("://") else { return true };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    // the colons of an IPv6 address stand in brackets
    let behind = host.rsplit(']').next().unwrap_or_default();
    behind.rsplit_once(':').is_none_or(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()))
}

/// `jwk.Parse` takes a set or one key.
fn is_key_set(text: &str) -> bool {
    let Ok(value) = serde_json::from_str::<serde_json::Value>(text) else { return false };
    value.get("keys").is_some_and(serde_json::Value::is_array)
        || value.get("kty").is_some_and(serde_json::Value::is_string)
}

/// Go's `time.ParseDuration`: numbers with units, `1h30m`.
fn milliseconds(text: &str) -> Option<f64> {
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Some(0.0);
    }
    let mut sum = 0.0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, behind) = rest.split_at(end);
        let end = behind.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(end);
        let factor = match unit {
            "ns" => 1e-6,
            "us" | "µs" | "μs" => 1e-3,
            "ms" => 1.0,
            "s" => 1e3,
            "m" => 60e3,
            "h" => 3_600e3,
            _ => return None,
        };
        sum += number.parse::<f64>().ok()? * factor;
        rest = behind;
    }
    (!text.is_empty()).then_some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each as CEL's `url()` takes it in a Kubernetes API server 1.34.
    #[test]
    fn the_port_of_a_jwks_uri_is_a_number() {
        for (uri, good) in [
            ("https://a/b", true),
            ("https://a:8443/b:c", true),
            ("https://a:/b", true),
            ("https://[::1]:443/b", true),
            ("https://[::1]/b", true),
            ("https://a:b", false),
            ("https://u:p@a:b/", false),
            ("https://u:p@a/", true),
        ] {
            assert_eq!(has_port_of_digits(uri), good, "{uri}");
        }
    }

    #[test]
    fn durations_as_go_reads_them() {
        for (text, expected) in [
            ("5s", Some(5e3)),
            ("1h30m", Some(5_400e3)),
            ("0.5ms", Some(0.5)),
            ("0", Some(0.0)),
            ("", None),
            ("5", None),
            ("apple", None),
            ("5x", None),
            ("1..2s", None),
        ] {
            assert_eq!(milliseconds(text), expected, "{text}");
        }
    }
}
