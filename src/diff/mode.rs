//! How a namespace takes part in the mesh, by its labels.

use std::fmt;

use super::version::ObjectVersion;

/// How new pods of a namespace take part in the mesh, if they say nothing themselves
/// (facts/istio-ambient.md §1.2, §1.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MeshMode {
    /// Not at all, as far as these labels say.
    Outside,
    /// With a sidecar.
    Sidecar,
    /// By ztunnel.
    Ambient,
}

impl MeshMode {
    /// The mode of some labels: a sidecar that is injected takes the traffic, whatever else they say.
    pub fn of<'a>(label: impl Fn(&str) -> Option<&'a str>) -> Self {
        let is_injected = match label("istio-injection") {
            Some("enabled") => true,
            Some(_) => false,
            None => label("istio.io/rev").is_some_and(|revision| !revision.is_empty()),
        };
        match label("istio.io/dataplane-mode") {
            _ if is_injected => MeshMode::Sidecar,
            Some("ambient") => MeshMode::Ambient,
            _ => MeshMode::Outside,
        }
    }

    /// The mode of a Namespace.
    pub fn of_version(namespace: &ObjectVersion) -> Self {
        Self::of(|key| namespace.label(key))
    }

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            MeshMode::Outside => "outside the mesh",
            MeshMode::Sidecar => "sidecar",
            MeshMode::Ambient => "ambient",
        }
    }
}

impl fmt::Display for MeshMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
