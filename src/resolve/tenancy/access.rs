//! What a setting comes to in one namespace: principals.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::account::{Account, Who};
use super::declared::Policy;
use super::domain::Domains;
use super::hierarchy::{NodeId, Tree};
use super::inventory::{Inventory, Slot};
use super::ownership::Ownership;
use super::rule::{RuleList, Target};
use crate::diagnostic::{Diagnostic, Span};
use crate::model::{Access, Attributed, Closed, ClusterName, ObjectName, Principal};

/// Where a namespace hangs: in a workspace, and perhaps in a security group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Scope {
    pub workspace: NodeId,
    pub group: Option<NodeId>,
}

impl Scope {
    /// The lowest level that governs it.
    pub fn level(self) -> NodeId {
        self.group.unwrap_or(self.workspace)
    }

    /// Everything that a rule may name to mean it: its tenant, workspace, security group and
    /// domain.
    pub fn targets(self, tree: &Tree, domains: &Domains) -> Vec<Target> {
        let mut targets: Vec<Target> = tree.lineage(self.level()).map(Target::Node).collect();
        targets.extend(domains.of_node[self.level()].map(Target::Domain));
        targets
    }
}

type Callers = Arc<BTreeSet<Principal>>;

/// Turns settings into principals; sets that are the same are made once.
pub(super) struct Compiler<'a> {
    tree: &'a Tree,
    domains: &'a Domains,
    ownership: &'a Ownership,
    inventory: &'a Inventory,
    /// By domain: the existing namespaces in it.
    of_domain: Vec<Vec<Slot>>,
    sets: BTreeMap<Vec<Target>, Callers>,
    rules: BTreeMap<Scope, Access>,
    listed: BTreeMap<(Scope, ClusterName), Callers>,
    told: BTreeSet<(Span, &'static str)>,
}

impl<'a> Compiler<'a> {
    pub fn new(
        tree: &'a Tree,
        domains: &'a Domains,
        ownership: &'a Ownership,
        inventory: &'a Inventory,
    ) -> Self {
        let mut of_domain = vec![Vec::new(); domains.names().len()];
        for slot in 0..inventory.len() {
            let at = slot as usize;
            let level = ownership.group[at].or(ownership.workspace[at]);
            if let Some(domain) = level.and_then(|id| domains.of_node[id]) {
                of_domain[domain].push(slot);
            }
        }
        Self {
            tree,
            domains,
            ownership,
            inventory,
            of_domain,
            sets: BTreeMap::new(),
            rules: BTreeMap::new(),
            listed: BTreeMap::new(),
            told: BTreeSet::new(),
        }
    }

    /// Who may call in a namespace of a scope.
    pub fn access(
        &mut self,
        scope: Scope,
        slot: Slot,
        policy: Option<&Attributed<Policy>>,
        found: &mut Vec<Diagnostic>,
    ) -> Access {
        let Some(policy) = policy else { return Access::default() };
        let only = |callers: Callers| Access { allow: Some(callers), ..Access::default() };
        let nobody = |closed| Access { closed: Some(closed), ..only(Callers::default()) };
        match &policy.value {
            // "DISABLED: no authorization"
            Policy::Disabled => Access::default(),
            // "CLUSTER: any authenticated workload of the cluster"
            Policy::Cluster => only(Arc::new(self.cluster(slot))),
            // "WORKSPACE: any authenticated workload of the workspace"
            Policy::Workspace => only(self.callers(vec![Target::Node(scope.workspace)])),
            // "NAMESPACE: any authenticated workload of its own namespace"; that of another cluster
            // is another namespace in this reading
            Policy::Namespace => {
                self.tell_of_twins(slot, policy.origin, found);
                only(Arc::new(self.inventory.principal(slot).into_iter().collect()))
            }
            // "GROUP: any authenticated workload of the security group"
            Policy::Group => match scope.group {
                Some(group) => only(self.callers(vec![Target::Node(group)])),
                None => {
                    self.tell_of_no_group(slot, policy.origin, found);
                    nobody(Closed::NoGroup)
                }
            },
            Policy::Rules(rules) => {
                if let Some(access) = self.rules.get(&scope) {
                    return access.clone();
                }
                // any allow rule shuts every namespace that the setting governs, named by a `to` or
                // not: the reading that facts/tsb.md leans to
                let allow = (!rules.allow.is_empty()).then(|| self.sources(&rules.allow, scope));
                let is_empty = allow.as_ref().is_some_and(|callers| callers.is_empty());
                // 1. denyAll; 2. deny; 3. no allow rules: everyone; 4. allow; 5. deny
                let access = Access {
                    deny_all: rules.deny_all,
                    deny: self.sources(&rules.deny, scope),
                    closed: is_empty.then(|| self.why_closed(&rules.allow, scope)),
                    allow,
                };
                self.rules.insert(scope, access.clone());
                access
            }
            // "CUSTOM: only the listed serviceAccounts"
            Policy::Custom(accounts) => {
                let listed = self.listed(scope, slot, accounts, found);
                if listed.is_empty() { nobody(Closed::NoAccount) } else { only(listed) }
            }
        }
    }

    /// Why allow rules let nobody call in a scope.
    fn why_closed(&self, rules: &RuleList, scope: Scope) -> Closed {
        let targets = scope.targets(self.tree, self.domains).into_iter();
        let mut spans: Vec<Span> =
            targets.flat_map(|to| rules.to(to)).map(|rule| rule.span).collect();
        spans.sort();
        if spans.is_empty() { Closed::NoRule } else { Closed::NoCaller(spans) }
    }

