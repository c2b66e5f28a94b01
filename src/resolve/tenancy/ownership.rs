//! Which namespace belongs to which workspace and group.
//!
//! "Ownership is exclusive: a namespace belongs to one workspace, and groups are subsets of their
//! workspace" (facts/tsb.md, "namespaceSelector and FQN grammar"). The groups of one kind own
//! exclusively too.

use std::collections::{BTreeMap, BTreeSet};

use super::doubt;
use super::hierarchy::{NodeId, Tree};
use super::inventory::{Inventory, Slot};
use super::selector::{self, Entry, Pattern};
use crate::diagnostic::{Diagnostic, Span};
use crate::model::Collection;
use crate::spec::tsb::TsbDocument;

/// Who owns what.
#[derive(Clone, Debug)]
pub(super) struct Ownership {
    /// By slot: the workspace.
    pub workspace: Vec<Option<NodeId>>,
    /// By slot: the entry of the workspace's selector that takes it.
    pub workspace_entry: Vec<Span>,
    /// By slot: the security group.
    pub group: Vec<Option<NodeId>>,
    /// By slot: the entry of the group's selector that takes it.
    pub group_entry: Vec<Span>,
    /// By node: the existing namespaces of tenants, workspaces and groups, sorted.
    pub namespaces: Vec<Vec<Slot>>,
}

/// What an entry of a selector takes.
struct Taken {
    span: Span,
    slots: Vec<Slot>,
}

/// What two owners share: a namespace, where the second and the first take it, and all others.
struct Shared {
    slot: Slot,
    span: Span,
    first: Span,
    slots: BTreeSet<Slot>,
}

/// Gives every namespace to its owners, in the order of the documents. Reported: entries that are
/// none or take nothing, namespaces with two owners, groups that reach beyond their workspace.
pub(super) fn assign(
    tree: &Tree,
    documents: &[TsbDocument],
    inventory: &Inventory,
    found: &mut Vec<Diagnostic>,
) -> Ownership {
    let mut selectors: BTreeMap<NodeId, Vec<Entry>> = BTreeMap::new();
    for (id, node) in tree.nodes.iter().enumerate() {
        let collection = node.fqn.collection();
        if (collection == Collection::Workspaces || collection.is_group())
            && let Some(document) = node.document
            && let Some(names) = documents[document].selector(found)
        {
            selectors.insert(id, selector::entries(&names, found));
        }
    }
    let ids = |kind: Collection| -> Vec<NodeId> { tree.of(kind).map(|(id, _)| id).collect() };
    let expand = |id: &NodeId| -> Vec<Taken> {
        let entries = selectors.get(id).map_or(&[][..], Vec::as_slice);
        let taken = |e: &Entry| Taken { span: e.span, slots: e.pattern.slots(inventory) };
        entries.iter().map(taken).collect()
    };

    let workspaces = ids(Collection::Workspaces);
    let taken = workspaces.iter().map(|id| (*id, expand(id))).collect();
    let mut namespaces = vec![Vec::new(); tree.nodes.len()];
    let (workspace, workspace_entry) = claim(tree, taken, inventory, &mut namespaces, found);
    doubt::report_useless(&selectors, &workspaces, inventory, &workspace, found);
    doubt::report_meeting(tree, &workspaces, &selectors, inventory, found);

    let (mut group, mut group_entry) = (Vec::new(), Vec::new());
    for kind in [
        Collection::SecurityGroups,
        Collection::TrafficGroups,
        Collection::GatewayGroups,
        Collection::IstioInternalGroups,
    ] {
        let mut inside = Vec::new();
        for id in ids(kind) {
            inside.push((id, within(tree, id, &selectors, inventory, &workspace, found)));
        }
        let owners_and_entries = claim(tree, inside, inventory, &mut namespaces, found);
        if kind == Collection::SecurityGroups {
            (group, group_entry) = owners_and_entries;
        }
    }
    for id in workspaces {
        if let Some(tenant) = tree.nodes[id].parent {
            let own = namespaces[id].clone();
            namespaces[tenant].extend(own);
        }
    }
    for slots in &mut namespaces {
        slots.sort_unstable();
        slots.dedup();
    }
    Ownership { workspace, workspace_entry, group, group_entry, namespaces }
}

