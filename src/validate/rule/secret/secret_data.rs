//! A Secret with values does not belong into git.
//!
//! ## What
//!
//! An object of kind Secret has `data` or `stringData`, and its values are not encrypted by SOPS.
//!
//! ## Why
//!
//! Base64 is no encryption: whoever reads the repository, its forks and its caches reads the
//! values. waypost renders no Secret values at all; references to Secrets pass.
//!
//! ## Example
//!
//! ```yaml
//! apiVersion: v1
//! kind: Secret
//! metadata: {name: gateway-tls, namespace: ingress}
//! stringData:
//!   password: hunter2
//! ```
//!
//! ## Fix
//!
//! Keep the values where secrets are kept (External Secrets, Sealed Secrets, SOPS) and commit the
//! reference:
//!
//! ```yaml
//! apiVersion: external-secrets.io/v1
//! kind: ExternalSecret
//! metadata: {name: gateway-tls, namespace: ingress}
//! spec:
//!   secretStoreRef: {name: vault, kind: ClusterSecretStore}
//!   data: [{secretKey: password, remoteRef: {key: gateway}}]
//! ```
//!
//! ## Source
//!
//! facts/gitops-delivery.md 3.3.3, 8.3 (T10).

use super::super::Rule;
use super::super::input::{RuleInput, at};
use crate::diagnostic::{Diagnostic, Severity, Span};
use crate::k8s::Object;
use crate::yaml::{Entry, Node};

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "secret-data",
    severity: Severity::Error,
    summary: "a Secret with values does not belong into git",
    istio: None,
    source: include_str!("secret_data.rs"),
    check,
};

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    for secret in input.written.iter().filter(|o| o.gvk.is("", "Secret")) {
        // one finding for an object; the key says where, the value is shown by nobody
        if let Some(first) = values(secret).first() {
            found.push(
                Diagnostic::error(
                    RULE.code,
                    format!("{} holds values that are not encrypted", secret.reference()),
                )
                .at(first.key_span, "the value is not shown")
                .help("keep the value in a secret store or encrypt it with SOPS; and change it, it has been written down"),
            );
        }
    }
}

/// Where the values stand.
pub(super) fn value_spans(object: &Object) -> Vec<Span> {
    if !object.gvk.is("", "Secret") {
        return Vec::new();
    }
    values(object).iter().map(|entry| entry.value.span).collect()
}

/// Values that are there and readable: SOPS puts `ENC[…]` in their place.
fn values(secret: &Object) -> Vec<&Entry> {
    ["data", "stringData"]
        .into_iter()
        .filter_map(|key| at(&secret.body, &[key]).and_then(Node::as_mapping))
        .flat_map(|m| &m.entries)
        .filter(|e| {
            !e.value.is_null() && e.value.as_str().is_none_or(|v| !v.is_empty() && !is_encrypted(v))
        })
        .collect()
}

fn is_encrypted(value: &str) -> bool {
    value.starts_with("ENC[") && value.ends_with(']')
}
