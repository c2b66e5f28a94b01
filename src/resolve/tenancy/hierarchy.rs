//! Documents into the tree of organization, tenants, workspaces and groups.

use std::collections::{BTreeMap, BTreeSet};

use super::organization::Organizations;
use super::resource;
use crate::diagnostic::{Diagnostic, Span, nearest};
use crate::model::{Collection, Fqn, Position, TsbResource};
use crate::spec::tsb::{DocumentKind, TsbDocument, TsbKind};

/// The number of a node in [`Tree`]; parents come before children.
pub(super) type NodeId = usize;

/// The organization and what lies below it, down to the groups.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    pub nodes: Vec<Node>,
    by_fqn: BTreeMap<Fqn, NodeId>,
    /// Names of documents whose kind is not known: what is missing may be one of them.
    of_unknown_kind: BTreeSet<String>,
}

/// An organization, a tenant, a workspace or a group.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub fqn: Fqn,
    pub parent: Option<NodeId>,
    /// Which document makes it; `None` where none does: the organization, or a name that was
    /// reported.
    pub document: Option<usize>,
    /// Which document makes its security setting.
    pub setting: Option<usize>,
}

/// What a document is in the hierarchy.
pub(super) struct Placed {
    pub resource: TsbResource,
    /// Its own name; `None` for what has no place.
    pub fqn: Option<Fqn>,
}

impl Tree {
    /// The node of a name.
    pub fn get(&self, fqn: &Fqn) -> Option<NodeId> {
        self.by_fqn.get(fqn).copied()
    }

    /// The nodes of one collection.
    pub fn of(&self, collection: Collection) -> impl Iterator<Item = (NodeId, &Node)> {
        self.nodes.iter().enumerate().filter(move |(_, n)| n.fqn.collection() == collection)
    }

    /// A node and all above it, the nearest first.
    pub fn lineage(&self, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        std::iter::successors(Some(id), |id| self.nodes.get(*id)?.parent)
    }

    /// True when `outer` is `inner` or lies above it.
    pub fn contains(&self, outer: NodeId, inner: NodeId) -> bool {
        self.lineage(inner).any(|id| id == outer)
    }

    /// True when a document bears the name, and what it is was reported.
    pub fn is_doubtful(&self, fqn: &Fqn) -> bool {
        self.of_unknown_kind.contains(fqn.name())
    }

    /// The nearest existing name with the same parent, or anywhere, for a name that does not
    /// exist.
    pub fn nearest(&self, fqn: &Fqn) -> Option<&Fqn> {
        let known = self.nodes.iter().filter(|n| n.document.is_some()).map(|n| &n.fqn);
        let known: Vec<&Fqn> = known.filter(|k| k.collection() == fqn.collection()).collect();
        let beside: Vec<&Fqn> =
            known.iter().copied().filter(|k| k.parent() == fqn.parent()).collect();
        let by_name = |all: &[&Fqn]| {
            let name = nearest(fqn.name(), all.iter().map(|k| k.name()))?.to_owned();
            all.iter().find(|k| k.name() == name).map(|k| (*k).to_string())
        };
        let text = by_name(&beside).or_else(|| by_name(&known))?;
        known.into_iter().find(|k| k.to_string() == text)
    }

    /// What exists of the same kind below the same parent, to end a sentence with.
    fn beside(&self, fqn: &Fqn) -> String {
        let parent = fqn.parent();
        let names: Vec<String> = self
            .nodes
            .iter()
            .filter(|n| n.document.is_some() && n.fqn.collection() == fqn.collection())
            .filter(|n| n.fqn.parent() == parent)
            .map(|n| format!("`{}`", n.fqn.name()))
            .take(9)
            .collect();
        match names.len() {
            0 => String::new(),
            9 => format!(", or name another one: {}, …", names[..8].join(", ")),
            _ => format!(", or name another one: {}", names.join(", ")),
        }
    }

