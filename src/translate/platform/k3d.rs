//! k3d: k3s in containers, whose directories are k3s', but for an older place of the binaries.

use super::k3s::{CONFIGURATION, STABLE};
use super::{Cni, ManualStep, Profile};

pub(super) fn profile() -> Profile {
    Profile {
        cni: Cni {
            binary_directory: "/bin",
            other_binary_directories: &[STABLE],
            configuration_directory: CONFIGURATION,
            ..Cni::DEFAULT
        },
        resources: Vec::new(),
        manual: vec![
            ManualStep {
                required: false,
                message: "looks for CNI plugins in `/var/lib/rancher/k3s/data/cni` with k3s v1.31.7 and later (k3d-io/k3d#1572), and in `/bin` before",
                help: "with such an image, set `controlPlane.cni.binaryDirectory: /var/lib/rancher/k3s/data/cni`",
            },
            ManualStep {
                required: false,
                message: "runs Traefik unless it was made without",
                help: "create the cluster with `--k3s-arg '--disable=traefik@server:*'`",
            },
        ],
    }
}
