//! ztunnel and istio-cni: the guide's first look.

use super::status::number;
use super::{Dump, Expected, Verdict};
use crate::diagnostic::Diagnostic;
use crate::k8s::Object;
use crate::model::DataplaneMode;
use crate::yaml::Node;

const QUESTION: &str = "ztunnel and istio-cni run on every node";

pub(super) fn check(expected: &Expected<'_>, dump: &Dump, verdict: &mut Verdict) {
    let is_needed = expected.cluster.namespaces.values().any(|n| {
        expected.state_of(n).prepared == DataplaneMode::Ambient
            || n.workloads.values().any(|w| w.mode == Some(DataplaneMode::Ambient))
    });
    if !is_needed {
        return;
    }
    let has_sets = dump.has_kind("apps", "DaemonSet");
    let mut is_told = has_sets;
    let mut found = Vec::new();
    for name in ["ztunnel", "istio-cni-node"].into_iter().filter(|_| has_sets) {
        match dump.of_kind("apps", "DaemonSet").find(|set| set.name == name) {
            None => found.push(
                Diagnostic::error("component-missing", format!("there is no DaemonSet `{name}`"))
                    .help("apply unit `platform`; `kubectl get controlplane -A -o yaml` says what keeps it from being installed"),
            ),
            Some(set) => {
                // without it no controller has looked at it yet
                is_told &= number(set, &["status", "desiredNumberScheduled"]).is_some();
                found.extend(not_ready(set));
            }
        }
    }
    verdict.answer(None, QUESTION, is_told, found);
}

fn not_ready(set: &Object) -> Option<Diagnostic> {
    let ready = number(set, &["status", "numberReady"]).unwrap_or(0);
    let wanted = number(set, &["status", "desiredNumberScheduled"])?;
    (ready < wanted).then(|| {
        let namespace = set.namespace.as_deref().unwrap_or_default();
        Diagnostic::error(
            "component-not-ready",
            format!("DaemonSet `{}` is ready on {ready} of {wanted} nodes", set.name),
        )
        .at(set.name_span(), "pods on the other nodes are not captured")
        .help(format!("`kubectl describe pods -n {namespace} -l {}` says why", selector(set)))
    })
}

fn selector(set: &Object) -> String {
    let labels = set.body.get_path(&["spec", "selector", "matchLabels"]);
    let first = labels.and_then(Node::as_mapping).and_then(|m| m.entries.first());
    match first.and_then(|e| Some((e.key.as_str(), e.value.as_str()?))) {
        Some((key, value)) => format!("{key}={value}"),
        None => format!("app={}", set.name),
    }
}
