//! A cluster as it is against what was rendered for it.
//!
//! [`Dump`] is what people take out of a cluster: lists of objects, ztunnel's configuration and its
//! log. [`verify`] holds it against [`Expected`] and gives a [`Verdict`]: the guide's table of
//! verifications, ticked row by row, and a finding with its remedy for everything that is not as it
//! should be.
//!
//! It promises that a row without data says so and is never ticked, and that a finding names the
//! command that settles it.

mod client_side;
mod components;
mod delivery;
mod direct;
mod dump;
mod foreign;
mod labels;
mod managers;
mod objects;
mod overrides;
mod pods;
mod policies;
mod rollout;
mod status;
mod table;
mod traffic;
mod waypoints;
mod ztunnel;

use std::sync::Arc;

pub use dump::{Dump, commands};

use crate::diagnostic::Diagnostic;
use crate::k8s::{Object, ObjectRef};
use crate::model::{
    Cluster, DataplaneMode, Environment, Namespace, NamespaceId, Owner, Target, Unit, Waypoint,
};
use crate::plan::{NamespaceState, State};

/// What a cluster should hold.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The environment.
    pub environment: &'a Environment,
    /// The cluster.
    pub cluster: &'a Cluster,
    /// The point of the migration.
    pub state: &'a State,
    /// What is applied, with its unit.
    pub applied: &'a [(Unit, &'a Object)],
    /// What TSB makes itself.
    pub made_by_tsb: &'a [&'a Object],
    /// What exists anyway: the inventory, and what the user applies beside us.
    pub existing: &'a [Arc<Object>],
    /// Of that, what the user applies beside us.
    pub direct: &'a [Arc<Object>],
    /// What the appliers are told.
    pub told: &'a [ObjectRef],
}

/// What became of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    /// It is as it should be.
    Yes,
    /// It is not.
    No,
    /// Nothing in the dump tells.
    Unknown,
}

/// One row of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// A namespace; `None` for the cluster.
    pub namespace: Option<String>,
    /// What must be so.
    pub question: &'static str,
    /// Whether it is.
    pub answer: Answer,
}

/// What came of a verification.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// The table, in the order of the guide.
    pub rows: Vec<Row>,
    /// What is wrong, each with its remedy.
    pub found: Vec<Diagnostic>,
}

impl Verdict {
    /// Ticks a row: by what is wrong, if anything was looked at.
    fn answer(
        &mut self,
        namespace: Option<&str>,
        question: &'static str,
        is_told: bool,
        found: Vec<Diagnostic>,
    ) {
        let answer = match (found.iter().any(Diagnostic::is_error), is_told) {
            (true, _) => Answer::No,
            (false, true) => Answer::Yes,
            (false, false) => Answer::Unknown,
        };
        self.row(namespace, question, answer);
        self.found.extend(found);
    }

    /// Adds a row whose findings, where there are any, another row has.
    fn row(&mut self, namespace: Option<&str>, question: &'static str, answer: Answer) {
        self.rows.push(Row { namespace: namespace.map(str::to_owned), question, answer });
    }
}

/// Holds a dump against what was rendered.
pub fn verify(expected: &Expected<'_>, dump: &Dump) -> Verdict {
    let mut verdict = Verdict::default();
    components::check(expected, dump, &mut verdict);
    delivery::check(expected, dump, &mut verdict);
    objects::check_cluster(expected, dump, &mut verdict);
    direct::check(expected, dump, &mut verdict);
    foreign::check_root(expected, dump, &mut verdict);
    for namespace in expected.cluster.namespaces.values() {
        let one = One { expected, namespace, state: expected.state_of(namespace) };
        if objects::check(&one, dump, &mut verdict) {
            foreign::check(&one, dump, &mut verdict);
        }
        client_side::check(&one, dump, &mut verdict);
        if one.is_prepared() {
            waypoints::check(&one, dump, &mut verdict);
            policies::check(&one, dump, &mut verdict);
        }
        if one.is_enrolled() {
            labels::check(&one, dump, &mut verdict);
            overrides::check(&one, dump, &mut verdict);
        } else {
            labels::check_outside(&one, dump, &mut verdict);
            pods::check_sidecars(&one, dump, &mut verdict);
        }
        if one.is_prepared() {
            rollout::check(&one, dump, &mut verdict);
        }
        if one.state.running == DataplaneMode::Ambient {
            pods::check(&one, dump, &mut verdict);
            ztunnel::check(&one, dump, &mut verdict);
            traffic::check(&one, dump, &mut verdict);
        }
    }
    verdict
}

