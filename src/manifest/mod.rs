//! The kinds we emit, as plain data. One file each; [`Manifest`] closes the list.
//!
//! A manifest carries no decision: `translate` has taken them all. Each variant has one template
//! of the same name under `templates/`, which gets the value as its context, and one schema.

mod app_project;
mod application;
mod application_set;
mod authorization_policy;
mod config_map;
mod flux_kustomization;
mod gateway;
mod git_repository;
mod metadata;
mod namespace;
mod peer_authentication;
mod workload;

pub use app_project::{AppProject, ClusterObject, Destination, KindRef};
pub use application::{Application, ApplicationSpec, Automated, Retry, SyncPolicy};
pub use application_set::{ApplicationSet, Element};
pub use authorization_policy::{Action, AuthorizationPolicy, Rule, Source};
pub use config_map::ConfigMap;
pub use flux_kustomization::{FluxKustomization, HealthCheck, HealthExpression};
pub use gateway::{Gateway, Infrastructure, Listener, ParametersRef};
pub use git_repository::GitRepository;
pub use metadata::Metadata;
pub use namespace::Namespace;
pub use peer_authentication::{MtlsMode, PeerAuthentication};
pub use workload::Workload;

use crate::k8s::{GroupVersionKind, ObjectRef};

/// An object to be rendered.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "each kind says what it is in its own file")]
pub enum Manifest {
    AppProject(AppProject),
    Application(Application),
    ApplicationSet(ApplicationSet),
    AuthorizationPolicy(AuthorizationPolicy),
    ConfigMap(ConfigMap),
    FluxKustomization(FluxKustomization),
    Gateway(Gateway),
    GitRepository(GitRepository),
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
            Manifest::AppProject(_) => "argoproj.io/appproject.yaml.j2",
            Manifest::Application(_) => "argoproj.io/application.yaml.j2",
            Manifest::ApplicationSet(_) => "argoproj.io/applicationset.yaml.j2",
            Manifest::AuthorizationPolicy(_) => "security.istio.io/authorizationpolicy.yaml.j2",
            Manifest::ConfigMap(_) => "core/configmap.yaml.j2",
            Manifest::FluxKustomization(_) => "kustomize.toolkit.fluxcd.io/kustomization.yaml.j2",
            Manifest::GitRepository(_) => "source.toolkit.fluxcd.io/gitrepository.yaml.j2",
            Manifest::Gateway(_) => "gateway.networking.k8s.io/gateway.yaml.j2",
            Manifest::Namespace(_) => "core/namespace.yaml.j2",
            Manifest::PeerAuthentication(_) => "security.istio.io/peerauthentication.yaml.j2",
            Manifest::Workload(_) => "apps/workload.yaml.j2",
            Manifest::Verbatim(_) => return None,
        })
    }

    /// Group, version and kind.
    pub fn gvk(&self) -> GroupVersionKind {
        let argo = |kind| GroupVersionKind::from_api_version("argoproj.io/v1alpha1", kind);
        match self {
            Manifest::AppProject(_) => argo("AppProject"),
            Manifest::Application(_) => argo("Application"),
            Manifest::ApplicationSet(_) => argo("ApplicationSet"),
            Manifest::FluxKustomization(_) => GroupVersionKind::from_api_version(
                "kustomize.toolkit.fluxcd.io/v1",
                "Kustomization",
            ),
            Manifest::GitRepository(_) => {
                GroupVersionKind::from_api_version("source.toolkit.fluxcd.io/v1", "GitRepository")
            }
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
            Manifest::AppProject(m) => m.metadata.identity(),
            Manifest::Application(m) => m.metadata.identity(),
            Manifest::ApplicationSet(m) => m.metadata.identity(),
            Manifest::AuthorizationPolicy(m) => m.metadata.identity(),
            Manifest::FluxKustomization(m) => m.metadata.identity(),
            Manifest::GitRepository(m) => m.metadata.identity(),
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
