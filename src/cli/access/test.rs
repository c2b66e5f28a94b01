//! `waypost access test`

use std::collections::BTreeMap;

use clap::{Args, ValueEnum};

use super::super::session::Session;
use super::super::terminal::Terminal;
use super::super::{ExitCode, Global};
use super::mutate::mutate;
use super::world::Asked;
use super::{Of, world, write};
use crate::diagnostic::{Diagnostic, Sources, Span, has_errors, sort};
use crate::plan;
use crate::report::access::{self as report, CaseResult};
use crate::simulate::{
    Client, Destination, GatewayId, HttpRequest, Mesh, NotFound, PodState, Request, Verdict,
    WaypointState, WorkloadId,
};
use crate::tree::Scope;
use crate::world::{Case, World};

/// Hold access tests against what would be applied.
///
/// Every AccessTest of the environment, or in the folder, is asked. A case that does not hold is
/// shown with the point and the rule that decided; the exit code is 3 then.
#[derive(Args, Clone, Debug)]
pub struct Test {
    #[command(flatten)]
    of: Of,
    /// At every point of the migration, and in every state between two points: pods restarted or
    /// not yet, on either side, and waypoints ready or not yet.
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
                .map(|Asked { world, sources }| vec![Way { worlds: vec![world], sources }])
        };
        let Some(ways) = worlds else { return Ok(ExitCode::Problems) };
        let all = ways.iter().flat_map(|way| {
            let before = std::iter::once(None).chain(way.worlds.iter().map(Some));
            way.worlds.iter().zip(before).map(|(world, before)| (world, before, &way.sources))
        });
        for (world, before, sources) in all {
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
            Format::Json => {
                let json = serde_json::to_string_pretty(&report::results_json(&results))?;
                write(&format!("{json}\n"))?;
            }
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
                worlds.push(at.world);
            }
            environments.push(Way { worlds, sources: points.texts.sources });
        }
        Ok(Some(environments))
    }
}

/// The worlds of one environment, in the order of its points.
struct Way {
    worlds: Vec<World>,
    sources: Sources,
}

/// What every case comes to, also in every state on the way there from the point before.
pub(in crate::cli) fn answers(
    world: &World,
    before: Option<&Mesh>,
    found: &mut Vec<Diagnostic>,
) -> Vec<CaseResult> {
    let mut results = Vec::new();
    for case in &world.cases {
        match asked(&world.mesh, case) {
            Ok(request) => {
                for state in states(world, before, &request) {
                    let (result, diagnostic) = hold(world, case, &request, &state);
                    found.extend(diagnostic);
                    results.push(result);
                }
            }
            Err((at, error)) => found.push(unknown(at, &error)),
        }
    }
    results
}

/// The request of a case, or where a name stands that means nothing.
pub(super) fn asked(mesh: &Mesh, case: &Case) -> Result<Request, (Span, NotFound)> {
    let from = mesh.find_client(&case.from).map_err(|error| (case.origin.from, error))?;
    let to = mesh.find_destination(&case.to).map_err(|error| (case.origin.to, error))?;
    Ok(Request {
        from,
        to,
        http: HttpRequest { sni: case.sni.clone(), ..case.request.clone().unwrap_or_default() },
        // a plain connection to a port of HTTP is one that speaks it
        raw_tcp: case.request.is_none() && !mesh.declares_http(to),
    })
}

/// A state that the mesh may be in at a point, other than the one the point ends in.
#[derive(Clone, Debug, Default)]
struct Transient {
    pods: BTreeMap<WorkloadId, PodState>,
    waypoints: BTreeMap<GatewayId, WaypointState>,
}

impl Transient {
    fn apply(&self, mesh: &Mesh) -> Mesh {
        let mut mesh = mesh.clone();
        self.pods.iter().for_each(|(id, state)| mesh.set_state(*id, *state));
        self.waypoints.iter().for_each(|(id, state)| mesh.set_waypoint_state(*id, *state));
        mesh
    }

