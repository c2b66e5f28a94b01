//! The decision at a destination's ztunnel (facts/istio-ambient.md §4.8; istio/ztunnel:src/state.rs
//! `assert_rbac`).

use super::authorization::{Action, Authorization};
use super::matching::Connection;
use crate::simulate::envoy::Logged;

/// What ztunnel says. Numbers are places in the list of policies it was asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// There are no ALLOW policies, and nothing denied.
    NoAllowPolicies,
    /// An ALLOW policy matches.
    Allowed {
        /// Which.
        policy: usize,
        /// The rule it was made of, where it was.
        rule: Option<usize>,
    },
    /// `explicitly denied by: ns/name`
    Denied {
        /// Which. With several, ztunnel names any of them (facts/ztunnel.md); here the first by key.
        policy: usize,
        /// The rule it was made of, where it was.
        rule: Option<usize>,
    },
    /// `allow policies exist, but none allowed`
    NoneMatched,
}

/// A verdict, and what it hangs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The verdict.
    pub verdict: Verdict,
    /// A rule reads an address: where none is known, none matches.
    pub depends_on_address: bool,
}

/// What policies in dry-run log of a connection.
pub fn dry_run<'a>(
    policies: impl Iterator<Item = &'a Authorization> + Clone,
    connection: &Connection<'_>,
) -> Logged {
    let of = |action: Action| policies.clone().filter(move |p| p.dry_run && p.action == action);
    let matches = |policy: &Authorization| {
        policy.candidates(connection.peer).any(|group| group.matches(connection))
    };
    Logged {
        audited: false,
        dry_run_denies: of(Action::Deny).any(matches),
        dry_run_allows: of(Action::Allow).next().is_some().then(|| of(Action::Allow).any(matches)),
    }
}

/// Decides over the policies of a workload: the global ones, those of its namespace, and those it
/// lists.
pub fn decide<'a>(
    policies: impl Iterator<Item = &'a Authorization> + Clone,
    connection: &Connection<'_>,
) -> Answer {
    let enforced = policies.enumerate().filter(|(_, p)| !p.dry_run);
    let of = |action: Action| enforced.clone().filter(move |(_, p)| p.action == action);
    let mut depends_on_address = false;
    let mut first = |action: Action| {
        of(action).find_map(|(index, policy)| {
            let matching = policy.candidates(connection.peer).find(|group| {
                depends_on_address |= group.reads_addresses;
                group.matches(connection)
            });
            matching.map(|group| (index, group.rule))
        })
    };
    // any DENY matches -> deny
    let verdict = if let Some((policy, rule)) = first(Action::Deny) {
        Verdict::Denied { policy, rule }
    // no ALLOW policies -> allow
    } else if of(Action::Allow).next().is_none() {
        Verdict::NoAllowPolicies
    // any ALLOW matches -> allow
    } else if let Some((policy, rule)) = first(Action::Allow) {
        Verdict::Allowed { policy, rule }
    // otherwise -> deny
    } else {
        Verdict::NoneMatched
    };
    Answer { verdict, depends_on_address }
}