/// One namespace that is verified.
struct One<'a> {
    expected: &'a Expected<'a>,
    namespace: &'a Namespace,
    state: NamespaceState,
}

impl<'a> One<'a> {
    fn name(&self) -> &'a str {
        self.namespace.name.as_str()
    }

    /// True for the Namespace, and for what is in it.
    fn owns(&self, object: &Object) -> bool {
        match &object.namespace {
            Some(namespace) => namespace == self.name(),
            None => object.gvk.is("", "Namespace") && object.name == self.name(),
        }
    }

    /// Waypoint and policies are there.
    fn is_prepared(&self) -> bool {
        self.has_ambient(self.state.prepared)
    }

    /// The labels are there.
    fn is_enrolled(&self) -> bool {
        self.has_ambient(self.state.enrolled)
    }

    fn has_ambient(&self, mode: DataplaneMode) -> bool {
        mode == DataplaneMode::Ambient
            || self.namespace.workloads.values().any(|w| w.mode == Some(DataplaneMode::Ambient))
    }

    /// TSB makes the waypoint when the labels are there, which they are not yet.
    fn awaits_waypoint(&self) -> bool {
        self.expected.environment.ownership.waypoints == Owner::Tsb && !self.is_enrolled()
    }

    /// The waypoint in front of it.
    fn waypoint(&self) -> Option<&'a Waypoint> {
        self.namespace.waypoint.as_ref()
    }
}

impl<'a> Expected<'a> {
    /// What is rendered, and what TSB makes of it.
    fn rendered(&self) -> impl Iterator<Item = &'a Object> + use<'a> {
        self.applied.iter().map(|(_, object)| object).chain(self.made_by_tsb).copied()
    }

    /// That, and what is inventoried.
    fn declared(&self) -> impl Iterator<Item = &'a Object> + use<'a> {
        self.rendered().chain(self.existing.iter().map(|object| &**object))
    }

    fn state_of(&self, namespace: &Namespace) -> NamespaceState {
        let (cluster, namespace) = (self.cluster.name.clone(), namespace.name.clone());
        self.state.of(&NamespaceId { cluster, namespace })
    }

    /// The command that applies a unit again.
    fn apply_again(&self, unit: Unit) -> String {
        let name = self.environment.applier_name(&self.cluster.name, unit);
        let targets = self.environment.delivery.as_ref().map(|d| &d.targets);
        let only = |target| targets.is_some_and(|t| t.len() == 1 && t.contains(&target));
        if only(Target::ArgoCd) {
            format!("`argocd app sync {name}`")
        } else if only(Target::Flux) {
            format!("`flux reconcile kustomization {name} --with-source`")
        } else {
            let path = format!("rendered/{}/{}/{unit}", self.environment.name, self.cluster.name);
            match unit {
                // parts of objects that others made: an apply would delete what they leave out
                // (facts/gitops-delivery.md 4.1.4)
                Unit::Enrollment | Unit::Workloads => format!(
                    "`for file in {path}/*/*.yaml; do kubectl patch -f \"$file\" --patch-file \"$file\"; done`"
                ),
                Unit::Platform | Unit::Tsb | Unit::Mesh => {
                    format!("`kubectl apply --server-side --force-conflicts -k {path}`")
                }
            }
        }
    }
}
