//! `waypost access test`

use std::collections::VecDeque;

use clap::{Args, ValueEnum};

use super::super::session::Session;
use super::super::terminal::Terminal;
use super::super::{ExitCode, Global};
use super::world::Asked;
use super::{Of, pretty, world, write};
use crate::access::{answers, answers_back, mutate};
use crate::diagnostic::{Diagnostic, Sources, has_errors, sort};
use crate::model::Reached;
use crate::pipeline::At;
use crate::plan;
use crate::report::access::{self as report, CaseResult};
use crate::tree::Scope;
use crate::world::World;

/// Hold access tests against what would be applied.
///
/// Every AccessTest of the environment, or in the folder, is asked. A case that does not hold is
/// shown with the point and the rule that decided; the exit code is 3 then.
#[derive(Args, Clone, Debug)]
pub struct Test {
    #[command(flatten)]
    of: Of,
    /// At every point of the migration, and in every state between two points, forth and back: pods
    /// restarted or not yet, on either side, and waypoints ready or not yet.
    #[arg(long, conflicts_with = "stage")]
    every_stage: bool,
    /// Ask the tests themselves: take each rule of each AuthorizationPolicy away, then turn it round,
    /// and say which of them no test notices, with the request that would; the exit code is 3 then.
    #[arg(long, conflicts_with = "every_stage")]
    mutate: bool,
    /// How results are written to standard output, besides what is said to people.
    #[arg(short, long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A line for each case.
    #[default]
    Text,
    /// For CI servers.
    Junit,
    /// For a program.
    Json,
}

impl Test {
    pub(super) fn run(&self, global: &Global, terminal: &Terminal) -> anyhow::Result<ExitCode> {
        let mut asking =
            Asking { terminal, mutate: self.mutate, results: Vec::new(), worst: ExitCode::Clean };
        if self.every_stage {
            if self.every_point(global, &mut asking)?.is_none() {
                return Ok(ExitCode::Problems);
            }
        } else {
            let stage = self.of.stage.as_deref();
            let of = world::world(self.of.of.as_deref(), stage, global, terminal)?;
            let Some(Asked { world, sources }) = of else { return Ok(ExitCode::Problems) };
            asking.ask(&world, None, None, &sources);
        }
        let Asking { results, worst, .. } = asking;
        let failed = results.iter().filter(|r| !r.passed()).count();
        match self.format {
            Format::Text => write(&lines(&results))?,
            Format::Junit => write(&report::junit(&results))?,
            Format::Json => write(&pretty(&report::results_json(&results))?)?,
        }
        terminal.say(&match (results.len(), failed) {
            (all, failed) if self.mutate => {
                format!("{all} mutants, {failed} that no test notices")
            }
            (1, 0) => "1 answer, as asserted".to_owned(),
            (1, _) => "1 answer, not as asserted".to_owned(),
            (all, 0) => format!("{all} answers, all as asserted"),
            (all, failed) => format!("{all} answers, {failed} not as asserted"),
        });
        Ok(worst)
    }

    /// Asks the environment's mesh at every point of its migration; `None` where a point cannot be rendered.
    fn every_point(&self, global: &Global, asking: &mut Asking<'_>) -> anyhow::Result<Option<()>> {
        let terminal = asking.terminal;
        let session = Session::new(global, terminal)?;
        let names = match &self.of.of {
            Some(name) => vec![name.clone()],
            None => match session.names(&[]) {
                Some(names) => names,
                None => return Ok(None),
            },
        };
        for name in names {
            let mut loaded = session.load(&name);
            let scope = Scope::default();
            let prepared = session.prepare(&mut loaded, None, &scope)?;
            let Some(resolved) = loaded.resolved.as_ref().filter(|_| !has_errors(&loaded.found))
            else {
                terminal.show(&loaded.found, &loaded.sources);
                return Ok(None);
            };
            let mut points = prepared.points(resolved, loaded.sources);
            // a point is asked with the one before it and, on the way back, with one of its own stage:
            // earlier ones are let go
            let mut held: VecDeque<(Reached, World)> = VecDeque::new();
            for reached in plan::points(&resolved.environment) {
                let (at, mut found) = points.at(&reached, &|_| {});
                let Some(At { world, .. }) = at else {
                    sort(&mut found);
                    terminal.show(&found, &points.texts.sources);
                    return Ok(None);
                };
                let before = held.back().map(|(_, world)| world);
                let back = plan::way_back(&reached);
                let back = back.and_then(|to| held.iter().find(|(point, _)| *point == to));
                asking.ask(&world, before, back.map(|(_, world)| world), &points.texts.sources);
                if held.len() >= resolved.environment.steps().len() {
                    held.pop_front();
                }
                held.push_back((reached, world));
            }
        }
        Ok(Some(()))
    }
}

/// Tests that are being asked.
struct Asking<'a> {
    terminal: &'a Terminal,
    mutate: bool,
    results: Vec<CaseResult>,
    worst: ExitCode,
}

impl Asking<'_> {
    /// Asks a world, also on the way there from the one before it, and on the way back from it.
    fn ask(
        &mut self,
        world: &World,
        before: Option<&World>,
        back: Option<&World>,
        sources: &Sources,
    ) {
        let mut found = world.found.clone();
        if world.cases.is_empty() {
            found.push(
                Diagnostic::warning(
                    "no-access-tests",
                    format!("{} has no access test", world.name),
                )
                .help("write one: kind `AccessTest`, named under `sources.access`"),
            );
        }
        if self.mutate {
            let mutated = mutate(world);
            found.extend(mutated.found);
            self.results.extend(mutated.results);
        } else {
            self.results.extend(answers(world, before.map(|world| &world.mesh), &mut found));
            if let Some(to) = back {
                self.results.extend(answers_back(world, to, &mut found));
            }
        }
        sort(&mut found);
        self.terminal.show(&found, sources);
        if has_errors(&found) {
            self.worst = ExitCode::Problems;
        }
    }
}

fn lines(results: &[CaseResult]) -> String {
    let rows: Vec<Vec<String>> = results
        .iter()
        .map(|r| {
            let at = match &r.state {
                Some(state) => format!("{}: {state}", r.at),
                None => r.at.clone(),
            };
            let sign = if r.passed() { "ok" } else { "FAILED" };
            vec![sign.into(), r.found.clone(), r.name.clone(), at, r.reason.clone()]
        })
        .collect();
    report::columns(&rows)
}
