//! A comparison in order: nothing said twice, and what could not be compared.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::change::{AccessChange, Caller, CallerKind, Change, Comparison, Target, TargetKind};
use super::same::Same;
use crate::simulate::mesh::{Mesh, ServiceId};
use crate::simulate::policy::PolicyId;

/// Puts changes in order, and leaves out what another one says already: an address that makes no
/// difference, a kind of proxy that makes none, a pod whose service changes alike.
pub fn tidy(found: &mut Comparison, meshes: [&Mesh; 2]) {
    found.bounds.sort();
    found.bounds.dedup();
    found.changes.sort_by(|a, b| {
        (a.change, &a.from, &a.to, a.by_design).cmp(&(b.change, &b.from, &b.to, b.by_design))
    });
    // without an address comes first, and of the proxies the one met first
    let mut said: HashSet<(Change, Whom<'_>, &Target)> = HashSet::new();
    let is_new = found.changes.iter().map(|c| said.insert((c.change, Whom::of(c), &*c.to)));
    let is_new: Vec<bool> = is_new.collect();
    keep(&mut found.changes, is_new);
    let services: BTreeSet<&Target> = found
        .changes
        .iter()
        .map(|c| &*c.to)
        .filter(|target| target.kind == TargetKind::Service)
        .collect();
    let by_name = meshes.map(|mesh| -> HashMap<String, ServiceId> {
        mesh.services().map(|(id, _)| (mesh.service_name(id), id)).collect()
    });
    let pods: BTreeMap<&Target, Vec<(String, u16)>> = services
        .into_iter()
        .map(|target| {
            let all = meshes.iter().zip(&by_name);
            (target, all.flat_map(|(mesh, names)| behind(mesh, names, target)).collect())
        })
        .collect();
    let mut by_service: HashSet<(Change, bool, &Caller, &str, u16)> = HashSet::new();
    for change in &found.changes {
        for (name, port) in pods.get(&*change.to).into_iter().flatten() {
            let (way, by_design) = (change.change, change.by_design.is_some());
            by_service.insert((way, by_design, &change.from, name, *port));
        }
    }
    let is_apart = found.changes.iter().map(|c| {
        let (way, by_design) = (c.change, c.by_design.is_some());
        let own = (way, by_design, &*c.from, c.to.name.as_str(), c.to.port);
        c.to.kind == TargetKind::Service || !by_service.contains(&own)
    });
    let is_apart: Vec<bool> = is_apart.collect();
    keep(&mut found.changes, is_apart);
    fold_other_ports(found, meshes, &by_name);
}

/// Whom a change is about, whatever address or proxy it is taken to have.
#[derive(PartialEq, Eq, Hash)]
enum Whom<'c> {
    Workload(&'c str),
    Outside,
    Identity(&'c str),
}

impl<'c> Whom<'c> {
    fn of(change: &'c AccessChange) -> Self {
        match &change.from.kind {
            CallerKind::Workload { name, .. } => Self::Workload(name),
            CallerKind::Outside => Self::Outside,
            CallerKind::Identity { principal, .. } => Self::Identity(principal),
        }
    }
}

/// Keeps those of which it is said that they stay, one by one.
fn keep(changes: &mut Vec<AccessChange>, stays: Vec<bool>) {
    let mut stays = stays.into_iter();
    changes.retain(|_| stays.next().unwrap_or_default());
}

/// What changes at the ports that nothing names as it does at one that something names, by the same words
/// of the same point, is said with that.
fn fold_other_ports(
    found: &mut Comparison,
    meshes: [&Mesh; 2],
    by_name: &[HashMap<String, ServiceId>; 2],
) {
    fn key(of: &AccessChange) -> (Change, &Caller, &str) {
        let AccessChange { change, from, to, .. } = of;
        (*change, from, &to.namespace)
    }
    let mut named: HashMap<(Change, &Caller, &str), Vec<usize>> = HashMap::new();
    for (index, change) in found.changes.iter().enumerate() {
        if change.to.kind != TargetKind::OtherPort {
            named.entry(key(change)).or_default().push(index);
        }
    }
    let mut folded = BTreeSet::new();
    let mut with = Vec::new();
    for (index, change) in found.changes.iter().enumerate() {
        if change.to.kind != TargetKind::OtherPort {
            continue;
        }
        let all = named.get(&key(change)).into_iter().flatten();
        let is_its_pod = |to: &Target| match to.kind {
            TargetKind::Service => (0..2).any(|side| {
                behind(meshes[side], &by_name[side], to)
                    .iter()
                    .any(|(name, _)| *name == change.to.name)
            }),
            TargetKind::Pod | TargetKind::OtherPort => to.name == change.to.name,
        };
        let is_alike = |other: &&usize| {
            let other = &found.changes[**other];
            other.request == change.request
                && other.every_request == change.every_request
                && other.by_design == change.by_design
                && other.before == change.before
                && other.after == change.after
                && is_its_pod(&other.to)
        };
        if let Some(other) = all.copied().find(|other| is_alike(&other)) {
            folded.insert(index);
            with.push(other);
        }
    }
    for index in with {
        found.changes[index].other_ports = true;
    }
    let mut index = 0;
    found.changes.retain(|_| {
        index += 1;
        !folded.contains(&(index - 1))
    });
}

/// The workloads behind a service, and the ports there.
fn behind(
    mesh: &Mesh,
    by_name: &HashMap<String, ServiceId>,
    target: &Target,
) -> Vec<(String, u16)> {
    let Some(service) = by_name.get(&target.name) else { return Vec::new() };
    let service = mesh.service(*service);
    let Some(port) = service.ports.iter().find(|p| p.number == target.port) else {
        return Vec::new();
    };
    let pods = service.endpoints.iter();
    pods.map(|id| (mesh.workload_name(*id), service.arrives_at(port, mesh.workload(*id)))).collect()
}

/// Policies that differ and reach nothing, on either side.
pub fn idle_policies(meshes: [&Mesh; 2], same: &Same<'_>) -> Vec<String> {
    // by name; there is one object of a name
    let by_name = meshes.map(|mesh| -> BTreeMap<String, PolicyId> {
        let name = |id: PolicyId| {
            let (policy, cluster) = (mesh.policy(id), mesh.policy_cluster(id));
            let cluster = &mesh.options(cluster).cluster;
            let name = format!("{cluster}/{}/{}", policy.namespace, policy.name);
            name.trim_start_matches('/').to_owned()
        };
        mesh.policies().map(|(id, _)| (name(id), id)).collect()
    });
    let names: BTreeSet<&String> = by_name.iter().flat_map(BTreeMap::keys).collect();
    let differing: Vec<&String> = names
        .into_iter()
        .filter(|name| match [by_name[0].get(*name), by_name[1].get(*name)] {
            // one that holds for nothing is not changed by what options come to
            [Some(old), Some(new)] => !same.policy_object([*old, *new]),
            _ => true,
        })
        .collect();
    if differing.is_empty() {
        return Vec::new();
    }
    let reaches = [0, 1].map(|side| -> BTreeSet<PolicyId> {
        let all = meshes[side].classify().into_iter();
        all.filter(|of| !of.reach.is_empty()).map(|of| of.policy).collect()
    });
    let reaches = |name: &str| {
        (0..2).any(|side| by_name[side].get(name).is_some_and(|id| reaches[side].contains(id)))
    };
    differing.into_iter().filter(|name| !reaches(name)).cloned().collect()
}
