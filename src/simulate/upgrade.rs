//! From some releases of Istio to others, one thing that they do otherwise at a time: so each change
//! of access has the release that brought it.

use std::collections::BTreeSet;

use super::equivalence::{AccessChange, Comparison};
use super::options::Options;
use super::version::Behaviour;

/// Something that is done after an upgrade and not before, or the other way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Brought {
    /// What it is.
    pub behaviour: Behaviour,
    /// It is gone instead: the release after is the older one.
    pub is_gone: bool,
}

/// One step of an upgrade.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    /// What this step brings.
    pub brought: Brought,
    /// The clusters' settings after it.
    pub after: Vec<Options>,
}

/// The steps between two sets of settings of the same clusters that differ in releases only: what
/// comes, the oldest first, then what goes. The first value is where the steps begin: it does what
/// `from` does.
pub fn turns(from: &[Options], to: &[Options]) -> (Vec<Options>, Vec<Turn>) {
    let all: BTreeSet<Behaviour> = Behaviour::ALL.iter().copied().collect();
    let lacking = |of: &Options| -> BTreeSet<Behaviour> {
        all.iter().copied().filter(|behaviour| !of.does(*behaviour)).collect()
    };
    let goals: Vec<BTreeSet<Behaviour>> = to.iter().map(lacking).collect();
    let mut now: Vec<Options> = from
        .iter()
        .zip(to)
        .map(|(from, to)| Options {
            istio: from.istio.max(to.istio),
            ztunnel: Some(from.ztunnel.unwrap_or(from.istio).max(to.ztunnel.unwrap_or(to.istio))),
            lacks: lacking(from),
            ..to.clone()
        })
        .collect();
    let begin = now.clone();
    let comes = Behaviour::ALL.iter().map(|b| Brought { behaviour: *b, is_gone: false });
    let goes = Behaviour::ALL.iter().rev().map(|b| Brought { behaviour: *b, is_gone: true });
    let mut steps = Vec::new();
    for brought in comes.chain(goes) {
        let Brought { behaviour, is_gone } = brought;
        let mut turned = false;
        for (own, goal) in now.iter_mut().zip(&goals) {
            if goal.contains(&behaviour) == is_gone {
                turned |= match is_gone {
                    true => own.lacks.insert(behaviour),
                    false => own.lacks.remove(&behaviour),
                };
            }
        }
        if turned {
            steps.push(Turn { brought, after: now.clone() });
        }
    }
    (begin, steps)
}

/// What brought a change: the steps at which the same client gains or loses the same destination.
/// Nothing where manifests did.
pub fn brought(change: &AccessChange, steps: &[(Brought, Comparison)]) -> Vec<Brought> {
    let is_same = |own: &AccessChange| {
        own.change == change.change && own.from == change.from && own.to == change.to
    };
    let of = steps.iter().filter(|(_, step)| step.changes.iter().any(is_same));
    of.map(|(brought, _)| *brought).collect()
}
