//! What a policy is bound to.

use serde::{Deserialize, Serialize};

/// A `targetRef` of an Istio policy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TargetRef {
    /// API group, empty for the core group.
    #[serde(default)]
    pub group: String,
    /// Kind.
    pub kind: String,
    /// Name.
    pub name: String,
    /// Namespace. Istio refuses one that is not empty (facts/istio-ambient.md §4.2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

impl TargetRef {
    /// The Gateway of this name in the policy's own namespace.
    pub fn gateway(name: impl Into<String>) -> Self {
        Self {
            group: "gateway.networking.k8s.io".into(),
            kind: "Gateway".into(),
            name: name.into(),
            namespace: None,
        }
    }

    /// The Service of this name in the policy's own namespace.
    pub fn service(name: impl Into<String>) -> Self {
        Self { group: String::new(), kind: "Service".into(), name: name.into(), namespace: None }
    }

    /// The GatewayClass of this name, which is in no namespace.
    pub fn gateway_class(name: impl Into<String>) -> Self {
        Self { kind: "GatewayClass".into(), ..Self::gateway(name) }
    }
}
