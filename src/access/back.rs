//! Access tests on the way back from ambient mode to sidecars.
//!
//! The units are applied in their order: the labels of a namespace go back, and then its pods are
//! restarted. istio-cni lets a pod go as soon as the label does (facts/istio-ambient.md §1.3, "the agent
//! reacts to label changes"), and a sidecar comes with a new pod only: between the two a pod that was
//! captured has neither, and no policy is enforced for it.

use std::collections::{BTreeMap, BTreeSet};

use super::answer::{asked, hold};
use super::transient::{Transient, servers, states_by_name};
use crate::diagnostic::Diagnostic;
use crate::report::access::CaseResult;
use crate::simulate::{Client, Mesh, PodState, Request, WorkloadId};
use crate::world::{Case, World};

/// What every case comes to in the states between a point and one before it, as an applier takes things
/// back. What does not hold because pods have no proxy for a while is one finding.
pub fn answers_back(from: &World, to: &World, found: &mut Vec<Diagnostic>) -> Vec<CaseResult> {
    let returning = returning(&from.mesh, to);
    let mut results = Vec::new();
    let mut open: Vec<&Case> = Vec::new();
    if returning.is_empty() {
        return results;
    }
    for case in &to.cases {
        // what cannot be asked is told at the points themselves
        let Ok(request) = asked(&to.mesh, case) else { continue };
        for (world, request, state) in states(from, to, case, request, &returning) {
            let (mut result, diagnostic) = hold(world, case, &request, &state);
            result.at = format!("{}, on the way back", to.name);
            if result.passed() || !state.has(PodState::Plain) {
                found.extend(diagnostic);
                results.push(result);
            } else if open.iter().all(|other| !std::ptr::eq(*other, case)) {
                open.push(case);
            }
        }
    }
    found.extend(without_proxy(to, &returning, &open));
    results
}

/// The workloads, by their place in the mesh that is gone back to, whose pods were captured and get
/// sidecars again.
pub(super) fn returning(from: &Mesh, to: &World) -> BTreeSet<WorkloadId> {
    let before = states_by_name(from);
    let returns = |id: &WorkloadId| {
        // one that would be captured again if it restarted is still labelled
        to.mesh.state(*id).has_sidecar()
            && !to.restarted.contains_key(id)
            && before.get(&to.mesh.workload_name(*id)) == Some(&PodState::Ambient)
    };
    to.mesh.workloads().map(|(id, _)| id).filter(returns).collect()
}

/// The states that matter to a request, with the world whose labels hold in each: on either side the
/// labels may be gone or not yet, and where they are, the pods may be restarted or not yet.
fn states<'w>(
    from: &'w World,
    to: &'w World,
    case: &Case,
    request: Request,
    returning: &BTreeSet<WorkloadId>,
) -> Vec<(&'w World, Request, Transient)> {
    let mesh = &to.mesh;
    let of = |ids: Vec<WorkloadId>| -> Vec<WorkloadId> {
        ids.into_iter().filter(|id| returning.contains(id)).collect()
    };
    let client = match request.from {
        Client::Workload(id) => of(vec![id]),
        Client::Outside(_) => Vec::new(),
    };
    let server = of(servers(mesh, request.to));
    let plain =
        |ids: &[WorkloadId]| ids.iter().map(|id| (*id, PodState::Plain)).collect::<Vec<_>>();
    let ambient: Vec<_> = client.iter().map(|id| (*id, PodState::Ambient)).collect();
    let mut sets: BTreeSet<BTreeMap<WorkloadId, PodState>> = BTreeSet::new();
    let namespace = |id: &WorkloadId| mesh.workload(*id).namespace;
    let apart = client.iter().all(|id| server.iter().all(|s| namespace(s) != namespace(id)));
    let sides = [Vec::new(), plain(&client), if apart { ambient } else { Vec::new() }];
    for one in &sides {
        for other in [Vec::new(), plain(&server)] {
            sets.insert(one.iter().copied().chain(other).collect());
        }
    }
    sets.remove(&BTreeMap::new());
    let mut all: Vec<_> =
        sets.into_iter().map(|pods| (to, request.clone(), Transient::of(pods))).collect();
    // the client's labels are gone, and the server's are not yet
    if let (true, false, Ok(request)) = (apart, client.is_empty(), asked(&from.mesh, case))
        && let Client::Workload(id) = request.from
    {
        for state in [PodState::Plain, mesh.state(client[0])] {
            all.push((from, request.clone(), Transient::of(BTreeMap::from([(id, state)]))));
        }
    }
    all
}

fn without_proxy(
    to: &World,
    returning: &BTreeSet<WorkloadId>,
    open: &[&Case],
) -> Option<Diagnostic> {
    let first = open.first()?;
    let mesh = &to.mesh;
    let namespaces: BTreeSet<&str> = returning
        .iter()
        .map(|id| mesh.namespace(mesh.workload(*id).namespace).name.as_str())
        .collect();
    let namespaces = Vec::from_iter(namespaces);
    let many = match open.len() {
        1 => "an assertion does".to_owned(),
        several => format!("{several} assertions do"),
    };
    let commands: Vec<String> = namespaces
        .iter()
        .map(|name| {
            format!(
                "`kubectl label --overwrite namespace {name} istio-injection=enabled`, `kubectl rollout \
                 restart deployment -n {name}`"
            )
        })
        .collect();
    Some(
        Diagnostic::warning(
            "back-without-proxy",
            format!(
                "on the way back to {}, pods of `{}` have neither ztunnel nor sidecar from the change of \
                 the labels until they are restarted: {many} not hold meanwhile",
                to.name,
                namespaces.join("`, `")
            ),
        )
        .at(first.origin.expect, format!("`{}` to `{}`", first.from, first.to))
        .help(format!(
            "let the sidecars come first, while `istio.io/dataplane-mode` stays: {}; then go back",
            commands.join(", ")
        )),
    )
}
