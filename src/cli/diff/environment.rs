//! One environment of a report.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use super::super::session::Loaded;
use super::super::terminal::Terminal;
use super::access::{Worlds, worlds};
use super::origin::origins;
use super::side::{Differ, Pair, Side, Trees};
use super::spec::{Specs, Which, stale};
use super::traffic;
use crate::diagnostic::{Sources, has_errors};
use crate::diff::{
    AccessDiff, Context, Options, beyond_lists, compare, flags, told_flags, topology,
};
use crate::report::diff::{
    Access, EnvironmentReport, EnvironmentState, Migration, Origins, Traffic,
};
use crate::resolve::Resolved;
use crate::simulate::Mesh;
use crate::tree::{Differing, disk};
use crate::world::Existing;

/// An environment, and the files of its trees that differ.
pub(super) struct Looked<'a> {
    pub pair: &'a Pair,
    pub files: Differ,
    pub options: &'a Options,
}

impl Looked<'_> {
    /// Reports it, and says whether its spec is broken.
    pub(super) fn report(
        self,
        trees: &Trees,
        specs: &mut Specs<'_>,
        ask: bool,
    ) -> anyhow::Result<(EnvironmentReport, bool)> {
        let Self { pair, files: Differ { tree: files, told }, options } = self;
        let tree = compare(&files, options);
        let told = compare(&told, options);
        let mut report = EnvironmentReport {
            name: pair.after.clone(),
            state: state(pair, tree.is_empty() && told.is_empty()),
            flags: Vec::new(),
            access: Access::Same,
            topology: Vec::new(),
            migration: None,
            origins: Origins::default(),
            traffic: Traffic::NotNamed,
            remarks: pair.remarks(),
            tree,
        };
        let can_change = report.tree.can_change_access();
        report.remarks.extend(trees.not_compared());
        // what comes or goes whole is told as that
        if report.state == EnvironmentState::Changed {
            // read once, and only where a flag asks for them
            let files = OnceCell::new();
            let files_after = |cluster: &str, word: &str| {
                // a tree that cannot be read has been told by now
                let all = files
                    .get_or_init(|| trees.files(&trees.after, &pair.after).unwrap_or_default());
                having(all, cluster, word)
            };
            report.flags = flags(&report.tree, &Context { files_after: &files_after });
            if !told.is_empty() {
                let before = trees.told(&trees.before, &pair.before)?;
                report.flags.extend(told_flags(&told, &before));
            }
        } else if report.state == EnvironmentState::Removed {
            let files_after = |_: &str, _: &str| Vec::new();
            report.flags = flags(&report.tree, &Context { files_after: &files_after });
        }
        report.tree.absorb(told);
        if report.tree.is_empty() && specs.are_unchanged() {
            return Ok((report, false));
        }
        let after = specs.load(trees, Which::After, &pair.after)?;
        let broken = after.as_ref().is_some_and(|loaded| has_errors(&loaded.found));
        if let Some(loaded) = after.as_ref().filter(|_| is_work(&trees.after)) {
            let stale = stale(loaded, trees.root(), trees.out(), &pair.after);
            report.remarks.extend(stale.filter(|_| report.state != EnvironmentState::Removed));
        }
        if broken {
            report.remarks.push("the spec has errors".to_owned());
        }
        if report.tree.is_empty() {
            return Ok((report, broken));
        }
        let before = specs.load(trees, Which::Before, &pair.before)?;
        let usable = |loaded: Option<Loaded>| {
            loaded.filter(|loaded| !has_errors(&loaded.found) && loaded.resolved.is_some())
        };
        let before_was_there = before.is_some();
        let (before, after) = (usable(before), usable(after));
        let resolved = |loaded: &Option<Loaded>| -> Option<Resolved> {
            loaded.as_ref().and_then(|loaded| loaded.resolved.clone())
        };
        let (old, new) = (resolved(&before), resolved(&after));
        if before_was_there && old.is_none() && new.is_some() {
            report.remarks.push(
                "the base's spec cannot be read: access before is asked of the inventory of now"
                    .to_owned(),
            );
        }
        report.migration = migration(old.as_ref(), new.as_ref());
        let beyond = match files.is_empty() {
            true => None,
            false => {
                let disk::Listed { paths, read } = trees.lists(&trees.after, &pair.after)?;
                beyond_lists(&files, &paths, &read)
            }
        };
        let unreadable = report.tree.unreadable().map(|(path, _)| path.to_owned()).next();
        report.access = if !ask {
            Access::NotAsked
        } else if let Some(path) = unreadable {
            Access::NotSimulated(format!("`{path}` cannot be read"))
        } else if let Some(path) = beyond {
            Access::NotSimulated(format!(
                "`{path}` says more than which files are applied, so what is applied is not known"
            ))
        } else if !can_change && specs.are_unchanged() {
            Access::Same
        } else {
            match (old.as_ref().or(new.as_ref()), new.as_ref().or(old.as_ref())) {
                (Some(old), Some(new)) => {
                    let (before, now) = (Existing::new(old), Existing::new(new));
                    // what cannot change an answer is not read
                    match !can_change && before.says(&now) {
                        true => Access::Same,
                        false => {
                            let no_sources = Sources::default();
                            let sources =
                                after.as_ref().map_or(&no_sources, |loaded| &loaded.sources);
                            let told = (sources, specs.terminal());
                            let both = ((old, &before), (new, &now));
                            simulate(trees, pair, (&files, told), both, &mut report)?
                        }
                    }
                }
                _ => Access::NotSimulated(
                    "there is no spec that can be read, whose inventory says who is there"
                        .to_owned(),
                ),
            }
        };
        if let (Some(new), Some(loaded)) = (&new, &after) {
            let changes = match &report.access {
                Access::Simulated(diff) => diff.changes.as_slice(),
                Access::Same | Access::NotSimulated(_) | Access::NotAsked => &[],
            };
            report.origins = origins(new, &loaded.sources, &report.tree, &report.flags, changes);
        }
        Ok((report, broken))
    }
}

