//! Does a translation open anything? Both meshes are asked about every class of requests that their policies
//! tell apart ([`crate::simulate::compare`]); what comes of it is nobody's gain, or is refused.
//!
//! How the second mesh came about is not known here. What is lost is told by kind: who writes a
//! translation can consent to a kind of loss, never to a kind of gain (facts/translation.md, "What
//! decides").

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;
use std::sync::Arc;

use crate::simulate::{
    AccessChange, Asked, Bound, CallerKind, Change, Comparison, Mesh, PodState, Target, TargetKind,
    compare,
};

/// What two meshes come to, the one before and the one after a translation.
#[derive(Clone, Debug, Default)]
pub struct Proof {
    /// How much was asked about each destination.
    pub asked: BTreeMap<Arc<Target>, Asked>,
    /// Whoever would get through and did not, but for what comes by design.
    pub gains: Vec<AccessChange>,
    /// Whoever would not get through any more, by kind.
    pub losses: Vec<(Loss, AccessChange)>,
    /// Where not every class was asked, or could be.
    pub open: Vec<Bound>,
    /// Policies that hold for nothing that is there: what they would decide is not told.
    pub idle: Vec<String>,
}

/// Who loses by a move that opens nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Loss {
    /// Callers without identity: no waypoint takes them.
    OutsideMesh,
    /// Callers of pods' own addresses, where the Services' policies are not asked.
    PodAddresses,
    /// Callers that keep their sidecars: they go past the waypoint.
    SidecarCallers,
    /// Identities that policies name and no workload here bears: how they call is not known.
    UnknownCallers,
    /// Any other.
    Other,
}

impl fmt::Display for Loss {
    /// As `--accept` takes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Loss::OutsideMesh => "outside-mesh",
            Loss::PodAddresses => "pod-addresses",
            Loss::SidecarCallers => "sidecar-callers",
            Loss::UnknownCallers => "unknown-callers",
            Loss::Other => "other",
        })
    }
}

impl Proof {
    /// Nobody gains, and everything was asked.
    pub fn holds(&self) -> bool {
        self.gains.is_empty() && self.open.is_empty() && self.idle.is_empty()
    }

    /// How much was asked about the destinations that are among these.
    pub fn asked_of(&self, is_one: impl Fn(&Target) -> bool) -> Asked {
        let own = self.asked.iter().filter(|(target, _)| is_one(target));
        own.map(|(_, asked)| *asked).fold(Asked::default(), Asked::and)
    }

    /// The kinds of losses, with how many pairs of client and destination each.
    pub fn kinds(&self) -> BTreeMap<Loss, usize> {
        let mut kinds = BTreeMap::new();
        for (kind, _) in &self.losses {
            *kinds.entry(*kind).or_default() += 1;
        }
        kinds
    }
}

/// Compares a mesh with what would become of it when these namespaces are ambient.
pub fn prove(before: &Mesh, after: &Mesh, moving: &BTreeSet<String>) -> Proof {
    let Comparison { changes, bounds, idle_policies, asked } = compare(before, after);
    // who has no proxy has no identity either
    let outside: HashSet<String> = after
        .workloads()
        .filter(|(id, _)| after.state(*id) == PodState::Plain)
        .map(|(id, _)| after.workload_name(id))
        .collect();
    let mut proof = Proof { asked, open: bounds, idle: idle_policies, ..Proof::default() };
    for change in changes.into_iter().filter(|change| change.by_design.is_none()) {
        match change.change {
            Change::Gain => proof.gains.push(change),
            Change::Loss => proof.losses.push((kind_of(&change, moving, &outside), change)),
            // what is logged, not what gets through
            Change::Other => {}
        }
    }
    proof
}

fn kind_of(change: &AccessChange, moving: &BTreeSet<String>, outside: &HashSet<String>) -> Loss {
    match &change.from.kind {
        CallerKind::Outside => Loss::OutsideMesh,
        CallerKind::Workload { name, .. } if outside.contains(name) => Loss::OutsideMesh,
        _ if change.to.kind != TargetKind::Service => Loss::PodAddresses,
        CallerKind::Workload { namespace, .. } if !moving.contains(namespace) => {
            Loss::SidecarCallers
        }
        CallerKind::Identity { .. } => Loss::UnknownCallers,
        CallerKind::Workload { .. } => Loss::Other,
    }
}
