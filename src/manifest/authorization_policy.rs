//! `security.istio.io/v1` AuthorizationPolicy.

use serde::{Serialize, Serializer};

use super::Metadata;
use crate::k8s::{Labels, TargetRef};
use crate::model::Principal;

/// Who may call what it is attached to: the workloads of its namespace, those of `selector`, or
/// what `target_ref` names; never two of them (facts/istio-ambient.md §4.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuthorizationPolicy {
    /// Metadata.
    pub metadata: Metadata,
    /// `None` is ALLOW, as TSB writes it (facts/tsb.md, "Bodies known").
    pub action: Option<Action>,
    /// Labels of the pods it is attached to.
    pub selector: Labels,
    /// The object it is attached to.
    pub target_ref: Option<TargetRef>,
    /// Any of them matches. None: an ALLOW matches nobody, so that everyone is denied.
    pub rules: Vec<Rule>,
}

/// What a match means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Action {
    /// Let it through.
    Allow,
    /// Refuse it, before any ALLOW is asked.
    Deny,
}

/// One rule: any of its sources.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// Sources.
    pub from: Vec<Source>,
}

/// Callers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Source {
    /// Any of these, sorted, without `spiffe://`.
    #[serde(serialize_with = "as_texts")]
    pub principals: Vec<Principal>,
    /// None of these, sorted.
    #[serde(serialize_with = "as_texts")]
    pub not_principals: Vec<Principal>,
}

fn as_texts<S: Serializer>(principals: &[Principal], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(principals.iter().map(ToString::to_string))
}
