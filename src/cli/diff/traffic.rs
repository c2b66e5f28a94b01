//! What real traffic says of a change: the logs of `sources.traffic`, asked of both sides.

use std::path::{Path, PathBuf};

use super::super::logs::{Logs, Reading, pods_of};
use super::super::terminal::Terminal;
use crate::diagnostic::{Diagnostic, Sources, Spanned};
use crate::replay::{Edge, Present, Replay, edges};
use crate::report::diff::{Traffic, Weighed};
use crate::resolve::Resolved;
use crate::spec::{Entry, Files};
use crate::world::World;

/// The logs that a spec names, read for the mesh that they are of; why they cannot be, in words, where
/// that is so. `None` where none is named.
pub(super) fn read(
    resolved: &Resolved,
    root: &Path,
    now: &World,
    (sources, terminal): (&Sources, &Terminal),
) -> Option<Result<Logs, String>> {
    if resolved.traffic.is_empty() {
        return None;
    }
    let files = Files::Disk(root.to_owned());
    let is_missing = |named: &&Spanned<String>| files.entry(&named.value, 0) == Entry::Missing;
    let missing: Vec<&Spanned<String>> = resolved.traffic.iter().filter(is_missing).collect();
    if let Some(first) = missing.first() {
        let found: Vec<Diagnostic> = missing.iter().map(|named| absent(named)).collect();
        terminal.show(&found, sources);
        return Some(Err(format!("`{}` is not there", first.value)));
    }
    let paths: Vec<PathBuf> = resolved.traffic.iter().map(|path| root.join(&path.value)).collect();
    let mut found = Vec::new();
    let logs = Logs::read(&paths, (now, pods_of(now)), Reading::default(), root, &mut found);
    let why = found.iter().find(|found| found.is_error()).map(|error| error.message.clone());
    if let Some(named) = resolved.traffic.first() {
        let placed = |found: Diagnostic| match found.primary {
            None => found.at(named.span, "asked for here"),
            Some(_) => found,
        };
        let found: Vec<Diagnostic> = found.into_iter().map(placed).collect();
        terminal.show(&found, sources);
    }
    Some(logs.ok_or_else(|| why.unwrap_or_else(|| "the logs cannot be read".to_owned())))
}

fn absent(named: &Spanned<String>) -> Diagnostic {
    Diagnostic::warning(
        "no-traffic",
        format!("`{}` is not there: what changes for real callers is not known", named.value),
    )
    .at(named.span, "asked for here")
    .help("put the log there before the trees are compared, or do not name it")
}

/// What changes for real callers from one world to another.
pub(super) fn between(logs: Result<Logs, String>, now: &World, then: &World) -> Traffic {
    let logs = match logs {
        Ok(logs) => logs,
        Err(why) => return Traffic::NotRead(why),
    };
    let point = logs.at(now);
    let present = Present::of(&logs.sample, &point);
    let replay = present.replay(&logs.sample, &point, &[logs.at(then)]);
    let edges = edges(&logs.sample, &now.mesh, &present, &replay);
    weighed(replay, edges)
}

/// A sample on its way through a migration.
pub(super) struct Journey {
    logs: Logs,
    present: Present,
    /// What the last point that was asked changes against the present.
    last: Replay,
}

impl Journey {
    /// Begins at the point that is reached, which the logs are of.
    pub(super) fn new(logs: Logs, now: &World) -> Self {
        let present = Present::of(&logs.sample, &logs.at(now));
        Self { logs, present, last: Replay::default() }
    }

    /// What a step changes that the steps before it do not.
    pub(super) fn step(&mut self, now: &World, here: &World) -> Traffic {
        let sample = &self.logs.sample;
        let replay = self.present.replay(sample, &self.logs.at(now), &[self.logs.at(here)]);
        let own = replay.clone().since(&self.last);
        self.last = replay;
        let edges = edges(sample, &now.mesh, &self.present, &own);
        weighed(own, edges)
    }

    /// What the end of the migration changes against the present.
    pub(super) fn end(&self) -> &Replay {
        &self.last
    }
}

fn weighed(replay: Replay, edges: Vec<Edge>) -> Traffic {
    if replay.is_of_another_mesh() {
        return Traffic::NotRead("no request of the log could be placed in this mesh".to_owned());
    }
    Traffic::Replayed(Box::new(Weighed { replay, edges, order: Vec::new() }))
}
