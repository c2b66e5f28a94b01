//! k3s. Its binaries moved; Istio's profile followed between 1.24 and 1.27 (tetratelabs/charts,
//! `istio-cni/files/profile-platform-k3s.yaml`). For the releases in between the older path is
//! taken: a link that k3s still keeps.

use super::{Cni, Profile};
use crate::model::Version;

pub(super) fn profile(istio: Version) -> Profile {
    let binary_directory = if istio >= Version::new(1, 27) {
        "/var/lib/rancher/k3s/data/cni"
    } else {
        "/var/lib/rancher/k3s/data/current/bin"
    };
    Profile {
        cni: Cni {
            binary_directory,
            configuration_directory: "/var/lib/rancher/k3s/agent/etc/cni/net.d",
            ..Cni::DEFAULT
        },
        resources: Vec::new(),
        manual: Vec::new(),
    }
}
