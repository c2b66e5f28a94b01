//! One question, three places that answer it: the lints of `validate`, the classification of `access
//! policies`, and the decisions of `access explain`.
//!
//! A contradiction is one of these, for one policy that is in force:
//!
//! - a lint says that ztunnel drops, misses, widens or never gets a rule, and the classification of the
//!   same rule there is another; or the classification says so and no lint does;
//! - a lint or the classification says that a rule does nothing at a place, and a decision at such a
//!   place was made by this rule;
//! - a lint says that a policy is enforced nowhere, and it reaches something, or decides something;
//! - a decision ends at a ztunnel that takes the waypoint for a stranger and lets others in, and no
//!   lint says so.

use std::collections::BTreeSet;

use waypost::diagnostic::{Diagnostic, Span};
use waypost::k8s::Object;
use waypost::simulate::envoy::ChainKind;
use waypost::simulate::ztunnel::NotSent;
use waypost::simulate::{
    Action, Classification, ClusterId, Mesh, Options, Place, Point, PolicyId, Reason, Request,
    Rule, RuleEffect,
};
use waypost::validate::rule::{RuleInput, RuleObjects, Settings, check_all};

/// What was looked at, and what does not fit together.
#[derive(Debug, Default)]
pub struct Looked {
    /// Policies in force.
    pub policies: usize,
    /// Rules at kinds of places.
    pub rules: usize,
    /// Decisions.
    pub decisions: usize,
    /// Findings that say something of a policy.
    pub findings: usize,
    /// Each contradiction in words.
    pub contradictions: Vec<String>,
}

impl Looked {
    /// Adds another set.
    pub fn add(&mut self, other: Looked) {
        self.policies += other.policies;
        self.rules += other.rules;
        self.decisions += other.decisions;
        self.findings += other.findings;
        self.contradictions.extend(other.contradictions);
    }
}

/// Lints that say of a policy as a whole that it is enforced nowhere.
const NOWHERE: [&str; 3] =
    ["target-bound-to-nothing", "policy-not-attached", "selector-on-waypoint"];

fn inside(outer: Span, inner: Span) -> bool {
    outer.file == inner.file
        && outer.start.offset <= inner.start.offset
        && inner.start.offset < outer.end.offset
}

/// Asks the three about one set of objects.
pub fn look(objects: &[Object]) -> Looked {
    let settings = Settings::default();
    let (mesh, _) = Mesh::from_objects(objects, &Options::default());
    let mut found = Vec::new();
    let input = RuleObjects::applied_together(objects);
    check_all(&RuleInput::new(input, (&mesh, ClusterId::FIRST), &settings), &mut found);
    let mut looked = Looked::default();
    let decided = decided(&mesh, &mut looked);
    let classified = mesh.classify();
    for classification in &classified {
        let policy = mesh.policy(classification.policy);
        let Some(object) = objects.iter().find(|o| o.name_span() == policy.span) else { continue };
        let own: Vec<&Diagnostic> = found
            .iter()
            .filter(|d| d.primary.as_ref().is_some_and(|p| inside(object.span(), p.span)))
            .collect();
        looked.policies += 1;
        looked.rules += classification.rules.len();
        looked.findings += own.len();
        let name = format!("{}/{}", policy.namespace, policy.name);
        let mut say = |what: String| looked.contradictions.push(format!("{name}: {what}"));
        by_rule(&mesh, classification, &own, &mut say);
        nowhere(&mesh, classification, &own, &decided, &mut say);
    }
    let by_policy = |id: PolicyId| classified.iter().find(|c| c.policy == id);
    for (id, rule, place) in &decided {
        let effects = by_policy(*id).map(|_| mesh.effects_at(*id, *place)).unwrap_or_default();
        let effect = effects.iter().find(|r| Some(r.rule) == *rule).map(|r| r.effect);
        let does_nothing = matches!(
            effect,
            Some(
                RuleEffect::Dropped
                    | RuleEffect::Inert
                    | RuleEffect::LeftOut
                    | RuleEffect::NotSent(_)
                    | RuleEffect::NotListed
            )
        );
        if does_nothing {
            let policy = mesh.policy(*id);
            looked.contradictions.push(format!(
                "{}/{}: rule {rule:?} decided at {place:?}, where it is {effect:?}",
                policy.namespace, policy.name
            ));
        }
    }
    looked
}

