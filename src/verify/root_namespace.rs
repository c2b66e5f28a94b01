//! Policies of the root namespace, which decide in every namespace (facts/istio-ambient.md 1, facts/field.md 7.5.4).

use super::objects::{NOTHING_FOREIGN, foreign};
use super::{Dump, Expected, Verdict, at};
use crate::k8s::Object;
use crate::yaml::Node;

/// The default; TSB has no other.
pub(super) const ROOT: &str = "istio-system";

pub(super) fn check(expected: &Expected<'_>, dump: &Dump, verdict: &mut Verdict) {
    let is_told = dump.objects.values().any(|object| object.gvk.group == "security.istio.io");
    let is_declared = expected.cluster.namespaces.keys().any(|name| name.as_str() == ROOT);
    let meant = if is_declared {
        "it decides in every namespace: name it in the inventory if it is meant".to_owned()
    } else {
        format!(
            "it decides in every namespace: if it is meant, add `{{name: {ROOT}, mode: none}}` to the cluster's namespaces and name it in the inventory"
        )
    };
    let found = foreign(expected, ROOT, dump, &meant, |object| decides(expected, dump, object));
    verdict.answer(None, NOTHING_FOREIGN, is_told, found);
}

/// False where it is of gateways only: bound to one of the root namespace, or by labels that no pod of the spec's has.
fn decides(expected: &Expected<'_>, dump: &Dump, object: &Object) -> bool {
    if !matches!(object.gvk.kind.as_str(), "AuthorizationPolicy" | "PeerAuthentication") {
        return false;
    }
    let of = |path: &[&str]| at(&object.body, path);
    let targets = of(&["spec", "targetRefs"]).and_then(Node::as_list).unwrap_or_default();
    let mut targets = targets.iter().chain(of(&["spec", "targetRef"])).peekable();
    if targets.peek().is_some() {
        return targets.any(|t| t.get("kind").and_then(Node::as_str) == Some("GatewayClass"));
    }
    let labels = of(&["spec", "selector", "matchLabels"]).and_then(Node::as_mapping);
    let Some(labels) = labels.filter(|labels| !labels.entries.is_empty()) else { return true };
    let selects = |pod: &&Object| {
        let value = |key: &str| pod.labels.get(key).map(String::as_str);
        labels.entries.iter().all(|e| value(e.key.as_str()) == e.value.as_str())
    };
    let names = expected.cluster.namespaces.keys();
    names.flat_map(|name| dump.inside(name.as_str(), "", "Pod")).any(|pod| selects(&pod))
}
