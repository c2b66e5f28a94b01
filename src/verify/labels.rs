//! Labels that should be gone from a namespace, and who put them there: those that inject sidecars
//! where it is ambient, those that capture pods where it is not.

use super::{Answer, Dump, One, Verdict, managers};
use crate::diagnostic::Diagnostic;
use crate::k8s::Object;

const QUESTION: &str = "no label injects sidecars";
const OUTSIDE: &str = "no label captures pods";
const DATAPLANE_MODE: &str = "istio.io/dataplane-mode";

pub(super) fn check(one: &One<'_>, dump: &Dump, verdict: &mut Verdict) {
    let Some(live) = dump.namespace(one.name()) else {
        verdict.answer(Some(one.name()), QUESTION, false, Vec::new());
        return;
    };
    // every block of the webhook wants `istio-injection` to be absent or `enabled`: with `disabled`
    // a revision injects nothing (facts/gitops-delivery.md 1.3)
    let injection = live.labels.get("istio-injection").map(String::as_str);
    let rendered = one.expected.applied.iter().map(|(_, o)| o);
    let rendered = rendered.filter(|o| o.gvk.is("", "Namespace") && o.name == one.name());
    let is_rendered = |key: &str| rendered.clone().any(|o| o.labels.contains_key(key));
    let is_as_rendered =
        |key: &str, value: &String| rendered.clone().any(|o| o.labels.get(key) == Some(value));
    let mut found = Vec::new();
    let mut is_told_elsewhere = false;
    for key in ["istio-injection", "istio.io/rev"] {
        let Some(value) = live.labels.get(key) else { continue };
        let injects = match key {
            "istio-injection" => value == "enabled",
            _ => injection != Some("disabled"),
        };
        if !injects {
            continue;
        }
        // one that is rendered otherwise is not as rendered, and told with its object
        if is_rendered(key) {
            is_told_elsewhere |= !is_as_rendered(key, value);
            continue;
        }
        let owners = managers::of(live, &["metadata", "labels", key]);
        found.push(
            Diagnostic::error(
                "label-survived",
                format!("label `{key}={value}` of namespace `{}` survived", one.name()),
            )
            .at(live.name_span(), format!("set {}", managers::told(&owners)))
            .help(format!(
                "new pods get a sidecar, and ambient leaves those alone: `kubectl label namespace {} {key}-`; {}",
                one.name(),
                leaves(&owners)
            )),
        );
    }
    if is_told_elsewhere && found.is_empty() {
        verdict.row(Some(one.name()), QUESTION, Answer::No);
    } else {
        verdict.answer(Some(one.name()), QUESTION, true, found);
    }
}

/// A namespace that is not ambient, or no longer: a patch and a merge take no label away.
pub(super) fn check_outside(one: &One<'_>, dump: &Dump, verdict: &mut Verdict) {
    let live = dump.namespace(one.name());
    let is_told = live.is_some();
    let ambient = live.filter(|n| n.labels.get(DATAPLANE_MODE).is_some_and(|v| v == "ambient"));
    let survived = |live: &Object| {
        let owners = managers::of(live, &["metadata", "labels", DATAPLANE_MODE]);
        Diagnostic::error(
            "label-captures",
            format!(
                "namespace `{}` is labelled `{DATAPLANE_MODE}=ambient`, and not ambient at this stage",
                one.name()
            ),
        )
        .at(live.name_span(), format!("set {}", managers::told(&owners)))
        .help(format!(
            "pods without a sidecar are captured, which nothing here asks for: `kubectl label namespace {} {DATAPLANE_MODE}- istio.io/use-waypoint-`; {}",
            one.name(),
            leaves(&owners)
        ))
    };
    let found = ambient.into_iter().map(survived).collect();
    verdict.answer(Some(one.name()), OUTSIDE, is_told, found);
}

/// Why the applier has left it (facts/gitops-delivery.md 4.2).
fn leaves(owners: &[String]) -> &'static str {
    let by_kubectl = |owner: &String| owner.starts_with("kubectl");
    if !owners.is_empty() && owners.iter().all(by_kubectl) {
        "an applier leaves what somebody has set with kubectl"
    } else {
        "an applier removes only what it owns; `injectionLabel: disable` overwrites it whoever set it"
    }
}
