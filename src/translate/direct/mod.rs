//! Policies that were written by hand for sidecars, in ambient mode: a proposal. Whether it opens
//! anything is not judged here, but by [`crate::prove`], which knows nothing of how it came about.
//!
//! How one policy moves (facts/translation.md, section 1):
//!
//! | | at the waypoint | at ztunnel | pods' own addresses |
//! |---|---|---|---|
//! | every rule is one that ztunnel decides, and no waypoint is bound to what it reaches | – | as it was, in ztunnel's words | as they were |
//! | ALLOW | twin: all rules | the waypoint, and the rules that ztunnel decides | by those rules only |
//! | DENY | twin: all rules | the rules that ztunnel decides, and a guard for the others | the guard shuts them |
//! | CUSTOM, a RequestAuthentication alone | twin | guard | the guard shuts them |
//! | AUDIT, dry-run | twin | – | as they were |
//!
//! A guard denies everybody but the waypoint. It selects a label that the restart into ambient mode puts on
//! the pods: on labels that the pods had before, it would bind sidecars that their callers still call
//! themselves.

mod authentication;
mod construct;
mod peer_authentication;
mod policy;
mod ports;
mod reach;
mod reason;
mod root;
mod route;
mod scene;
mod space;
mod staged;
mod telemetry;
mod twin;
mod writing;
mod ztunnel;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde_json::Value;

pub use reason::Reason;
pub use staged::{Handover, REPLACED_BY};

use self::root::Root;
use self::scene::Scene;
use self::space::Space;
use self::writing::Writing;
use crate::diagnostic::{Diagnostic, nearest};
use crate::k8s::{Object, ObjectRef};

/// So many rules of one policy are taken: every one is asked against every other.
const RULES: usize = 1_000;

/// What is to become ambient, and how.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// The namespaces.
    pub moving: BTreeSet<String>,
    /// The namespace of the waypoint; `None`: each namespace has its own.
    pub waypoint_namespace: Option<String>,
    /// The waypoint's name.
    pub waypoint: String,
    /// What it serves where it is not there yet.
    pub serves: Serves,
    /// What goes through it.
    pub binding: Binding,
    /// Places of policies that are somebody else's: they are seen, and stay as they are.
    pub others: BTreeSet<usize>,
    /// The mesh's trust domain.
    pub trust_domain: String,
    /// The namespace whose policies hold everywhere.
    pub root_namespace: String,
    /// May a policy of that namespace be bound to a GatewayClass?
    pub binds_classes: bool,
}

impl Wish {
    /// The identity that the waypoint of a namespace calls pods with (facts/istio-ambient.md §3.5).
    pub fn waypoint_principal(&self, namespace: &str) -> String {
        let home = self.waypoint_namespace.as_deref().unwrap_or(namespace);
        format!("{}/ns/{home}/sa/{}", self.trust_domain, self.waypoint)
    }
}

/// What goes through a waypoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Binding {
    /// What its policies need: the waypoint and the labels that name it are written.
    #[default]
    AsNeeded,
    /// The whole namespace: the waypoint and the labels are there.
    Namespace,
    /// Nothing: there is no waypoint, and nobody makes one.
    Nothing,
}

/// `istio.io/waypoint-for`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Serves {
    /// What is addressed to Services.
    #[default]
    Service,
    /// What is addressed to Services, and to pods.
    All,
}

impl Serves {
    /// The label's value.
    pub fn as_str(self) -> &'static str {
        match self {
            Serves::Service => "service",
            Serves::All => "all",
        }
    }
}

/// What would replace the manifests, and what becomes of each policy.
#[derive(Clone, Debug, Default)]
pub struct Proposal {
    /// By the place of an object: what becomes of it.
    pub changes: BTreeMap<usize, Rewrite>,
    /// Every policy, in the order of the objects.
    pub policies: Vec<Policy>,
    /// Places of workloads whose pods do not go through the waypoint although it serves pods.
    pub opted_out: BTreeSet<usize>,
    /// Places of workloads whose pods a guard binds, by the label that their restart brings.
    pub guarded: BTreeSet<usize>,
}

impl Proposal {
    /// By the place of an object: what stands there instead.
    pub fn instead(&self) -> BTreeMap<usize, Vec<Value>> {
        let of = |rewrite: &Rewrite| {
            rewrite.becomes.iter().chain(&rewrite.added).cloned().collect::<Vec<_>>()
        };
        self.changes.iter().map(|(at, rewrite)| (*at, of(rewrite))).collect()
    }
}

/// What becomes of an object.
#[derive(Clone, Debug, Default)]
pub struct Rewrite {
    /// What it says as long as some pods have their sidecars; `None`: what it said.
    pub meanwhile: Option<Value>,
    /// What it says in the end; `None`: it goes.
    pub becomes: Option<Value>,
    /// What is put beside it.
    pub added: Vec<Value>,
}

/// What becomes of a policy.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Its place among the objects.
    pub object: usize,
    /// Where it is enforced.
    pub outcome: Outcome,
    /// Why.
    pub reasons: BTreeSet<Reason>,
    /// What it becomes, where it does not stay.
    pub becomes: Vec<ObjectRef>,
    /// Services whose callers it concerns: namespace and name.
    pub services: BTreeSet<(String, String)>,
    /// Pods that it concerns: namespace and name of the workload.
    pub pods: BTreeSet<(String, String)>,
}

