//! The `Environment` document, as it is typed. Every field is described in
//! `schemas/waypost.dev/environment_v1alpha1.json`; what it means is `resolve`'s to say.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Acceptance, Cluster, InstallOutput, RawPatch, Suppression};
use crate::diagnostic::Spanned;

/// An `Environment`, its layers merged.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Environment {
    /// `waypost.dev/v1alpha1`.
    pub api_version: String,
    /// `Environment`.
    pub kind: String,
    /// Its name.
    pub metadata: Metadata,
    /// Everything else.
    pub spec: EnvironmentSpec,
}

/// `metadata` of our documents.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Metadata {
    /// Name.
    pub name: Spanned<String>,
}

/// `spec` of an Environment.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EnvironmentSpec {
    /// TSB's organization.
    pub organization: Spanned<String>,
    /// The release of waypost that renders the environment; any where it is left out.
    pub waypost: Option<Spanned<String>>,
    /// Versions of what runs in the clusters.
    pub versions: Versions,
    /// Who makes what.
    #[serde(default)]
    pub ownership: Ownership,
    /// How TSB resources are written for Kubernetes.
    #[serde(default)]
    pub tsb: TsbObjects,
    /// Files and folders that belong to the environment.
    #[serde(default)]
    pub sources: Sources,
    /// What is to be set in the ManagementPlane.
    pub management_plane: Option<Spanned<ManagementPlane>>,
    /// Clusters.
    #[serde(default)]
    pub clusters: Vec<Spanned<Cluster>>,
    /// The migration to ambient.
    pub migration: Option<Migration>,
    /// What becomes of the injection label.
    pub injection_label: Option<InjectionLabel>,
    /// How workloads are restarted.
    pub restart: Option<Spanned<Restart>>,
    /// Patches over what is rendered, as in a `kustomization.yaml`.
    #[serde(default)]
    pub patches: Vec<Spanned<RawPatch>>,
    /// Findings of lints that are let stand.
    #[serde(default)]
    pub suppress: Vec<Spanned<Suppression>>,
    /// Losses of translated policies that are accepted.
    #[serde(default)]
    pub accept: Vec<Spanned<Acceptance>>,
    /// How the tree is delivered.
    pub delivery: Option<Spanned<Delivery>>,
}

/// Versions of what runs in the clusters.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Versions {
    /// TSB.
    pub tsb: Spanned<String>,
    /// Istio; left out where no cluster runs it.
    pub istio: Option<Spanned<String>>,
}

/// Who makes what in the clusters.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Ownership {
    /// Waypoint Gateways.
    pub waypoints: Option<Spanned<Owner>>,
    /// Translated policies.
    pub policies: Option<Spanned<Owner>>,
    /// Policies of `sources.direct`, in namespaces that migrate.
    pub direct: Option<DirectOwner>,
}

/// Who applies the policies of `sources.direct`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DirectOwner {
    /// The user, beside waypost.
    User,
    /// The tree.
    GitOps,
}

/// How TSB resources are written for Kubernetes.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TsbObjects {
    /// Namespace of resources that name none.
    pub namespace: Option<String>,
    /// Namespaces by tenant.
    #[serde(default)]
    pub tenant_namespaces: BTreeMap<String, String>,
    /// Whether each object carries its Argo CD sync wave.
    pub sync_waves: Option<bool>,
}

/// Who makes an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Owner {
    /// The tree.
    GitOps,
    /// TSB.
    Tsb,
}

/// Files and folders that belong to the environment, relative to the file that names them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Sources {
    /// `Cluster` documents.
    #[serde(default)]
    pub clusters: Vec<Spanned<String>>,
    /// TSB resources.
    #[serde(default)]
    pub tsb: Vec<Spanned<String>>,
    /// Plain manifests of what exists in the clusters.
    #[serde(default)]
    pub inventory: Vec<Spanned<String>>,
    /// Istio objects of DIRECT mode.
    #[serde(default)]
    pub direct: Vec<Spanned<String>>,
    /// `AccessTest` documents.
    #[serde(default)]
    pub access: Vec<Spanned<String>>,
    /// Access logs and metrics of the mesh.
    #[serde(default)]
    pub traffic: Vec<Spanned<String>>,
}

/// What is to be set in the ManagementPlane.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ManagementPlane {
    /// The cluster it lives in.
    pub cluster: Spanned<String>,
    /// File that holds the user's resource.
    pub base: Option<Spanned<String>>,
    /// What is made of the base.
    pub output: Option<Spanned<InstallOutput>>,
    /// The OAP component.
    #[serde(default)]
    pub oap: Oap,
    /// Further fields of its `spec`.
    #[serde(default)]
    pub spec: serde_json::Map<String, serde_json::Value>,
}

/// The OAP component of the management plane.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Oap {
    /// Whether it takes what SPM agents send.
    pub spm_agent_receiver: Option<bool>,
}

/// The migration to ambient.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Migration {
    /// `none`, a stage, or `stage/step`.
    pub reached: Option<Spanned<String>>,
    /// The stages in order.
    #[serde(default)]
    pub stages: Vec<Spanned<Stage>>,
}

/// A stage.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Stage {
    /// Its name.
    pub name: Spanned<String>,
    /// `cluster/namespace`s that become ambient in it.
    pub namespaces: Vec<Spanned<String>>,
}

/// What becomes of the injection label of a namespace that leaves sidecar mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InjectionLabel {
    /// It says `disabled`.
    Disable,
    /// It is left out.
    Remove,
    /// It is not touched.
    Keep,
}

/// How workloads are restarted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Restart {
    /// By an annotation on the pod template.
    Annotation,
    /// By a Job that the applier runs.
    HookJob,
    /// By a person.
    Manual,
}

/// How the tree is delivered.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Delivery {
    /// Appliers.
    #[serde(default)]
    pub targets: Vec<Target>,
    /// The repository, as the appliers reach it.
    #[serde(rename = "repoURL")]
    pub repo_url: Option<Spanned<String>>,
    /// Branch, full reference or commit.
    pub revision: Option<Spanned<String>>,
    /// Folder of the tree in the repository.
    pub path: Option<Spanned<String>>,
    /// Argo CD's side.
    #[serde(default)]
    pub argocd: ArgoCd,
    /// Flux's side.
    #[serde(default)]
    pub flux: Flux,
}

/// Argo CD's side.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ArgoCd {
    /// The namespace that it runs in.
    pub namespace: Option<Spanned<String>>,
    /// A project of the user's.
    pub project: Option<Spanned<String>>,
    /// What keeps the units in order.
    pub order: Option<Spanned<ArgoCdOrder>>,
}

/// What keeps the units in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ArgoCdOrder {
    /// A person, or a pipeline.
    Gated,
    /// Progressive syncs of an ApplicationSet.
    Progressive,
    /// The commits.
    Automatic,
}

/// Flux's side.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Flux {
    /// The namespace that it runs in.
    pub namespace: Option<Spanned<String>>,
    /// A source of the user's.
    pub source: Option<FluxSource>,
    /// How often it looks for drift.
    pub interval: Option<Spanned<String>>,
    /// Its release.
    pub version: Option<Spanned<String>>,
}

/// Where Flux reads the tree.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FluxSource {
    /// What it is.
    pub kind: FluxSourceKind,
    /// Its name.
    pub name: Spanned<String>,
}

/// What Flux can read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum FluxSourceKind {
    /// A git repository.
    GitRepository,
    /// An artifact in a registry.
    #[serde(rename = "OCIRepository")]
    OciRepository,
}

/// An applier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// Argo CD.
    ArgoCd,
    /// Flux.
    Flux,
}
