//! Policies of the root namespace, which hold in every other: what they become for the namespaces that move.
//! They stay themselves, for those that keep their sidecars and for what ztunnel decides of them.
//!
//! At a waypoint they are not asked unless they are bound to its class (facts/translation.md, rows `root
//! namespace`; facts/istio-ambient.md §4.1, A2 and A4): one for all pods gets a copy that is, once for all
//! waypoints. One that selects pods gets twins on their Services, as if it lay in their namespace. In
//! each namespace the waypoint is let in, and guards shut what only an Envoy could decide.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::policy::{Action, Attachment, Authorization, Condition, From, Rule, Selector, Source};
use super::ports::is_about_ports;
use super::reach::Pods;
use super::reason::Reason;
use super::scene::Scene;
use super::space::{
    Bound, Space, is_dry_run, made_by_another, needs_envoy, put_in_its_words, refusal,
};
use super::twin::{Twin, pushed};
use super::writing::{Writing, about_pods, bound_to, named, only};
use super::ztunnel::in_its_words;
use super::{Outcome, Policy, Wish};
use crate::diagnostic::Diagnostic;
use crate::k8s::{Object, TargetRef};

/// The policies of the root namespace, each on its way.
pub(super) struct Root<'s> {
    objects: &'s [Object],
    wish: &'s Wish,
    policies: Vec<OfRoot<'s>>,
}

/// One of them.
struct OfRoot<'s> {
    at: usize,
    is: Is<'s>,
    /// What is told of it: of all namespaces together.
    told: Policy,
    /// A waypoint stands before pods that it concerns.
    is_copied: bool,
    /// The waypoints that it leaves out, each with the namespaces whose pods it stands before.
    left_out: BTreeMap<String, BTreeSet<String>>,
    /// The rules that leave them out.
    leaving_out: BTreeSet<usize>,
}

enum Is<'s> {
    /// The policy as it was, and as it stays.
    Authorization(&'s Authorization, Authorization),
    /// A RequestAuthentication, with the selector by which twins are made.
    Tokens(Authorization),
}

impl<'s> Root<'s> {
    /// Those that are translated. None where the root namespace itself moves: they are its own policies then.
    pub fn read(objects: &'s [Object], scene: &'s Scene, wish: &'s Wish) -> Self {
        let root = wish.root_namespace.as_str();
        let is_asked = |at: usize| {
            !wish.moving.contains(root)
                && objects[at].namespace_or_default() == root
                && !wish.others.contains(&at)
        };
        let of = |at: usize, is: Is<'s>, selector: Option<&Selector>| OfRoot {
            at,
            is,
            told: told(at, selector, scene, wish),
            is_copied: false,
            left_out: BTreeMap::new(),
            leaving_out: BTreeSet::new(),
        };
        let authorizations = scene
            .authorizations
            .iter()
            .filter(|(at, policy)| is_asked(*at) && !policy.has_targets())
            .map(|(at, policy)| {
                let is = Is::Authorization(policy, policy.clone());
                of(*at, is, policy.selector.as_ref())
            });
        let tokens = scene
            .authentications
            .iter()
            .filter(|(at, attachment)| is_asked(*at) && !attachment.has_targets())
            .map(|(at, Attachment { selector, .. })| {
                let is = Is::Tokens(Authorization {
                    selector: selector.clone(),
                    ..Authorization::default()
                });
                of(*at, is, selector.as_ref())
            });
        Self { objects, wish, policies: authorizations.chain(tokens).collect() }
    }

    /// The selectors of those that only an Envoy decides.
    pub fn needing(&self) -> impl Iterator<Item = Option<&Selector>> {
        let needs = |of: &&OfRoot<'_>| match &of.is {
            Is::Authorization(policy, _) => needs_envoy(&self.objects[of.at], policy, self.wish),
            Is::Tokens(_) => true,
        };
        self.policies.iter().filter(needs).map(OfRoot::selector)
    }

    /// Writes what a namespace that moves needs of them.
    pub fn translate(
        &mut self,
        space: &Space<'s>,
        bound: &mut Bound<'s>,
        writing: &mut Writing<'_>,
        found: &mut Vec<Diagnostic>,
    ) {
        for of in &mut self.policies {
            of.translate(space, bound, writing, found);
        }
    }

    /// Writes what all namespaces share, and tells what became of each policy.
    pub fn finish(
        self,
        scene: &Scene,
        writing: &mut Writing<'_>,
        found: &mut Vec<Diagnostic>,
    ) -> impl Iterator<Item = Policy> {
        let Self { objects, wish, policies } = self;
        policies.into_iter().map(move |of| of.finish(objects, scene, wish, writing, found))
    }
}

