//! Labels inside a namespace that say otherwise than the namespace, and that nothing here asks for: a pod that ztunnel leaves
//! alone, a Service past its waypoint or to another one.

use super::status::GATEWAY_NAME;
use super::{Dump, One, Verdict, managers, pods};
use crate::diagnostic::Diagnostic;
use crate::k8s::{Object, ObjectRef};
use crate::yaml::Node;

const QUESTION: &str = "no label overrides those of the namespace";
/// Of workloads and pods, and of Services (facts/istio-ambient.md 1.1, 2.1). A label of the pod wins over its namespace's.
const ON_PODS: [&str; 4] = [
    "istio.io/dataplane-mode",
    "istio.io/use-waypoint",
    "istio.io/use-waypoint-namespace",
    "sidecar.istio.io/inject",
];
const ON_SERVICES: [&str; 2] = ["istio.io/use-waypoint", "istio.io/use-waypoint-namespace"];
const ON_NAMESPACE: [&str; 1] = ["istio.io/use-waypoint-namespace"];
const TEMPLATE: [&str; 4] = ["spec", "template", "metadata", "labels"];
const OWN: [&str; 2] = ["metadata", "labels"];
/// Which labels of what is in a namespace decide, and where they stand.
const PLACES: [(&str, &str, &[&str], &[&str]); 5] = [
    ("", "Service", &OWN, &ON_SERVICES),
    ("", "Pod", &OWN, &ON_PODS),
    ("apps", "Deployment", &TEMPLATE, &ON_PODS),
    ("apps", "StatefulSet", &TEMPLATE, &ON_PODS),
    ("apps", "DaemonSet", &TEMPLATE, &ON_PODS),
];

pub(super) fn check(one: &One<'_>, dump: &Dump, verdict: &mut Verdict) {
    let namespace = dump.namespace(one.name());
    let inside = PLACES.iter().flat_map(|&(group, kind, path, keys)| {
        dump.inside(one.name(), group, kind).map(move |live| (live, path, keys))
    });
    // istiod keeps its own out of the mesh by such labels; a pod that has ended does nothing
    let counts = |live: &Object| {
        !live.labels.contains_key(GATEWAY_NAME)
            && (live.gvk.kind != "Pod" || pods::is_workload(live))
    };
    let inside: Vec<_> = inside.filter(|(live, ..)| counts(live)).collect();
    let own = namespace.map(|live| (live, OWN.as_slice(), ON_NAMESPACE.as_slice()));
    let mut found = Vec::new();
    // the namespace's own labels, and pods or what makes them
    let is_told = namespace.is_some() && inside.iter().any(|(live, ..)| live.gvk.kind != "Service");
    for (live, path, keys) in own.into_iter().chain(inside) {
        let foreign = |key: &&&str| {
            let value = label(live, path, key);
            value.is_some_and(|value| !is_harmless(namespace, key, value))
                && value != asked_for(one, dump, live, path, key)
        };
        found.extend(keys.iter().filter(foreign).map(|key| overrides(one, live, path, key)));
    }
    verdict.answer(Some(one.name()), QUESTION, is_told, found);
}

/// What the namespace says as well, or what has no effect there.
fn is_harmless(namespace: Option<&Object>, key: &str, value: &str) -> bool {
    let of_namespace = |key: &str| namespace.and_then(|n| n.labels.get(key)).map(String::as_str);
    match key {
        // every block of the webhook wants `istio-injection` to be absent or `enabled`
        // (facts/gitops-delivery.md 1.3)
        "sidecar.istio.io/inject" => {
            value != "true" || of_namespace("istio-injection") == Some("disabled")
        }
        // on the namespace itself, it is what may be asked for or not
        "istio.io/use-waypoint-namespace" => false,
        _ => of_namespace(key) == Some(value),
    }
}

/// The label that is rendered or inventoried; of a pod, what the workload that owns it gives, which is told there.
fn asked_for<'d>(
    one: &'d One<'_>,
    dump: &'d Dump,
    live: &'d Object,
    path: &[&str],
    key: &str,
) -> Option<&'d str> {
    if live.gvk.is("", "Pod") {
        let Some((kind, name)) = pods::owner(live) else { return label(live, path, key) };
        let owner =
            ObjectRef { group: "apps".to_owned(), kind, namespace: live.namespace.clone(), name };
        // of a pod that something else owns nothing is known
        return dump.get(&owner).map_or(label(live, path, key), |w| label(w, &TEMPLATE, key));
    }
    declared(one, &live.reference(), path, key)
}

fn declared<'d>(one: &'d One<'_>, of: &ObjectRef, path: &[&str], key: &str) -> Option<&'d str> {
    one.expected
        .declared()
        .find_map(|o| (o.reference() == *of).then(|| label(o, path, key)).flatten())
}

fn label<'o>(object: &'o Object, path: &[&str], key: &str) -> Option<&'o str> {
    object.body.get_path(path)?.get(key).and_then(Node::as_str)
}

fn overrides(one: &One<'_>, live: &Object, path: &[&str], key: &str) -> Diagnostic {
    let whole: Vec<&str> = path.iter().chain([&key]).copied().collect();
    let owners = managers::of(live, &whole);
    let value = label(live, path, key).unwrap_or_default();
    let kind = live.gvk.kind.to_ascii_lowercase();
    let scope =
        if live.namespace.is_some() { format!(" -n {}", one.name()) } else { String::new() };
    let (of, remedy) = if path == TEMPLATE {
        let pointer = key.replace('/', "~1");
        (
            "the pod template of ",
            format!(
                "kubectl patch {kind} {}{scope} --type json -p '[{{\"op\": \"remove\", \"path\": \"/{}/{pointer}\"}}]'",
                live.name,
                path.join("/")
            ),
        )
    } else {
        ("", format!("kubectl label {kind} {}{scope} {key}-", live.name))
    };
    Diagnostic::error(
        "label-overrides",
        format!(
            "label `{key}={value}` of {of}{} says otherwise than what is rendered",
            live.reference()
        ),
    )
    .at(live.name_span(), format!("set {}", managers::told(&owners)))
    .help(format!("name it in the inventory if it is meant, else `{remedy}`"))
}
