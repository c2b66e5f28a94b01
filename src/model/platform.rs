//! Kubernetes platforms that need settings of their own for ambient mode.

use std::fmt;

/// A platform (facts/tsb.md, "Platform profiles"; facts/istio-ambient.md §8.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the platforms' own names")]
pub enum Platform {
    #[default]
    Generic,
    Gke,
    Eks,
    Aks,
    OpenShift,
    K3s,
    K3d,
    Kind,
    Minikube,
    MicroK8s,
    Mke,
}

impl Platform {
    /// All of them, in the order of the schema.
    pub const ALL: [Platform; 11] = [
        Platform::Generic,
        Platform::Gke,
        Platform::Eks,
        Platform::Aks,
        Platform::OpenShift,
        Platform::K3s,
        Platform::K3d,
        Platform::Kind,
        Platform::Minikube,
        Platform::MicroK8s,
        Platform::Mke,
    ];

    /// The word in the spec.
    pub fn as_str(self) -> &'static str {
        match self {
            Platform::Generic => "generic",
            Platform::Gke => "gke",
            Platform::Eks => "eks",
            Platform::Aks => "aks",
            Platform::OpenShift => "openshift",
            Platform::K3s => "k3s",
            Platform::K3d => "k3d",
            Platform::Kind => "kind",
            Platform::Minikube => "minikube",
            Platform::MicroK8s => "microk8s",
            Platform::Mke => "mke",
        }
    }

    /// The platform of a word in the spec.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.as_str() == text)
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