/// Where a policy is enforced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Where it was, perhaps in other words.
    Stays,
    /// At the waypoint.
    Moves,
    /// Some of its rules at ztunnel too.
    Split,
    /// Nobody can enforce it in ambient mode as it is.
    Refused,
}

/// What would replace the manifests. What is wrong with them, or with the wish, is reported.
pub fn propose(objects: &[Object], wish: &Wish) -> (Proposal, Vec<Diagnostic>) {
    let mut found = Vec::new();
    let scene = Scene::read(objects, &mut found);
    found.extend(unfit(objects, &scene, wish));
    let mut writing = Writing::new(objects);
    let mut policies = Vec::new();
    let mut root = Root::read(objects, &scene, wish);
    for namespace in &wish.moving {
        let Some(&at) = scene.namespaces.get(namespace) else { continue };
        let space = Space { objects, scene: &scene, wish, namespace, at };
        policies.extend(space.translate(&mut root, &mut writing, &mut found));
    }
    policies.extend(root.finish(&scene, &mut writing, &mut found));
    policies.sort_by_key(|policy| policy.object);
    (writing.finish(policies), found)
}

/// What cannot be taken as it is.
fn unfit(objects: &[Object], scene: &Scene, wish: &Wish) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let wanted = wish.moving.iter().chain(&wish.waypoint_namespace);
    for namespace in wanted.filter(|name| !scene.namespaces.contains_key(*name)) {
        let known = scene.namespaces.keys().map(String::as_str);
        let said = format!("the manifests hold no Namespace `{namespace}`");
        let help = match nearest(namespace, known) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "name its manifest too: its labels decide what becomes of its pods".to_owned(),
        };
        found.push(Diagnostic::error("namespace-not-there", said).help(help));
    }
    let authorizations = scene
        .authorizations
        .iter()
        .filter(|(_, policy)| policy.has_targets() && policy.selector.is_some())
        .map(|(at, _)| *at);
    let authentications = scene
        .authentications
        .iter()
        .filter(|(_, policy)| policy.has_targets() && policy.selector.is_some())
        .map(|(at, _)| *at);
    let is_asked = |object: &Object| {
        let namespace = object.namespace_or_default();
        wish.moving.contains(namespace) || namespace == wish.root_namespace
    };
    for at in authorizations.chain(authentications).filter(|at| !wish.others.contains(at)) {
        let object = &objects[at];
        if is_asked(object) {
            found.push(
                Diagnostic::error(
                    "selector-and-targets",
                    format!("{} has a selector and targets", object.reference()),
                )
                .at(object.name_span(), "Istio refuses it")
                .help("keep one of them"),
            );
        }
    }
    for (at, policy) in scene.authorizations.iter().filter(|(at, _)| !wish.others.contains(at)) {
        let object = &objects[*at];
        if policy.rules.len() > RULES && is_asked(object) {
            let said = format!("{} has {} rules", object.reference(), policy.rules.len());
            found.push(
                Diagnostic::error("too-many-rules", said)
                    .at(
                        object.name_span(),
                        format!("more than {RULES} of one policy are not proven"),
                    )
                    .help("write values of one field as one list, or several policies"),
            );
        }
    }
    let authorizations = scene.authorizations.iter().map(|(at, policy)| (at, policy.targets()));
    let authentications = scene.authentications.iter().map(|(at, policy)| (at, policy.targets()));
    let targets = authorizations.map(|(at, targets)| (at, targets.collect::<Vec<_>>()));
    let targets = targets.chain(authentications.map(|(at, targets)| (at, targets.collect())));
    let there: HashSet<(&str, &str, &str)> = objects
        .iter()
        .map(|o| (o.gvk.kind.as_str(), o.namespace_or_default(), o.name.as_str()))
        .collect();
    for (at, targets) in targets.filter(|(at, _)| !wish.others.contains(at)) {
        let object = &objects[*at];
        for target in targets.into_iter().filter(|_| is_asked(object)) {
            let namespace = target.namespace.as_deref().unwrap_or(object.namespace_or_default());
            let home = wish.waypoint_namespace.as_deref().unwrap_or(namespace);
            let is_made =
                target.kind == "Gateway" && target.name == wish.waypoint && namespace == home;
            let place = (target.kind.as_str(), namespace, target.name.as_str());
            if is_made || target.kind == "GatewayClass" || there.contains(&place) {
                continue;
            }
            let said =
                format!("the manifests hold no {} `{namespace}/{}`", target.kind, target.name);
            found.push(
                Diagnostic::error("target-not-there", said)
                    .at(object.name_span(), "this policy is bound to it")
                    .help("name its manifest too, or correct `targetRefs`"),
            );
        }
    }
    let mut seen = BTreeMap::new();
    for object in objects.iter().filter(|object| !object.name.is_empty()) {
        let mut key = object.reference();
        if !object.gvk.is("", "Namespace") {
            key.namespace = Some(object.namespace_or_default().to_owned());
        }
        if let Some(first) = seen.insert(key, object.name_span()) {
            let said = format!("{} is there twice", object.reference());
            found.push(
                Diagnostic::error("duplicate-object", said)
                    .at(object.name_span(), "the second one")
                    .also(first, "the first one")
                    .help("only one of them can be applied: name the manifests of one cluster"),
            );
        }
    }
    found
}
