//! `security.istio.io` AuthorizationPolicy.

use serde::Deserialize;

use super::{WorkloadSelector, or_default};
use crate::diagnostic::Spanned;
use crate::k8s::TargetRef;

/// `spec` of an AuthorizationPolicy.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AuthorizationPolicy {
    /// Pods it holds for.
    pub selector: Option<WorkloadSelector>,
    /// The one thing it holds for.
    pub target_ref: Option<TargetRef>,
    /// The things it holds for.
    #[serde(deserialize_with = "or_default")]
    pub target_refs: Vec<TargetRef>,
    /// `ALLOW` where absent.
    pub action: Option<Spanned<String>>,
    /// Who answers for CUSTOM.
    pub provider: Option<Provider>,
    /// The rules; a `null` among them is skipped by istiod.
    #[serde(deserialize_with = "or_default")]
    pub rules: Vec<Spanned<Option<Rule>>>,
}

/// `provider`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Provider {
    /// Its name in the mesh configuration.
    #[serde(default)]
    pub name: String,
}

/// One rule: some source, and some operation, and all conditions.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Rule {
    /// Sources, one of which must hold.
    #[serde(deserialize_with = "or_default")]
    pub from: Vec<RuleFrom>,
    /// Operations, one of which must hold.
    #[serde(deserialize_with = "or_default")]
    pub to: Vec<RuleTo>,
    /// Conditions that must all hold.
    #[serde(deserialize_with = "or_default")]
    pub when: Vec<Condition>,
}

/// An entry of `from`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct RuleFrom {
    /// The source.
    #[serde(default, deserialize_with = "or_default")]
    pub source: Source,
}

/// An entry of `to`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct RuleTo {
    /// The operation.
    #[serde(default, deserialize_with = "or_default")]
    pub operation: Operation,
}

/// `source`: all fields must hold.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(missing_docs, reason = "the fields are those of the API")]
pub struct Source {
    #[serde(deserialize_with = "or_default")]
    pub principals: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub not_principals: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub request_principals: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub not_request_principals: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub namespaces: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub not_namespaces: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub service_accounts: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub not_service_accounts: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub trust_domains: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub not_trust_domains: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub ip_blocks: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub not_ip_blocks: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub remote_ip_blocks: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub not_remote_ip_blocks: Vec<String>,
}

/// `operation`: all fields must hold.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(missing_docs, reason = "the fields are those of the API")]
pub struct Operation {
    #[serde(deserialize_with = "or_default")]
    pub hosts: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub not_hosts: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub ports: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub not_ports: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub methods: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub not_methods: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub paths: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub not_paths: Vec<String>,
}

/// An entry of `when`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Condition {
    /// The attribute.
    pub key: String,
    /// One of these must hold, where there are any.
    #[serde(deserialize_with = "or_default")]
    pub values: Vec<String>,
    /// None of these may hold.
    #[serde(deserialize_with = "or_default")]
    pub not_values: Vec<String>,
}
