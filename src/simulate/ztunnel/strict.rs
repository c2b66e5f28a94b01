//! PeerAuthentication at ztunnel: DENY policies against peers without identity
//! (facts/istio-ambient.md §5.2, §5.3; istio/istio:pilot/pkg/serviceregistry/ambient/authorization.go
//! `convertedSelectorPeerAuthentications`, `convertPeerAuthentication`).

use super::authorization::{Action, Authorization, Clause, Group, Match, Scope};
use crate::simulate::peer_authentication::{Levels, MtlsMode, PeerAuthentication};

/// Name of the policy that stands for plain STRICT.
pub const STATIC_STRICT: &str = "istio_converted_static_strict";

/// What a workload lists because of PeerAuthentication.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// The static policy against peers without identity.
    pub static_strict: bool,
    /// The policy made of the workload's own PeerAuthentication, if istiod makes one.
    pub converted: bool,
}

/// The policy that stands for plain STRICT.
pub fn static_strict(root_namespace: &str) -> Authorization {
    Authorization {
        name: STATIC_STRICT.into(),
        namespace: root_namespace.into(),
        scope: Scope::WorkloadSelector,
        action: Action::Deny,
        dry_run: false,
        groups: vec![Group::of(None, vec![Clause::of(Match::no_identity())])],
    }
}

/// Chooses what a workload lists (`convertedSelectorPeerAuthentications`).
pub fn listed(levels: &Levels<'_>) -> Listed {
    let parent_strict = levels.parent() == MtlsMode::Strict;
    let Some(own) = levels.workload else {
        return Listed { static_strict: parent_strict, converted: false };
    };
    let strict = own.mode.map_or(parent_strict, |mode| mode == MtlsMode::Strict);
    let has = |wanted: &[MtlsMode]| own.ports.values().flatten().any(|m| wanted.contains(m));
    let converted = match own.mode {
        // M1: exceptions to STRICT replace it
        Some(MtlsMode::Strict) => has(&[MtlsMode::Permissive, MtlsMode::Disable]),
        // M3, and M4: under a STRICT parent only PERMISSIVE is looked for
        None if parent_strict => has(&[MtlsMode::Permissive]),
        // M2
        _ => has(&[MtlsMode::Strict]),
    };
    Listed { static_strict: strict && !converted, converted }
}

/// What istiod makes of a PeerAuthentication with ports (`convertPeerAuthentication`). It asks the
/// namespace's policy for its parent, and the root namespace's only where there is none: one that
/// is UNSET counts as not strict (M5).
pub fn convert(own: &PeerAuthentication, levels: &Levels<'_>, root: &str) -> Option<Authorization> {
    if own.namespace == root || own.selector.is_none() || own.ports.is_empty() {
        return None;
    }
    let parent_strict = match levels.namespace {
        Some(namespace) => namespace.mode == Some(MtlsMode::Strict),
        None => levels.mesh.is_some_and(|mesh| mesh.mode == Some(MtlsMode::Strict)),
    };
    let of = |wanted: &[MtlsMode]| -> Vec<u32> {
        let named = own.ports.iter().filter(|(_, m)| m.is_some_and(|m| wanted.contains(&m)));
        named.map(|(port, _)| u32::from(*port)).collect()
    };
    let open = of(&[MtlsMode::Permissive, MtlsMode::Disable]);
    let except = |ports: &[u32]| -> Vec<Clause> {
        let not = |port: &u32| Match { not_destination_ports: vec![*port], ..Match::default() };
        ports.iter().map(|port| Clause::of(not(port))).collect()
    };
    let groups = match own.mode {
        Some(MtlsMode::Strict) => {
            if open.is_empty() {
                return None;
            }
            // under a STRICT parent istiod says it twice (seen on a real one)
            let again = parent_strict.then(|| Clause::of(Match::no_identity()));
            let mut clauses = vec![Clause::of(Match::no_identity())];
            clauses.extend(except(&open));
            clauses.extend(again);
            vec![Group::of(None, clauses)]
        }
        None if parent_strict => {
            if open.is_empty() {
                return None;
            }
            let mut clauses = except(&open);
            clauses.push(Clause::of(Match::no_identity()));
            vec![Group::of(None, clauses)]
        }
        _ => of(&[MtlsMode::Strict])
            .into_iter()
            .map(|port| {
                let only = Match { destination_ports: vec![port], ..Match::no_identity() };
                Group::of(None, vec![Clause::of(only)])
            })
            .collect(),
    };
    (!groups.is_empty()).then(|| Authorization {
        name: format!("converted_peer_authentication_{}", own.name),
        namespace: own.namespace.clone(),
        scope: Scope::WorkloadSelector,
        action: Action::Deny,
        dry_run: false,
        groups,
    })
}
