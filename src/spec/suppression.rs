//! `suppress` of an Environment.

use serde::Deserialize;

use crate::diagnostic::Spanned;

/// Findings of a lint that are let stand for a reason, until a day.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Suppression {
    /// The lint.
    pub code: Spanned<String>,
    /// Only in this cluster.
    pub cluster: Option<String>,
    /// Only for objects of this kind.
    pub kind: Option<String>,
    /// Only for objects of this namespace, and for the Namespace itself.
    pub namespace: Option<String>,
    /// Only for objects of this name.
    pub name: Option<String>,
    /// Why it is let stand.
    pub reason: String,
    /// The last day on which it is, as `2026-12-31`.
    pub expires: Spanned<String>,
}
