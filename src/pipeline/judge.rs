//! Hand-written policies that the tree has: does what is rendered of them at a point open anything, who
//! loses, and does it follow on what was rendered before?

use std::collections::BTreeSet;

use super::adopted::{ByCluster, Proposed};
use super::consent::{Accepted, Consent};
use super::parse_reached;
use super::translation::{TranslatedPolicy, told};
use crate::diagnostic::{Diagnostic, has_errors};
use crate::k8s::Object;
use crate::model::{DataplaneMode, Reached, Step};
use crate::plan;
use crate::prove::prove;
use crate::resolve::Resolved;
use crate::simulate::{CallerKind, Target};
use crate::tree::{Local, Provenance};
use crate::world::World;

/// What hand-written policies come to at a point.
#[derive(Debug, Default)]
pub struct Judged {
    /// What is wrong with them: somebody gains, or nothing is proven.
    pub found: Vec<Diagnostic>,
    /// Losses that nobody accepted, policy by policy.
    pub missing: Vec<Diagnostic>,
}

/// Judges a point by the one before anything moved. The day `today` (`2026-12-31`) decides which losses
/// are still accepted. What concerns no policy that the tree has is not told here.
pub(super) fn judge(
    resolved: &Resolved,
    adopted: &ByCluster<'_>,
    (before, after): (&World, &World),
    reached: &Reached,
    today: &str,
) -> Judged {
    let Moved { mut policies, objects, waypoints } = moved(resolved, adopted, reached);
    let mut judged = Judged::default();
    let mut accepted = Accepted::default();
    for entry in &resolved.accept {
        accepted.entry(&entry.value, today, &mut judged.found);
    }
    if policies.is_empty() {
        return judged;
    }
    let state = plan::state(&resolved.environment, reached);
    let moving: BTreeSet<String> = state
        .namespaces
        .iter()
        .filter(|(_, state)| state.enrolled == DataplaneMode::Ambient)
        .map(|(id, _)| id.namespace.to_string())
        .collect();
    let mut proof = prove(&before.mesh, &after.mesh, &moving);
    let decided = |to: &Target| policies.iter().any(|policy| policy.decides(to));
    // the waypoint's own account comes in everywhere, and nobody runs under it: a workload that did would be
    // no mere identity
    let is_waypoint = |from: &CallerKind| match from {
        CallerKind::Identity { principal, .. } => waypoints.contains(principal),
        CallerKind::Workload { .. } | CallerKind::Outside => false,
    };
    proof.gains.retain(|gain| decided(&gain.to) && !is_waypoint(&gain.from.kind));
    proof.losses.retain(|(_, loss)| decided(&loss.to));
    proof.open.retain(|bound| decided(bound.target()));
    // guards and twins are there before they hold for anything; they are asked when they do
    proof.idle.clear();
    judged.found.extend(accepted.take_gains(&mut proof));
    judged.found.extend(told(&proof, &mut policies, &objects));
    if !has_errors(&judged.found) {
        let missing = policies.iter().filter_map(|policy| {
            let object = objects.get(policy.proposed.object)?;
            consent_needed(&accepted.missing(policy, object), object)
        });
        judged.missing.extend(missing);
    }
    judged
}

/// What is judged at a point: policies that are still to move as well, since their callers may have moved, whose
/// sidecars rewrote what they ask for.
#[derive(Default)]
struct Moved {
    policies: Vec<TranslatedPolicy>,
    /// What they were written as.
    objects: Vec<Object>,
    /// The identities of the waypoints that they let in.
    waypoints: BTreeSet<String>,
}

fn moved(resolved: &Resolved, adopted: &ByCluster<'_>, reached: &Reached) -> Moved {
    let environment = &resolved.environment;
    let mut moved = Moved::default();
    if *reached == Reached::None {
        return moved;
    }
    for cluster in environment.clusters.values() {
        let Some(adopted) = adopted.get(cluster) else { continue };
        for namespace in cluster.namespaces.values() {
            let Some(Proposed { objects, proposal, waypoint, .. }) = adopted.proposed(namespace)
            else {
                continue;
            };
            moved.waypoints.extend(waypoint.clone());
            for mut policy in proposal.policies.iter().cloned() {
                let Some(object) = objects.get(policy.object) else { continue };
                policy.object = moved.objects.len();
                moved.objects.push(object.clone());
                let cluster = Some(cluster.name.to_string());
                let policy = TranslatedPolicy { cluster, ..TranslatedPolicy::proposed(policy) };
                moved.policies.push(policy);
            }
        }
    }
    moved
}

