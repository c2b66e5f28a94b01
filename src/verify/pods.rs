//! Pods of an ambient namespace: without a sidecar, and captured. Of one that is not, or no longer: with a sidecar.

use super::status::{GATEWAY_NAME, is_being_deleted};
use super::{Answer, Dump, One, Verdict};
use crate::diagnostic::Diagnostic;
use crate::k8s::Object;
use crate::model::{DataplaneMode, Unit};
use crate::yaml::{Node, Value};

const SIDECARS: &str = "pods run without a sidecar";
const INJECTED: &str = "pods run with a sidecar";
const CAPTURED: &str = "pods are captured by istio-cni";

pub(super) fn check(one: &One<'_>, dump: &Dump, verdict: &mut Verdict) {
    let pods = dump.inside(one.name(), "", "Pod").filter(|pod| is_workload(pod));
    let ambient = pods.filter(|pod| mode(one, pod) == DataplaneMode::Ambient);
    let (injected, plain): (Vec<&Object>, Vec<&Object>) = ambient.partition(|p| has_sidecar(p));
    let is_told = !injected.is_empty() || !plain.is_empty();
    let found: Vec<Diagnostic> = injected.iter().map(|pod| with_sidecar(one, pod)).collect();
    verdict.answer(Some(one.name()), SIDECARS, is_told, found);
    let found: Vec<Diagnostic> =
        plain.iter().filter(|pod| !is_captured(pod)).map(|pod| not_captured(pod)).collect();
    // a pod with a sidecar is not captured either, and has been named
    if found.is_empty() && !injected.is_empty() {
        verdict.row(Some(one.name()), CAPTURED, Answer::No);
    } else {
        verdict.answer(Some(one.name()), CAPTURED, is_told, found);
    }
}

/// Pods of the workloads that unit `workloads` restarts, where they belong to sidecar mode: one that restarted before its
/// namespace injected runs outside the mesh, and nothing enforces a policy for it.
pub(super) fn check_sidecars(one: &One<'_>, dump: &Dump, verdict: &mut Verdict) {
    let rendered =
        one.expected.applied.iter().filter(|(unit, o)| *unit == Unit::Workloads && one.owns(o));
    let restarted: Vec<(&str, &str)> =
        rendered.map(|(_, o)| (o.gvk.kind.as_str(), o.name.as_str())).collect();
    let is_restarted = |pod: &&Object| {
        owner(pod).is_some_and(|(kind, name)| restarted.contains(&(kind.as_str(), name.as_str())))
    };
    if restarted.is_empty() {
        return;
    }
    let pods = dump.inside(one.name(), "", "Pod").filter(|pod| is_workload(pod));
    let pods: Vec<&Object> = pods
        .filter(is_restarted)
        .filter(|pod| mode(one, pod) == DataplaneMode::Sidecar && !opts_out(pod))
        .collect();
    let found = pods.iter().filter(|pod| !has_sidecar(pod)).map(|pod| without_sidecar(one, pod));
    verdict.answer(Some(one.name()), INJECTED, !pods.is_empty(), found.collect());
}

/// It asks not to be injected, or cannot be.
fn opts_out(pod: &Object) -> bool {
    let key = "sidecar.istio.io/inject";
    let asked = pod.labels.get(key).or(pod.annotations.get(key));
    asked.is_some_and(|value| value == "false") || is_on_host(pod)
}

/// A pod that lives, and is no waypoint or gateway.
pub(super) fn is_workload(pod: &Object) -> bool {
    let status = pod.body.get("status").and_then(|s| s.get("phase")).and_then(Node::as_str);
    !is_being_deleted(pod)
        && !matches!(status, Some("Succeeded" | "Failed"))
        && !pod.labels.contains_key(GATEWAY_NAME)
}

