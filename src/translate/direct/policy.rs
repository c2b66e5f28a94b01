//! `security.istio.io` policies as they are written: read whole, changed in part, written again.
//!
//! A field that is not known here would be lost on the way: it is an error.

use serde::{Deserialize, Deserializer, Serialize};

use crate::k8s::{Labels, TargetRef};

/// `spec` of an AuthorizationPolicy (istio/api `security/v1beta1/authorization_policy.proto`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(super) struct Authorization {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<Selector>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_ref: Option<TargetRef>,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub target_refs: Vec<TargetRef>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<Provider>,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
}

impl Authorization {
    /// What it does with a request that a rule matches.
    pub fn action(&self) -> Action {
        self.action.unwrap_or(Action::Allow)
    }

    /// Does it select all pods?
    pub fn is_wide(&self) -> bool {
        self.selector.as_ref().is_none_or(|selector| selector.match_labels.is_empty())
    }

    /// Is it bound to objects by name?
    pub fn has_targets(&self) -> bool {
        self.targets().next().is_some()
    }

    /// The objects that it is bound to.
    pub fn targets(&self) -> impl Iterator<Item = &TargetRef> {
        self.target_ref.iter().chain(&self.target_refs)
    }
}

/// `action`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Action {
    Allow,
    Deny,
    Audit,
    Custom,
}

/// `selector`, of all kinds of policies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(super) struct Selector {
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Labels::is_empty")]
    pub match_labels: Labels,
}

impl Selector {
    /// Does it select pods with these labels?
    pub fn selects(&self, labels: &Labels) -> bool {
        self.match_labels.iter().all(|(key, value)| labels.get(key) == Some(value))
    }
}

/// `provider`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Provider {
    pub name: String,
}

/// One of `rules`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Rule {
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub from: Vec<From>,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<To>,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<Condition>,
}

/// One of `from`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct From {
    pub source: Source,
}

/// One of `to`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct To {
    pub operation: Operation,
}

macro_rules! lists {
    ($(#[$of:meta])* $name:ident { $($field:ident),* $(,)? }) => {
        $(#[$of])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
        #[serde(rename_all = "camelCase", default, deny_unknown_fields)]
        pub(super) struct $name {
            $(
                #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
                pub $field: Vec<String>,
            )*
        }
    };
}

lists! {
    /// `source`: all of its fields must hold.
    Source {
        principals, not_principals, request_principals, not_request_principals, namespaces,
        not_namespaces, service_accounts, not_service_accounts, trust_domains, not_trust_domains,
        ip_blocks, not_ip_blocks, remote_ip_blocks, not_remote_ip_blocks,
    }
}

impl Source {
    /// May it be somebody with this identity, `domain/ns/NAMESPACE/sa/ACCOUNT`? Addresses and tokens may be
    /// anybody's, and `cluster.local` is the mesh's own trust domain.
    pub fn may_be(&self, principal: &str) -> bool {
        let Some((_, rest)) = principal.split_once('/') else { return true };
        let mut parts = rest.split('/');
        let (namespace, account) =
            (parts.nth(1).unwrap_or_default(), parts.nth(1).unwrap_or_default());
        let own = format!("cluster.local/{rest}");
        let is_one = |pattern: &String| is_like(pattern, principal) || is_like(pattern, &own);
        let is_account = |wanted: &String| {
            let (of, name) = wanted.split_once('/').unwrap_or((namespace, wanted));
            of == namespace && name == account
        };
        let is_any = |wanted: &[String], is: &dyn Fn(&String) -> bool| {
            wanted.is_empty() || wanted.iter().any(is)
        };
        is_any(&self.principals, &is_one)
            && is_any(&self.namespaces, &|pattern| is_like(pattern, namespace))
            && is_any(&self.service_accounts, &is_account)
            && !self.not_principals.iter().any(|pattern| is_like(pattern, principal))
            && !self.not_namespaces.iter().any(|pattern| is_like(pattern, namespace))
    }
}

/// Does a pattern of Istio match: whole, or with `*` at one end?
fn is_like(pattern: &str, text: &str) -> bool {
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(end), _) => text.ends_with(end),
        (_, Some(start)) => text.starts_with(start),
        _ => text == pattern,
    }
}

lists! {
    /// `operation`: all of its fields must hold.
    Operation { hosts, not_hosts, ports, not_ports, methods, not_methods, paths, not_paths }
}

/// One of `when`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(super) struct Condition {
    pub key: String,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub not_values: Vec<String>,
}

/// What of a RequestAuthentication, an EnvoyFilter, a WasmPlugin or a Sidecar says which pods it is about;
/// the rest stays as it is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Attachment {
    pub selector: Option<Selector>,
    pub target_ref: Option<TargetRef>,
    #[serde(deserialize_with = "or_default")]
    pub target_refs: Vec<TargetRef>,
    /// EnvoyFilter and Sidecar.
    pub workload_selector: Option<WorkloadSelector>,
}

/// `workloadSelector` of EnvoyFilter and Sidecar.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WorkloadSelector {
    #[serde(deserialize_with = "or_default")]
    pub labels: Labels,
}

impl Attachment {
    /// Is it about pods with these labels?
    pub fn selects(&self, labels: &Labels) -> bool {
        let selected = |wanted: &Labels| wanted.iter().all(|(k, v)| labels.get(k) == Some(v));
        self.selector.as_ref().is_none_or(|s| s.selects(labels))
            && self.workload_selector.as_ref().is_none_or(|s| selected(&s.labels))
    }

    /// Is it bound to objects by name?
    pub fn has_targets(&self) -> bool {
        self.targets().next().is_some()
    }

    /// The objects that it is bound to.
    pub fn targets(&self) -> impl Iterator<Item = &TargetRef> {
        self.target_ref.iter().chain(&self.target_refs)
    }
}

/// `null` is the default, as the API server has it.
pub(super) fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    input: D,
) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(input)?.unwrap_or_default())
}
