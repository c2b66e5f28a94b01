//! Amazon Elastic Kubernetes Service.

use super::{Cni, ManualStep, Profile};

pub(super) fn profile() -> Profile {
    Profile {
        cni: Cni::DEFAULT,
        resources: Vec::new(),
        manual: vec![ManualStep {
            required: false,
            message: "needs a setting of the VPC CNI where pods have security groups of their own (pod ENI trunking with SecurityGroupPolicy)",
            help: "there, set `POD_SECURITY_GROUP_ENFORCING_MODE=standard` on DaemonSet `kube-system/aws-node` and restart the pods concerned; else health probes fail",
        }],
    }
}
