//! What two meshes say to one request, compared.

use std::collections::BTreeMap;

use serde_json::Value;

use super::change::{Answer, Change};
use super::design::Refused;
use crate::simulate::decision::{Decision, Reason, Verdict, Walk};
use crate::simulate::envoy::Logged;
use crate::simulate::mesh::Mesh;
use crate::simulate::request::HttpRequest;

/// One request that is answered otherwise.
pub struct Difference {
    /// The request; `None` for a connection.
    pub request: Option<HttpRequest>,
    /// Why the side refuses that does.
    pub refused: Refused,
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

/// An external authorizer: its name, and what the mesh configuration says of it.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Authorizer<'m> {
    name: &'m str,
    definition: Option<&'m Value>,
}

/// How far something gets on one way.
#[derive(Clone, Debug, PartialEq)]
enum Passage<'m> {
    Shut,
    /// It may: no manifest shows what decides. Where that is new, something may have been gained; where
    /// it gives way to a refusal, something may have been lost.
    Unknown,
    /// It gets through if all of these say so; by their names.
    Through(Vec<Authorizer<'m>>),
}

impl Passage<'_> {
    /// Does something get through now that did not, or is somebody asked no more who could refuse it?
    fn opens_to(&self, after: &Self) -> bool {
        match (self, after) {
            (_, Passage::Shut) | (Passage::Unknown, Passage::Unknown) => false,
            (Passage::Shut, Passage::Unknown | Passage::Through(_)) => true,
            (Passage::Unknown, Passage::Through(authorizers)) => authorizers.is_empty(),
            (Passage::Through(authorizers), Passage::Unknown) => !authorizers.is_empty(),
            (Passage::Through(before), Passage::Through(after)) => {
                before.iter().any(|authorizer| !after.contains(authorizer))
            }
        }
    }
}

fn passage<'m>(mesh: &'m Mesh, walk: &Walk) -> Passage<'m> {
    match walk.verdict {
        Verdict::Allow => {
            let asked = walk.effects.authorizers.iter().map(|id| {
                let name = mesh.policy(*id).provider.as_str();
                let known = &mesh.options(mesh.policy_cluster(*id)).extension_providers;
                let definition = known.as_ref().and_then(|known| known.get(name));
                Authorizer { name, definition }
            });
            let mut asked: Vec<Authorizer<'_>> = asked.collect();
            asked.sort_by_key(|authorizer| authorizer.name);
            asked.dedup();
            Passage::Through(asked)
        }
        Verdict::Unknown => Passage::Unknown,
        // one way has one end
        Verdict::Deny | Verdict::Mixed | Verdict::Unreachable => Passage::Shut,
    }
}

/// What a mesh says to a request, by the names of the endpoints.
pub struct Said<'m> {
    mesh: &'m Mesh,
    decision: Option<Decision>,
    /// By endpoint: one way to each, and by each family of addresses.
    passages: BTreeMap<Option<String>, Vec<Passage<'m>>>,
}

impl<'m> Said<'m> {
    /// What a decision says; `None` where client or destination is not there.
    pub fn new(mesh: &'m Mesh, decision: Option<Decision>) -> Self {
        let walks = decision.iter().flat_map(|d| &d.walks);
        let mut passages: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for walk in walks {
            let name = walk.endpoint.map(|id| mesh.workload_name(id));
            passages.entry(name).or_default().push(passage(mesh, walk));
        }
        Self { mesh, decision, passages }
    }

    /// The decision.
    pub fn decision(&self) -> Option<&Decision> {
        self.decision.as_ref()
    }

