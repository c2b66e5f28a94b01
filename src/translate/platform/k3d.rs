//! k3d: k3s in containers.

use super::{Cni, ManualStep, Profile};

pub(super) fn profile() -> Profile {
    Profile {
        cni: Cni {
            binary_directory: "/bin",
            configuration_directory: "/var/lib/rancher/k3s/agent/etc/cni/net.d",
            ..Cni::DEFAULT
        },
        resources: Vec::new(),
        manual: vec![ManualStep {
            required: false,
            message: "runs Traefik unless it was made without",
            help: "create the cluster with `--k3s-arg '--disable=traefik@server:*'`",
        }],
    }
}
