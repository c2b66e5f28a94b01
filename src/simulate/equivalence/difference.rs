//! What two meshes say to one request, held against each other.

use std::collections::BTreeMap;

use super::change::{Answer, Change};
use crate::simulate::decision::{Decision, Reason, Step, Verdict, Walk};
use crate::simulate::mesh::Mesh;
use crate::simulate::request::HttpRequest;

/// One request that fares otherwise.
pub struct Difference {
    /// The request; `None` for a connection.
    pub request: Option<HttpRequest>,
    /// What each mesh says.
    pub answers: [Option<Answer>; 2],
}

impl Difference {
    /// Small is what is nearest to `GET /`.
    pub fn weight(&self) -> (usize, usize, String) {
        let Some(r) = &self.request else { return (0, 0, String::new()) };
        let ordinary = HttpRequest::default();
        let parts = [
            r.method != ordinary.method,
            r.path != ordinary.path,
            r.host.is_some(),
            r.token != ordinary.token,
        ];
        let count = parts.iter().filter(|p| **p).count() + r.headers.len();
        let text = format!("{} {} {:?} {:?} {:?}", r.method, r.path, r.host, r.headers, r.token);
        (count, text.len(), text)
    }
}

/// How far something gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Passage {
    Shut,
    IfAuthorizerAllows,
    /// It may: no manifest shows what decides. Where that is new, something may have been gained; where
    /// it gives way to a refusal, something may have been lost.
    Unknown,
    Open,
}

fn passage(walk: &Walk) -> Passage {
    let asks = |step: &Step| matches!(step.reason, Reason::IfAuthorizerAllows(_));
    match walk.verdict {
        Verdict::Allow if walk.steps.iter().any(asks) => Passage::IfAuthorizerAllows,
        Verdict::Allow => Passage::Open,
        Verdict::Unknown => Passage::Unknown,
        _ => Passage::Shut,
    }
}

/// The endpoint, by name, for which two decisions differ in this direction. One that only one mesh
/// has counts where the other decision lets nothing through at all.
pub fn differing(
    meshes: [&Mesh; 2],
    decisions: &[Option<Decision>; 2],
    change: Change,
) -> Option<Option<String>> {
    let named = |side: usize| -> BTreeMap<Option<String>, Passage> {
        let walks = decisions[side].iter().flat_map(|d| &d.walks);
        let name = |w: &Walk| w.endpoint.map(|id| meshes[side].workload_name(id));
        walks.map(|w| (name(w), passage(w))).collect()
    };
    let (from, to) = match change {
        Change::Gain => (named(0), named(1)),
        Change::Loss => (named(1), named(0)),
    };
    let widest = from.values().max().copied().unwrap_or(Passage::Shut);
    to.into_iter()
        .find(|(name, passage)| *passage > from.get(name).copied().unwrap_or(widest))
        .map(|(name, _)| name)
}

/// What a mesh says about the way to one endpoint.
pub fn answer(mesh: &Mesh, decision: &Decision, endpoint: &Option<String>) -> Answer {
    let is_it = |w: &&Walk| w.endpoint.map(|id| mesh.workload_name(id)) == *endpoint;
    let walk = decision.walks.iter().find(is_it).or_else(|| decision.walk());
    let step = walk.and_then(Walk::deciding);
    Answer {
        verdict: walk.map_or(decision.verdict, |w| w.verdict),
        is_conditional: walk.is_some_and(|w| passage(w) == Passage::IfAuthorizerAllows),
        point: step.map_or_else(String::new, |s| mesh.point_name(s.point)),
        reason: step.map_or_else(String::new, |s| mesh.reason_text(s)),
        rule: step.and_then(|s| s.reason.rule()).map(|rule| mesh.rule_name(rule)),
        observed: walk.map_or("", |w| w.observed().as_str()),
    }
}
