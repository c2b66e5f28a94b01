//! `trustDomains` means nothing to ztunnel.
//!
//! ## What
//!
//! A policy without a target is bound to a workload that ztunnel captures, and a source of it names
//! `trustDomains` or `notTrustDomains`.
//!
//! ## Why
//!
//! The field exists since Istio 1.30 and Envoy reads it; what istiod sends to ztunnel has no place
//! for it. Beside other fields it is left out, so an ALLOW admits callers of every trust domain;
//! alone, the source never matches, so a DENY denies nothing.
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
//! metadata: {name: no-strangers, namespace: httpbin}
//! spec:
//!   action: DENY
//!   rules:
//!   - from:
//!     - source: {notTrustDomains: [cp-1.tsb.local]}
//! ```
//!
//! ## Fix
//!
//! Say it with principals, which carry the trust domain:
//!
//! ```yaml
//! apiVersion: security.istio.io/v1
//! kind: AuthorizationPolicy
//! metadata: {name: no-strangers, namespace: httpbin}
//! spec:
//!   action: DENY
//!   rules:
//!   - from:
//!     - source: {notPrincipals: [cp-1.tsb.local/*]}
//! ```
//!
//! ## Source
//!
//! facts/istio-ambient.md §4.4: seen on a real istiod, which reports such a policy as accepted.

use super::super::input::items;
use super::super::{Rule, RuleInput};
use super::reading::{TRUST_DOMAINS, action, is_at_ztunnel, policies, rules};
use crate::diagnostic::{Diagnostic, Severity};

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "trust-domains-ignored",
    severity: Severity::Error,
    summary: "`trustDomains` means nothing to ztunnel",
    istio: None,
    source: include_str!("trust_domains_ignored.rs"),
    check,
};

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    for policy in policies(input).filter(|p| is_at_ztunnel(input, p)) {
        if !matches!(action(policy), "ALLOW" | "DENY") {
            continue;
        }
        let sources = rules(policy).iter().flat_map(|r| items(r, &["from"]));
        for source in sources.filter_map(|f| f.get("source")) {
            let entries = source.as_mapping().map(|m| m.entries.as_slice()).unwrap_or_default();
            for entry in entries.iter().filter(|e| TRUST_DOMAINS.contains(&e.key.as_str())) {
                found.push(
                    Diagnostic::error(
                        RULE.code,
                        format!(
                            "`{}` of {} is ignored in ambient mode",
                            entry.key,
                            policy.reference()
                        ),
                    )
                    .at(entry.key_span, "ztunnel has no such field")
                    .help("use principals: they begin with the trust domain"),
                );
            }
        }
    }
}