fn consent_needed(missing: &BTreeSet<Consent>, object: &Object) -> Option<Diagnostic> {
    let first = missing.first()?;
    let kinds: Vec<&str> = missing.iter().map(|consent| consent.as_str()).collect();
    let said = format!("callers lose by moving {}: `{}`", object.reference(), kinds.join("`, `"));
    let (namespace, name) = (object.namespace_or_default(), &object.name);
    Some(
        Diagnostic::error("consent-needed", said)
            .at(object.name_span(), "this policy would refuse them")
            .help(format!(
                "if they may lose, say so in the spec, for each kind: `accept: [{{kind: {}, namespace: \
                 {namespace}, policy: {name}, reason: …, owner: …, expires: …}}]`",
                first.as_str()
            )),
    )
}

/// Steps that were left out between what the locks say and what is rendered, where hand-written policies
/// would go before what needs them has: units are applied in their order, policies first.
pub fn skipped(resolved: &Resolved, to: &Provenance, from: &Local) -> Vec<Diagnostic> {
    let environment = &resolved.environment;
    let mut found = Vec::new();
    for cluster in environment.clusters.values() {
        let adopted = resolved.adopted.get(&cluster.name).into_iter().flatten();
        let (Some(Ok(lock)), Some(to)) =
            (from.locks.get(cluster.name.as_str()), to.clusters.get(cluster.name.as_str()))
        else {
            continue;
        };
        let mut told = BTreeSet::new();
        for object in adopted {
            let namespace = object.namespace_or_default();
            let (Some(old), Some(new)) = (lock.stages.get(namespace), to.stages.get(namespace))
            else {
                continue;
            };
            let step = |text: &str| match parse_reached(environment, text) {
                Ok(Reached::Stage(_, step)) => Some(step),
                Ok(Reached::None) | Err(_) => None,
            };
            let Some(between) = left_out(step(old), step(new)) else { continue };
            if told.insert(namespace) {
                let stage = [old, new].into_iter().find(|s| *s != "none").map_or("", |s| s);
                let stage = stage.split('/').next().unwrap_or_default();
                found.push(
                    Diagnostic::error(
                        "step-skipped",
                        format!("`{namespace}` would go from `{old}` to `{new}` in one step"),
                    )
                    .at(object.name_span(), "between the two, nothing would enforce this policy")
                    .help(format!(
                        "render `{stage}/{}` first, and go on when that is applied",
                        between.as_str()
                    )),
                );
            }
        }
    }
    found
}

/// The step that must lie between two: originals go when no sidecar is left, and what replaces them when
/// no pod is enrolled.
fn left_out(from: Option<Step>, to: Option<Step>) -> Option<Step> {
    match (from, to) {
        (Some(Step::Workloads | Step::Cleanup), Some(Step::Cleanup)) => None,
        (_, Some(Step::Cleanup)) => Some(Step::Workloads),
        (Some(Step::Enrollment | Step::Workloads | Step::Cleanup), None) => Some(Step::Mesh),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_go_when_nobody_needs_them() {
        let steps = [None, Some(Step::Mesh), Some(Step::Enrollment), Some(Step::Workloads)];
        let to = |step: Step| steps.map(|from| left_out(from, Some(step)));
        let workloads = Some(Step::Workloads);
        assert_eq!(to(Step::Cleanup), [workloads, workloads, workloads, None]);
        assert_eq!(to(Step::Workloads), [None; 4]);
        let back = steps.map(|from| left_out(from, None));
        assert_eq!(back, [None, None, Some(Step::Mesh), Some(Step::Mesh)]);
        assert_eq!(left_out(Some(Step::Cleanup), None), Some(Step::Mesh));
    }
}
