//! Pods that a stage moves otherwise than the others of their namespace: those that nothing restarts,
//! and those that had no sidecar.

use crate::diagnostic::{Diagnostic, Span};
use crate::model::{Cluster, Environment, Namespace, Restart};

/// The label that puts pods into ambient mode, or keeps them out.
const DATAPLANE_MODE: &str = "istio.io/dataplane-mode";

/// Names both kinds, one finding a namespace.
pub(super) fn check(environment: &Environment, found: &mut Vec<Diagnostic>) {
    for cluster in environment.clusters.values() {
        for namespace in environment.moved_namespaces(cluster) {
            if environment.restart == Restart::Annotation {
                found.extend(not_restarted(cluster, namespace));
            }
            found.extend(opted_out(cluster, namespace));
        }
    }
}

/// A pod keeps its sidecar as long as it lives, and ambient leaves pods with a sidecar alone
/// (facts/istio-ambient.md §1.2).
fn not_restarted(cluster: &Cluster, namespace: &Namespace) -> Option<Diagnostic> {
    let left = namespace.other_pods.iter().filter(|pods| pods.keep_sidecars());
    let left: Vec<(String, Span)> = left.map(|pods| (pods.to_string(), pods.origin)).collect();
    let (names, verb) = listed(&left)?;
    let keys = namespace.other_pods.iter().filter(|pods| pods.keep_sidecars());
    let keys: Vec<String> = keys.map(|pods| format!("{}/{}", pods.kind, pods.name)).collect();
    // whoever writes what is named here is to be done with it
    let more = match keys.len().saturating_sub(TO_WRITE) {
        0 => String::new(),
        more => format!(", and {more} more in the same way"),
    };
    let diagnostic = Diagnostic::warning(
        "not-restarted",
        format!("{names} in `{}/{}` {verb} not restarted when it moves", cluster.name, namespace.name),
    )
    .at(namespace.origin, "they keep their sidecars until somebody restarts them")
    .help(format!(
        "restart them by hand once the namespace is labelled, and then say so: `restarted: [{}]`{more}; until then they count as sidecars",
        keys.into_iter().take(TO_WRITE).collect::<Vec<_>>().join(", ")
    ));
    Some(with_places(diagnostic, &left))
}

/// Pods that refused a sidecar are in no mesh; the namespace's label takes every pod without a
/// sidecar in, at once and without a restart (facts/istio-ambient.md §1.2).
fn opted_out(cluster: &Cluster, namespace: &Namespace) -> Option<Diagnostic> {
    let workloads = namespace.workloads.values().filter(|w| {
        w.mode.is_none()
            && w.pods.refuses_sidecar
            && !w.pods.host_network
            && !w.pod_labels.contains_key(DATAPLANE_MODE)
    });
    let workloads = workloads.map(|w| (format!("{} `{}`", w.kind.as_str(), w.name), w.origin));
    let others = namespace.other_pods.iter().filter(|pods| {
        pods.pods.refuses_sidecar
            && !pods.pods.host_network
            && !pods.pod_labels.contains_key(DATAPLANE_MODE)
    });
    let others = others.map(|pods| (pods.to_string(), pods.origin));
    let all: Vec<(String, Span)> = workloads.chain(others).collect();
    let (names, verb) = listed(&all)?;
    let (out_of, them) =
        if all.len() == 1 { ("its pods have", "it") } else { ("their pods have", "them") };
    let diagnostic = Diagnostic::warning(
        "opted-out",
        format!(
            "{names} in `{}/{}` {verb} outside the mesh now: {out_of} no sidecar, and the namespace's label takes {them} into ambient mode",
            cluster.name, namespace.name
        ),
    )
    .at(namespace.origin, "moved by a stage")
    .help("name it in the namespace's `workloads` with `mode: none` to keep it out, or with `mode: ambient` if that is meant; what is no Deployment, StatefulSet or DaemonSet needs the label `istio.io/dataplane-mode` in its own pod template");
    Some(with_places(diagnostic, &all))
}

/// How many are named to be written down.
const TO_WRITE: usize = 40;

/// How many are named.
const SHOWN: usize = 4;

/// The names in a sentence and its verb; `None` without any.
fn listed(all: &[(String, Span)]) -> Option<(String, &'static str)> {
    let names: Vec<&str> = all.iter().take(SHOWN).map(|(name, _)| name.as_str()).collect();
    let more = all.len().saturating_sub(SHOWN);
    Some(match (names.as_slice(), more) {
        ([], _) => return None,
        ([one], _) => ((*one).to_owned(), "is"),
        ([first @ .., last], 0) => (format!("{} and {last}", first.join(", ")), "are"),
        (names, more) => (format!("{} and {more} more", names.join(", ")), "are"),
    })
}

fn with_places(diagnostic: Diagnostic, all: &[(String, Span)]) -> Diagnostic {
    all.iter().take(SHOWN).fold(diagnostic, |diagnostic, (_, place)| diagnostic.also(*place, ""))
}
