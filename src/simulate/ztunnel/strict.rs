//! PeerAuthentication at ztunnel: DENY policies against peers without identity
//! (facts/istio-ambient.md §5.2, §5.3; istio/istio:pilot/pkg/serviceregistry/ambient/authorization.go
//! `convertedSelectorPeerAuthentications`, `convertPeerAuthentication`).

use super::authorization::{Action, Authorization, Clause, Group, Match, Scope};
use crate::simulate::peer_authentication::{
    Levels,
    MtlsMode::{self, Disable, Permissive, Strict},
    PeerAuthentication,
};

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
    let parent_strict = levels.parent() == Strict;
    let Some(own) = levels.workload else {
        return Listed { static_strict: parent_strict, converted: false };
    };
    let strict = own.mode.map_or(parent_strict, |mode| mode == Strict);
    let has = |wanted: &[MtlsMode]| own.ports.values().flatten().any(|m| wanted.contains(m));
    let converted = match own.mode {
        // M1: exceptions to STRICT replace it
        Some(Strict) => has(&[Permissive, Disable]),
        // M3, and M4: under a STRICT parent only PERMISSIVE is looked for
        None if parent_strict => has(&[Permissive]),
        // M2
        _ => has(&[Strict]),
    };
    Listed { static_strict: strict && !converted, converted }
}

/// What istiod makes of a PeerAuthentication with ports (`convertPeerAuthentication`).
///
/// Its idea of the parent differs from that of [`listed`] in two places, both seen on a real istiod:
/// - exceptions to STRICT: a namespace policy that is UNSET counts as not strict (M5);
/// - STRICT ports: under a STRICT root policy, with no or an UNSET namespace policy, they are left
///   out even where the workload's own mode is PERMISSIVE or DISABLE, as if the parent enforced
///   them; it does not, so such a port takes plaintext.
pub fn convert(own: &PeerAuthentication, levels: &Levels<'_>, root: &str) -> Option<Authorization> {
    if own.namespace == root || own.selector.is_none() || own.ports.is_empty() {
        return None;
    }
    let is_strict = |p: Option<&PeerAuthentication>| p.is_some_and(|p| p.mode == Some(Strict));
    let namespace_unset = levels.namespace.is_none_or(|p| p.mode.is_none());
    let (namespace, mesh) = (is_strict(levels.namespace), is_strict(levels.mesh));
    let covered =
        own.mode == Some(Strict) || (own.mode.is_none() && namespace) || (namespace_unset && mesh);
    let excepts = match own.mode {
        Some(Strict) => true,
        Some(_) => false,
        None => namespace || (levels.namespace.is_none() && mesh),
    };
    let mut groups = Vec::new();
    let mut clauses = Vec::new();
    if own.mode == Some(Strict) {
        clauses.push(Clause::of(Match::no_identity()));
    }
    let mut has_exception = false;
    for (port, mode) in &own.ports {
        let port = vec![u32::from(*port)];
        match mode {
            // groups are OR'd: one for each STRICT port
            Some(Strict) if !covered => {
                let only = Match { destination_ports: port, ..Match::no_identity() };
                groups.push(Group::of(None, vec![Clause::of(only)]));
            }
            Some(Permissive | Disable) if excepts => {
                has_exception = true;
                let but = Match { not_destination_ports: port, ..Match::default() };
                clauses.push(Clause::of(but));
            }
            _ => {}
        }
    }
    if own.mode == Some(Strict) && !has_exception {
        return None;
    }
    // the parent's strictness is merged in, so that the static policy can go
    if has_exception && (namespace || (mesh && namespace_unset)) {
        clauses.push(Clause::of(Match::no_identity()));
    }
    if !clauses.is_empty() {
        groups.push(Group::of(None, clauses));
    }
    (!groups.is_empty()).then(|| Authorization {
        name: converted_name(own),
        namespace: own.namespace.clone(),
        scope: Scope::WorkloadSelector,
        action: Action::Deny,
        dry_run: false,
        groups,
    })
}

