//! MicroK8s: everything lies below its snap.

use super::{Cni, Profile};

pub(super) fn profile() -> Profile {
    Profile {
        cni: Cni {
            binary_directory: "/var/snap/microk8s/current/opt/cni/bin",
            configuration_directory: "/var/snap/microk8s/current/args/cni-network",
            ..Cni::DEFAULT
        },
        resources: Vec::new(),
        manual: Vec::new(),
    }
}
