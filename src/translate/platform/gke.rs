//! Google Kubernetes Engine.
//!
//! Istio's chart finds the directory by asking the cluster for its version, so whoever renders
//! without a cluster must name it (tetratelabs/charts, istio-cni README). GKE admits pods of
//! priority class `system-node-critical` only where a ResourceQuota allows them; the quota is the
//! one of istio.io's prerequisites page.

use serde_json::{Value, json};

use super::{Cni, Profile};

pub(super) fn profile() -> Profile {
    Profile {
        cni: Cni { binary_directory: "/home/kubernetes/bin", ..Cni::DEFAULT },
        resources: vec![critical_pods],
        manual: Vec::new(),
    }
}

fn critical_pods(namespace: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "gcp-critical-pods", "namespace": namespace},
        "spec": {
            "hard": {"pods": "1k"},
            "scopeSelector": {
                "matchExpressions": [{
                    "operator": "In",
                    "scopeName": "PriorityClass",
                    "values": ["system-node-critical"],
                }],
            },
        },
    })
}
