//! Hand-written policies in ambient mode: proposed, written, proven, and judged policy by policy.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::consent::{Accepted, Consent};
use crate::diagnostic::{Diagnostic, has_errors};
use crate::k8s::Object;
use crate::prove::{Loss, Proof, prove};
use crate::report::access::request_text;
use crate::simulate::{AccessChange, Asked, Change, Options, Target, TargetKind};
use crate::translate::direct::{self, Outcome, Policy, Proposal, Reason, Wish};
use crate::world::World;
use crate::yaml::Node;

/// What becomes of some manifests.
#[derive(Debug, Default)]
pub struct Translation {
    /// By the place of an object among those given: what stands there instead. Empty where something is
    /// refused.
    pub instead: BTreeMap<usize, Vec<Value>>,
    /// Every policy of the namespaces that become ambient, in the order of the objects.
    pub policies: Vec<TranslatedPolicy>,
    /// What the whole comes to; `None` where something was refused before it was asked.
    pub proof: Option<Proof>,
}

/// What becomes of a policy, and what the proof says of it.
#[derive(Debug)]
pub struct TranslatedPolicy {
    /// What was proposed for it.
    pub proposed: Policy,
    /// Its cluster, where there may be several.
    pub cluster: Option<String>,
    /// Where it is enforced.
    pub outcome: TranslationOutcome,
    /// Why.
    pub reasons: BTreeSet<Reason>,
    /// The losses that it brings.
    pub consents: BTreeSet<Consent>,
    /// The smallest request that fares otherwise, and that decides the outcome.
    pub counterexample: Option<AccessChange>,
    /// What was asked about its destinations; `None` where something was refused before it was asked.
    pub proof: Option<PolicyProof>,
}

/// What a proof asked about the destinations of one policy.
#[derive(Clone, Debug, Default)]
pub struct PolicyProof {
    /// How much.
    pub asked: Asked,
    /// What of them could not be compared, in words.
    pub not_compared: Vec<String>,
}

/// Where a policy is enforced, and how well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TranslationOutcome {
    /// Where it was, perhaps in other words.
    Stays,
    /// At the waypoint.
    Moves,
    /// Some of its rules at ztunnel too.
    Split,
    /// Only by refusing callers that it let in, beside what every move to a waypoint brings.
    Narrower,
    /// Not translated.
    Refused,
}

impl TranslationOutcome {
    /// As reports write it.
    pub fn as_str(self) -> &'static str {
        match self {
            TranslationOutcome::Stays => "stays",
            TranslationOutcome::Moves => "moves",
            TranslationOutcome::Split => "split",
            TranslationOutcome::Narrower => "narrower",
            TranslationOutcome::Refused => "refused",
        }
    }
}

/// Translates the policies of the namespaces that become ambient. Gains that are `accepted` are no fault;
/// `settings` are those of the mesh that the manifests do not tell.
pub fn translation(
    objects: &[Object],
    wish: &Wish,
    accepted: &Accepted,
    settings: impl Fn(&mut Options),
) -> (Translation, Vec<Diagnostic>) {
    let (proposal, mut found) = direct::propose(objects, wish);
    let instead = proposal.instead();
    let Proposal { policies, .. } = proposal;
    let mut policies: Vec<TranslatedPolicy> =
        policies.into_iter().map(TranslatedPolicy::proposed).collect();
    let is_refused = |policy: &TranslatedPolicy| policy.outcome == TranslationOutcome::Refused;
    if has_errors(&found) || policies.iter().any(is_refused) {
        return (Translation { policies, ..Translation::default() }, found);
    }
    let before = World::of_objects_with("before".into(), objects.to_vec(), &settings);
    let after = World::of_objects_with("after".into(), rewritten(objects, &instead), &settings);
    found.extend(before.found.iter().chain(&after.found).filter(|d| d.is_error()).cloned());
    let mut proof = prove(&before.mesh, &after.mesh, &wish.moving);
    found.extend(accepted.take_gains(&mut proof));
    found.extend(told(&proof, &mut policies, objects));
    let instead = if has_errors(&found) { BTreeMap::new() } else { instead };
    (Translation { instead, policies, proof: Some(proof) }, found)
}

/// What a proof comes to, and for which of the policies.
pub(super) fn told(
    proof: &Proof,
    policies: &mut [TranslatedPolicy],
    objects: &[Object],
) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for policy in policies.iter_mut() {
        let open = proof.open.iter().filter(|bound| policy.decides(bound.target()));
        let not_compared = open.map(ToString::to_string).collect();
        let asked = proof.asked_of(|target| policy.decides(target));
        policy.proof = Some(PolicyProof { asked, not_compared });
    }
    for gain in &proof.gains {
        let concerned = concerned(gain, policies);
        found.push(refused(Reason::AccessGained, gain, concerned, objects));
    }
    for (loss, change) in &proof.losses {
        found.extend(lost(*loss, change, policies, objects));
    }
    found.extend(proof.open.iter().map(|bound| not_proven(&bound.to_string())));
    found.extend(proof.idle.iter().map(|policy| {
        not_proven(&format!("policy {policy} differs, and holds for nothing that is there"))
    }));
    found
}

