//! k3s. Its CNI binaries moved with the releases of October 2024 (k3s-io/k3s#11076, #11369), from
//! a folder that is new with each release to one that stays. Istio's profile followed with 1.25
//! (istio/istio#54112; facts/istio-ambient.md §8.1), but it is k3s' release that decides.

use super::{Cni, ManualStep, Profile};
use crate::model::Version;

/// Where k3s looks for plugins since October 2024.
pub(super) const STABLE: &str = "/var/lib/rancher/k3s/data/cni";
/// Where it looked before.
const OF_THE_RELEASE: &str = "/var/lib/rancher/k3s/data/current/bin";

/// Where k3s keeps its CNI configuration.
pub(super) const CONFIGURATION: &str = "/var/lib/rancher/k3s/agent/etc/cni/net.d";

pub(super) fn profile(istio: Version) -> Profile {
    let (binary_directory, other) = if istio >= Version::new(1, 25) {
        (STABLE, &[OF_THE_RELEASE])
    } else {
        (OF_THE_RELEASE, &[STABLE])
    };
    Profile {
        cni: Cni {
            binary_directory,
            other_binary_directories: other,
            configuration_directory: CONFIGURATION,
            ..Cni::DEFAULT
        },
        resources: Vec::new(),
        manual: vec![ManualStep {
            required: false,
            message: "looks for CNI plugins in `/var/lib/rancher/k3s/data/cni` from v1.28.15, v1.29.10, v1.30.6 and v1.31.2 on, and in `/var/lib/rancher/k3s/data/current/bin` before",
            help: "compare the node's k3s release with `binaryDirectory`, and set `controlPlane.cni.binaryDirectory` where they do not fit",
        }],
    }
}
