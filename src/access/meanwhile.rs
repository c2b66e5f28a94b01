//! Two points compared in the states between them: not samples, but every class of requests that
//! [`compare`] asks.
//!
//! A pair of client and server hangs on the states of both, so every two workloads that change meet in
//! every two states: uniform states, and for two different ones as many meshes as it takes to tell all
//! workloads apart by the digits of their numbers.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use super::back::returning;
use super::transient::{Transient, new_waypoints, states_by_name};
use crate::report::access::Between;
use crate::simulate::{
    AccessChange, Caller, Change, Comparison, PodState, Target, WorkloadId, compare,
};
use crate::world::World;

/// What opens, or shuts, in a state between two points, and neither before nor after. What every move
/// brings by design is left out.
pub fn meanwhile(from: &World, to: &World) -> Vec<Between> {
    let mut told: HashSet<(Change, Arc<Caller>, Arc<Target>)> = HashSet::new();
    let mut all = Vec::new();
    for state in states(from, to) {
        let mesh = state.apply(&to.mesh);
        let (since, until) = (compare(&from.mesh, &mesh), compare(&to.mesh, &mesh));
        let key = |c: &AccessChange| (c.change, Arc::clone(&c.from), Arc::clone(&c.to));
        let counts = |c: &&AccessChange| c.by_design.is_none() && c.change != Change::Other;
        let there: HashSet<_> = until.changes.iter().filter(counts).map(key).collect();
        let Comparison { mut changes, mut bounds, asked, idle_policies: _ } = since;
        changes.retain(|c| counts(&c) && there.contains(&key(c)) && told.insert(key(c)));
        bounds.retain(|bound| until.bounds.contains(bound));
        if !changes.is_empty() || !bounds.is_empty() {
            let idle_policies = Vec::new();
            all.push(Between {
                state: state.name(&to.mesh).unwrap_or_default(),
                comparison: Comparison { changes, bounds, idle_policies, asked },
            });
        }
    }
    all
}

/// A workload whose pods change, and the states that they may be in besides the one at the end.
struct Mover {
    id: WorkloadId,
    others: Vec<PodState>,
}

impl Mover {
    /// The state of a number: 0 is the one at the end.
    fn state(&self, number: usize) -> Option<(WorkloadId, PodState)> {
        let other = number.checked_sub(1).and_then(|at| self.others.get(at));
        other.map(|state| (self.id, *state))
    }
}

fn movers(from: &World, to: &World) -> Vec<Mover> {
    let before = states_by_name(&from.mesh);
    let returning = returning(&from.mesh, to);
    let of = |id: WorkloadId| {
        let end = to.mesh.state(id);
        let old = before.get(&to.mesh.workload_name(id)).copied().filter(|old| *old != end);
        let mut others = Vec::new();
        if returning.contains(&id) {
            // the label is gone, and the new pod is not there
            others.push(PodState::Plain);
        } else {
            others.extend(old);
            others.extend(to.restarted.get(&id).copied().filter(|state| Some(*state) != old));
        }
        (!others.is_empty()).then_some(Mover { id, others })
    };
    to.mesh.workloads().filter_map(|(id, _)| of(id)).collect()
}

/// Every state to ask, each once.
fn states(from: &World, to: &World) -> Vec<Transient> {
    let movers = movers(from, to);
    let most = movers.iter().map(|mover| mover.others.len()).max().unwrap_or_default();
    let mut sets: BTreeSet<BTreeMap<WorkloadId, PodState>> = BTreeSet::new();
    let mut set = |number: &dyn Fn(usize) -> usize| {
        let own = movers.iter().enumerate().filter_map(|(at, mover)| mover.state(number(at)));
        sets.insert(own.collect());
    };
    let digits = usize::BITS - movers.len().saturating_sub(1).leading_zeros();
    for one in 0..=most {
        set(&|_| one);
        for other in (0..=most).filter(|other| *other != one) {
            for digit in 0..digits {
                set(&|at| if at >> digit & 1 == 1 { one } else { other });
            }
        }
    }
    let waypoints = new_waypoints(&from.mesh, &to.mesh);
    let mut states: Vec<Transient> = sets.iter().cloned().map(Transient::of).collect();
    if !waypoints.is_empty() {
        states.extend(sets.into_iter().map(|pods| Transient::of(pods).without(waypoints.clone())));
    }
    states.retain(|state| !state.is_end());
    states
}