impl TranslatedPolicy {
    /// As it was proposed; nothing is proven of it.
    pub(super) fn proposed(policy: Policy) -> Self {
        Self {
            outcome: match policy.outcome {
                Outcome::Stays => TranslationOutcome::Stays,
                Outcome::Moves => TranslationOutcome::Moves,
                Outcome::Split => TranslationOutcome::Split,
                Outcome::Refused => TranslationOutcome::Refused,
            },
            cluster: None,
            reasons: policy.reasons.clone(),
            consents: BTreeSet::new(),
            counterexample: None,
            proof: None,
            proposed: policy,
        }
    }

    /// Does it decide about a destination?
    pub(super) fn decides(&self, to: &Target) -> bool {
        let places = match to.kind {
            TargetKind::Service => &self.proposed.services,
            TargetKind::Pod | TargetKind::OtherPort => &self.proposed.pods,
        };
        places.iter().any(|(namespace, name)| {
            // `[cluster/]namespace/name`
            let rest = to.name.strip_suffix(name.as_str()).and_then(|rest| rest.strip_suffix('/'));
            rest.and_then(|rest| rest.strip_suffix(namespace.as_str())).is_some_and(|cluster| {
                cluster.is_empty() || cluster.strip_suffix('/') == self.cluster.as_deref()
            })
        })
    }
}

/// The objects as they are written: by the place of an object, what stands there instead.
pub fn rewritten(objects: &[Object], instead: &BTreeMap<usize, Vec<Value>>) -> Vec<Object> {
    let mut all = Vec::with_capacity(objects.len());
    for (at, object) in objects.iter().enumerate() {
        match instead.get(&at) {
            None => all.push(object.clone()),
            // what is made of an object points at it
            Some(values) => all.extend(values.iter().filter_map(|value| {
                Object::from_node(Node::from_json(value, object.name_span())).ok()
            })),
        }
    }
    all
}

/// The policies that decide about a destination, and have moved.
fn concerned<'p>(
    change: &AccessChange,
    policies: &'p mut [TranslatedPolicy],
) -> Vec<&'p mut TranslatedPolicy> {
    let all: Vec<&mut TranslatedPolicy> =
        policies.iter_mut().filter(|policy| policy.decides(&change.to)).collect();
    // one that stays is to blame where no other is
    let any_moves = all.iter().any(|policy| policy.proposed.outcome != Outcome::Stays);
    let is_to_blame =
        |policy: &&mut TranslatedPolicy| !any_moves || policy.proposed.outcome != Outcome::Stays;
    all.into_iter().filter(is_to_blame).collect()
}

/// Somebody loses: with consent, where it is a loss of a kind that moves bring.
fn lost(
    loss: Loss,
    change: &AccessChange,
    policies: &mut [TranslatedPolicy],
    objects: &[Object],
) -> Option<Diagnostic> {
    let concerned = concerned(change, policies);
    let fronts_others =
        concerned.iter().any(|policy| policy.reasons.contains(&Reason::ServiceFrontsOthers));
    let (consent, reason) = match loss {
        Loss::PodAddresses => (Consent::PodAddresses, None),
        Loss::OutsideMesh => (Consent::OutsideMesh, None),
        Loss::SidecarCallers => (Consent::SidecarCallers, Some(Reason::SidecarCaller)),
        _ if fronts_others => (Consent::ServiceFrontsOthers, None),
        Loss::UnknownCallers => (Consent::UnknownCallers, Some(Reason::UnknownCaller)),
        Loss::Other => return Some(refused(Reason::AccessLost, change, concerned, objects)),
    };
    if concerned.is_empty() {
        return Some(refused(Reason::AccessLost, change, concerned, objects));
    }
    for policy in concerned {
        policy.consents.insert(consent);
        policy.reasons.extend(reason);
        if !consent.is_usual() {
            policy.outcome = TranslationOutcome::Narrower;
            policy.counterexample.get_or_insert_with(|| change.clone());
        }
    }
    None
}

/// None of the policies that decide there may be written.
fn refused(
    reason: Reason,
    change: &AccessChange,
    concerned: Vec<&mut TranslatedPolicy>,
    objects: &[Object],
) -> Diagnostic {
    let AccessChange { from, to, request, .. } = change;
    let verb = if change.change == Change::Gain { "gain" } else { "lose" };
    let said = format!("{from} would {verb} {to} with {}", request_text(request.as_deref()));
    let mut finding = Diagnostic::error(reason.code(), said);
    for (number, policy) in concerned.into_iter().enumerate() {
        policy.outcome = TranslationOutcome::Refused;
        policy.reasons.insert(reason);
        policy.counterexample.get_or_insert_with(|| change.clone());
        let span = objects[policy.proposed.object].name_span();
        finding = if number == 0 {
            finding.at(span, "this policy decides there")
        } else {
            finding.also(span, "and this one")
        };
    }
    finding
}

fn not_proven(why: &str) -> Diagnostic {
    Diagnostic::error(Reason::NotCompared.code(), format!("nothing is proven: {why}"))
}
