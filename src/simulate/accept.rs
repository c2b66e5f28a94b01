//! Would the API server take an AuthorizationPolicy, a PeerAuthentication, a RequestAuthentication? What
//! Istio's CRD and webhook refuse is not in force (facts/istio-ambient.md §7.6, §12.2;
//! istio/istio:pkg/config/validation/validation.go `ValidateAuthorizationPolicy`,
//! `ValidatePeerAuthentication`, `ValidateRequestAuthentication`).

use crate::diagnostic::{Diagnostic, Span};
use crate::k8s::{Labels, Object, TargetRef};

use super::matcher::IpBlock;
use super::options::Options;
use super::peer_authentication::PeerAuthentication;
use super::policy::{Action, Policy};
use super::raw;
use super::request_authentication::RequestAuthentication;
use super::taken::{has_port_of_digits, is_key_set, is_selected_label, is_timeout};
use super::version::Behaviour;
use super::ztunnel::port;

/// Why a policy is refused, and where.
type Refusal = (Span, String);

/// The first reason to refuse a policy, as a finding.
pub(super) fn refusal(policy: &Policy, object: &Object, options: &Options) -> Option<Diagnostic> {
    let (span, why) = reason(policy, object, options)?;
    Some(
        Diagnostic::error("policy-not-accepted", format!("{}: {why}", object.reference()))
            .at(span, "Istio refuses this, so the policy is taken as not in force"),
    )
}

/// The same of a PeerAuthentication: modes of single ports need a selector.
pub(super) fn peer_refusal(peer: &PeerAuthentication, object: &Object) -> Option<Diagnostic> {
    let without = peer.selector.is_none() && !peer.ports.is_empty();
    let why = without.then(|| "`portLevelMtls` requires a selector".to_owned());
    let why = why.or_else(|| peer.selector.as_ref().and_then(bad_selector));
    why.map(|why| not_accepted(object, &why))
}

/// The same of a RequestAuthentication.
pub(super) fn token_refusal(tokens: &RequestAuthentication, object: &Object) -> Option<Diagnostic> {
    let spec = &tokens.spec;
    let bindings = usize::from(spec.selector.is_some())
        + usize::from(spec.target_ref.is_some())
        + usize::from(!spec.target_refs.is_empty());
    if bindings > 1 {
        return Some(not_accepted(object, ONE_BINDING));
    }
    if let Some(why) = tokens.targets().find_map(bad_target) {
        return Some(not_accepted(object, &why));
    }
    let why = spec.selector.as_ref().and_then(bad_selector);
    let why = why.or_else(|| spec.jwt_rules.iter().find_map(bad_jwt_rule).map(str::to_owned));
    why.map(|why| not_accepted(object, &why))
}

/// `validateJwtRule`, and what the CRD says of texts that are empty and of durations.
fn bad_jwt_rule(rule: &raw::JwtRule) -> Option<&'static str> {
    match (rule.issuer.is_empty(), rule.jwks_uri.is_empty(), rule.jwks.is_empty()) {
        (true, true, _) => return Some("a rule needs an `issuer` or a `jwksUri`"),
        (_, false, false) => return Some("only one of `jwks` and `jwksUri` may be set"),
        _ => {}
    }
    let texts = [&rule.audiences, &rule.from_params, &rule.from_cookies];
    let is_empty = |texts: &Vec<String>| texts.iter().any(String::is_empty);
    if texts.into_iter().any(is_empty) || rule.from_headers.iter().any(|h| h.name.is_empty()) {
        return Some("an audience, a header, a parameter and a cookie have a name");
    }
    if !rule.jwks.is_empty() && !is_key_set(&rule.jwks) {
        return Some("`jwks` is not a JSON Web Key Set");
    }
    if !has_port_of_digits(&rule.jwks_uri) {
        return Some("the port in `jwksUri` is not a number");
    }
    let is_bad = rule.timeout.as_ref().is_some_and(|timeout| !is_timeout(timeout));
    is_bad.then_some("`timeout` is not a duration of at least 1ms")
}

