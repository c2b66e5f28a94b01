//! A migration from its beginning to its end: every point against the one before it, rendered into
//! memory, with what each step makes true and what the access tests say of it.

use std::path::Path;
use std::rc::Rc;

use super::super::session::Session;
use super::super::terminal::Terminal;
use super::environment::access;
use super::order;
use super::origin::origins;
use super::secret::hidden;
use super::traffic::{self, Journey};
use crate::access::answers;
use crate::diagnostic::{Sources, has_errors, sort};
use crate::diff::{Context, Options, compare, flags, topology};
use crate::model::{Environment, Reached, Step};
use crate::pipeline::At;
use crate::plan;
use crate::report::diff::{
    Access, EnvironmentReport, EnvironmentState, Migration, Origins, Traffic, counted,
};
use crate::resolve::Resolved;
use crate::tree::{Differing, Scope, Tree};

/// What an environment's migration does, step by step, and whether an access test fails on the way or
/// real traffic fares otherwise;
/// `None` when there is an error, which has been shown.
pub(super) fn steps(
    (session, root): (&Session<'_>, &Path),
    name: &str,
    options: &Options,
    ask: bool,
    terminal: &Terminal,
) -> anyhow::Result<Option<(Vec<EnvironmentReport>, bool)>> {
    let mut loaded = session.load(name);
    let scope = Scope::default();
    let prepared = session.prepare(&mut loaded, None, &scope)?;
    let Some(resolved) = loaded.resolved.as_ref().filter(|_| !has_errors(&loaded.found)) else {
        terminal.show(&loaded.found, &loaded.sources);
        return Ok(None);
    };
    let mut points = prepared.points(resolved, loaded.sources);
    let (mut steps, mut fails) = (Vec::new(), false);
    let mut before: Option<(Reached, Rc<At>)> = None;
    let mut traffic = Real::NotNamed;
    for reached in plan::points(&resolved.environment) {
        let (at, mut found) = points.at(&reached, &|_| {});
        let Some(here) = at else {
            sort(&mut found);
            terminal.show(&found, &points.texts.sources);
            return Ok(None);
        };
        let here = Rc::new(here);
        if let Some((was, old)) = &before {
            let step = Compared { resolved, sources: &points.texts.sources, options, ask };
            let mut report = step.report((was, old), (&reached, &here));
            if ask {
                fails |= assert(&here, old, &mut report, (&points.texts.sources, terminal));
                report.traffic = traffic.step(&here);
                fails |= report.traffic.changed() > 0;
            }
            steps.push(report);
        }
        if ask && reached == resolved.environment.reached {
            traffic = Real::read(resolved, root, &here, (&points.texts.sources, terminal));
        }
        before = Some((reached, here));
    }
    if let Real::Read(journey, _) = &traffic {
        order::suggest(&resolved.environment, journey, &mut steps);
    }
    Ok(Some((steps, fails)))
}

/// Real traffic, from the point that is reached on.
enum Real {
    NotNamed,
    NotRead(String),
    Read(Box<Journey>, Rc<At>),
}

impl Real {
    fn read(resolved: &Resolved, root: &Path, now: &Rc<At>, told: (&Sources, &Terminal)) -> Self {
        match traffic::read(resolved, root, &now.world, told) {
            None => Real::NotNamed,
            Some(Err(why)) => Real::NotRead(why),
            Some(Ok(logs)) => Real::Read(Box::new(Journey::new(logs, &now.world)), Rc::clone(now)),
        }
    }

    fn step(&mut self, here: &At) -> Traffic {
        match self {
            Real::NotNamed => Traffic::NotNamed,
            Real::NotRead(why) => Traffic::NotRead(why.clone()),
            Real::Read(journey, now) => journey.step(&now.world, &here.world),
        }
    }
}

/// What the points of a migration have in common.
struct Compared<'a> {
    resolved: &'a Resolved,
    sources: &'a Sources,
    options: &'a Options,
    ask: bool,
}

