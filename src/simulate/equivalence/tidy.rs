//! A comparison in order: nothing said twice, and what could not be compared.

use std::collections::{BTreeMap, BTreeSet};

use super::change::{Caller, CallerKind, Change, Comparison, Target, TargetKind};
use super::content::Contents;
use crate::simulate::mesh::Mesh;

/// Puts changes in order, and leaves out what another one says already: an address that makes no
/// difference, a kind of proxy that makes none, a pod whose service changes alike.
pub fn tidy(found: &mut Comparison, meshes: [&Mesh; 2]) {
    found.bounds.sort();
    found.bounds.dedup();
    found.changes.sort_by(|a, b| (a.change, &a.from, &a.to).cmp(&(b.change, &b.from, &b.to)));
    let mut said: BTreeSet<(Change, String, Target)> = BTreeSet::new();
    // without an address comes first, and of the proxies the one met first
    found.changes.retain(|c| {
        let whom = match &c.from.kind {
            CallerKind::Workload { name, .. } => name.clone(),
            CallerKind::Outside => "outside".to_owned(),
            CallerKind::Identity { principal, .. } => format!("identity {principal}"),
        };
        said.insert((c.change, whom, c.to.clone()))
    });
    let services: BTreeSet<&Target> = found
        .changes
        .iter()
        .map(|c| &c.to)
        .filter(|target| target.kind == TargetKind::Service)
        .collect();
    let pods: BTreeMap<&Target, Vec<(String, u16)>> = services
        .into_iter()
        .map(|target| (target, meshes.iter().flat_map(|mesh| behind(mesh, target)).collect()))
        .collect();
    let mut by_service: BTreeSet<(Change, Caller, String, u16)> = BTreeSet::new();
    for change in &found.changes {
        for (name, port) in pods.get(&change.to).into_iter().flatten() {
            by_service.insert((change.change, change.from.clone(), name.clone(), *port));
        }
    }
    found.changes.retain(|c| {
        c.to.kind == TargetKind::Service
            || !by_service.contains(&(c.change, c.from.clone(), c.to.name.clone(), c.to.port))
    });
}

/// The workloads behind a service, and the ports there.
fn behind(mesh: &Mesh, target: &Target) -> Vec<(String, u16)> {
    let Ok(service) = mesh.find_service(&target.name) else { return Vec::new() };
    let service = mesh.service(service);
    let Some(port) = service.ports.iter().find(|p| p.number == target.port) else {
        return Vec::new();
    };
    let pods = service.endpoints.iter();
    pods.map(|id| (mesh.workload_name(*id), port.target_at(mesh.workload(*id)))).collect()
}

/// Policies that differ and reach nothing.
pub fn idle_policies(meshes: [&Mesh; 2], contents: &[Contents<'_>; 2]) -> Vec<String> {
    let all = [0, 1].map(|side| contents[side].policies());
    let same: BTreeSet<&(String, String)> =
        all[0].iter().filter(|own| all[1].contains(own)).collect();
    let mut reaches: BTreeMap<&str, bool> = BTreeMap::new();
    for (mesh, own) in meshes.into_iter().zip(&all) {
        for (classification, policy) in mesh.classify().iter().zip(own) {
            if !same.contains(policy) {
                *reaches.entry(policy.0.trim_start_matches('/')).or_default() |=
                    !classification.reach.is_empty();
            }
        }
    }
    reaches.into_iter().filter(|(_, reaches)| !reaches).map(|(name, _)| name.to_owned()).collect()
}