fn bad_selector(selector: &raw::WorkloadSelector) -> Option<String> {
    let mut labels = selector.match_labels.iter().flatten();
    let (key, value) = labels.find(|(key, value)| !is_selected_label(key, value))?;
    Some(format!("`{key}: {value}` is not a label: a selector takes no wildcard"))
}

const ONE_BINDING: &str = "only one of `selector`, `targetRef` and `targetRefs` may be set";

fn not_accepted(object: &Object, why: &str) -> Diagnostic {
    Diagnostic::error("policy-not-accepted", format!("{}: {why}", object.reference()))
        .at(object.name_span(), "Istio refuses this, so it is taken as not in force")
}

fn reason(policy: &Policy, object: &Object, options: &Options) -> Option<Refusal> {
    let spec = &policy.spec;
    let here = policy.span;
    let at = |why: String| Some((here, why));
    let bindings = usize::from(spec.selector.is_some())
        + usize::from(spec.target_ref.is_some())
        + usize::from(!spec.target_refs.is_empty());
    if bindings > 1 {
        return at(ONE_BINDING.into());
    }
    if let Some(why) = policy.targets().find_map(bad_target) {
        return at(why);
    }
    if let Some(why) = spec.selector.as_ref().and_then(bad_selector) {
        return at(why);
    }
    match (policy.action, policy.provider.is_empty(), spec.rules.is_empty()) {
        (Action::Custom, true, _) => return at("action `CUSTOM` needs `provider.name`".into()),
        (Action::Custom, _, true) => return at("action `CUSTOM` needs rules".into()),
        (Action::Deny, _, true) => {
            return at("action `DENY` without rules does nothing, and is not taken".into());
        }
        (action, false, _) if action != Action::Custom => {
            return at(format!("`provider` goes with `CUSTOM`, not with `{}`", action.as_str()));
        }
        _ => {}
    }
    if let Some(why) = bad_dry_run(policy, &object.annotations) {
        return at(why);
    }
    spec.rules.iter().find_map(|rule| {
        let written = rule.value.as_ref()?;
        Some((rule.span, bad_rule(written, policy.action, options)?))
    })
}

/// Takes out what the API server drops: fields that the CRD of this release does not have
/// (facts/istio-ambient.md §9.2, §12.3).
pub(super) fn prune(policy: &mut Policy, options: &Options) {
    let accounts = options.does(Behaviour::SourceServiceAccounts);
    let domains = options.does(Behaviour::SourceTrustDomains);
    if accounts && domains {
        return;
    }
    let rules = policy.spec.rules.iter_mut().filter_map(|rule| rule.value.as_mut());
    for source in rules.flat_map(|rule| &mut rule.from).map(|from| &mut from.source) {
        if !accounts {
            source.service_accounts.clear();
            source.not_service_accounts.clear();
        }
        if !domains {
            source.trust_domains.clear();
            source.not_trust_domains.clear();
        }
    }
}

fn is_too_new(key: &str, options: &Options) -> bool {
    match key {
        "source.serviceAccount" => !options.does(Behaviour::SourceServiceAccounts),
        "source.trustDomain" => !options.does(Behaviour::SourceTrustDomains),
        _ => false,
    }
}

fn bad_target(target: &TargetRef) -> Option<String> {
    let known = matches!(
        (target.group.as_str(), target.kind.as_str()),
        ("" | "core", "Service")
            | ("networking.istio.io", "ServiceEntry")
            | ("gateway.networking.k8s.io", "Gateway" | "GatewayClass")
    );
    if !known {
        return Some(format!(
            "a target of kind `{}` in group `{}` is not supported",
            target.kind, target.group
        ));
    }
    if target.name.is_empty() {
        return Some("a target needs a name".into());
    }
    if target.namespace.as_ref().is_some_and(|n| !n.is_empty()) {
        return Some("a target must not name a namespace".into());
    }
    None
}

fn bad_dry_run(policy: &Policy, annotations: &Labels) -> Option<String> {
    let value = annotations.get("istio.io/dry-run")?;
    let words = ["0", "f", "F", "false", "FALSE", "False"];
    if !policy.dry_run && !words.contains(&value.as_str()) {
        return Some(format!("`istio.io/dry-run` is `{value}`, which is no boolean"));
    }
    let action = policy.action;
    let only = matches!(action, Action::Allow | Action::Deny);
    (!only).then(|| format!("`istio.io/dry-run` does not go with `{}`", action.as_str()))
}

