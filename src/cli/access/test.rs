//! `waypost access test`

use clap::{Args, ValueEnum};

use super::super::session::Session;
use super::super::terminal::Terminal;
use super::super::{ExitCode, Global};
use super::world::Asked;
use super::{Of, pretty, world, write};
use crate::access::{answers, answers_back, mutate};
use crate::diagnostic::{Diagnostic, Sources, has_errors, sort};
use crate::model::Reached;
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
        let mut results = Vec::new();
        let mut worst = ExitCode::Clean;
        let worlds = if self.every_stage {
            self.every_point(global, terminal)?
        } else {
            let stage = self.of.stage.as_deref();
            world::world(self.of.of.as_deref(), stage, global, terminal)?
                .map(|Asked { world, sources }| vec![Way { worlds: vec![(None, world)], sources }])
        };
        let Some(ways) = worlds else { return Ok(ExitCode::Problems) };
        let all = ways.iter().flat_map(|way| {
            let before =
                std::iter::once(None).chain(way.worlds.iter().map(|(_, world)| Some(world)));
            way.worlds.iter().zip(before).map(move |(at, before)| (way, at, before))
        });
        for (way, (reached, world), before) in all {
            let sources = &way.sources;
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
                results.extend(mutated.results);
            }
            if !self.mutate {
                let before = before.map(|world| &world.mesh);
                results.extend(answers(world, before, &mut found));
                let back = reached.as_ref().and_then(plan::way_back);
                if let Some(to) = back.and_then(|back| way.at(&back)) {
                    results.extend(answers_back(world, to, &mut found));
                }
            }
            sort(&mut found);
            terminal.show(&found, sources);
            if has_errors(&found) {
                worst = ExitCode::Problems;
            }
        }
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

    /// The environment's mesh at every point of its migration.
    fn every_point(
        &self,
        global: &Global,
        terminal: &Terminal,
    ) -> anyhow::Result<Option<Vec<Way>>> {
        let session = Session::new(global, terminal)?;
        let names = match &self.of.of {
            Some(name) => vec![name.clone()],
            None => match session.names(&[]) {
                Some(names) => names,
                None => return Ok(None),
            },
        };
        let mut environments = Vec::new();
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
            let mut worlds = Vec::new();
            for reached in plan::points(&resolved.environment) {
                let (at, mut found) = points.at(&reached, &|_| {});
                let Some(at) = at else {
                    sort(&mut found);
                    terminal.show(&found, &points.texts.sources);
                    return Ok(None);
                };
                worlds.push((Some(reached), at.world));
            }
            environments.push(Way { worlds, sources: points.texts.sources });
        }
        Ok(Some(environments))
    }
}

/// The worlds of one environment, in the order of its points.
struct Way {
    worlds: Vec<(Option<Reached>, World)>,
    sources: Sources,
}

impl Way {
    /// The world of a point.
    fn at(&self, point: &Reached) -> Option<&World> {
        let found = self.worlds.iter().find(|(reached, _)| reached.as_ref() == Some(point));
        found.map(|(_, world)| world)
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
