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

use super::super::{Rule, RuleInput};
use super::attributes::Unseen;
use super::reading::{action, policies, rules};
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
    for policy in policies(input).filter(|p| matches!(action(p), "ALLOW" | "DENY")) {
        if input.at_ztunnel(policy).is_none() {
            continue;
        }
        for attribute in rules(policy).iter().flat_map(|rule| Unseen::of(rule).passed_over) {
            found.push(
                Diagnostic::error(
                    RULE.code,
                    format!(
                        "`{}` of {} is ignored in ambient mode",
                        attribute.name,
                        policy.reference()
                    ),
                )
                .at(attribute.span, "ztunnel has no such field")
                .help("use principals: they begin with the trust domain"),
            );
        }
    }
}
