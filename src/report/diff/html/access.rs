//! Who may reach what, before and after.

use serde::Serialize;

use super::page::{place, shown};
use crate::diff::{AccessDiff, Direction, Matrix};
use crate::report::diff::report::{self, EnvironmentReport, counted};
use crate::simulate::Verdict;

/// Cells that a browser shows without effort. A larger matrix is cut to what changed.
const CELLS: usize = 20_000;

#[derive(Default, Serialize)]
pub(super) struct Access {
    why: Option<String>,
    changes: Vec<Move>,
    services: Vec<String>,
    rows: Vec<Row>,
    caption: String,
}

#[derive(Serialize)]
struct Move {
    class: &'static str,
    word: &'static str,
    sign: char,
    from: String,
    to: String,
    before: String,
    after: String,
    origin: Option<String>,
}

#[derive(Serialize)]
struct Row {
    client: String,
    cells: Vec<Cell>,
}

#[derive(Serialize)]
struct Cell {
    before: Answer,
    after: Answer,
    changed: bool,
}

#[derive(Serialize)]
struct Answer {
    class: &'static str,
    sign: char,
    word: &'static str,
}

impl Access {
    pub(super) fn of(environment: &EnvironmentReport) -> Self {
        match &environment.access {
            report::Access::Same => Self::default(),
            report::Access::NotSimulated(why) => Self { why: Some(shown(why)), ..Self::default() },
            report::Access::Simulated(diff) => Self::simulated(diff, environment),
        }
    }

    fn simulated(diff: &AccessDiff, environment: &EnvironmentReport) -> Self {
        let origins = environment.origins.access.iter().map(Option::as_ref);
        let origins = origins.chain(std::iter::repeat(None));
        let moves = diff.changes.iter().zip(origins).map(|(change, origin)| {
            let (class, sign) = match change.direction {
                Direction::Gained => ("gained", '▲'),
                Direction::Lost => ("lost", '▼'),
            };
            Move {
                class,
                word: change.direction.verb(),
                sign,
                from: shown(&change.from),
                to: shown(&change.to),
                before: shown(&change.said_before()),
                after: shown(&change.said_after()),
                origin: origin.map(place),
            }
        });
        let cut = Cut::of(&diff.matrix);
        let row = |client: &usize| Row {
            client: shown(&diff.matrix.clients[*client]),
            cells: cut.services.iter().map(|s| Cell::of(diff.matrix.cell(*client, *s))).collect(),
        };
        Self {
            why: None,
            changes: moves.collect(),
            services: cut.services.iter().map(|s| shown(&diff.matrix.services[*s])).collect(),
            rows: cut.clients.iter().map(row).collect(),
            caption: cut.caption(&diff.matrix),
        }
    }
}

impl Cell {
    fn of((before, after): (Option<Verdict>, Option<Verdict>)) -> Self {
        Self { before: Answer::of(before), after: Answer::of(after), changed: before != after }
    }
}

impl Answer {
    fn of(verdict: Option<Verdict>) -> Self {
        let (class, sign, word) = match verdict {
            Some(Verdict::Allow) => ("allow", '✓', "allowed"),
            Some(Verdict::Deny) => ("deny", '✕', "denied"),
            Some(Verdict::Mixed) => ("mixed", '~', "depends on the workload behind the service"),
            Some(Verdict::Unreachable) => ("unreachable", '∅', "nothing is behind the service"),
            Some(Verdict::Unknown) => ("unknown", '?', "no manifest shows what decides"),
            None => ("absent", '·', "not there"),
        };
        Self { class, sign, word }
    }
}

/// The part of a matrix that is shown: all of it, or the clients and services that some change is
/// about, as many as fit.
struct Cut {
    clients: Vec<usize>,
    services: Vec<usize>,
}

impl Cut {
    fn of(matrix: &Matrix) -> Self {
        let (clients, services) = (matrix.clients.len(), matrix.services.len());
        if clients * services <= CELLS {
            return Self { clients: (0..clients).collect(), services: (0..services).collect() };
        }
        let differs = |client, service| {
            let (before, after) = matrix.cell(client, service);
            before != after
        };
        let mut some: Vec<usize> =
            (0..services).filter(|s| (0..clients).any(|c| differs(c, *s))).collect();
        some.truncate(CELLS);
        let mut rows: Vec<usize> =
            (0..clients).filter(|c| some.iter().any(|s| differs(*c, *s))).collect();
        rows.truncate(CELLS / some.len().max(1));
        Self { clients: rows, services: some }
    }

    fn caption(&self, matrix: &Matrix) -> String {
        let (clients, services) = (matrix.clients.len(), matrix.services.len());
        let differ = matrix.cells.iter().filter(|(before, after)| before != after).count();
        let all = format!(
            "{}, {}; {differ} of {} differ",
            counted(clients, "client"),
            counted(services, "service"),
            counted(matrix.cells.len(), "answer")
        );
        let left_out = (clients - self.clients.len(), services - self.services.len());
        match left_out {
            (0, 0) => all,
            (clients, services) => format!(
                "{all}. {} and {} are not shown",
                counted(clients, "client"),
                counted(services, "service")
            ),
        }
    }
}
