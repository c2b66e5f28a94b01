//! Asking a mesh one request.

use super::decision::{Decision, Walk};
use super::envoy::Policies as _;
use super::mesh::{AuthorizationRef, Mesh};
use super::path::{Hop, Way, ends};
use super::request::{Prepared, Request};

impl Mesh {
    /// Answers a request: for a service, by every workload behind it.
    pub fn decide(&self, request: &Request) -> Decision {
        let prepared = Prepared::new(self, request.to, &request.http, request.raw_tcp);
        self.decide_for(Hop::of(self, request.from), &prepared)
    }

    /// The same for any client, known to the mesh or not.
    pub(super) fn decide_for(&self, hop: Hop<'_>, prepared: &Prepared) -> Decision {
        let walk = |hop, endpoint| {
            let mut steps = Vec::with_capacity(4);
            let (verdict, effects) = Way::new(self, prepared, hop, &mut steps).walk(endpoint);
            Walk { endpoint, steps, verdict, effects }
        };
        let ends = ends(self, hop, prepared);
        let mut walks: Vec<Walk> = ends.iter().map(|end| walk(hop, *end)).collect();
        if let Some(other) = hop.other_family(self, prepared.to) {
            // shown where the other family fares otherwise
            for (index, end) in ends.into_iter().enumerate() {
                let by_other = walk(other, end);
                if by_other.verdict != walks[index].verdict {
                    walks.push(by_other);
                }
            }
        }
        Decision::of(walks)
    }

    /// Works out once who cannot match which rule: worth it for many questions.
    pub(super) fn prepare(&self) {
        let fixed = &self.fixed;
        for (id, _) in self.policies() {
            let both = fixed.compiled(id);
            for rule in both.http.rules.iter().chain(&both.tcp.rules) {
                rule.prepare(&fixed.identities);
            }
            if let Some(authorization) = fixed.authorization(AuthorizationRef::Policy(id)) {
                authorization.prepare(&fixed.identities);
            }
        }
    }
}