/// The name of the policy made of a PeerAuthentication.
pub fn converted_name(own: &PeerAuthentication) -> String {
    format!("converted_peer_authentication_{}", own.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Span;
    use crate::k8s::Labels;
    use crate::simulate::raw::WorkloadSelector;

    fn peer(
        mode: Option<MtlsMode>,
        ports: &[(u16, MtlsMode)],
        selected: bool,
    ) -> PeerAuthentication {
        PeerAuthentication {
            created: None,
            namespace: if selected { "a" } else { "parent" }.into(),
            name: "own".into(),
            selector: selected.then(|| WorkloadSelector {
                match_labels: Some(Labels::from([("app".into(), "a".into())])),
            }),
            mode,
            ports: ports.iter().map(|(port, mode)| (*port, Some(*mode))).collect(),
            span: Span::default(),
        }
    }

    /// What is listed, and what is made, of a workload's policy under those above.
    fn outcome(
        own: &PeerAuthentication,
        namespace: Option<Option<MtlsMode>>,
        mesh: Option<MtlsMode>,
    ) -> (Listed, Option<String>) {
        let namespace = namespace.map(|mode| peer(mode, &[], false));
        let mesh = mesh.map(|mode| peer(Some(mode), &[], false));
        let levels =
            Levels { mesh: mesh.as_ref(), namespace: namespace.as_ref(), workload: Some(own) };
        let made = convert(own, &levels, "istio-system");
        (listed(&levels), made.map(|m| serde_json::to_string(&m.groups).unwrap()))
    }

    const STATIC: Listed = Listed { static_strict: true, converted: false };
    const CONVERTED: Listed = Listed { static_strict: false, converted: true };
    const NOTHING: Listed = Listed { static_strict: false, converted: false };

    #[test]
    fn m1_exceptions_replace_strict() {
        let own = peer(Some(Strict), &[(8080, Permissive), (9090, Disable)], true);
        let (listed, made) = outcome(&own, None, None);
        assert_eq!(listed, CONVERTED);
        insta::assert_snapshot!(made.unwrap(), @r#"[{"rules":[{"matches":[{"notPrincipals":[{"presence":{}}]}]},{"matches":[{"notDestinationPorts":[8080]}]},{"matches":[{"notDestinationPorts":[9090]}]}]}]"#);
        let own = peer(Some(Strict), &[(8080, Strict)], true);
        assert_eq!(outcome(&own, None, None), (STATIC, None));
    }

    #[test]
    fn m2_strict_ports_of_a_permissive_workload() {
        let own = peer(Some(Permissive), &[(8080, Strict), (9090, Permissive)], true);
        let (listed, made) = outcome(&own, None, None);
        assert_eq!(listed, CONVERTED);
        insta::assert_snapshot!(made.unwrap(), @r#"[{"rules":[{"matches":[{"notPrincipals":[{"presence":{}}],"destinationPorts":[8080]}]}]}]"#);
        let own = peer(None, &[(8080, Permissive)], true);
        assert_eq!(outcome(&own, None, None), (NOTHING, None));
    }

    #[test]
    fn m3_an_exception_under_a_strict_parent() {
        let own = peer(None, &[(8080, Permissive)], true);
        let (listed, made) = outcome(&own, Some(Some(Strict)), None);
        assert_eq!(listed, CONVERTED);
        insta::assert_snapshot!(made.unwrap(), @r#"[{"rules":[{"matches":[{"notDestinationPorts":[8080]}]},{"matches":[{"notPrincipals":[{"presence":{}}]}]}]}]"#);
    }

    #[test]
    fn m4_disable_under_a_strict_parent_opens_nothing() {
        let own = peer(None, &[(8080, Disable)], true);
        let (listed, made) = outcome(&own, None, Some(Strict));
        assert_eq!(listed, STATIC);
        assert!(made.is_some());
    }

    #[test]
    fn m5_an_unset_namespace_policy_between_opens_everything() {
        let own = peer(None, &[(8080, Permissive)], true);
        assert_eq!(outcome(&own, Some(None), Some(Strict)), (CONVERTED, None));
    }

    /// Not in the facts' table; a real istiod sends no such policy.
    #[test]
    fn strict_port_of_a_permissive_workload_under_a_strict_root_is_open() {
        let own = peer(Some(Permissive), &[(8080, Strict)], true);
        assert_eq!(outcome(&own, None, Some(Strict)), (CONVERTED, None));
        assert!(outcome(&own, Some(Some(Permissive)), Some(Strict)).1.is_some());
    }
}