fn bad_rule(rule: &raw::Rule, action: Action, options: &Options) -> Option<String> {
    rule.from
        .iter()
        .find_map(|from| bad_source(&from.source, action))
        .or_else(|| rule.to.iter().find_map(|to| bad_operation(&to.operation)))
        .or_else(|| rule.when.iter().find_map(|condition| bad_condition(condition, options)))
}

type Field<'a> = (&'static str, &'a [String]);

fn bad_source(s: &raw::Source, action: Action) -> Option<String> {
    let fields: [Field<'_>; 14] = [
        ("principals", &s.principals),
        ("notPrincipals", &s.not_principals),
        ("requestPrincipals", &s.request_principals),
        ("notRequestPrincipals", &s.not_request_principals),
        ("namespaces", &s.namespaces),
        ("notNamespaces", &s.not_namespaces),
        ("serviceAccounts", &s.service_accounts),
        ("notServiceAccounts", &s.not_service_accounts),
        ("trustDomains", &s.trust_domains),
        ("notTrustDomains", &s.not_trust_domains),
        ("ipBlocks", &s.ip_blocks),
        ("notIpBlocks", &s.not_ip_blocks),
        ("remoteIpBlocks", &s.remote_ip_blocks),
        ("notRemoteIpBlocks", &s.not_remote_ip_blocks),
    ];
    if let Some(why) = bad_fields("source", &fields) {
        return Some(why);
    }
    let set = |range: std::ops::Range<usize>| {
        fields[range].iter().find(|(_, values)| !values.is_empty()).map(|(name, _)| *name)
    };
    if action == Action::Custom
        && let Some(name) = set(0..10)
    {
        return Some(format!("`{name}` does not go with `CUSTOM`"));
    }
    if let (Some(name), Some(other)) = (set(6..8), set(0..2).or(set(4..6))) {
        return Some(format!("`{name}` does not go together with `{other}`"));
    }
    let accounts = [&s.service_accounts, &s.not_service_accounts];
    if let Some(why) = accounts.into_iter().find_map(|list| bad_accounts(list.iter())) {
        return Some(why);
    }
    let blocks = fields[10..].iter().flat_map(|(_, values)| *values);
    bad_block(blocks)
}

fn bad_operation(o: &raw::Operation) -> Option<String> {
    let fields: [Field<'_>; 8] = [
        ("hosts", &o.hosts),
        ("notHosts", &o.not_hosts),
        ("ports", &o.ports),
        ("notPorts", &o.not_ports),
        ("methods", &o.methods),
        ("notMethods", &o.not_methods),
        ("paths", &o.paths),
        ("notPaths", &o.not_paths),
    ];
    bad_fields("operation", &fields)
        .or_else(|| bad_port(o.ports.iter().chain(&o.not_ports)))
        .or_else(|| o.paths.iter().chain(&o.not_paths).find_map(|p| bad_path(p)))
}

fn bad_fields(what: &str, fields: &[Field<'_>]) -> Option<String> {
    if fields.iter().all(|(_, values)| values.is_empty()) {
        return Some(format!("an empty `{what}` is not taken"));
    }
    let empty = fields.iter().find(|(_, values)| values.iter().any(String::is_empty));
    empty.map(|(name, _)| format!("`{name}` holds an empty text"))
}

fn bad_port<'a>(mut values: impl Iterator<Item = &'a String>) -> Option<String> {
    let bad = values.find(|v| port(v).is_none())?;
    Some(format!("`{bad}` is not a port"))
}

/// istio/istio:pkg/config/security/security.go `CheckServiceAccount`.
fn bad_accounts<'a>(mut values: impl ExactSizeIterator<Item = &'a String>) -> Option<String> {
    if values.len() > 16 {
        return Some("more than 16 service accounts are not taken".into());
    }
    values.find_map(|value| {
        if value.contains('*') {
            return Some(format!("`{value}` is not a service account: wildcards are not taken"));
        }
        let parts: Vec<&str> = value.split('/').collect();
        let bad = parts.len() > 2 || parts.iter().any(|p| p.is_empty()) || value.len() > 320;
        bad.then(|| format!("`{value}` is neither `account` nor `namespace/account`"))
    })
}