    fn insert(&mut self, fqn: &Fqn) -> NodeId {
        if let Some(id) = self.get(fqn) {
            return id;
        }
        let parent = fqn.parent().map(|parent| self.insert(&parent));
        self.nodes.push(Node { fqn: fqn.clone(), parent, document: None, setting: None });
        self.by_fqn.insert(fqn.clone(), self.nodes.len() - 1);
        self.nodes.len() - 1
    }
}

/// Puts every document into its place. Reported: documents of another organization, one name
/// twice, parents that no document makes, two settings of one level.
pub(super) fn build(
    documents: &[TsbDocument],
    organizations: &mut Organizations<'_>,
    found: &mut Vec<Diagnostic>,
) -> (Tree, Vec<Placed>) {
    let placed: Vec<Placed> =
        documents.iter().map(|d| resource::place(d, organizations, found)).collect();
    let of_unknown_kind = documents
        .iter()
        .filter(|d| d.kind == DocumentKind::Unknown)
        .map(|d| d.object.name.clone())
        .collect();
    let mut tree = Tree { nodes: Vec::new(), by_fqn: BTreeMap::new(), of_unknown_kind };
    let root = Fqn::organization(organizations.name());
    tree.insert(&root);

    let mut first: BTreeMap<String, usize> = BTreeMap::new();
    let mut repeated = vec![false; documents.len()];
    for (index, document) in documents.iter().enumerate() {
        let identity = identity(&placed[index]);
        if let Some(other) = first.get(&identity) {
            if same_organization(document, &documents[*other]) {
                found.push(duplicate(document, &documents[*other], &identity));
            }
            repeated[index] = true;
            continue;
        }
        first.insert(identity, index);
        if let Some(fqn) = placed[index].fqn.as_ref().filter(|fqn| is_level(fqn)) {
            let id = tree.insert(fqn);
            tree.nodes[id].document = Some(index);
        }
    }
    report_unknown_parents(documents, &placed, &mut tree, found);

    for (index, document) in documents.iter().enumerate() {
        if !repeated[index]
            && sets_security(document)
            && let Position::Below(level) = &placed[index].resource.position
        {
            let id = tree.insert(level);
            match tree.nodes[id].setting {
                None => tree.nodes[id].setting = Some(index),
                Some(other) if same_organization(document, &documents[other]) => {
                    found.push(second_setting(document, &documents[other], level));
                }
                Some(_) => {}
            }
        }
    }
    (tree, placed)
}

/// What makes a document the same as another: its full name, or kind and name where it has none.
fn identity(placed: &Placed) -> String {
    let resource = &placed.resource;
    match (&placed.fqn, &resource.position) {
        (Some(fqn), _) => fqn.to_string(),
        (None, Position::About(fqn)) => format!("{} of {fqn}", resource.gvk.kind),
        (None, _) => {
            let namespace = resource.namespace.as_deref().unwrap_or_default();
            format!("{} {namespace}/{}", resource.gvk, resource.name)
        }
    }
}

fn is_level(fqn: &Fqn) -> bool {
    let collection = fqn.collection();
    collection.is_group()
        || matches!(
            collection,
            Collection::Organizations
                | Collection::Tenants
                | Collection::Workspaces
                | Collection::Applications
        )
}

/// True when the document makes the security setting of its level.
fn sets_security(document: &TsbDocument) -> bool {
    match document.kind {
        DocumentKind::Known(TsbKind::SecuritySetting) => true,
        DocumentKind::Known(
            TsbKind::OrganizationSetting | TsbKind::TenantSetting | TsbKind::WorkspaceSetting,
        ) => document
            .object
            .body
            .get("spec")
            .and_then(|spec| spec.get("defaultSecuritySetting"))
            .is_some_and(|setting| !setting.is_null()),
        _ => false,
    }
}