/// The rules that decided something, and where.
fn decided(mesh: &Mesh, looked: &mut Looked) -> BTreeSet<(PolicyId, Option<usize>, Place)> {
    let mut decided = BTreeSet::new();
    let matrix = mesh.matrix();
    let step = (matrix.iter().count() / 3000).max(1);
    for (client, (service, port), _) in matrix.iter().step_by(step) {
        let decision = mesh.decide(&Request::to_service(client, service, port));
        looked.decisions += 1;
        for step in decision.walks.iter().flat_map(|walk| &walk.steps) {
            let (Reason::Denied(Rule::Policy(id, rule)) | Reason::Allowed(Rule::Policy(id, rule))) =
                step.reason
            else {
                continue;
            };
            let is_http = step.chain != Some(ChainKind::Tcp);
            let place = match step.point {
                Point::Ztunnel(_) => Place::Ztunnel,
                Point::Waypoint(_) if is_http => Place::Waypoint,
                Point::Waypoint(_) => Place::WaypointTcp,
                Point::Sidecar(_) if is_http => Place::Sidecar,
                Point::Sidecar(_) => Place::SidecarTcp,
                _ => continue,
            };
            decided.insert((id, rule, place));
        }
    }
    decided
}

/// Rule by rule, what lints say of ztunnel against what the classification says of it.
fn by_rule(
    mesh: &Mesh,
    classification: &Classification,
    own: &[&Diagnostic],
    say: &mut dyn FnMut(String),
) {
    let id = classification.policy;
    let policy = mesh.policy(id);
    let effects = mesh.effects_at(id, Place::Ztunnel);
    let is_there = classification.reach.contains_key(&Place::Ztunnel);
    for (index, rule) in policy.spec.rules.iter().enumerate() {
        let has = |code: &str| {
            own.iter().any(|d| {
                d.code == code && d.primary.as_ref().is_some_and(|p| inside(rule.span, p.span))
            })
        };
        let Some(effect) = effects.iter().find(|r| r.rule == index).map(|r| r.effect) else {
            continue;
        };
        let whole = |code: &str| own.iter().any(|d| d.code == code);
        use RuleEffect as E;
        let fits: [(&str, bool, bool); 5] = [
            ("l7-allow-dropped", has("l7-allow-dropped"), effect == E::Dropped),
            (
                "l7-deny-noop",
                has("l7-deny-noop"),
                policy.action == Action::Deny
                    && matches!(effect, E::Inert | E::Narrowed | E::WidenedAndNarrowed),
            ),
            (
                "deny-widened",
                has("deny-widened"),
                policy.action == Action::Deny
                    && matches!(effect, E::Widened | E::WidenedAndNarrowed),
            ),
            ("action-lost", whole("action-lost"), effect == E::NotSent(NotSent::Action)),
            ("empty-selector", whole("empty-selector"), effect == E::NotListed),
        ];
        for (code, said, is) in fits {
            if said && !is {
                say(format!("`{code}` of rule {index}, which is {effect:?} at ztunnel"));
            }
            // a selector by which ztunnel lists nothing is said wherever the policy is
            let excused = has("trust-domains-ignored");
            if is_there && is && !said && !excused {
                say(format!("rule {index} is {effect:?} at ztunnel, and `{code}` is not found"));
            }
        }
    }
}

/// What lints say of the policy as a whole.
fn nowhere(
    mesh: &Mesh,
    classification: &Classification,
    own: &[&Diagnostic],
    decided: &BTreeSet<(PolicyId, Option<usize>, Place)>,
    say: &mut dyn FnMut(String),
) {
    let policy = mesh.policy(classification.policy);
    let said = own.iter().filter(|d| NOWHERE.contains(&d.code)).count();
    // with several targets each is said by itself
    if said == 0 || said < policy.targets().count() {
        return;
    }
    if !classification.reach.is_empty() {
        say(format!("enforced nowhere by a lint, and it reaches {:?}", classification.reach));
    }
    if decided.iter().any(|(id, ..)| *id == classification.policy) {
        say("enforced nowhere by a lint, and it decided".to_owned());
    }
}
