//! Policies and waypoints that decide about access, and that nothing rendered or inventoried asks for.

use super::{Dump, Expected, One, Verdict, managers};
use crate::diagnostic::Diagnostic;
use crate::k8s::{Object, ObjectRef};
use crate::yaml::Node;

const QUESTION: &str = "nothing foreign decides about access";
const MEANT: &str = "name it in the inventory if it is meant";
/// The root namespace: the default; TSB has no other.
const ROOT: &str = "istio-system";

/// Those in a namespace; what is in the root namespace is looked at for the whole cluster.
pub(super) fn check(one: &One<'_>, dump: &Dump, verdict: &mut Verdict) {
    if one.name() != ROOT {
        let found = foreign(one.expected, one.name(), dump, MEANT, |_| true);
        verdict.answer(Some(one.name()), QUESTION, tells_of_policies(dump), found);
    }
}

/// Policies of the root namespace, which decide in every namespace (facts/istio-ambient.md 1, facts/field.md 7.5.4).
pub(super) fn check_root(expected: &Expected<'_>, dump: &Dump, verdict: &mut Verdict) {
    let is_told = tells_of_policies(dump);
    let is_declared = expected.cluster.namespaces.keys().any(|name| name.as_str() == ROOT);
    let meant = if is_declared {
        format!("it decides in every namespace: {MEANT}")
    } else {
        format!(
            "it decides in every namespace: if it is meant, add `{{name: {ROOT}, mode: none}}` to the cluster's namespaces and name it in the inventory"
        )
    };
    let found = foreign(expected, ROOT, dump, &meant, |object| decides(expected, dump, object));
    verdict.answer(None, QUESTION, is_told, found);
}

/// A dump of other kinds says nothing of policies.
fn tells_of_policies(dump: &Dump) -> bool {
    dump.objects.values().any(|object| object.gvk.group == "security.istio.io")
}

/// Policies and waypoints in a namespace that decide about access, and that nothing here asks for.
fn foreign(
    expected: &Expected<'_>,
    namespace: &str,
    dump: &Dump,
    meant: &str,
    decides: impl Fn(&Object) -> bool,
) -> Vec<Diagnostic> {
    let is_known = |reference: &ObjectRef| expected.declared().any(|o| o.reference() == *reference);
    let mut found = Vec::new();
    for (group, kind) in [
        ("security.istio.io", "AuthorizationPolicy"),
        ("security.istio.io", "PeerAuthentication"),
        ("gateway.networking.k8s.io", "Gateway"),
    ] {
        for object in dump.inside(namespace, group, kind) {
            let class = object.body.get("spec").and_then(|s| s.get("gatewayClassName"));
            let is_other =
                kind == "Gateway" && class.and_then(Node::as_str) != Some("istio-waypoint");
            if is_other || is_known(&object.reference()) || !decides(object) {
                continue;
            }
            let owners = managers::of(object, &["spec"]);
            found.push(
                Diagnostic::error(
                    "foreign-object",
                    format!(
                        "{} is in the cluster, and nothing here asks for it",
                        object.reference()
                    ),
                )
                .at(object.name_span(), format!("written {}", managers::told(&owners)))
                .help(format!(
                    "{meant}, else `kubectl delete {}.{group} {} -n {}`",
                    kind.to_ascii_lowercase(),
                    object.name,
                    namespace
                )),
            );
        }
    }
    found
}

/// False where it is of gateways only: bound to one of the root namespace, or by labels that no pod of the spec's has.
fn decides(expected: &Expected<'_>, dump: &Dump, object: &Object) -> bool {
    if !matches!(object.gvk.kind.as_str(), "AuthorizationPolicy" | "PeerAuthentication") {
        return false;
    }
    let of = |path: &[&str]| object.body.get_path(path);
    let targets = of(&["spec", "targetRefs"]).and_then(Node::as_list).unwrap_or_default();
    let mut targets = targets.iter().chain(of(&["spec", "targetRef"])).peekable();
    if targets.peek().is_some() {
        return targets.any(|t| t.get("kind").and_then(Node::as_str) == Some("GatewayClass"));
    }
    let labels = of(&["spec", "selector", "matchLabels"]).and_then(Node::as_mapping);
    let Some(labels) = labels.filter(|labels| !labels.entries.is_empty()) else { return true };
    // Istio ignores such a one there
    if object.gvk.kind == "PeerAuthentication" {
        return false;
    }
    let selects = |pod: &&Object| {
        let value = |key: &str| pod.labels.get(key).map(String::as_str);
        labels.entries.iter().all(|e| value(e.key.as_str()) == e.value.as_str())
    };
    let names = expected.cluster.namespaces.keys();
    names.flat_map(|name| dump.inside(name.as_str(), "", "Pod")).any(|pod| selects(&pod))
}
