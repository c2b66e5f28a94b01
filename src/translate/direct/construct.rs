//! What a rule needs in order to be decided (facts/translation.md, section 2): which of its fields ztunnel
//! reads, which a waypoint, and which neither.

use std::collections::BTreeSet;

use super::policy::{Condition, Rule, Source};
use super::reason::Reason;

/// Who can decide what a rule says.
#[derive(Clone, Debug, Default)]
pub(super) struct Needs {
    /// Fields that only an Envoy reads: reasons why ztunnel cannot decide it.
    pub envoy: BTreeSet<Reason>,
    /// Fields that mean something else at a waypoint: reasons why it cannot decide it.
    pub not_waypoint: BTreeSet<Reason>,
    /// Fields that mean the same to nobody else than the sidecar.
    pub sidecar_only: BTreeSet<Reason>,
}

/// What a rule needs. Trust domains are told apart by [`super::ztunnel`].
pub(super) fn needs(rule: &Rule) -> Needs {
    let mut needs = Needs::default();
    for source in rule.from.iter().map(|from| &from.source) {
        source_needs(source, &mut needs);
    }
    for operation in rule.to.iter().map(|to| &to.operation) {
        let texts = [
            &operation.hosts,
            &operation.not_hosts,
            &operation.methods,
            &operation.not_methods,
            &operation.paths,
            &operation.not_paths,
        ];
        if texts.iter().any(|values| !values.is_empty()) {
            needs.envoy.insert(Reason::HttpAttributes);
        }
        let paths = operation.paths.iter().chain(&operation.not_paths);
        if paths.into_iter().any(|path| is_template(path) && !path.starts_with('/')) {
            needs.sidecar_only.insert(Reason::PathTemplateCrash);
        }
    }
    for condition in &rule.when {
        condition_needs(condition, &mut needs);
    }
    needs
}

/// `{*}` or `{**}` somewhere: Envoy's URI template, which ends the proxy where it has no leading slash
/// (facts/envoy.md; Istio's webhook lets it pass).
fn is_template(path: &str) -> bool {
    path.contains("{*}") || path.contains("{**}")
}

fn source_needs(source: &Source, needs: &mut Needs) {
    let http = [
        &source.request_principals,
        &source.not_request_principals,
        &source.remote_ip_blocks,
        &source.not_remote_ip_blocks,
    ];
    if http.iter().any(|values| !values.is_empty()) {
        needs.envoy.insert(Reason::HttpAttributes);
    }
    if !source.ip_blocks.is_empty() || !source.not_ip_blocks.is_empty() {
        needs.not_waypoint.insert(Reason::IpBlocks);
    }
    let identities = [
        &source.principals,
        &source.not_principals,
        &source.namespaces,
        &source.not_namespaces,
        &source.service_accounts,
        &source.not_service_accounts,
    ];
    if identities.iter().any(|values| values.iter().any(|value| has_inner_wildcard(value))) {
        needs.envoy.insert(Reason::InnerWildcard);
    }
    let beside = !source.service_accounts.is_empty() || !source.not_service_accounts.is_empty();
    let domains = !source.trust_domains.is_empty() || !source.not_trust_domains.is_empty();
    if domains && beside {
        needs.sidecar_only.insert(Reason::TrustDomainsRewritten);
    }
}

/// A `*` that is neither first nor last: literal to ztunnel (facts/ztunnel.md, "Matching").
fn has_inner_wildcard(value: &str) -> bool {
    let trimmed = value.strip_prefix('*').unwrap_or(value);
    trimmed.strip_suffix('*').unwrap_or(trimmed).contains('*')
        || (value.len() > 1 && value.starts_with('*') && value.ends_with('*'))
}

/// Istio's attributes (istio/istio `pilot/pkg/security/authz/model/model.go` `New`).
fn condition_needs(condition: &Condition, needs: &mut Needs) {
    match condition.key.as_str() {
        "source.principal" | "source.namespace" => {
            let values = condition.values.iter().chain(&condition.not_values);
            if values.into_iter().any(|value| has_inner_wildcard(value)) {
                needs.envoy.insert(Reason::InnerWildcard);
            }
        }
        // as fields of `from` where that is the same: see `ztunnel`
        "source.serviceAccount" | "source.trustDomain" | "destination.port" => {}
        "source.ip" => {
            needs.not_waypoint.insert(Reason::IpBlocks);
        }
        "destination.ip" => {
            needs.not_waypoint.insert(Reason::DestinationIp);
        }
        "connection.sni" => {
            needs.sidecar_only.insert(Reason::Sni);
        }
        key if key.starts_with("experimental.envoy.filters.") => {
            needs.sidecar_only.insert(Reason::FilterMetadata);
        }
        key if is_header(key, "x-forwarded-client-cert") => {
            needs.sidecar_only.insert(Reason::SidecarHeader);
        }
        _ => {
            needs.envoy.insert(Reason::HttpAttributes);
        }
    }
}

fn is_header(key: &str, name: &str) -> bool {
    key.strip_prefix("request.headers[")
        .and_then(|rest| rest.strip_suffix(']'))
        .is_some_and(|header| header.eq_ignore_ascii_case(name))
}
