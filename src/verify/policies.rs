//! Policies that whoever enforces them has accepted (facts/istio-ambient.md §4, `ZtunnelAccepted`
//! and `WaypointAccepted`).

use super::status::{conditions, word};
use super::{Dump, One, Verdict};
use crate::diagnostic::Diagnostic;
use crate::k8s::Object;
use crate::yaml::Node;

const QUESTION: &str = "policies are accepted";
const POLICY: (&str, &str) = ("security.istio.io", "AuthorizationPolicy");

pub(super) fn check(one: &One<'_>, dump: &Dump, verdict: &mut Verdict) {
    let ours = one.expected.rendered().filter(|o| o.gvk.is(POLICY.0, POLICY.1));
    let ours = ours.filter(|o| o.namespace.as_deref() == Some(one.name()));
    // nobody accepts a policy before its waypoint is there
    let ours = ours.filter(|o| !(one.awaits_waypoint() && is_bound_to_waypoint(o)));
    let ours: Vec<&Object> = ours.collect();
    if ours.is_empty() {
        return;
    }
    let live: Vec<&Object> = ours.iter().filter_map(|o| dump.get(&o.reference())).collect();
    let mut found: Vec<Diagnostic> =
        live.iter().filter_map(|policy| not_accepted(policy)).collect();
    if !dump.policies.is_empty() {
        let has = |o: &Object| {
            let of = (o.namespace.as_deref().unwrap_or_default(), o.name.as_str());
            dump.policies.iter().any(|(namespace, name)| (namespace.as_str(), name.as_str()) == of)
        };
        let at_ztunnel = ours.iter().filter(|o| !is_bound_to_waypoint(o) && !selects(o));
        found.extend(at_ztunnel.filter(|o| !has(o)).map(|o| unknown_to_ztunnel(o)));
    }
    verdict.answer(Some(one.name()), QUESTION, live.len() == ours.len(), found);
}

fn is_bound_to_waypoint(policy: &Object) -> bool {
    let spec = policy.body.get("spec");
    let one = spec.and_then(|s| s.get("targetRef"));
    let several = spec.and_then(|s| s.get("targetRefs")).and_then(Node::as_list);
    let kind = |target: &Node| target.get("kind").and_then(Node::as_str) == Some("Gateway");
    one.into_iter().chain(several.unwrap_or_default()).any(kind)
}

/// It names pods, which ztunnel may have none of: gateways have no ztunnel in front.
fn selects(policy: &Object) -> bool {
    policy.body.get_path(&["spec", "selector"]).is_some()
}

fn unknown_to_ztunnel(policy: &Object) -> Diagnostic {
    let namespace = policy.namespace.as_deref().unwrap_or_default();
    Diagnostic::error(
        "policy-not-accepted",
        format!("ztunnel does not have policy `{namespace}/{}`", policy.name),
    )
    .help(format!(
        "`kubectl get authorizationpolicy.security.istio.io {} -n {namespace} -o yaml` says in its status who has refused it; `istioctl ztunnel-config policies` shows what each ztunnel has",
        policy.name
    ))
}

fn not_accepted(live: &Object) -> Option<Diagnostic> {
    let said: Vec<&Node> = conditions(live)
        .iter()
        .filter(|c| matches!(word(c, "type"), "ZtunnelAccepted" | "WaypointAccepted"))
        .collect();
    let refused =
        said.iter().find(|c| word(c, "status") != "True" || word(c, "reason") != "Accepted");
    let (why, at) = match (refused, said.is_empty()) {
        (Some(c), _) => {
            (format!("{}: {}: {}", word(c, "type"), word(c, "reason"), word(c, "message")), c.span)
        }
        (None, true) => ("nobody says that it is enforced".to_owned(), live.name_span()),
        (None, false) => return None,
    };
    let namespace = live.namespace.as_deref().unwrap_or_default();
    Some(
        Diagnostic::error(
            "policy-not-accepted",
            format!("policy `{namespace}/{}` is not accepted", live.name),
        )
        .at(at, why)
        .help(format!(
            "until it is, it is not enforced: `kubectl get authorizationpolicy {} -n {namespace} -o yaml`; where it names a waypoint, that must be Programmed",
            live.name
        )),
    )
}
