//! Whether workloads of a namespace that moves are rolled out: the next step waits for that (docs/night.md).

use super::status::{GATEWAY_NAME, is_of_before, number};
use super::{Dump, One, Verdict};
use crate::diagnostic::Diagnostic;
use crate::k8s::Object;

const QUESTION: &str = "workloads are rolled out";

pub(super) fn check(one: &One<'_>, dump: &Dump, verdict: &mut Verdict) {
    let kinds = ["Deployment", "StatefulSet", "DaemonSet"];
    let all = kinds.iter().flat_map(|kind| dump.inside(one.name(), "apps", kind));
    // a gateway's own
    let ours = all.filter(|o| !o.labels.contains_key(GATEWAY_NAME));
    // without it, no controller has looked at it yet
    let seen = |o: &&Object| number(o, &["status", "observedGeneration"]).is_some();
    let (told, unseen): (Vec<&Object>, Vec<&Object>) = ours.partition(seen);
    let found = told.iter().filter_map(|workload| not_rolled_out(workload)).collect();
    let is_known =
        |kind: &str, name: &str| told.iter().any(|o| o.gvk.kind == kind && o.name == name);
    let is_whole =
        one.namespace.workloads.keys().all(|(k, name)| is_known(k.as_str(), name.as_str()));
    let is_told = !told.is_empty() && unseen.is_empty() && is_whole;
    verdict.answer(Some(one.name()), QUESTION, is_told, found);
}

/// As `kubectl rollout status` decides.
fn not_rolled_out(workload: &Object) -> Option<Diagnostic> {
    let status = |key: &str| number(workload, &["status", key]);
    let is_seen = !is_of_before(workload.body.get("status"), workload);
    let (wanted, ready, updated, there) = match workload.gvk.kind.as_str() {
        "DaemonSet" => {
            let wanted = status("desiredNumberScheduled")?;
            (wanted, status("numberReady"), status("updatedNumberScheduled"), None)
        }
        _ => {
            let wanted = number(workload, &["spec", "replicas"]).unwrap_or(1);
            (wanted, status("readyReplicas"), status("updatedReplicas"), status("replicas"))
        }
    };
    let of_deployment = workload.gvk.kind == "Deployment";
    let (ready, updated) = (ready.unwrap_or(0), updated.unwrap_or(0));
    let goes = if of_deployment { there.unwrap_or(0).saturating_sub(updated) } else { 0 };
    if is_seen && ready >= wanted && updated >= wanted && goes == 0 {
        return None;
    }
    let why = match (is_seen, goes) {
        (false, _) => "its controller has not seen what it is now".to_owned(),
        (true, 0) => format!("{ready} of {wanted} pods are ready, {updated} are new"),
        (true, 1) => "a pod of before is still there".to_owned(),
        (true, goes) => format!("{goes} pods of before are still there"),
    };
    let namespace = workload.namespace.as_deref().unwrap_or_default();
    let kind = workload.gvk.kind.to_ascii_lowercase();
    Some(
        Diagnostic::error(
            "workload-not-rolled-out",
            format!("{} is not rolled out", workload.reference()),
        )
        .at(workload.name_span(), why)
        .help(format!(
            "wait with `kubectl rollout status {kind}/{} -n {namespace}`; `kubectl get pods -n {namespace}` shows what fails; go on with no other step meanwhile",
            workload.name
        )),
    )
}