fn is_work(side: &Side) -> bool {
    matches!(side, Side::Work)
}

fn state(pair: &Pair, is_empty: bool) -> EnvironmentState {
    match (is_empty, pair.was_there, pair.is_there) {
        (true, ..) => EnvironmentState::Equal,
        (_, false, _) => EnvironmentState::Added,
        (_, _, false) => EnvironmentState::Removed,
        _ => EnvironmentState::Changed,
    }
}

/// Files of a cluster whose text has a word in it.
fn having(files: &BTreeMap<String, Vec<u8>>, cluster: &str, word: &str) -> Vec<(String, String)> {
    let folder = format!("{cluster}/");
    let word = memchr::memmem::Finder::new(word);
    let here = files.iter().filter(|(path, _)| path.starts_with(&folder));
    here.filter(|(_, bytes)| word.find(bytes).is_some())
        .filter_map(|(path, bytes)| Some((path.clone(), String::from_utf8(bytes.clone()).ok()?)))
        .collect()
}

fn simulate(
    trees: &Trees,
    pair: &Pair,
    (files, told): (&[Differing], (&Sources, &Terminal)),
    both: ((&Resolved, &Existing), (&Resolved, &Existing)),
    report: &mut EnvironmentReport,
) -> anyhow::Result<Access> {
    let rename = |cluster: &str| pair.cluster_before(cluster);
    let all = trees.files(&trees.after, &pair.after)?;
    let resolved = both.1.0;
    let Worlds { before, after } = worlds(&all, files, both, &rename);
    report.topology = topology(&before.mesh, &after.mesh);
    if let Some(logs) = traffic::read(resolved, trees.logs_root(), &before, told) {
        report.traffic = traffic::between(logs, &before, &after);
    }
    Ok(access(&before.mesh, &after.mesh))
}

/// Who gains and who loses access between two meshes.
pub(super) fn access(before: &Mesh, after: &Mesh) -> Access {
    Access::Simulated(AccessDiff::between(before, after))
}

fn migration(before: Option<&Resolved>, after: Option<&Resolved>) -> Option<Migration> {
    let newest = &after.or(before)?.environment;
    let reached = |resolved: Option<&Resolved>| {
        resolved.map(|resolved| resolved.environment.reached.to_string())
    };
    (!newest.stages.is_empty()).then(|| Migration {
        stages: newest.stages.iter().map(|stage| stage.name.to_string()).collect(),
        before: reached(before),
        after: reached(after),
    })
}
