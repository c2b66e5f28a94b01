//! minikube.

use super::{Cni, ManualStep, Profile};

pub(super) fn profile() -> Profile {
    Profile {
        cni: Cni::DEFAULT,
        resources: Vec::new(),
        manual: vec![ManualStep {
            required: true,
            message: "keeps network namespaces in `/var/run/docker/netns` with the docker driver, and the ControlPlane has no field for that",
            help: "with the docker driver, set `spec.values.cni.cniNetnsDir` to `/var/run/docker/netns` by an IstioOperator overlay in `istio.kubeSpec.overlays`, or use another driver",
        }],
    }
}
