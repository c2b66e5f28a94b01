//! The texts that a rule compares with (istio/istio `pkg/config/security/security.go`).

use crate::diagnostic::{Diagnostic, nearest};
use crate::simulate::IpBlock;
use crate::yaml::Node;

/// `CheckEmptyValues`.
pub(super) fn no_empty(field: &str, values: &[Node], found: &mut Vec<Diagnostic>) {
    for value in values.iter().filter(|v| v.as_str() == Some("")) {
        found.push(
            Diagnostic::error("empty-value", format!("`{field}` holds an empty text"))
                .at(value.span, "")
                .help("remove it, or write `*` to match anything that is there"),
        );
    }
}

/// `ValidateIPs`: each an address or a CIDR range.
pub(super) fn addresses(values: &[Node], found: &mut Vec<Diagnostic>) {
    for value in values {
        if let Some(text) = value.as_str()
            && !text.is_empty()
            && !is_address(text)
        {
            found.push(
                Diagnostic::error(
                    "bad-address",
                    format!("`{text}` is neither an IP address nor a CIDR range"),
                )
                .at(value.span, "")
                .help("write an address such as `10.0.0.1`, or a range such as `10.0.0.0/24`"),
            );
        }
    }
}

/// One place knows: `AddrStrToPrefix` of istio/istio:pkg/util/net/ip.go.
fn is_address(text: &str) -> bool {
    IpBlock::parse(text).is_some()
}

/// `ValidatePorts`: numbers up to 65535, as texts.
pub(super) fn ports(values: &[Node], found: &mut Vec<Diagnostic>) {
    for value in values {
        if let Some(text) = value.as_str()
            && !text.is_empty()
            && !text.parse::<u16>().is_ok_and(|_| !text.starts_with('+'))
        {
            found.push(
                Diagnostic::error("bad-port", format!("`{text}` is not a port"))
                    .at(value.span, "")
                    .help("write a number from 0 to 65535; names and ranges are not taken"),
            );
        }
    }
}

/// `CheckValidPathTemplate`: braces are for `{*}` and `{**}` alone, each a whole segment; in a path
/// that has one of them a bare `*` has no place, and nothing is an operator behind `{**}`.
pub(super) fn path_templates(values: &[Node], found: &mut Vec<Diagnostic>) {
    for value in values {
        if let Some(text) = value.as_str()
            && !is_path(text)
        {
            found.push(
                Diagnostic::error("bad-path-template", format!("`{text}` is not a path that is supported"))
                    .at(value.span, "")
                    .help("braces hold one segment, `{*}`, or as the last operator the rest, `{**}`; names in them and further wildcards beside them are not taken"),
            );
        }
    }
}

fn is_path(text: &str) -> bool {
    let is_operator = |segment: &str| matches!(segment, "{*}" | "{**}");
    let segments = || text.trim_matches('/').split('/');
    let has_operator = segments().any(is_operator);
    let literals = segments().filter(|s| !is_operator(s));
    let behind_the_rest = segments().skip_while(|s| *s != "{**}").skip(1);
    literals.clone().all(|s| !s.contains(['{', '}']))
        && !(has_operator && literals.clone().any(|s| s.contains('*')))
        && !behind_the_rest.clone().any(is_operator)
}

/// Keys of `when` that are written as they are, and those that take a name in brackets.
const PLAIN: [&str; 11] = [
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
];
const NAMED: [&str; 3] = ["request.headers", "request.auth.claims", "experimental.envoy.filters."];

/// `ValidateAttribute`: the key is known, its values are of its kind.
pub(super) fn condition(key: &Node, values: [(&str, &[Node]); 2], found: &mut Vec<Diagnostic>) {
    let Some(name) = key.as_str() else { return };
    for (field, values) in values {
        no_empty(field, values, found);
        match name {
            "source.ip" | "remote.ip" | "destination.ip" => addresses(values, found),
            "destination.port" => ports(values, found),
            _ => {}
        }
    }
    if PLAIN.contains(&name) || name == "connection.sni" {
        return;
    }
    if NAMED.iter().any(|prefix| name.starts_with(prefix)) {
        let open = name.find('[').unwrap_or(0);
        if !(name.ends_with(']') && open > 0 && open + 2 < name.len()) {
            found.push(
                Diagnostic::error(
                    "unknown-attribute",
                    format!("`{name}` lacks a name in brackets"),
                )
                .at(key.span, "")
                .help("write it as `request.headers[x-name]`"),
            );
        }
        return;
    }
    let diagnostic = Diagnostic::error(
        "unknown-attribute",
        format!("`{name}` is not an attribute of a request"),
    )
    .at(key.span, "");
    found.push(match (name, nearest(name, PLAIN)) {
        ("destination.namespace", _) => {
            diagnostic.help("put the policy into that namespace instead")
        }
        (labels, _) if labels.starts_with("destination.labels") => {
            diagnostic.help("use the policy's selector instead")
        }
        (_, Some(word)) => diagnostic.help(format!("did you mean `{word}`?")),
        (_, None) => diagnostic.help(format!("known: {}", PLAIN.join(", "))),
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_as_go_reads_them() {
        for good in ["10.0.0.1", "10.0.0.0/8", "::1", "2001:db8::/32", "0.0.0.0/0"] {
            assert!(is_address(good), "{good}");
        }
        for bad in
            ["10.0.0", "10.0.0.0/33", "10.0.0.0/", "a", "10.0.0.0/08", "::/129", "1.2.3.4/+8"]
        {
            assert!(!is_address(bad), "{bad}");
        }
    }

    #[test]
    fn paths_as_istio_takes_them() {
        for good in
            ["/{*}", "/foo/{*}/bar", "/foo/{**}", "/{*}/bar/{**}", "/{**}/x", "{*}", "/a*", "*b"]
        {
            assert!(is_path(good), "{good}");
        }
        for bad in [
            "/{*}/foo/{bar}",
            "/{**}/{*}",
            "/{*}/*",
            "/{}/{*}",
            "/foo/{*}/**",
            "/{foo}",
            "/a{*}b",
            "/{**}.mpd",
        ] {
            assert!(!is_path(bad), "{bad}");
        }
    }
}
