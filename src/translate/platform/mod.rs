//! Platform profiles: what a Kubernetes platform needs for ambient mode (facts/tsb.md, "Platform
//! profiles"; facts/istio-ambient.md §8.1; istio.io "Platform-Specific Prerequisites").
//!
//! One file a platform. A profile says where the CNI plugin lives, which objects the platform
//! needs besides, and what TSB has no field for: that becomes a finding with the manual step.

use serde_json::{Map, Value};

use crate::model::{Platform, Version};

mod aks;
mod eks;
mod generic;
mod gke;
mod k3d;
mod k3s;
mod kind;
mod microk8s;
mod minikube;
mod mke;
mod openshift;

/// What a platform needs.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// The CNI plugin's settings.
    pub cni: Cni,
    /// Objects that unit `platform` needs besides, for the control plane's namespace.
    pub resources: Vec<Resource>,
    /// What TSB has no field for.
    pub manual: Vec<ManualStep>,
}

/// `components.istio.kubeSpec.CNI` of a platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cni {
    /// `binaryDirectory`: the kubelet's `--cni-bin-dir`.
    pub binary_directory: &'static str,
    /// Where other releases of the platform have them: no contradiction.
    pub other_binary_directories: &'static [&'static str],
    /// `configurationDirectory`: the kubelet's `--cni-conf-dir`.
    pub configuration_directory: &'static str,
    /// `configurationFileName`; `None` takes the first file of the directory.
    pub configuration_file_name: Option<&'static str>,
    /// `chained`: behind the platform's own plugin.
    pub chained: bool,
}

impl Cni {
    /// What Istio assumes where nothing is said.
    const DEFAULT: Cni = Cni {
        binary_directory: "/opt/cni/bin",
        other_binary_directories: &[],
        configuration_directory: "/etc/cni/net.d",
        configuration_file_name: None,
        chained: true,
    };

    /// The fields by their names in the ControlPlane.
    pub fn fields(&self) -> Map<String, Value> {
        let Self {
            binary_directory,
            other_binary_directories: _,
            configuration_directory,
            configuration_file_name,
            chained,
        } = *self;
        let mut fields = Map::new();
        fields.insert("binaryDirectory".into(), binary_directory.into());
        fields.insert("chained".into(), chained.into());
        fields.insert("configurationDirectory".into(), configuration_directory.into());
        if let Some(name) = configuration_file_name {
            fields.insert("configurationFileName".into(), name.into());
        }
        fields
    }
}

/// Makes an object for a namespace.
pub type Resource = fn(namespace: &str) -> Value;

/// A setting outside of TSB's reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ManualStep {
    /// True where ambient mode does not work without it; false where it depends on the cluster.
    pub required: bool,
    /// What is missing, as a sentence that follows the cluster's name.
    pub message: &'static str,
    /// What to do.
    pub help: &'static str,
}

/// The profile of a platform.
pub fn profile(platform: Platform, istio: Version) -> Profile {
    match platform {
        Platform::Generic => generic::profile(),
        Platform::Gke => gke::profile(),
        Platform::Eks => eks::profile(),
        Platform::Aks => aks::profile(),
        Platform::OpenShift => openshift::profile(),
        Platform::K3s => k3s::profile(istio),
        Platform::K3d => k3d::profile(),
        Platform::Kind => kind::profile(),
        Platform::Minikube => minikube::profile(),
        Platform::MicroK8s => microk8s::profile(),
        Platform::Mke => mke::profile(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// facts/tsb.md, "Platform profiles", row by row.
    #[test]
    fn every_platform_has_its_row() {
        let (old, mid, new) = (Version::new(1, 24), Version::new(1, 25), Version::new(1, 27));
        const OPT: &str = "/opt/cni/bin";
        const ETC: &str = "/etc/cni/net.d";
        const K3S: &str = "/var/lib/rancher/k3s/agent/etc/cni/net.d";
        let rows = [
            (Platform::Generic, new, OPT, ETC),
            (Platform::Gke, new, "/home/kubernetes/bin", ETC),
            (Platform::Eks, new, OPT, ETC),
            (Platform::Aks, new, OPT, ETC),
            (Platform::OpenShift, new, "/var/lib/cni/bin", "/etc/cni/multus/net.d"),
            (Platform::K3s, old, "/var/lib/rancher/k3s/data/current/bin", K3S),
            (Platform::K3s, mid, "/var/lib/rancher/k3s/data/cni", K3S),
            (Platform::K3s, new, "/var/lib/rancher/k3s/data/cni", K3S),
            (Platform::K3d, new, "/bin", K3S),
            (Platform::Kind, new, OPT, ETC),
            (Platform::Minikube, new, OPT, ETC),
            (
                Platform::MicroK8s,
                new,
                "/var/snap/microk8s/current/opt/cni/bin",
                "/var/snap/microk8s/current/args/cni-network",
            ),
            (Platform::Mke, new, OPT, ETC),
        ];
        for (platform, istio, binary, configuration) in &rows {
            let cni = profile(*platform, *istio).cni;
            assert_eq!(cni.binary_directory, *binary, "{platform}");
            assert_eq!(cni.configuration_directory, *configuration, "{platform}");
            let is_openshift = *platform == Platform::OpenShift;
            assert_eq!(cni.chained, !is_openshift, "{platform}");
            let file = is_openshift.then_some("istio-cni.conf");
            assert_eq!(cni.configuration_file_name, file, "{platform}");
        }
        for platform in Platform::ALL {
            assert!(rows.iter().any(|row| row.0 == platform), "{platform} has no row");
        }
    }

    #[test]
    fn only_gke_needs_a_quota() {
        for platform in Platform::ALL {
            let resources = profile(platform, Version::new(1, 24)).resources;
            assert_eq!(resources.len(), usize::from(platform == Platform::Gke), "{platform}");
        }
    }

    #[test]
    fn manual_steps_are_sentences_without_a_full_stop() {
        for platform in Platform::ALL {
            for step in profile(platform, Version::new(1, 24)).manual {
                for text in [step.message, step.help] {
                    assert!(!text.ends_with('.') && !text.contains('\n'), "{text}");
                }
            }
        }
    }
}
