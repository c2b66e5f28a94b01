//! Which words of the user let a caller in or keep it out.

use super::access::Scope;
use super::account::Who;
use super::declared::Policy;
use super::rule::{RuleList, Target};
use super::{Governed, Tenancy};
use crate::diagnostic::Span;
use crate::model::{Attributed, ClusterName, NamespaceId, Principal};

/// A caller that the effective setting of a namespace names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Who.
    pub principal: Principal,
    /// True where it is refused.
    pub denies: bool,
    /// Where the user says so: rules, entries of `serviceAccounts`, or the mode.
    pub because: Vec<Span>,
}

/// The callers of a namespace by its effective policy, the refused first.
pub(super) fn callers(
    tenancy: &Tenancy,
    id: &NamespaceId,
    governed: &Governed,
    policy: &Attributed<Policy>,
) -> Vec<Caller> {
    let access = &governed.setting.access.value;
    let refused = access.deny.iter().map(|principal| (true, principal));
    let allowed = access.allow.iter().flat_map(|allow| allow.iter());
    let named = refused.chain(allowed.map(|principal| (false, principal)));
    let because = |denies: bool, principal: &Principal| match &policy.value {
        Policy::Rules(rules) => {
            let rules = if denies { &rules.deny } else { &rules.allow };
            rules_of(tenancy, rules, governed.scope, principal)
        }
        Policy::Custom(accounts) => accounts
            .iter()
            .filter(|account| names(&account.who, id, principal))
            .map(|account| account.span)
            .collect(),
        _ => policy.origin.into_iter().collect(),
    };
    named
        .map(|(denies, principal)| Caller {
            principal: principal.clone(),
            denies,
            because: because(denies, principal),
        })
        .collect()
}

/// The rules to a scope whose `from` holds a caller.
fn rules_of(tenancy: &Tenancy, rules: &RuleList, scope: Scope, principal: &Principal) -> Vec<Span> {
    let homes = homes(tenancy, principal);
    let targets = scope.targets(&tenancy.tree, &tenancy.domains);
    let mut spans: Vec<Span> = targets
        .into_iter()
        .flat_map(|to| rules.to(to))
        .filter(|rule| homes.iter().any(|home| holds(tenancy, rule.from, *home)))
        .map(|rule| rule.span)
        .collect();
    spans.sort();
    spans
}

/// Where the namespaces of a principal hang: one, or several where clusters share a trust domain.
fn homes(tenancy: &Tenancy, principal: &Principal) -> Vec<Scope> {
    let Principal::Namespace(trust_domain, namespace) = principal else { return Vec::new() };
    let of_domain =
        |cluster: &ClusterName| tenancy.trust_domains.get(cluster) == Some(trust_domain);
    let clusters = tenancy.governed.iter().filter(|(cluster, _)| of_domain(cluster));
    clusters.filter_map(|(_, namespaces)| Some(namespaces.get(namespace)?.scope)).collect()
}

fn holds(tenancy: &Tenancy, target: Target, scope: Scope) -> bool {
    match target {
        Target::Node(node) => tenancy.tree.contains(node, scope.level()),
        Target::Domain(domain) => tenancy.domains.of_node[scope.level()] == Some(domain),
    }
}

/// True when an entry of `serviceAccounts` stands for a principal, seen from a namespace.
fn names(who: &Who, id: &NamespaceId, principal: &Principal) -> bool {
    match (who, principal) {
        (Who::Own, Principal::Namespace(_, namespace)) => *namespace == id.namespace,
        (Who::Namespace(name), Principal::Namespace(_, namespace)) => name == namespace.as_str(),
        (Who::Account(name, account), Principal::ServiceAccount(_, namespace, own)) => {
            name == namespace.as_str() && account == own.as_str()
        }
        _ => false,
    }
}
