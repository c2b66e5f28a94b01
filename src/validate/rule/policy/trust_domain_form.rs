//! `cluster.local` in a principal matches at a sidecar and not at ztunnel.
//!
//! ## What
//!
//! A policy without a target is bound to a workload that ztunnel captures, and a principal of it
//! begins with `cluster.local/` although the mesh's trust domain is another: the environment says
//! so, or other principals of the policies here name another.
//!
//! ## Why
//!
//! Envoy's configuration expands `cluster.local` to the local trust domain and its aliases; what
//! ztunnel gets is not expanded. After the migration an ALLOW admits nobody by this value, and a
//! DENY denies nobody.
//!
//! ## Example
//!
//! ```yaml
//! apiVersion: v1
//! kind: Namespace
//! metadata: {name: httpbin, labels: {istio.io/dataplane-mode: ambient}}
//! ---
//! apiVersion: security.istio.io/v1
//! kind: AuthorizationPolicy
//! metadata: {name: deny-client, namespace: httpbin}
//! spec:
//!   action: DENY
//!   rules:
//!   - from:
//!     - source:
//!         principals:
//!         - cluster.local/ns/client/sa/sleep
//!         - cp-1.tsb.local/ns/other/sa/sleep
//! ```
//!
//! ## Fix
//!
//! ```yaml
//! apiVersion: v1
//! kind: Namespace
//! metadata: {name: httpbin, labels: {istio.io/dataplane-mode: ambient}}
//! ---
//! apiVersion: security.istio.io/v1
//! kind: AuthorizationPolicy
//! metadata: {name: deny-client, namespace: httpbin}
//! spec:
//!   action: DENY
//!   rules:
//!   - from:
//!     - source:
//!         principals:
//!         - cp-1.tsb.local/ns/client/sa/sleep
//!         - cp-1.tsb.local/ns/other/sa/sleep
//! ```
//!
//! ## Source
//!
//! facts/istio-ambient.md §4.9; istio/ztunnel#1260; istio/istio
//! `pilot/pkg/security/trustdomain/bundle.go`.

use super::super::{Rule, RuleInput};
use super::reading::{policies, principals, rules};
use crate::diagnostic::{Diagnostic, Severity};

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "trust-domain-form",
    severity: Severity::Error,
    summary: "`cluster.local` in a principal matches at a sidecar and not at ztunnel",
    istio: None,
    source: include_str!("trust_domain_form.rs"),
    check,
};

/// What Envoy takes for the local trust domain, whatever that is.
const ALIAS: &str = "cluster.local";

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    let known = &input.settings.trust_domains;
    let other = if known.is_empty() {
        policies(input).flat_map(rules).flat_map(principals).find_map(|value| {
            let domain = trust_domain(value.as_str()?)?;
            (domain != ALIAS && !domain.contains('*')).then(|| domain.to_owned())
        })
    } else {
        known.first().filter(|_| known.iter().all(|d| d != ALIAS)).cloned()
    };
    let Some(other) = other else { return };
    for policy in policies(input).filter(|p| input.at_ztunnel(p).is_some()) {
        for value in rules(policy).iter().flat_map(principals) {
            let Some(text) = value.as_str() else { continue };
            if trust_domain(text) == Some(ALIAS) {
                let rest = text.trim_start_matches(ALIAS);
                // what other principals name may be a trust domain that the mesh trusts beside its own
                let finding = if known.is_empty() {
                    let said = format!("the principal `{text}` may match nobody at ztunnel");
                    Diagnostic::warning(RULE.code, said).at(
                        value.span,
                        format!("others name the trust domain `{other}`, and which is the mesh's is not known"),
                    )
                } else {
                    let said = format!("the principal `{text}` matches nobody at ztunnel");
                    Diagnostic::error(RULE.code, said)
                        .at(value.span, format!("the mesh's trust domain is `{other}`"))
                };
                let help = "or use `namespaces` or `serviceAccounts`";
                found.push(finding.help(format!("write `{other}{rest}`, {help}")));
            }
        }
    }
}

/// The first part of `domain/ns/namespace/…`.
fn trust_domain(principal: &str) -> Option<&str> {
    let (domain, rest) = principal.split_once('/')?;
    rest.starts_with("ns/").then_some(domain)
}
