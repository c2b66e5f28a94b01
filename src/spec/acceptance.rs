//! `accept` of an Environment, and of the files of `waypost translate --accept`.

use serde::Deserialize;

use crate::diagnostic::Spanned;

/// A loss that the translation of one policy brings, who accepted it and why, and until when.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Acceptance {
    /// The kind of loss, as `pod-addresses`.
    pub kind: Spanned<String>,
    /// The policy's namespace.
    pub namespace: String,
    /// The policy's name.
    pub policy: String,
    /// Why it may be lost.
    pub reason: String,
    /// Who accepted it.
    pub owner: String,
    /// The last day on which it counts, as `2026-12-31`.
    pub expires: Spanned<String>,
}