impl<'s> OfRoot<'s> {
    fn selector(&self) -> Option<&Selector> {
        match &self.is {
            Is::Authorization(policy, _) => policy.selector.as_ref(),
            Is::Tokens(own) => own.selector.as_ref(),
        }
    }

    fn is_wide(&self) -> bool {
        match &self.is {
            Is::Authorization(policy, _) => policy.is_wide(),
            Is::Tokens(own) => own.is_wide(),
        }
    }

    fn translate(
        &mut self,
        space: &Space<'s>,
        bound: &mut Bound<'s>,
        writing: &mut Writing<'_>,
        found: &mut Vec<Diagnostic>,
    ) {
        let pods = space.selected(self.selector());
        if pods.is_empty() {
            return;
        }
        let object = &space.objects[self.at];
        let is_bound = space.is_bound(&pods, bound);
        let needs = match &self.is {
            Is::Authorization(policy, _) => needs_envoy(object, policy, space.wish),
            Is::Tokens(_) => true,
        };
        if !needs && !is_bound {
            return;
        }
        found.extend(made_by_another(object));
        let mut told = space.stays(self.at, &pods, &[Reason::RootNamespace]);
        if let Some(refused) = space.without_waypoint(self.at, &told, found) {
            self.join(refused);
            return;
        }
        self.is_copied |= self.is_wide() && is_bound;
        let told = match &mut self.is {
            Is::Authorization(policy, kept) => {
                let twin = Twin::new(space, self.at, policy, pods, told).of_root(is_bound);
                if is_bound && policy.action() == Action::Deny && !is_dry_run(object) {
                    let waypoint = space.waypoint_principal();
                    let domain = &space.wish.trust_domain;
                    for (number, (rule, kept)) in
                        policy.rules.iter().zip(&mut kept.rules).enumerate()
                    {
                        if leave_out(rule, kept, &waypoint, domain) {
                            self.leaving_out.insert(number);
                            let before = self.left_out.entry(waypoint.clone()).or_default();
                            before.insert(space.namespace.to_owned());
                        }
                    }
                }
                twin.translate(bound, writing, found)
            }
            Is::Tokens(own) => {
                told.reasons.extend([Reason::RequestAuthentication, Reason::HttpAttributes]);
                Twin::new(space, self.at, own, pods, told)
                    .of_root(is_bound)
                    .translate_tokens(bound, writing, found)
            }
        };
        self.join(told);
    }

    /// What a namespace more makes of it.
    fn join(&mut self, told: Policy) {
        self.told.outcome = self.told.outcome.max(told.outcome);
        self.told.reasons.extend(told.reasons);
        self.told.becomes.extend(told.becomes);
    }

    fn finish(
        mut self,
        objects: &[Object],
        scene: &Scene,
        wish: &Wish,
        writing: &mut Writing<'_>,
        found: &mut Vec<Diagnostic>,
    ) -> Policy {
        let object = &objects[self.at];
        if self.is_copied && self.told.outcome != Outcome::Refused {
            if wish.binds_classes {
                self.copy(object, writing, found);
            } else {
                self.told.outcome = Outcome::Refused;
                found.push(
                    refusal(
                        Reason::RootNamespace,
                        object,
                        "waypoints ask it where it is bound to their class, which this Istio does not know",
                    )
                    .help("Istio 1.25 or newer (`--istio`); or write it in each namespace"),
                );
            }
        }
        if self.told.outcome == Outcome::Refused {
            self.told.becomes.clear();
            return self.told;
        }
        self.elsewhere(object, scene, writing, found);
        if let Is::Authorization(policy, mut kept) = self.is {
            // ztunnel takes an empty selector for one that selects nothing (facts/istio-ambient.md §4.3)
            if kept.selector.as_ref().is_some_and(|selector| selector.match_labels.is_empty()) {
                kept.selector = None;
                self.told.reasons.insert(Reason::EmptySelector);
            }
            if !needs_envoy(object, policy, wish) {
                self.told.reasons.extend(put_in_its_words(&mut kept, wish));
            }
            if kept != *policy {
                writing.edit(self.at, |value| value["spec"] = json!(kept));
            }
        }
        self.told
    }

