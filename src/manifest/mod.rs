//! The kinds we emit, as plain data. One file each; [`Manifest`] closes the list.
//!
//! A manifest carries no decision: `translate` has taken them all. Each variant has one template
//! of the same name under `templates/`, which gets the value as its context, and one schema.

mod authorization_policy;
mod config_map;
mod gateway;
mod metadata;
mod namespace;
mod peer_authentication;
mod workload;

pub use authorization_policy::{Action, AuthorizationPolicy, Rule, Source};
pub use config_map::ConfigMap;
pub use gateway::{Gateway, Infrastructure, Listener, ParametersRef};
pub use metadata::Metadata;
pub use namespace::Namespace;
pub use peer_authentication::{MtlsMode, PeerAuthentication};
pub use workload::Workload;

use crate::k8s::{GroupVersionKind, ObjectRef};

/// An object to be rendered.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "each kind says what it is in its own file")]
pub enum Manifest {
    AuthorizationPolicy(AuthorizationPolicy),
    ConfigMap(ConfigMap),
    Gateway(Gateway),
    Namespace(Namespace),
    PeerAuthentication(PeerAuthentication),
    Workload(Workload),
    /// An object that the user wrote and that goes through as it is: a TSB resource, an install
    /// resource. It has no template.
    Verbatim(serde_json::Value),
}

impl Manifest {
    /// The template that renders it; `None` for what needs none.
    pub fn template(&self) -> Option<&'static str> {
        Some(match self {
            Manifest::AuthorizationPolicy(_) => "security.istio.io/authorizationpolicy.yaml.j2",
            Manifest::ConfigMap(_) => "core/configmap.yaml.j2",
            Manifest::Gateway(_) => "gateway.networking.k8s.io/gateway.yaml.j2",
            Manifest::Namespace(_) => "core/namespace.yaml.j2",
            Manifest::PeerAuthentication(_) => "security.istio.io/peerauthentication.yaml.j2",
            Manifest::Workload(_) => "apps/workload.yaml.j2",
            Manifest::Verbatim(_) => return None,
        })
    }

    /// Group, version and kind.
    pub fn gvk(&self) -> GroupVersionKind {
        match self {
            Manifest::AuthorizationPolicy(_) => {
                GroupVersionKind::from_api_version("security.istio.io/v1", "AuthorizationPolicy")
            }
            Manifest::ConfigMap(_) => GroupVersionKind::from_api_version("v1", "ConfigMap"),
            Manifest::Gateway(_) => {
                GroupVersionKind::from_api_version("gateway.networking.k8s.io/v1", "Gateway")
            }
            Manifest::Namespace(_) => GroupVersionKind::from_api_version("v1", "Namespace"),
            Manifest::PeerAuthentication(_) => {
                GroupVersionKind::from_api_version("security.istio.io/v1", "PeerAuthentication")
            }
            Manifest::Workload(w) => GroupVersionKind::from_api_version("apps/v1", w.kind.as_str()),
            Manifest::Verbatim(value) => {
                let text = |key: &str| value.get(key).and_then(|v| v.as_str()).unwrap_or_default();
                GroupVersionKind::from_api_version(text("apiVersion"), text("kind"))
            }
        }
    }

    /// Its identity.
    pub fn reference(&self) -> ObjectRef {
        let gvk = self.gvk();
        let (name, namespace) = match self {
            Manifest::AuthorizationPolicy(m) => m.metadata.identity(),
            Manifest::ConfigMap(m) => m.metadata.identity(),
            Manifest::Gateway(m) => m.metadata.identity(),
            Manifest::Namespace(m) => m.metadata.identity(),
            Manifest::PeerAuthentication(m) => m.metadata.identity(),
            Manifest::Workload(m) => m.metadata.identity(),
            Manifest::Verbatim(value) => {
                let text = |key: &str| {
                    value
                        .get("metadata")
                        .and_then(|m| m.get(key))
                        .and_then(|v| v.as_str())
                        .map(str::to_owned)
                };
                (text("name").unwrap_or_default(), text("namespace"))
            }
        };
        ObjectRef { group: gvk.group, kind: gvk.kind, namespace, name }
    }
}
