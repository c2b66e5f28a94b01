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
use super::super::input::RuleInput;
use super::place::values;
use crate::diagnostic::{Diagnostic, Severity};

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
        let entries = secret.body.as_mapping().into_iter().flat_map(values);
        if let Some(first) = entries.into_iter().next() {
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