impl Compared<'_> {
    /// What a step changes.
    fn report(
        &self,
        (was, old): (&Reached, &At),
        (reached, new): (&Reached, &At),
    ) -> EnvironmentReport {
        let &Self { resolved, sources, options, ask } = self;
        let environment = &resolved.environment;
        let files = Differing::between(bytes(&old.rendered.tree), bytes(&new.rendered.tree));
        let files: Vec<Differing> = files.into_iter().map(hidden).collect();
        let tree = compare(&files, options);
        let files_after = |cluster: &str, word: &str| having(&new.rendered.tree, cluster, word);
        let flags = flags(&tree, &Context { files_after: &files_after });
        let access = match (ask, tree.can_change_access()) {
            (false, _) => Access::NotAsked,
            (true, false) => Access::Same,
            (true, true) => access(&old.world.mesh, &new.world.mesh),
        };
        let changes = match &access {
            Access::Simulated(diff) => diff.changes.as_slice(),
            Access::Same | Access::NotSimulated(_) | Access::NotAsked => &[],
        };
        let origins = match tree.is_empty() {
            true => Origins::default(),
            false => origins(resolved, sources, &tree, &flags, changes),
        };
        EnvironmentReport {
            name: format!("{}, {}", environment.name, spoken(reached)),
            state: if tree.is_empty() {
                EnvironmentState::Equal
            } else {
                EnvironmentState::Changed
            },
            flags,
            topology: if ask { topology(&old.world.mesh, &new.world.mesh) } else { Vec::new() },
            access,
            migration: Some(Migration {
                stages: environment.stages.iter().map(|stage| stage.name.to_string()).collect(),
                before: Some(was.to_string()),
                after: Some(reached.to_string()),
            }),
            origins,
            traffic: Traffic::NotNamed,
            remarks: remarks(environment, reached),
            tree,
        }
    }
}

/// The point in full: the last step of a stage is else called as the stage is.
fn spoken(reached: &Reached) -> String {
    match reached {
        Reached::None => reached.to_string(),
        Reached::Stage(stage, step) => format!("{stage}/{}", step.as_str()),
    }
}

/// What a step makes true, and whether the spec says that it is done.
fn remarks(environment: &Environment, reached: &Reached) -> Vec<String> {
    let Reached::Stage(name, step) = reached else { return Vec::new() };
    let stage = environment.stages.iter().find(|stage| stage.name == *name);
    let namespaces: Vec<String> =
        stage.into_iter().flat_map(|s| &s.namespaces).map(|id| format!("`{id}`")).collect();
    let namespaces = namespaces.join(", ");
    let becomes_true = match step {
        Step::Mesh => format!(
            "waypoints and policies for ambient mode are there for {namespaces}, and nothing uses them yet"
        ),
        Step::Enrollment => format!(
            "the labels of {namespaces} ask for ambient mode; pods keep their sidecars until they are restarted"
        ),
        Step::Workloads => format!(
            "the pods of {namespaces} are restarted, without sidecars: ztunnel takes their traffic"
        ),
        Step::Cleanup => format!(
            "policies that were written for the sidecars of {namespaces} are gone: what replaces them stays"
        ),
    };
    let mut remarks = vec![becomes_true];
    if environment.reached == *reached {
        remarks.push("this is the point that the spec says is reached".to_owned());
    }
    remarks
}

/// Asks the access tests, also in every state on the way there; true when one fails.
fn assert(
    here: &At,
    before: &At,
    report: &mut EnvironmentReport,
    (sources, terminal): (&Sources, &Terminal),
) -> bool {
    let mut found = Vec::new();
    let results = answers(&here.world, Some(&before.world.mesh), &mut found);
    sort(&mut found);
    terminal.show(&found, sources);
    let failed = results.iter().filter(|result| !result.passed()).count();
    let tests = counted(here.world.cases.len(), "access assertion");
    report.remarks.push(match (here.world.cases.len(), failed) {
        (0, _) => "no access test says what must hold here".to_owned(),
        (_, 0) => format!("{tests} hold, also in every state on the way here"),
        (_, _) => format!(
            "{failed} of {} to {tests} are not as asserted",
            counted(results.len(), "answer")
        ),
    });
    report.remarks.extend(found.iter().filter(|d| d.is_error()).map(|d| d.message.clone()));
    has_errors(&found)
}

fn bytes(tree: &Tree) -> impl Iterator<Item = (&str, &[u8])> {
    tree.iter().map(|(path, file)| (path, file.text().as_bytes()))
}

/// Files of a cluster whose text has a word in it.
fn having(tree: &Tree, cluster: &str, word: &str) -> Vec<(String, String)> {
    let folder = format!("{cluster}/");
    let here = tree.iter().filter(|(path, _)| path.starts_with(&folder));
    here.filter(|(_, file)| file.text().contains(word))
        .map(|(path, file)| (path.to_owned(), file.text().to_owned()))
        .collect()
}