/// Gives each slot to the first that takes it: the owner and the entry, by slot. One finding for each pair that shares namespaces.
fn claim(
    tree: &Tree,
    claims: Vec<(NodeId, Vec<Taken>)>,
    inventory: &Inventory,
    namespaces: &mut [Vec<Slot>],
    found: &mut Vec<Diagnostic>,
) -> (Vec<Option<NodeId>>, Vec<Span>) {
    let size = inventory.len() as usize;
    let mut owners: Vec<Option<NodeId>> = vec![None; size];
    let mut places: Vec<Span> = vec![Span::default(); size];
    let mut shared: BTreeMap<(NodeId, NodeId), Shared> = BTreeMap::new();
    for (id, taken) in claims {
        for Taken { span, slots } in taken {
            for slot in slots {
                let at = slot as usize;
                match owners[at] {
                    None => {
                        owners[at] = Some(id);
                        places[at] = span;
                        namespaces[id].push(slot);
                    }
                    Some(owner) if owner != id => {
                        let first =
                            Shared { slot, span, first: places[at], slots: BTreeSet::new() };
                        shared.entry((owner, id)).or_insert(first).slots.insert(slot);
                    }
                    Some(_) => {}
                }
            }
        }
    }
    for ((owner, other), Shared { slot, span, first, slots }) in shared {
        let (owner, other) = (&tree.nodes[owner].fqn, &tree.nodes[other].fqn);
        let noun = other.collection().noun();
        let more = match slots.len().saturating_sub(1) {
            0 => String::new(),
            1 => " and one more namespace".to_owned(),
            n => format!(" and {n} more namespaces"),
        };
        let code = if other.collection() == Collection::Workspaces {
            "workspace-overlap"
        } else {
            "group-overlap"
        };
        found.push(
            Diagnostic::error(
                code,
                format!(
                    "{noun}s `{}` and `{}` both take namespace `{}`{more}",
                    owner.name(),
                    other.name(),
                    inventory.text(slot)
                ),
            )
            .at(span, format!("taken by `{other}`"))
            .also(first, format!("taken by `{owner}`"))
            .help(format!("a namespace belongs to one {noun}: narrow one of the selectors")),
        );
    }
    (owners, places)
}

/// The namespaces of a group, which must lie in its workspace.
fn within(
    tree: &Tree,
    id: NodeId,
    selectors: &BTreeMap<NodeId, Vec<Entry>>,
    inventory: &Inventory,
    workspace: &[Option<NodeId>],
    found: &mut Vec<Diagnostic>,
) -> Vec<Taken> {
    let (Some(parent), Some(entries)) = (tree.nodes[id].parent, selectors.get(&id)) else {
        return Vec::new();
    };
    let mut taken = Vec::new();
    for Entry { pattern, span } in entries {
        let slots = pattern.slots(inventory);
        let (inside, outside): (Vec<Slot>, Vec<Slot>) =
            slots.into_iter().partition(|slot| workspace[*slot as usize] == Some(parent));
        // without a readable workspace there is nothing to compare with
        if let Some(limits) = selectors.get(&parent).filter(|limits| !limits.is_empty()) {
            let meets = limits.iter().any(|limit| limit.pattern.meets(pattern));
            let covered = limits.iter().any(|limit| limit.pattern.covers(pattern));
            // `*/*` and `c/*` mean "within the parent"
            if !meets || (!covered && !pattern.is_whole() && !outside.is_empty()) {
                found
                    .push(outside_workspace(tree, id, parent, pattern, *span, &outside, inventory));
            }
        }
        taken.push(Taken { span: *span, slots: inside });
    }
    taken
}

fn outside_workspace(
    tree: &Tree,
    id: NodeId,
    parent: NodeId,
    pattern: &Pattern,
    span: Span,
    outside: &[Slot],
    inventory: &Inventory,
) -> Diagnostic {
    let (group, workspace) = (&tree.nodes[id].fqn, &tree.nodes[parent].fqn);
    let what = match outside.first().map(|slot| inventory.text(*slot)) {
        Some(namespace) if namespace != pattern.to_string() => {
            format!("`{pattern}`, which takes in `{namespace}`")
        }
        _ => format!("`{pattern}`"),
    };
    Diagnostic::error(
        "group-outside-workspace",
        format!(
            "{} `{}` reaches beyond its workspace `{}` with {what}",
            group.collection().noun(),
            group.name(),
            workspace.name()
        ),
    )
    .at(span, "")
    .help(
        "a group takes namespaces of its workspace only: add it there first, or narrow this entry",
    )
}