    /// A waypoint that is left out comes for others to the pods behind it. Elsewhere it is refused as before:
    /// whoever may run something under its account could come there.
    fn elsewhere(
        &mut self,
        object: &Object,
        scene: &Scene,
        writing: &mut Writing<'_>,
        found: &mut Vec<Diagnostic>,
    ) {
        let Is::Authorization(policy, _) = &self.is else { return };
        let selects =
            |pods: &&Pods| policy.selector.as_ref().is_none_or(|s| s.selects(&pods.labels));
        let held = scene.pods.iter().filter(selects).map(|pods| pods.namespace.as_str());
        for namespace in held.collect::<BTreeSet<_>>() {
            let is_foreign =
                |(_, before): &(&String, &BTreeSet<String>)| !before.contains(namespace);
            let foreign = self.left_out.iter().filter(is_foreign);
            let foreign: Vec<String> = foreign.map(|(waypoint, _)| waypoint.clone()).collect();
            if foreign.is_empty() {
                continue;
            }
            let rules = self.leaving_out.iter().filter_map(|number| policy.rules.get(*number));
            let rules = rules.map(|rule| {
                let mut refusing =
                    only(Source { principals: foreign.clone(), ..Source::default() });
                refusing.to.clone_from(&rule.to);
                let is_about_it = |c: &&Condition| !c.key.starts_with("source.");
                refusing.when = rule.when.iter().filter(is_about_it).cloned().collect();
                refusing
            });
            let spec = about_pods(policy.selector.clone(), Action::Deny, rules.collect());
            let name = format!("{}-root-waypoints", object.name);
            let name = named(object, &object.gvk.kind, namespace, &name);
            self.told.becomes.extend(pushed(object, self.at, name, spec, writing, found));
        }
    }

    /// The copy that every waypoint asks.
    fn copy(&mut self, object: &Object, writing: &mut Writing<'_>, found: &mut Vec<Diagnostic>) {
        let spec = bound_to(object, &[TargetRef::gateway_class("istio-waypoint")]);
        let namespace = object.namespace_or_default();
        let name = named(object, &object.gvk.kind, namespace, &format!("{}-waypoint", object.name));
        self.told.becomes.extend(pushed(object, self.at, name, spec, writing, found));
    }
}

/// Leaves a waypoint out of whom a DENY rule refuses, where the rule is about it; true where it was.
fn leave_out(rule: &Rule, kept: &mut Rule, waypoint: &str, trust_domain: &str) -> bool {
    let exception = || From {
        source: Source { not_principals: vec![waypoint.to_owned()], ..Source::default() },
    };
    if rule.from.is_empty() {
        let by_condition = rule.when.iter().any(|condition| condition.key.starts_with("source."));
        // of HTTP on some ports ztunnel reads the ports, and refuses everybody there
        let is_widened = is_about_ports(rule) && in_its_words(rule, trust_domain).is_err();
        if !by_condition && !is_widened {
            return false;
        }
        match kept.from.first_mut() {
            Some(from) => from.source.not_principals.push(waypoint.to_owned()),
            None => kept.from.push(exception()),
        }
        return true;
    }
    let mut is_left_out = false;
    for (from, kept) in rule.from.iter().zip(&mut kept.from) {
        if from.source.may_be(waypoint) {
            kept.source.not_principals.push(waypoint.to_owned());
            is_left_out = true;
        }
    }
    is_left_out
}

/// What is told of a policy that stays as it is, in all namespaces that move.
fn told(at: usize, selector: Option<&Selector>, scene: &Scene, wish: &Wish) -> Policy {
    let selects = |of: &crate::k8s::Labels| selector.is_none_or(|selector| selector.selects(of));
    let pods: Vec<_> =
        wish.moving.iter().flat_map(|namespace| scene.selected(namespace, selects)).collect();
    scene.stays(at, &pods, &[Reason::RootNamespace])
}
