//! How the tree reaches the clusters: the objects that Argo CD and Flux are told by.

use std::collections::BTreeSet;
use std::fmt;

use crate::diagnostic::Span;

/// Who applies the tree, and from where.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The appliers to write objects for.
    pub targets: BTreeSet<Target>,
    /// The repository, as the appliers reach it. It holds no credentials.
    pub repo_url: String,
    /// What of the repository is applied.
    pub revision: Revision,
    /// Folder of the tree in the repository, without slashes at its ends; empty for the root.
    pub path: String,
    /// Argo CD's side.
    pub argocd: ArgoCd,
    /// Flux's side.
    pub flux: Flux,
    /// Where the user wrote it.
    pub origin: Span,
}

/// An applier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// Argo CD.
    ArgoCd,
    /// Flux.
    Flux,
}

impl Target {
    /// Every applier.
    pub const ALL: [Target; 2] = [Target::ArgoCd, Target::Flux];

    /// The applier's word in the spec: its folder below `gitops/`.
    pub fn as_str(self) -> &'static str {
        match self {
            Target::ArgoCd => "argocd",
            Target::Flux => "flux",
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What of a repository is applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revision {
    /// A full reference, such as `refs/heads/main`: Argo CD looks a short name up among all of
    /// them (facts/gitops-delivery.md 2.1.4).
    Reference(String),
    /// A commit.
    Commit(String),
}

impl Revision {
    /// Reads a branch's name, a full reference, or the 40 digits of a commit.
    pub fn parse(text: &str) -> Self {
        let is_commit = text.len() == 40 && text.bytes().all(|b| b.is_ascii_hexdigit());
        if is_commit {
            Revision::Commit(text.to_owned())
        } else if text.starts_with("refs/") {
            Revision::Reference(text.to_owned())
        } else {
            Revision::Reference(format!("refs/heads/{text}"))
        }
    }

    /// As Argo CD's `targetRevision` has it.
    pub fn as_str(&self) -> &str {
        match self {
            Revision::Reference(text) | Revision::Commit(text) => text,
        }
    }
}

/// Argo CD's side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArgoCd {
    /// The namespace that Argo CD runs in.
    pub namespace: String,
    /// A project of the user's; `None` has one written.
    pub project: Option<String>,
    /// What keeps the units in order.
    pub order: ArgoCdOrder,
}

/// What keeps a cluster's units in order. Waves of an app of apps do not: they hold back changes
/// of the Application objects, and a commit to a unit's folder changes none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ArgoCdOrder {
    /// One Application a unit. Those that enrol namespaces and restart workloads wait for a
    /// person or a pipeline to sync them.
    #[default]
    Gated,
    /// One ApplicationSet that syncs unit after unit, each when the one before is healthy
    /// (facts/gitops-delivery.md 2.2.10).
    Progressive,
    /// One Application a unit, each syncs by itself: the order is that of the commits.
    Automatic,
}

/// Flux's side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flux {
    /// The namespace that Flux runs in.
    pub namespace: String,
    /// A source of the user's; `None` has a GitRepository written.
    pub source: Option<FluxSource>,
    /// How often it looks for drift, as Flux writes durations.
    pub interval: String,
    /// True where its health expressions bear the status of Istio's objects
    /// (facts/gitops-delivery.md 1.13): from 2.9.
    pub checks_policies: bool,
}

/// Where Flux reads the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FluxSource {
    /// `GitRepository` or `OCIRepository`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
}
