//! Which namespace belongs to which workspace and group.
//!
//! "Ownership is exclusive: a namespace belongs to one workspace, and groups are subsets of their
//! workspace" (facts/tsb.md, "namespaceSelector and FQN grammar"). The groups of one kind own
//! exclusively too.

use std::collections::{BTreeMap, BTreeSet};

use super::hierarchy::{NodeId, Tree};
use super::inventory::{Inventory, Slot};
use super::selector::{self, Entry, Names, Pattern};
use crate::diagnostic::{Diagnostic, Span, nearest};
use crate::model::Collection;
use crate::spec::tsb::TsbDocument;

/// Who owns what.
#[derive(Clone, Debug)]
pub(super) struct Ownership {
    /// By slot: the workspace.
    pub workspace: Vec<Option<NodeId>>,
    /// By slot: the security group.
    pub group: Vec<Option<NodeId>>,
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
    let workspace = claim(tree, taken, inventory, &mut namespaces, found);
    report_useless(&selectors, &workspaces, inventory, &workspace, found);
    report_meeting(tree, &workspaces, &selectors, inventory, found);

    let mut group = Vec::new();
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
        let owners = claim(tree, inside, inventory, &mut namespaces, found);
        if kind == Collection::SecurityGroups {
            group = owners;
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
    Ownership { workspace, group, namespaces }
}

/// Gives each slot to the first that takes it. One finding for each pair that shares namespaces.
fn claim(
    tree: &Tree,
    claims: Vec<(NodeId, Vec<Taken>)>,
    inventory: &Inventory,
    namespaces: &mut [Vec<Slot>],
    found: &mut Vec<Diagnostic>,
) -> Vec<Option<NodeId>> {
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
    owners
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

/// For how many useless entries the nearest name is looked for: each costs a look at every
/// namespace.
const SUGGESTIONS: usize = 32;

/// Entries of workspaces that take no existing namespace. Often they are for another environment;
/// where a namespace without a workspace has nearly that name, they are a typo.
fn report_useless(
    selectors: &BTreeMap<NodeId, Vec<Entry>>,
    workspaces: &[NodeId],
    inventory: &Inventory,
    owners: &[Option<NodeId>],
    found: &mut Vec<Diagnostic>,
) {
    let mut suggestions = 0;
    for Entry { pattern, span } in workspaces.iter().filter_map(|id| selectors.get(id)).flatten() {
        if !pattern.slots(inventory).is_empty() {
            continue;
        }
        if let Some(name) = &pattern.cluster
            && inventory.cluster(name).is_none()
        {
            let known = inventory.clusters().iter().map(|c| c.name.as_str());
            let message = format!("cluster `{name}` is not part of the environment");
            found.push(match nearest(name, known) {
                Some(near) => Diagnostic::warning("unknown-cluster", message)
                    .at(*span, "")
                    .help(format!("did you mean `{near}`?")),
                None => Diagnostic::note("unknown-cluster", message).at(*span, ""),
            });
            continue;
        }
        let message = format!("`{pattern}` takes no namespace of the environment");
        suggestions += 1;
        let near = if suggestions <= SUGGESTIONS {
            nearest_orphan(pattern, inventory, owners)
        } else {
            None
        };
        found.push(match near {
            Some(near) => Diagnostic::warning("selector-takes-nothing", message)
                .at(*span, "")
                .help(format!("did you mean `{near}`, which belongs to no workspace?")),
            None => Diagnostic::note("selector-takes-nothing", message).at(*span, ""),
        });
    }
}

/// The namespace without a workspace whose name is nearest to the one that is wanted.
fn nearest_orphan<'i>(
    pattern: &Pattern,
    inventory: &'i Inventory,
    owners: &[Option<NodeId>],
) -> Option<&'i str> {
    let Names::Exact(name) = &pattern.namespace else { return None };
    let cluster = pattern.cluster.as_deref();
    let orphans = (0..inventory.len())
        .filter(|slot| owners[*slot as usize].is_none())
        .filter_map(|slot| inventory.at(slot))
        .filter(|(c, _)| cluster.is_none_or(|wanted| wanted == c.name.as_str()));
    nearest(name, orphans.map(|(_, namespace)| namespace.as_str()))
}

/// Selectors of two workspaces that could take the same namespace, of which none exists yet.
///
/// Entries are looked up by name and by beginning: this stays far from comparing every two.
fn report_meeting(
    tree: &Tree,
    workspaces: &[NodeId],
    selectors: &BTreeMap<NodeId, Vec<Entry>>,
    inventory: &Inventory,
    found: &mut Vec<Diagnostic>,
) {
    let mut by_name: BTreeMap<&str, Vec<(NodeId, &Entry)>> = BTreeMap::new();
    let mut prefixes: Vec<(NodeId, &str, &Entry)> = Vec::new();
    for id in workspaces {
        for entry in selectors.get(id).into_iter().flatten() {
            match &entry.pattern.namespace {
                Names::Exact(name) => by_name.entry(name).or_default().push((*id, entry)),
                Names::Prefix(prefix) => prefixes.push((*id, prefix, entry)),
            }
        }
    }
    let mut candidates: Vec<[(NodeId, &Entry); 2]> = Vec::new();
    for same in by_name.values() {
        for (i, a) in same.iter().enumerate() {
            candidates.extend(same[i + 1..].iter().map(|b| [*a, *b]));
        }
    }
    for (i, (id, prefix, entry)) in prefixes.iter().enumerate() {
        let a = (*id, *entry);
        let named = by_name.range(*prefix..).take_while(|(name, _)| name.starts_with(prefix));
        candidates.extend(named.flat_map(|(_, all)| all).map(|b| [a, *b]));
        candidates.extend(prefixes[i + 1..].iter().map(|(id, _, entry)| [a, (*id, *entry)]));
    }

    let mut told = BTreeSet::new();
    for [(a, one), (b, other)] in candidates {
        if a == b || !one.pattern.meets(&other.pattern) {
            continue;
        }
        let (taken, also) = (one.pattern.slots(inventory), other.pattern.slots(inventory));
        // a namespace that both take is an error already
        if also.iter().any(|slot| taken.binary_search(slot).is_ok())
            || !told.insert((a.min(b), a.max(b)))
        {
            continue;
        }
        let ((a, one), (b, other)) =
            if one.span <= other.span { ((a, one), (b, other)) } else { ((b, other), (a, one)) };
        found.push(
            Diagnostic::warning(
                "selectors-meet",
                format!(
                    "a namespace could belong to workspace `{}` by `{}` and to workspace `{}` by `{}`",
                    tree.nodes[a].fqn.name(),
                    one.pattern,
                    tree.nodes[b].fqn.name(),
                    other.pattern
                ),
            )
            .at(other.span, "")
            .also(one.span, "the other")
            .help("a namespace belongs to one workspace: narrow one of the selectors"),
        );
    }
}
