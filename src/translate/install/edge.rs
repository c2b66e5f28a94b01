//! Environment variables of the XCP edge: an overlay of EdgeXcp `edge-xcp`, below `xcp.kubeSpec`.
//! The guide's snippet shows it below `xcp`, where there is no such field (facts/tsb.md, "Control
//! plane").

use serde_json::{Value, json};

use crate::model::EdgeEnv;

/// The overlay that appends the variables, each by a patch of its own: a list written to a path
/// that exists would become one entry of it (facts/tsb.md, "Overlay patch language").
pub(super) fn overlay(variables: &[EdgeEnv]) -> Value {
    let patches: Vec<Value> = variables
        .iter()
        .map(|EdgeEnv { name, value }| {
            json!({
                "path": "spec.components.edgeServer.kubeSpec.deployment.env[-1]",
                "value": {"name": name, "value": value},
            })
        })
        .collect();
    json!({
        "apiVersion": "install.xcp.tetrate.io/v1alpha1",
        "kind": "EdgeXcp",
        "name": "edge-xcp",
        "patches": patches,
    })
}
