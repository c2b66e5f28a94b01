//! Who may reach what, before and after.

use serde::Serialize;

use super::page::{place, shown};
use crate::diff::{AccessDiff, Direction, Matrix};
use crate::report::diff::report::{self, EnvironmentReport, counted};
use crate::simulate::Verdict;

#[derive(Default, Serialize)]
pub(super) struct Access {
    why: Option<String>,
    /// Not everything was asked.
    partial: bool,
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
            report::Access::NotAsked => {
                Self { why: Some("`--no-access`".to_owned()), ..Self::default() }
            }
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
        let matrix = &diff.matrix;
        let row = |client: usize| Row {
            client: shown(&matrix.clients[client]),
            cells: (0..matrix.services.len()).map(|s| Cell::of(matrix.cell(client, s))).collect(),
        };
        Self {
            why: None,
            partial: diff.has_unknown(),
            changes: moves.collect(),
            services: matrix.services.iter().map(|service| shown(service)).collect(),
            rows: (0..matrix.clients.len()).map(row).collect(),
            caption: caption(matrix),
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

/// How much is shown, and how much of it differs.
fn caption(matrix: &Matrix) -> String {
    let (clients, services) = (matrix.clients.len(), matrix.services.len());
    let differ = matrix.cells.iter().filter(|(before, after)| before != after).count();
    let (left, right) = matrix.left_out;
    let all = format!(
        "{}, {}; {differ} of {} differ",
        counted(clients + left, "client"),
        counted(services + right, "service"),
        counted(matrix.cells.len(), "answer")
    );
    match (left, right) {
        (0, 0) => all,
        (clients, services) => format!(
            "{all}. {} and {} are not shown",
            counted(clients, "client"),
            counted(services, "service")
        ),
    }
}
