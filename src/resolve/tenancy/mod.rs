//! TSB's hierarchy: which workspace and group each namespace belongs to, and which security
//! setting holds there.
//!
//! ```text
//! documents --hierarchy--> tree --ownership--> namespaces of each workspace and group
//!                           |                               |
//!                        declared (one setting a level)     |
//!                           |                               v
//!                           +--propagation--> effective --access--> principals
//! ```
//!
//! Everything follows facts/tsb.md: "namespaceSelector and FQN grammar", "Security settings",
//! "Hierarchy and propagation". Where that is silent, the narrower reading is taken and said so.

mod access;
mod account;
mod beyond;
mod body;
mod caller;
mod cluster;
mod declared;
mod domain;
mod doubt;
mod explain;
mod hierarchy;
mod inventory;
mod organization;
mod ownership;
mod propagation;
mod resource;
mod rule;
mod selector;

use std::collections::BTreeMap;

pub use caller::Caller;
pub use explain::{Explanation, Membership, Outcome, RuleHere, Step};
pub use inventory::Cluster;
pub use resource::resource;

use self::access::{Compiler, Scope};
use self::declared::Declared;
use self::domain::Domains;
use self::hierarchy::Tree;
use self::inventory::Inventory;
use self::organization::Organizations;
use self::propagation::Effective;
use self::rule::RuleReader;
use crate::diagnostic::{Diagnostic, Span, sort};
use crate::model::{
    Attributed, ClusterName, Fqn, NamespaceName, Owner, SecuritySetting, TrustDomain, TsbResource,
};
use crate::spec::tsb::TsbDocument;

/// What documents are resolved against.
#[derive(Clone, Debug)]
pub struct Settings<'a> {
    /// The environment's organization, and where it is said.
    pub organization: Attributed<&'a str>,
    /// What exists.
    pub clusters: Vec<Cluster<'a>>,
    /// Who makes the policies: it decides how much is lost where one cannot be made.
    pub policies: Owner,
}

/// The hierarchy of an environment, and what it comes to.
#[derive(Clone, Debug)]
pub struct Tenancy {
    resources: Vec<TsbResource>,
    tree: Tree,
    domains: Domains,
    /// By node.
    declared: Vec<Option<Declared>>,
    trust_domains: BTreeMap<ClusterName, TrustDomain>,
    governed: BTreeMap<ClusterName, BTreeMap<NamespaceName, Governed>>,
}

/// A namespace that belongs to a workspace.
#[derive(Clone, Debug)]
struct Governed {
    scope: Scope,
    /// The entry of the workspace's selector that takes it.
    workspace_entry: Span,
    /// The entry of the group's selector that takes it; of no meaning without a group.
    group_entry: Span,
    setting: SecuritySetting,
}

/// Resolves the documents of an environment. Findings come in their one order; those that are
/// errors mean that what is said of access must not be used.
pub fn resolve(documents: &[TsbDocument], settings: &Settings<'_>) -> (Tenancy, Vec<Diagnostic>) {
    let mut found = Vec::new();
    let inventory = Inventory::new(&settings.clusters);
    let mut organizations = Organizations::new(&settings.organization);
    let (tree, placed) = hierarchy::build(documents, &mut organizations, &mut found);
    let ownership = ownership::assign(&tree, documents, &inventory, &mut found);
    let domains = domain::read(&tree, documents, &mut organizations, &mut found);
    let mut rules =
        RuleReader { tree: &tree, domains: &domains, organizations: &mut organizations };
    let declared = declared::read(&tree, documents, &mut rules, &mut found);
    organizations.report(&mut found);
    cluster::report(documents, &inventory, &mut found);
    beyond::report(&tree, documents, &declared, settings.policies, &mut found);

    // parents come before children
    let mut effective: Vec<Effective> = Vec::with_capacity(tree.nodes.len());
    for (id, node) in tree.nodes.iter().enumerate() {
        let above = node.parent.map_or_else(Effective::nothing, |parent| effective[parent].clone());
        effective.push(match &declared[id] {
            None => above,
            Some(own) => propagation::lay_over(&above, own, &tree, &domains, &mut found).0,
        });
    }

    let mut compiler = Compiler::new(&tree, &domains, &ownership, &inventory);
    let mut governed: BTreeMap<ClusterName, BTreeMap<NamespaceName, Governed>> = BTreeMap::new();
    for slot in 0..inventory.len() {
        let at = slot as usize;
        let (Some(workspace), Some((cluster, namespace))) =
            (ownership.workspace[at], inventory.at(slot))
        else {
            continue;
        };
        let scope = Scope { workspace, group: ownership.group[at] };
        let Effective { traffic_mode, policy, .. } = &effective[scope.level()];
        let access = Attributed {
            value: compiler.access(scope, slot, policy.as_ref(), &mut found),
            origin: policy.as_ref().and_then(|policy| policy.origin),
        };
        let setting = SecuritySetting { traffic_mode: traffic_mode.clone(), access };
        let here = Governed {
            scope,
            workspace_entry: ownership.workspace_entry[at],
            group_entry: ownership.group_entry[at],
            setting,
        };
        governed.entry(cluster.name.clone()).or_default().insert(namespace.clone(), here);
    }
    sort(&mut found);
    let resources = placed.into_iter().map(|placed| placed.resource).collect();
    let trust_domains =
        inventory.clusters().iter().map(|c| (c.name.clone(), c.trust_domain.clone())).collect();
    (Tenancy { resources, tree, domains, declared, trust_domains, governed }, found)
}

impl Tenancy {
    /// The setting that holds in a namespace; nothing is set where no workspace owns it.
    pub fn security(&self, cluster: &ClusterName, namespace: &NamespaceName) -> SecuritySetting {
        self.governed(cluster, namespace)
            .map_or_else(SecuritySetting::default, |governed| governed.setting.clone())
    }

    /// The workspace that owns a namespace.
    pub fn workspace(&self, cluster: &ClusterName, namespace: &NamespaceName) -> Option<&Fqn> {
        let governed = self.governed(cluster, namespace)?;
        Some(&self.tree.nodes[governed.scope.workspace].fqn)
    }

    /// The security group of a namespace.
    pub fn group(&self, cluster: &ClusterName, namespace: &NamespaceName) -> Option<&Fqn> {
        let governed = self.governed(cluster, namespace)?;
        Some(&self.tree.nodes[governed.scope.group?].fqn)
    }

    /// Every document as a resource free of its form, in the order of the documents.
    pub fn resources(&self) -> &[TsbResource] {
        &self.resources
    }

    /// The document that a place lies in.
    pub fn document_at(&self, place: Span) -> Option<&TsbResource> {
        self.resources.iter().find(|resource| {
            let span = resource.source.span();
            span.file == place.file && span.start <= place.start && place.end <= span.end
        })
    }

    fn governed(&self, cluster: &ClusterName, namespace: &NamespaceName) -> Option<&Governed> {
        self.governed.get(cluster)?.get(namespace)
    }
}
