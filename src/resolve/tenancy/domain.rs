//! Security domains: names that tenants, workspaces and security groups carry, so that rules may
//! speak of all of them at once.
//!
//! "securityDomain cannot be overridden by children" (facts/tsb.md, "Hierarchy and propagation");
//! what lies below a resource belongs to its domain.

use std::collections::BTreeMap;

use super::hierarchy::{NodeId, Tree};
use super::organization::Organizations;
use crate::diagnostic::{Diagnostic, Spanned};
use crate::model::{Collection, Fqn};
use crate::spec::tsb::TsbDocument;

/// The number of a domain.
pub(super) type DomainId = usize;

/// Every domain, and who belongs to it.
#[derive(Clone, Debug, Default)]
pub(super) struct Domains {
    names: Vec<Fqn>,
    by_name: BTreeMap<Fqn, DomainId>,
    /// By node: its own domain or that of the nearest parent that has one.
    pub of_node: Vec<Option<DomainId>>,
}

impl Domains {
    /// The domain of a name.
    pub fn get(&self, fqn: &Fqn) -> Option<DomainId> {
        self.by_name.get(fqn).copied()
    }

    /// The names of all domains.
    pub fn names(&self) -> &[Fqn] {
        &self.names
    }
}

/// Reads the domains of all nodes. Reported: what is no domain's name, and a child that leaves
/// the domain of a parent.
pub(super) fn read(
    tree: &Tree,
    documents: &[TsbDocument],
    organizations: &mut Organizations<'_>,
    found: &mut Vec<Diagnostic>,
) -> Domains {
    let mut domains = Domains::default();
    for node in &tree.nodes {
        let inherited = node.parent.and_then(|parent| domains.of_node[parent]);
        let own =
            node.document.and_then(|document| documents[document].security_domain(found)).and_then(
                |text| own_domain(&text, &mut domains, organizations, found).map(|d| (d, text)),
            );
        let domain = match (inherited, own) {
            (Some(inherited), Some((own, text))) if own != inherited => {
                found.push(overridden(&domains, tree, node.parent, inherited, &text));
                Some(inherited)
            }
            (inherited, own) => own.map(|(domain, _)| domain).or(inherited),
        };
        domains.of_node.push(domain);
    }
    domains
}

fn own_domain(
    text: &Spanned<String>,
    domains: &mut Domains,
    organizations: &mut Organizations<'_>,
    found: &mut Vec<Diagnostic>,
) -> Option<DomainId> {
    let fault = match Fqn::parse(&text.value) {
        Ok(fqn) if fqn.collection() == Collection::SecurityDomains => {
            organizations.of_name(fqn.organization_name(), text.span, fqn.to_string());
            let fqn = fqn.in_organization(organizations.name());
            let next = domains.names.len();
            let id = *domains.by_name.entry(fqn.clone()).or_insert(next);
            if id == next {
                domains.names.push(fqn);
            }
            return Some(id);
        }
        Ok(_) => format!("`{}` is not a security domain", text.value),
        Err(error) => error.to_string(),
    };
    found.push(
        Diagnostic::error("bad-fqn", fault)
            .at(text.span, "")
            .help(format!("write `organizations/{}/securitydomains/…`", organizations.name())),
    );
    None
}

fn overridden(
    domains: &Domains,
    tree: &Tree,
    parent: Option<NodeId>,
    inherited: DomainId,
    text: &Spanned<String>,
) -> Diagnostic {
    let parent = parent.map_or("", |parent| tree.nodes[parent].fqn.name());
    Diagnostic::error(
        "security-domain-overridden",
        format!(
            "a child cannot leave the security domain `{}` of its parent `{parent}`",
            domains.names[inherited].name()
        ),
    )
    .at(text.span, "")
    .help("remove `securityDomain` here, or on the parent")
}
