//! A principal with `spiffe://` in front matches nobody.
//!
//! ## What
//!
//! A value of `principals`, `notPrincipals` or `source.principal` begins with `spiffe://`.
//!
//! ## Why
//!
//! Identities are compared without the scheme, at ztunnel as at Envoy, which puts it in front
//! itself. An ALLOW admits nobody by such a value, a DENY denies nobody, and a `notPrincipals`
//! excludes nobody.
//!
//! ## Example
//!
//! ```yaml
//! apiVersion: security.istio.io/v1
//! kind: AuthorizationPolicy
//! metadata: {name: allow-client, namespace: httpbin}
//! spec:
//!   rules:
//!   - from:
//!     - source: {principals: [spiffe://cp-1.tsb.local/ns/client/sa/sleep]}
//! ```
//!
//! ## Fix
//!
//! ```yaml
//! apiVersion: security.istio.io/v1
//! kind: AuthorizationPolicy
//! metadata: {name: allow-client, namespace: httpbin}
//! spec:
//!   rules:
//!   - from:
//!     - source: {principals: [cp-1.tsb.local/ns/client/sa/sleep]}
//! ```
//!
//! ## Source
//!
//! facts/istio-ambient.md §4.9; istio/ztunnel#1901.

use super::super::{Rule, RuleInput};
use super::reading::{policies, principals, rules};
use crate::diagnostic::{Diagnostic, Severity};

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "spiffe-prefix",
    severity: Severity::Error,
    summary: "a principal with `spiffe://` in front matches nobody",
    istio: None,
    source: include_str!("spiffe_prefix.rs"),
    check,
};

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    for policy in policies(input) {
        for value in rules(policy).iter().flat_map(principals) {
            let Some(text) = value.as_str() else { continue };
            if let Some(right) = text.strip_prefix("spiffe://") {
                found.push(
                    Diagnostic::error(RULE.code, format!("the principal `{text}` matches nobody"))
                        .at(value.span, "identities are compared without the scheme")
                        .help(format!("write `{right}`")),
                );
            }
        }
    }
}