    /// The sources of the rules that name the scope as `to`.
    fn sources(&mut self, rules: &RuleList, scope: Scope) -> Callers {
        let targets = scope.targets(self.tree, self.domains);
        let from: BTreeSet<Target> =
            targets.into_iter().flat_map(|to| rules.to(to)).map(|rule| rule.from).collect();
        self.callers(from.into_iter().collect())
    }

    /// "One per (cluster, namespace) pair that really exists for the source FQN, in any cluster,
    /// sorted" (facts/tsb.md, "Bodies known (a)").
    fn callers(&mut self, from: Vec<Target>) -> Callers {
        if let Some(callers) = self.sets.get(&from) {
            return Arc::clone(callers);
        }
        let slots = from.iter().flat_map(|target| match target {
            Target::Node(id) => &self.ownership.namespaces[*id],
            Target::Domain(id) => &self.of_domain[*id],
        });
        let callers: Callers =
            Arc::new(slots.filter_map(|slot| self.inventory.principal(*slot)).collect());
        self.sets.insert(from, Arc::clone(&callers));
        callers
    }

    fn cluster(&self, slot: Slot) -> BTreeSet<Principal> {
        let cluster = self.inventory.at(slot).map(|(cluster, _)| cluster);
        cluster.map(|c| Principal::TrustDomain(c.trust_domain.clone())).into_iter().collect()
    }

    /// The listed accounts: the same for all namespaces of a scope in a cluster, but for `./*`.
    fn listed(
        &mut self,
        scope: Scope,
        slot: Slot,
        accounts: &[Account],
        found: &mut Vec<Diagnostic>,
    ) -> Callers {
        let Some((cluster, _)) = self.inventory.at(slot) else { return Callers::default() };
        let key = (scope, cluster.name.clone());
        let listed = match self.listed.get(&key) {
            Some(listed) => Arc::clone(listed),
            None => {
                let mut callers = BTreeSet::new();
                for account in accounts.iter().filter(|account| account.who != Who::Own) {
                    callers.extend(self.account(&account.who, slot, account.span, found));
                }
                let listed = Arc::new(callers);
                self.listed.insert(key, Arc::clone(&listed));
                listed
            }
        };
        let own = self.inventory.principal(slot);
        match own.filter(|_| accounts.iter().any(|account| account.who == Who::Own)) {
            Some(own) if !listed.contains(&own) => {
                Arc::new(listed.iter().cloned().chain([own]).collect())
            }
            _ => listed,
        }
    }

    /// An entry of `serviceAccounts` names a namespace and no cluster. It is taken in the
    /// workload's own cluster: the narrower reading, told where the other one would differ.
    fn account(
        &mut self,
        who: &Who,
        slot: Slot,
        span: Span,
        found: &mut Vec<Diagnostic>,
    ) -> Option<Principal> {
        let (cluster, _) = self.inventory.at(slot)?;
        let (namespace, account) = match who {
            Who::Own => return self.inventory.principal(slot),
            Who::Namespace(namespace) => (namespace, None),
            Who::Account(namespace, account) => (namespace, Some(account)),
        };
        let here = cluster.slot(namespace);
        let elsewhere: Vec<Slot> =
            self.inventory.named(namespace).filter(|other| Some(*other) != here).collect();
        if let Some(other) = elsewhere.first() {
            if self.told.insert((span, "account-of-cluster")) {
                found.push(
                    Diagnostic::warning(
                        "account-of-cluster",
                        format!(
                            "`{who}` is taken of the workload's own cluster, `{}`, not of `{}`",
                            cluster.name,
                            self.inventory.text(*other)
                        ),
                    )
                    .at(span, "the entry names no cluster")
                    .help(
                        "where callers come from another cluster too, write the access as `RULES`",
                    ),
                );
            }
        } else if here.is_none() && self.told.insert((span, "unknown-namespace")) {
            found.push(
                Diagnostic::warning(
                    "account-of-unknown-namespace",
                    format!("`{who}` names nobody: no cluster has namespace `{namespace}`"),
                )
                .at(span, "")
                .help(format!(
                    "declare namespace `{namespace}` in `clusters`, or correct the entry"
                )),
            );
        }
        let (cluster, namespace) = self.inventory.at(here?)?;
        let (trust_domain, namespace) = (cluster.trust_domain.clone(), namespace.clone());
        Some(match account {
            None => Principal::Namespace(trust_domain, namespace),
            Some(account) => {
                Principal::ServiceAccount(trust_domain, namespace, ObjectName::parse(account).ok()?)
            }
        })
    }

    fn tell_of_twins(&mut self, slot: Slot, at: Option<Span>, found: &mut Vec<Diagnostic>) {
        let (Some(span), Some((cluster, name))) = (at, self.inventory.at(slot)) else { return };
        let twin = self.inventory.named(name.as_str()).find(|other| *other != slot);
        if let Some(twin) = twin
            && self.told.insert((span, "namespace-of-cluster"))
        {
            found.push(
                Diagnostic::note(
                    "namespace-of-cluster",
                    format!(
                        "mode `NAMESPACE` takes `{}/{name}` and `{}` for two namespaces",
                        cluster.name,
                        self.inventory.text(twin)
                    ),
                )
                .at(span, "")
                .help("where they should call each other, write the access as `RULES`"),
            );
        }
    }

    fn tell_of_no_group(&mut self, slot: Slot, at: Option<Span>, found: &mut Vec<Diagnostic>) {
        let Some(span) = at else { return };
        if self.told.insert((span, "no-group")) {
            found.push(
                Diagnostic::warning(
                    "group-mode-without-group",
                    format!(
                        "mode `GROUP` lets nobody call `{}`, which is in no security group",
                        self.inventory.text(slot)
                    ),
                )
                .at(span, "")
                .help("put the namespace into a security group, or write another mode"),
            );
        }
    }
}