    /// Whoever may be asked about a request that gets through, wherever it goes.
    fn authorizers(&self) -> Vec<Authorizer<'m>> {
        let through = self.passages.values().flatten().filter_map(|passage| match passage {
            Passage::Through(authorizers) => Some(authorizers),
            Passage::Shut | Passage::Unknown => None,
        });
        let mut all: Vec<Authorizer<'m>> = through.flatten().copied().collect();
        all.sort_by_key(|authorizer| authorizer.name);
        all.dedup();
        all
    }

    fn logged(&self) -> Logged {
        let walks = self.decision.iter().flat_map(|d| &d.walks);
        walks.fold(Logged::default(), |all, walk| all.and(walk.effects.logged))
    }

    /// Why the way to an endpoint ends where it does.
    pub fn reason(&self, endpoint: &Option<String>) -> Option<Reason> {
        Some(self.walk(endpoint)?.deciding()?.reason)
    }

    fn walk(&self, endpoint: &Option<String>) -> Option<&Walk> {
        let (mesh, decision) = (self.mesh, self.decision.as_ref()?);
        let is_it = |w: &&Walk| w.endpoint.map(|id| mesh.workload_name(id)) == *endpoint;
        decision.walks.iter().find(is_it).or_else(|| decision.walk())
    }

    /// What it says of the way to one endpoint.
    pub fn answer(&self, endpoint: &Option<String>) -> Option<Answer> {
        let (mesh, decision) = (self.mesh, self.decision.as_ref()?);
        let walk = self.walk(endpoint);
        let step = walk.and_then(Walk::deciding);
        let asks = |walk: &Walk| matches!(passage(mesh, walk), Passage::Through(authorizers) if !authorizers.is_empty());
        Some(Answer {
            verdict: walk.map_or(decision.verdict, |w| w.verdict),
            is_conditional: walk.is_some_and(asks),
            logged: self.logged(),
            point: step.map_or_else(String::new, |s| mesh.point_name(s.point)),
            reason: step.map_or_else(String::new, |s| mesh.reason_text(s)),
            rule: step.and_then(|s| s.reason.rule()).map(|rule| mesh.rule_name(rule)),
            observed: walk.map_or("", |w| w.observed().as_str()),
        })
    }
}

/// In which ways two meshes say something else, each with an endpoint for which they do.
pub fn differences(said: &[Said<'_>; 2]) -> Vec<(Change, Option<String>)> {
    let gain = opened(&said[0], &said[1]);
    let loss = opened(&said[1], &said[0]);
    let mut found = Vec::new();
    found.extend(gain.map(|endpoint| (Change::Gain, endpoint)));
    found.extend(loss.map(|endpoint| (Change::Loss, endpoint)));
    if found.is_empty()
        && let [Some(before), Some(after)] = [&said[0].decision, &said[1].decision]
        && (before.verdict != after.verdict
            || said[0].logged() != said[1].logged()
            || said[0].authorizers() != said[1].authorizers())
    {
        found.push((Change::Other, None));
    }
    found
}

/// The endpoint, by name, to which more gets through than before. One that was not there counts as if
/// each of those that were had been it. Where no single one shows it, the service may: requests that
/// went to an endpoint that refused them all get through.
fn opened(before: &Said<'_>, after: &Said<'_>) -> Option<Option<String>> {
    let open_to = |others: &mut dyn Iterator<Item = &Passage<'_>>, after: &[Passage<'_>]| {
        let others: Vec<&Passage<'_>> = others.collect();
        after.iter().any(|own| others.iter().all(|other| other.opens_to(own)))
    };
    let opens = |name: &Option<String>, own: &[Passage<'_>]| match before.passages.get(name) {
        // by the same families
        Some(other) if other.len() == own.len() => {
            other.iter().zip(own).any(|(other, own)| other.opens_to(own))
        }
        Some(other) => open_to(&mut other.iter(), own),
        None if before.passages.is_empty() => open_to(&mut [Passage::Shut].iter(), own),
        None => open_to(&mut before.passages.values().flatten(), own),
    };
    let single = after.passages.iter().find(|(name, own)| opens(name, own));
    if let Some((name, _)) = single {
        return Some(name.clone());
    }
    let verdict = |said: &Said<'_>| said.decision.as_ref().map(|d| d.verdict);
    let was_refused = before.passages.iter().find(|(_, own)| own.contains(&Passage::Shut));
    match (verdict(before), verdict(after), was_refused) {
        (Some(Verdict::Mixed), Some(Verdict::Allow), Some((name, _))) => Some(name.clone()),
        _ => None,
    }
}
