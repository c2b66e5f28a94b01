//! Selectors that are no fault yet, but probably not what was meant.

use std::collections::{BTreeMap, BTreeSet};

use super::hierarchy::{NodeId, Tree};
use super::inventory::Inventory;
use super::selector::{Entry, Names, Pattern};
use crate::diagnostic::{Diagnostic, nearest};

/// For how many useless entries the nearest name is looked for: each costs a look at every
/// namespace.
const SUGGESTIONS: usize = 32;

/// Entries of workspaces that take no existing namespace. Often they are for another environment;
/// where a namespace without a workspace has nearly that name, they are a typo.
pub(super) fn report_useless(
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
            None => Diagnostic::note("selector-takes-nothing", message)
                .at(*span, "")
                .help("declare its namespace in `clusters`, if it is one of this environment's"),
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
pub(super) fn report_meeting(
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
