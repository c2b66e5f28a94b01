//! `accept` of an Environment, and of the files of `waypost translate --accept`.

use serde::Deserialize;

use crate::diagnostic::Spanned;

/// What the translation of policies brings and somebody accepted, why, and until when: a loss of one policy,
/// or that one caller gains access to one destination.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Acceptance {
    /// The kind of loss, as `pod-addresses`; or `gain`.
    pub kind: Spanned<String>,
    /// Of a loss: the policy's namespace.
    pub namespace: Option<String>,
    /// Of a loss: the policy's name.
    pub policy: Option<String>,
    /// Of a gain: the caller, as reports name it.
    pub from: Option<String>,
    /// Of a gain: the destination, as reports name it.
    pub to: Option<String>,
    /// Why it is right.
    pub reason: String,
    /// Who accepted it.
    pub owner: String,
    /// The last day on which it counts, as `2026-12-31`.
    pub expires: Spanned<String>,
}
