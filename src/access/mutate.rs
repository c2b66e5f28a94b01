//! Which rules could be lost without any test noticing?

use std::collections::BTreeMap;

use super::answer::asked;
use super::mutant::{Mutant, mutants};
use crate::diagnostic::{Diagnostic, Span};
use crate::k8s::Object;
use crate::report::access::{self as report, CaseResult};
use crate::simulate::{AccessChange, Cluster, Mesh, Request, Token, Verdict, compare};
use crate::world::{Case, World};

/// What came of all mutants.
#[derive(Default)]
pub struct Mutated {
    /// One result for each.
    pub results: Vec<CaseResult>,
    /// A finding for each rule that could be lost.
    pub found: Vec<Diagnostic>,
}

const NOTICED: &str = "noticed";
const NOT_NOTICED: &str = "not noticed";
const NO_DIFFERENCE: &str = "no test can";

/// Takes each rule away, then turns it round, and asks all cases that hold.
pub fn mutate(world: &World) -> Mutated {
    let cases: Vec<(&Case, Request, Verdict)> = world
        .cases
        .iter()
        .filter_map(|case| {
            let request = asked(&world.mesh, case).ok()?;
            let verdict = world.mesh.decide(&request).verdict;
            // a test that fails already notices nothing
            (verdict == case.expect).then_some((case, request, verdict))
        })
        .collect();
    let mut mutated = Mutated::default();
    let mut lost: BTreeMap<(Span, String, Option<usize>), Lost> = BTreeMap::new();
    for (cluster, own) in world.clusters.iter().enumerate() {
        for mutant in mutants(own.objects()) {
            let mesh = mesh_with(world, cluster, &mutant);
            let notices = cases
                .iter()
                .find(|(_, request, verdict)| mesh.decide(request).verdict != *verdict)
                .map(|(case, ..)| *case);
            let (expected, found, reason) = match notices {
                Some(case) => (NOTICED, NOTICED, format!("by `{}`", case.name)),
                None => match unnoticed(&world.mesh, &mesh) {
                    Unnoticed::Nothing(why) => (NO_DIFFERENCE, NO_DIFFERENCE, why),
                    Unnoticed::Change(change) => {
                        let key = (mutant.span, mutant.policy.clone(), mutant.rule);
                        let lost = lost.entry(key).or_default();
                        lost.words.push(mutant.mutation.as_str());
                        let said = said(&change);
                        lost.first.get_or_insert(*change);
                        (NOTICED, NOT_NOTICED, said)
                    }
                },
            };
            mutated.results.push(CaseResult {
                test: "mutations".to_owned(),
                name: format!(
                    "{} {}",
                    rule_of(&mutant.policy, mutant.rule),
                    mutant.mutation.as_str()
                ),
                at: world.name.clone(),
                state: None,
                from: String::new(),
                to: String::new(),
                expected: expected.to_owned(),
                found: found.to_owned(),
                reason,
            });
        }
    }
    mutated.found = lost
        .into_iter()
        .filter_map(|((span, policy, rule), lost)| lost.diagnostic(span, &rule_of(&policy, rule)))
        .collect();
    mutated
}

/// A rule whose mutants no test notices.
#[derive(Default)]
struct Lost {
    words: Vec<&'static str>,
    first: Option<AccessChange>,
}

impl Lost {
    fn diagnostic(self, span: Span, rule: &str) -> Option<Diagnostic> {
        let change = self.first?;
        let verdict = change.before.as_ref().map_or("deny", |answer| answer.verdict.as_str());
        let words = self.words.join(" or ");
        let diagnostic = Diagnostic::error(
            "untested-rule",
            format!("no access test notices when {rule} is {words}"),
        )
        .at(span, said(&change));
        Some(diagnostic.help(format!(
            "add a case from `{}` to `{}` with {}, that expects {verdict}",
            change.from,
            change.to,
            report::request_text(change.request.as_deref()),
        )))
    }
}

fn rule_of(policy: &str, rule: Option<usize>) -> String {
    match rule {
        Some(rule) => format!("rule {rule} of `{policy}`"),
        None => format!("policy `{policy}`"),
    }
}

fn said(change: &AccessChange) -> String {
    let verb = report::verb(change.change);
    let request = report::request_text(change.request.as_deref());
    format!("{} {verb} {} with {request}", change.from, change.to)
}

/// What tests did not notice.
enum Unnoticed {
    /// No test can: why.
    Nothing(String),
    /// A test would, if it asked this.
    Change(Box<AccessChange>),
}

fn unnoticed(mesh: &Mesh, mutant: &Mesh) -> Unnoticed {
    let comparison = compare(mesh, mutant);
    // a test names workloads, gateways and `outside`, and sends no token
    let can_be_asked = |change: &&AccessChange| {
        mesh.find_client(&change.from.to_string()).is_ok()
            && change.before.is_some()
            && change.request.as_ref().is_none_or(|request| request.token == Token::None)
    };
    let asked = comparison.changes.iter().filter(can_be_asked);
    // a service rather than a pod of it
    if let Some(change) = asked.min_by_key(|change| change.to.kind) {
        return Unnoticed::Change(Box::new(change.clone()));
    }
    let unknown = report::not_compared(&comparison);
    Unnoticed::Nothing(match (comparison.changes.first(), unknown.as_slice()) {
        (Some(change), _) => format!("{}, which no test can ask", said(change)),
        (None, []) => "nobody gains or loses by it".to_owned(),
        (None, lines) => format!("nobody is seen to gain or lose by it: {}", lines.join("; ")),
    })
}

/// The mesh with a mutant in its policy's place, in the state the other one is in.
fn mesh_with(world: &World, cluster: usize, mutant: &Mutant) -> Mesh {
    let clusters: Vec<Cluster<'_>> = world
        .clusters
        .iter()
        .enumerate()
        .map(|(index, own)| {
            let mut objects: Vec<&Object> = own.objects().collect();
            if index == cluster {
                objects.splice(mutant.object..=mutant.object, &mutant.objects);
            }
            Cluster { options: own.options.clone(), objects }
        })
        .collect();
    let (mut mesh, _) = Mesh::from_clusters(&clusters);
    world.mesh.workloads().for_each(|(id, _)| mesh.set_state(id, world.mesh.state(id)));
    world
        .mesh
        .gateways()
        .for_each(|(id, _)| mesh.set_waypoint_state(id, world.mesh.waypoint_state(id)));
    mesh
}
