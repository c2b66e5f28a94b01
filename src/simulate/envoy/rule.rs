//! A rule as Envoy's RBAC filter has it: some principals, some permissions.

use std::sync::OnceLock;

use super::facts::Facts;
use super::field::{IdentityTest, Test};
use crate::simulate::identity::{Identities, IdentityId, IdentitySet, Peer};
use crate::simulate::suspects::{self, Suspects};

/// One rule, compiled for one kind of filter chain.
#[derive(Debug)]
pub struct Rule {
    /// `ns[httpbin]-policy[deny]-rule[0]`: what Envoy logs (facts/istio-ambient.md §7.5).
    pub id: String,
    /// Its index in `spec.rules`.
    pub index: usize,
    /// ANY of these must hold; none is everybody.
    pub sources: Vec<Conjunction>,
    /// ANY of these must hold; none is everything.
    pub operations: Vec<Conjunction>,
    /// ALL of these must hold.
    pub conditions: Conjunction,
    /// It reads something that another request may have otherwise: HTTP, or the server name.
    pub reads_http: bool,
    /// It reads an address, which manifests often do not tell.
    pub reads_addresses: bool,
    /// Of the identities that a mesh knows, those that can match at all.
    pub who: OnceLock<IdentitySet>,
}

/// Clauses that must ALL hold.
#[derive(Clone, Debug, Default)]
pub struct Conjunction(pub Vec<Clause>);

/// One field: ANY of the positive tests, where there are some, and NONE of the negative ones.
#[derive(Clone, Debug)]
pub struct Clause {
    pub any: Vec<Test>,
    pub none: Vec<Test>,
}

impl Rule {
    pub fn holds(&self, facts: &Facts<'_>) -> bool {
        self.conditions.holds(facts)
            && (self.sources.is_empty() || self.sources.iter().any(|s| s.holds(facts)))
            && (self.operations.is_empty() || self.operations.iter().any(|o| o.holds(facts)))
    }

    /// The fields that do not hold: of alternatives, those of the one that lacks fewest.
    pub fn failed(&self, facts: &Facts<'_>) -> Vec<String> {
        let fewest = |of: &[Conjunction]| {
            let lists = of.iter().map(|c| c.failed(facts));
            lists.min_by_key(Vec::len).unwrap_or_default()
        };
        let mut failed = fewest(&self.sources);
        failed.extend(fewest(&self.operations));
        failed.extend(self.conditions.failed(facts));
        failed
    }

    /// Can it hold for this peer, whatever the rest of the request is?
    pub fn may_hold_for(&self, peer: Option<Peer<'_>>) -> bool {
        self.conditions.may_hold_for(peer)
            && (self.sources.is_empty() || self.sources.iter().any(|s| s.may_hold_for(peer)))
    }

    /// Works out, for all identities of a mesh at once, who cannot match.
    pub fn prepare(&self, identities: &Identities) {
        self.who.get_or_init(|| {
            let suspects = self.suspects(identities.suspects());
            IdentitySet::collect(identities, suspects, |peer| self.may_hold_for(peer))
        });
    }

    /// Those for whom it can hold; `None` where that may be anybody.
    fn suspects(&self, known: &Suspects) -> Option<Vec<IdentityId>> {
        let by_conditions = self.conditions.suspects(known);
        if self.sources.is_empty() {
            return by_conditions;
        }
        suspects::of_any(&self.sources, |source| source.suspects(known)).or(by_conditions)
    }

    /// False when it is known not to hold for this peer.
    pub fn is_candidate(&self, peer: Option<Peer<'_>>) -> bool {
        self.who.get().is_none_or(|who| who.may_hold(peer))
    }

    /// Fills in what it reads.
    pub fn with_reads(self) -> Self {
        let (http, addresses) =
            (self.tests().any(Test::is_of_request), self.tests().any(Test::is_address));
        Self { reads_http: http, reads_addresses: addresses, ..self }
    }

    /// Every clause in it.
    pub fn clauses(&self) -> impl Iterator<Item = &Clause> {
        self.sources.iter().chain(&self.operations).chain([&self.conditions]).flat_map(|c| &c.0)
    }

    /// Every test in it.
    pub fn tests(&self) -> impl Iterator<Item = &Test> {
        self.clauses().flat_map(|clause| clause.any.iter().chain(&clause.none))
    }
}

impl Conjunction {
    fn holds(&self, facts: &Facts<'_>) -> bool {
        self.0.iter().all(|clause| clause.holds(facts))
    }

    fn may_hold_for(&self, peer: Option<Peer<'_>>) -> bool {
        self.0.iter().all(|clause| clause.may_hold_for(peer))
    }

    fn suspects(&self, known: &Suspects) -> Option<Vec<IdentityId>> {
        suspects::of_all(&self.0, |clause| clause.suspects(known))
    }

    fn failed(&self, facts: &Facts<'_>) -> Vec<String> {
        self.0.iter().filter(|clause| !clause.holds(facts)).filter_map(Clause::field).collect()
    }
}

impl Clause {
    /// What it is about, in the words of a policy.
    fn field(&self) -> Option<String> {
        let (any, none) = (self.any.first(), self.none.first());
        any.map(Test::field).or_else(|| none.map(|test| format!("not {}", test.field())))
    }

    pub fn holds(&self, facts: &Facts<'_>) -> bool {
        (self.any.is_empty() || self.any.iter().any(|t| t.holds(facts)))
            && !self.none.iter().any(|t| t.holds(facts))
    }

    fn may_hold_for(&self, peer: Option<Peer<'_>>) -> bool {
        let holds = |test: &Test| match test {
            Test::Identity(test) => test.holds(peer),
            _ => true,
        };
        let refuses = |test: &Test| match test {
            Test::Identity(test) => test.holds(peer),
            _ => false,
        };
        (self.any.is_empty() || self.any.iter().any(holds)) && !self.none.iter().any(refuses)
    }

    fn suspects(&self, known: &Suspects) -> Option<Vec<IdentityId>> {
        if self.any.is_empty() {
            return None;
        }
        suspects::of_any(&self.any, |test| match test {
            Test::Identity(IdentityTest::Principal(glob)) => known.principal(glob),
            Test::Identity(
                IdentityTest::Namespace(namespace) | IdentityTest::ServiceAccount { namespace, .. },
            ) => known.namespace(namespace),
            _ => None,
        })
    }
}