/// Documents of two organizations are one fault already: they are not compared any further.
fn same_organization(one: &TsbDocument, other: &TsbDocument) -> bool {
    let name = |d: &TsbDocument| d.parents.organization.as_ref().map(|o| o.value.clone());
    name(one) == name(other)
}

fn duplicate(document: &TsbDocument, other: &TsbDocument, identity: &str) -> Diagnostic {
    Diagnostic::error("duplicate-resource", format!("`{identity}` is defined twice"))
        .at(document.name_span(), "here again")
        .also(other.name_span(), "first here")
        .help("remove one of the documents")
}

/// Which of two settings wins is not documented, so it is not guessed.
fn second_setting(document: &TsbDocument, other: &TsbDocument, level: &Fqn) -> Diagnostic {
    Diagnostic::error(
        "two-settings",
        format!("{} `{}` has two security settings", level.collection().noun(), level.name()),
    )
    .at(document.name_span(), "the second")
    .also(other.name_span(), "the first")
    .help("put both into one document: which of the two TSB would use is not documented")
}

/// One finding for each parent that no document makes, however many hang below it.
fn report_unknown_parents(
    documents: &[TsbDocument],
    placed: &[Placed],
    tree: &mut Tree,
    found: &mut Vec<Diagnostic>,
) {
    let mut unknown: BTreeMap<Fqn, Vec<(Span, usize)>> = BTreeMap::new();
    for (index, place) in placed.iter().enumerate() {
        let Position::Below(parent) = &place.resource.position else { continue };
        let mut lineage: Vec<Fqn> = parent.lineage().collect();
        lineage.reverse();
        let exists = |fqn: &Fqn| {
            fqn.collection() == Collection::Organizations
                || tree.get(fqn).is_some_and(|id| tree.nodes[id].document.is_some())
        };
        if let Some(missing) = lineage.into_iter().find(|fqn| !exists(fqn)) {
            let span = parent_span(&documents[index], &missing);
            unknown.entry(missing).or_default().push((span, index));
        }
    }
    for (fqn, users) in unknown {
        let (noun, name) = (fqn.collection().noun(), fqn.name());
        let place = match fqn.parent() {
            Some(parent) if parent.collection() != Collection::Organizations => {
                format!(" in {} `{}`", parent.collection().noun(), parent.name())
            }
            _ => String::new(),
        };
        let code = match fqn.collection() {
            Collection::Tenants => "unknown-tenant",
            Collection::Workspaces => "unknown-workspace",
            Collection::Applications => "unknown-application",
            _ => "unknown-group",
        };
        let Some(((span, index), rest)) = users.split_first() else { continue };
        let mut diagnostic =
            Diagnostic::error(code, format!("{noun} `{name}` is not defined{place}"))
                .at(*span, format!("{} hangs below it", documents[*index].title()));
        for (span, index) in rest {
            diagnostic = diagnostic.also(*span, format!("{} too", documents[*index].title()));
        }
        diagnostic = match tree.nearest(&fqn) {
            Some(near) => diagnostic.help(format!("did you mean `{}`?", near.name())),
            None => diagnostic
                .help(format!("make `{fqn}` in a document of the sources{}", tree.beside(&fqn))),
        };
        if !tree.is_doubtful(&fqn) {
            found.push(diagnostic);
        }
        tree.insert(&fqn);
    }
    for place in placed {
        // whatever hangs below an unknown parent gets its nodes all the same
        if let Position::Below(parent) = &place.resource.position {
            tree.insert(parent);
        }
    }
}

/// Where a document names one of its parents.
fn parent_span(document: &TsbDocument, parent: &Fqn) -> Span {
    let parents = &document.parents;
    let value = match parent.collection() {
        Collection::Tenants => &parents.tenant,
        Collection::Workspaces => &parents.workspace,
        Collection::Applications => &parents.application,
        _ => &parents.group,
    };
    value.as_ref().map_or(document.name_span(), |value| value.span)
}
