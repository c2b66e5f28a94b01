//! OpenShift: Multus calls the plugin on its own, so it is not chained.

use super::{Cni, ManualStep, Profile};

pub(super) fn profile() -> Profile {
    Profile {
        cni: Cni {
            binary_directory: "/var/lib/cni/bin",
            other_binary_directories: &[],
            configuration_directory: "/etc/cni/multus/net.d",
            configuration_file_name: Some("istio-cni.conf"),
            chained: false,
        },
        resources: Vec::new(),
        manual: vec![
            ManualStep {
                required: true,
                message: "runs Multus and SELinux, for which the ControlPlane has no field",
                help: "set the CNI's `provider: multus`, `seLinuxOptions.type: spc_t` and `trustedZtunnelNamespace` by IstioOperator overlays in `istio.kubeSpec.overlays`, as Istio's `openshift-ambient` profile does",
            },
            ManualStep {
                required: false,
                message: "needs OVN-Kubernetes in local gateway mode, or probes of ambient pods fail",
                help: "set `routingViaHost: true` in `gatewayConfig` of the cluster's Network operator",
            },
        ],
    }
}