    fn name(&self, mesh: &Mesh) -> Option<String> {
        let pods = self.pods.iter().map(|(id, state)| {
            format!("pods of {} are {}", mesh.workload_name(*id), state.as_str())
        });
        let waypoints = self.waypoints.keys().map(|id| {
            let gateway = mesh.gateway(*id);
            format!(
                "waypoint {}/{} is not ready",
                mesh.namespace(gateway.namespace).name,
                gateway.name
            )
        });
        let parts: Vec<String> = pods.chain(waypoints).collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

/// Every state that matters to a request on the way from one point to the next: what differs from
/// before may have changed already or not yet, on each side for itself; and a pod may be restarted
/// at any time.
fn states(world: &World, before: Option<&Mesh>, request: &Request) -> Vec<Transient> {
    let mesh = &world.mesh;
    let mut states = vec![Transient::default()];
    let Some(before) = before else { return states };
    let client = match request.from {
        Client::Workload(id) => vec![id],
        Client::Outside(_) => vec![],
    };
    let servers = match request.to {
        Destination::Pod { workload, .. } => vec![workload],
        Destination::Service { service, .. } => mesh.service(service).endpoints.clone(),
    };
    for side in [client, servers] {
        let old: BTreeMap<WorkloadId, PodState> = side
            .iter()
            .filter_map(|id| {
                let was = before.find_workload(&mesh.workload_name(*id), false).ok()?;
                let was = before.state(was);
                (was != mesh.state(*id)).then_some((*id, was))
            })
            .collect();
        let restarted: BTreeMap<WorkloadId, PodState> = side
            .iter()
            .filter_map(|id| world.restarted.get(id).map(|state| (*id, *state)))
            .collect();
        let base = states.clone();
        for others in [old, restarted].iter().filter(|o| !o.is_empty()) {
            states.extend(base.iter().map(|state| {
                let mut state = state.clone();
                state.pods.extend(others);
                state
            }));
        }
    }
    let new: BTreeMap<GatewayId, WaypointState> = mesh
        .gateways()
        .filter(|(_, g)| {
            let namespace = &mesh.namespace(g.namespace).name;
            !before.gateways().any(|(_, old)| {
                old.name == g.name && before.namespace(old.namespace).name == *namespace
            })
        })
        .map(|(id, _)| (id, WaypointState::NotProgrammed))
        .collect();
    if !new.is_empty() {
        let more: Vec<Transient> = states
            .iter()
            .map(|state| Transient { pods: state.pods.clone(), waypoints: new.clone() })
            .collect();
        states.extend(more);
    }
    states
}

fn hold(
    world: &World,
    case: &Case,
    request: &Request,
    state: &Transient,
) -> (CaseResult, Option<Diagnostic>) {
    let mesh = state.apply(&world.mesh);
    let decision = mesh.decide(request);
    let walk = decision.walk();
    let reason = walk.and_then(|w| w.deciding()).map_or_else(String::new, |step| {
        format!("{}: {}", mesh.point_name(step.point), mesh.reason_text(step))
    });
    let named = state.name(&mesh);
    let result = CaseResult {
        test: case.test.clone(),
        name: case.name.clone(),
        at: world.name.clone(),
        state: named.clone(),
        from: case.from.clone(),
        to: case.to.clone(),
        expected: case.expect.as_str().to_owned(),
        found: decision.verdict.as_str().to_owned(),
        reason: reason.clone(),
    };
    if result.passed() {
        return (result, None);
    }
    let at = match named {
        Some(state) => format!("{}, while {state}", world.name),
        None => world.name.clone(),
    };
    let found = match decision.verdict {
        Verdict::Allow => "may reach",
        Verdict::Deny => "may not reach",
        Verdict::Mixed => "may reach only some pods of",
        Verdict::Unreachable => "finds nothing behind",
        Verdict::Unknown => "is not known to reach",
    };
    let diagnostic = Diagnostic::error(
        "access-differs",
        format!(
            "`{}` {found} `{}` ({at}), but the assertion says {}",
            case.from, case.to, result.expected
        ),
    )
    .at(case.origin.expect, reason)
    .help(format!("`waypost access explain {} {}` shows every step", case.from, case.to));
    (result, Some(diagnostic))
}

fn unknown(at: Span, error: &NotFound) -> Diagnostic {
    let diagnostic = Diagnostic::error("unknown-in-access-test", error.message.clone())
        .at(at, "this case was not asked");
    match &error.nearest {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
        None => diagnostic,
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
