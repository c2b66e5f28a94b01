//! Mirantis Kubernetes Engine.

use super::{Cni, ManualStep, Profile};

pub(super) fn profile() -> Profile {
    Profile {
        cni: Cni::DEFAULT,
        resources: Vec::new(),
        manual: vec![ManualStep {
            required: false,
            message: "may keep the CNI installer from writing to the node",
            help: "if `istio-cni-node` cannot write, make container `install-cni` privileged by an overlay on IstioOperator `tsb-istiocontrolplane` in `istio.kubeSpec.overlays`",
        }],
    }
}