/// The mode that the spec gives a pod, by the workload that owns it.
pub(super) fn mode(one: &One<'_>, pod: &Object) -> DataplaneMode {
    let workloads = &one.namespace.workloads;
    let name = owner(pod).map(|(_, name)| name);
    let own = workloads.values().find(|w| Some(w.name.as_str()) == name.as_deref());
    own.and_then(|w| w.mode).unwrap_or(one.state.running)
}

/// Kind and name of what owns a pod: of a ReplicaSet, the Deployment.
pub(super) fn owner(pod: &Object) -> Option<(String, String)> {
    let owners = pod.body.get("metadata")?.get("ownerReferences")?.as_list()?;
    let owner = owners.first()?;
    let text = |key: &str| owner.get(key).and_then(Node::as_str).unwrap_or_default().to_owned();
    let (kind, name) = (text("kind"), text("name"));
    match pod.labels.get("pod-template-hash") {
        Some(hash) if kind == "ReplicaSet" => {
            let name = name.strip_suffix(&format!("-{hash}")).unwrap_or(&name).to_owned();
            Some(("Deployment".to_owned(), name))
        }
        _ => Some((kind, name)),
    }
}

fn has_sidecar(pod: &Object) -> bool {
    let is_proxy = |c: &Node| c.get("name").and_then(Node::as_str) == Some("istio-proxy");
    // a native sidecar is an init container
    ["containers", "initContainers"].iter().any(|key| {
        let list = pod.body.get("spec").and_then(|s| s.get(key)).and_then(Node::as_list);
        list.unwrap_or_default().iter().any(is_proxy)
    })
}

fn is_captured(pod: &Object) -> bool {
    pod.annotations.get("ambient.istio.io/redirection").is_some_and(|v| v == "enabled")
        || is_on_host(pod)
}

fn is_on_host(pod: &Object) -> bool {
    let on_host = pod.body.get("spec").and_then(|s| s.get("hostNetwork")).map(|n| &n.value);
    on_host == Some(&Value::Bool(true))
}

fn restart(one: &One<'_>, pod: &Object) -> String {
    match owner(pod) {
        Some((kind, name))
            if matches!(kind.as_str(), "Deployment" | "StatefulSet" | "DaemonSet") =>
        {
            // without this manager Flux would take the restart back (facts/gitops-delivery.md 1.19)
            format!(
                "`kubectl rollout restart {}/{name} -n {} --field-manager=flux-client-side-apply`",
                kind.to_ascii_lowercase(),
                one.name()
            )
        }
        _ => format!("`kubectl delete pod {} -n {}`", pod.name, one.name()),
    }
}

fn with_sidecar(one: &One<'_>, pod: &Object) -> Diagnostic {
    Diagnostic::error(
        "pod-with-sidecar",
        format!("pod `{}/{}` still has a sidecar", one.name(), pod.name),
    )
    .at(pod.name_span(), "ambient leaves it alone: its traffic does not go through ztunnel")
    .help(format!("look at the namespace's labels first, then restart it: {}", restart(one, pod)))
}

fn without_sidecar(one: &One<'_>, pod: &Object) -> Diagnostic {
    Diagnostic::error(
        "pod-without-sidecar",
        format!("pod `{}/{}` has no sidecar", one.name(), pod.name),
    )
    .at(
        pod.name_span(),
        "it runs outside the mesh: no policy is enforced for it, and it speaks plaintext",
    )
    .help(format!("look at the namespace's labels first, then restart it: {}", restart(one, pod)))
}

fn not_captured(pod: &Object) -> Diagnostic {
    let namespace = pod.namespace.as_deref().unwrap_or_default();
    Diagnostic::error("pod-not-captured", format!("pod `{namespace}/{}` is not captured", pod.name))
        .at(pod.name_span(), "istio-cni has not marked it: it talks past the mesh, in plaintext")
        .help(format!(
            "`kubectl logs -n istio-system -l k8s-app=istio-cni-node` says why; then `kubectl delete pod {} -n {namespace}`",
            pod.name
        ))
}
