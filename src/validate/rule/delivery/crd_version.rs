//! A Gateway API definition that is too old for Istio to read.
//!
//! ## What
//!
//! A CustomResourceDefinition of the Gateway API says a `bundle-version` below the one from which
//! Istio reads the kind: GRPCRoute 1.1, BackendTLSPolicy 1.4, TLSRoute 1.5, TCPRoute 1.6.
//!
//! ## Why
//!
//! Istio leaves a kind out whose definition is older, without a word in the object's status: routes
//! and TLS settings are taken by the API server and have no effect.
//!
//! ## Example
//!
//! ```yaml
//! apiVersion: apiextensions.k8s.io/v1
//! kind: CustomResourceDefinition
//! metadata:
//!   name: grpcroutes.gateway.networking.k8s.io
//!   annotations: {gateway.networking.k8s.io/bundle-version: v1.0.0}
//! ```
//!
//! ## Fix
//!
//! ```yaml
//! apiVersion: apiextensions.k8s.io/v1
//! kind: CustomResourceDefinition
//! metadata:
//!   name: grpcroutes.gateway.networking.k8s.io
//!   annotations: {gateway.networking.k8s.io/bundle-version: v1.4.1}
//! ```
//!
//! ## Source
//!
//! facts/gitops-delivery.md 9.1.3, 8.3 (T22); facts/istio-ambient.md §9.1, §11 (IST0176).

use super::super::Rule;
use super::super::input::{RuleInput, at};
use crate::diagnostic::{Diagnostic, Severity};

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "crd-version",
    severity: Severity::Warning,
    summary: "a definition of the Gateway API is too old for Istio to read",
    istio: Some("IST0176"),
    source: include_str!("crd_version.rs"),
    check,
};

const BUNDLE_VERSION: &str = "gateway.networking.k8s.io/bundle-version";
/// From which release of the Gateway API Istio reads a kind.
const READ_FROM: [(&str, (u32, u32)); 4] = [
    ("grpcroutes.gateway.networking.k8s.io", (1, 1)),
    ("backendtlspolicies.gateway.networking.k8s.io", (1, 4)),
    ("tlsroutes.gateway.networking.k8s.io", (1, 5)),
    ("tcproutes.gateway.networking.k8s.io", (1, 6)),
];

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    for definition in input.of("apiextensions.k8s.io", "CustomResourceDefinition") {
        let Some((_, least)) = READ_FROM.iter().find(|(name, _)| *name == definition.name) else {
            continue;
        };
        let Some(written) = definition.annotations.get(BUNDLE_VERSION) else { continue };
        let Some(version) = release(written).filter(|version| version < least) else { continue };
        let span = at(&definition.body, &["metadata", "annotations", BUNDLE_VERSION])
            .map_or(definition.name_span(), |n| n.span);
        let ((is, was), (least, from)) = (version, least);
        found.push(
            Diagnostic::warning(
                RULE.code,
                format!("Istio does not read `{}` of release {is}.{was}", definition.name),
            )
            .at(span, format!("it reads the kind from {least}.{from} on"))
            .help(format!("install the definitions of Gateway API {least}.{from} or later")),
        );
    }
}

/// Major and minor of `v1.4.1` or `v1.4.0-rc.1`.
fn release(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.strip_prefix('v').unwrap_or(text).split(['.', '-']);
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}