fn bad_block<'a>(mut values: impl Iterator<Item = &'a String>) -> Option<String> {
    let bad = values.find(|v| IpBlock::parse(v).is_none())?;
    Some(format!("`{bad}` is neither an address nor a block of addresses"))
}

/// istio/istio:pkg/config/security/security.go `CheckValidPathTemplate`.
fn bad_path(path: &str) -> Option<String> {
    let is_template = path.contains("{*}") || path.contains("{**}");
    let refused = |why: &str| Some(format!("path `{path}` is not supported: {why}"));
    let mut rest = false;
    for segment in path.trim_matches('/').split('/') {
        match segment {
            "{*}" | "{**}" if rest => return refused("`{**}` must be the last operator"),
            "{**}" => rest = true,
            "{*}" => {}
            other if other.contains(['{', '}']) => {
                return refused("braces are for `{*}` and `{**}` as whole segments");
            }
            other if is_template && !is_literal(other) => {
                return refused("a template's other segments must be plain text");
            }
            _ => {}
        }
    }
    None
}

fn is_literal(segment: &str) -> bool {
    !segment.is_empty()
        && segment.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%!$&'()+,;:@=".contains(&b))
}

fn bad_condition(c: &raw::Condition, options: &Options) -> Option<String> {
    if c.key.is_empty() {
        return Some("a condition needs a `key`".into());
    }
    if c.values.is_empty() && c.not_values.is_empty() {
        return Some(format!("condition `{}` needs `values` or `notValues`", c.key));
    }
    let all = || c.values.iter().chain(&c.not_values);
    if all().any(String::is_empty) {
        return Some(format!("condition `{}` holds an empty text", c.key));
    }
    match c.key.as_str() {
        "source.ip" | "remote.ip" | "destination.ip" => bad_block(all()),
        "destination.port" => bad_port(all()),
        key if is_too_new(key, options) => {
            Some(format!("condition `{key}` is not known to Istio {}", options.istio))
        }
        "source.serviceAccount" => {
            bad_accounts(c.values.iter()).or_else(|| bad_accounts(c.not_values.iter()))
        }
        "source.namespace"
        | "source.principal"
        | "source.trustDomain"
        | "request.auth.principal"
        | "request.auth.audiences"
        | "request.auth.presenter"
        | "connection.sni" => None,
        key if is_indexed(key, "request.headers")
            || is_indexed(key, "request.auth.claims")
            || key.starts_with("experimental.envoy.filters.") =>
        {
            None
        }
        key => Some(format!("condition `{key}` is not known")),
    }
}

/// `name[…]`, with something between the brackets.
fn is_indexed(key: &str, name: &str) -> bool {
    key.strip_prefix(name)
        .is_some_and(|rest| rest.len() > 2 && rest.starts_with('[') && rest.ends_with(']'))
}

/// Path templates without a leading slash pass the webhook and end the proxy that gets them
/// (facts/envoy.md, `t:{*}`).
pub(super) fn deadly_paths(policy: &Policy, object: &Object) -> Vec<Diagnostic> {
    let paths = |rule: &raw::Rule| -> Vec<String> {
        let operations = rule.to.iter().map(|to| &to.operation);
        operations
            .flat_map(|o| o.paths.iter().chain(&o.not_paths))
            .filter(|p| (p.contains("{*}") || p.contains("{**}")) && !p.starts_with('/'))
            .cloned()
            .collect()
    };
    let rules = policy.spec.rules.iter();
    rules
        .filter_map(|rule| Some((rule.span, paths(rule.value.as_ref()?))))
        .flat_map(|(span, paths)| paths.into_iter().map(move |path| (span, path)))
        .map(|(span, path)| {
            Diagnostic::error(
                "path-template-without-slash",
                format!(
                    "path template `{path}` of {} does not start with a slash",
                    object.reference()
                ),
            )
            .at(span, "Istio takes this, and Envoy ends when it loads it")
            .help(format!("write `/{path}`"))
        })
        .collect()
}
