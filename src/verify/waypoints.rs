//! The waypoint of a namespace: there, and programmed.

use super::status::{GATEWAY_NAME, condition, is_being_deleted, is_of_before, number, word};
use super::{Dump, One, Verdict};
use crate::diagnostic::Diagnostic;
use crate::k8s::{Object, ObjectRef};
use crate::model::Owner;
use crate::yaml::Node;

const QUESTION: &str = "the waypoint is Programmed";
const RUNS: &str = "the waypoint has a pod that is ready";

pub(super) fn check(one: &One<'_>, dump: &Dump, verdict: &mut Verdict) {
    let Some(waypoint) = one.waypoint() else { return };
    let reference = ObjectRef {
        group: "gateway.networking.k8s.io".to_owned(),
        kind: "Gateway".to_owned(),
        namespace: Some(one.name().to_owned()),
        name: waypoint.name.to_string(),
    };
    if one.awaits_waypoint() {
        return;
    }
    let by_tsb = one.expected.environment.ownership.waypoints == Owner::Tsb;
    let is_told = dump.has_kind(&reference.group, &reference.kind);
    let found = match dump.get(&reference) {
        Some(live) => not_programmed(live).into_iter().collect(),
        None if is_told && by_tsb => vec![
            Diagnostic::error("waypoint-missing", format!("TSB has not made {reference}")).help(
                "`kubectl get controlplane -A -o yaml` says whether waypoints are enabled; the namespace must carry `istio.io/dataplane-mode=ambient`",
            ),
        ],
        // ours is told among the objects
        None => Vec::new(),
    };
    let is_there = dump.get(&reference).is_some();
    verdict.answer(Some(one.name()), QUESTION, is_there, found);
    if is_there {
        let (is_told, found) = running(one, waypoint.name.as_str(), dump);
        verdict.answer(Some(one.name()), RUNS, is_told, found.into_iter().collect());
    }
}

/// Whether the dump tells, and what is wrong. A Gateway is not Programmed before a pod is ready, and stays Programmed when
/// all have gone (seen with istiod); ztunnel then has no way past it (facts/ztunnel.md, Waypoints).
fn running(one: &One<'_>, waypoint: &str, dump: &Dump) -> (bool, Option<Diagnostic>) {
    let namespace = one.name();
    let of_waypoint = |o: &&Object| o.labels.get(GATEWAY_NAME).is_some_and(|n| n == waypoint);
    let pods: Vec<&Object> = dump.inside(namespace, "", "Pod").filter(of_waypoint).collect();
    if pods.iter().any(|pod| is_ready(pod)) {
        return (true, None);
    }
    // without pods: whether a controller had to make some
    let deployment = dump.inside(namespace, "apps", "Deployment").find(of_waypoint);
    let seen = deployment.filter(|d| number(d, &["status", "observedGeneration"]).is_some());
    let Some(first) = pods.first().copied().or(seen) else {
        return (false, None);
    };
    let found = Diagnostic::error(
        "waypoint-not-ready",
        format!("waypoint `{namespace}/{waypoint}` has no pod that is ready"),
    )
    .at(first.name_span(), "what ztunnel sends through it fails")
    .help(format!(
        "`kubectl get pods -n {namespace} -l {GATEWAY_NAME}={waypoint}` and `kubectl describe deployment {waypoint} -n {namespace}` say why"
    ));
    (true, Some(found))
}

fn is_ready(pod: &Object) -> bool {
    let phase = pod.body.get_path(&["status", "phase"]).and_then(Node::as_str);
    !is_being_deleted(pod)
        && phase == Some("Running")
        && condition(pod, "Ready").is_none_or(|c| word(c, "status") == "True")
}

fn not_programmed(live: &Object) -> Option<Diagnostic> {
    let programmed = condition(live, "Programmed");
    // a condition of an earlier generation is about a Gateway that is no more
    let is_of_before = |c: &Node| is_of_before(Some(c), live);
    if programmed.is_some_and(|c| word(c, "status") == "True" && !is_of_before(c)) {
        return None;
    }
    let namespace = live.namespace.as_deref().unwrap_or_default();
    let (why, at) = match programmed {
        Some(c) if is_of_before(c) => {
            ("its controller has not seen what it is now".to_owned(), c.span)
        }
        Some(c) => (format!("{}: {}", word(c, "reason"), word(c, "message")), c.span),
        None => ("no controller has answered".to_owned(), live.name_span()),
    };
    Some(
        Diagnostic::error(
            "waypoint-not-programmed",
            format!("waypoint `{namespace}/{}` is not Programmed", live.name),
        )
        .at(at, why)
        .help(format!(
            "`kubectl describe gateway.gateway.networking.k8s.io {} -n {namespace}`, then its pods: `kubectl get pods -n {namespace} -l {GATEWAY_NAME}={}`; label no namespace before it is",
            live.name, live.name
        )),
    )
}
