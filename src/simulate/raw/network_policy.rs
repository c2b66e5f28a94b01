//! `networking.k8s.io` NetworkPolicy.

use serde::Deserialize;

use super::{IntOrText, or_default};
use crate::k8s::LabelSelector;

/// `spec` of a NetworkPolicy.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NetworkPolicy {
    /// Pods it isolates.
    #[serde(deserialize_with = "or_default")]
    pub pod_selector: LabelSelector,
    /// `Ingress`, `Egress`; derived where absent.
    pub policy_types: Option<Vec<String>>,
    /// What may come in.
    #[serde(deserialize_with = "or_default")]
    pub ingress: Vec<NetworkPolicyRule>,
    /// What may go out.
    #[serde(deserialize_with = "or_default")]
    pub egress: Vec<NetworkPolicyRule>,
}

impl NetworkPolicy {
    /// True when the pods it selects are isolated for what comes in: always, unless the types say
    /// otherwise.
    pub fn isolates_ingress(&self) -> bool {
        self.policy_types.as_ref().is_none_or(|t| t.iter().any(|t| t == "Ingress"))
    }

    /// True when they are isolated for what goes out.
    pub fn isolates_egress(&self) -> bool {
        match &self.policy_types {
            Some(types) => types.iter().any(|t| t == "Egress"),
            None => !self.egress.is_empty(),
        }
    }
}

/// One rule: some peer, on some port.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct NetworkPolicyRule {
    /// Peers of an ingress rule; none means everyone.
    #[serde(deserialize_with = "or_default")]
    pub from: Vec<NetworkPolicyPeer>,
    /// Peers of an egress rule; none means everyone.
    #[serde(deserialize_with = "or_default")]
    pub to: Vec<NetworkPolicyPeer>,
    /// Ports; none means all.
    #[serde(deserialize_with = "or_default")]
    pub ports: Vec<NetworkPolicyPort>,
}

/// A peer.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NetworkPolicyPeer {
    /// Pods.
    pub pod_selector: Option<LabelSelector>,
    /// Namespaces; the policy's own where absent.
    pub namespace_selector: Option<LabelSelector>,
    /// Addresses.
    pub ip_block: Option<IpBlock>,
}

/// A block of addresses.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct IpBlock {
    /// The block.
    pub cidr: String,
    /// What of it is excepted.
    #[serde(deserialize_with = "or_default")]
    pub except: Vec<String>,
}

/// A port.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NetworkPolicyPort {
    /// Number or name; all where absent.
    pub port: Option<IntOrText>,
    /// The last of a range.
    pub end_port: Option<u16>,
    /// `TCP` where absent.
    pub protocol: Option<String>,
}
