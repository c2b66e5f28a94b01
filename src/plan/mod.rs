//! The stages of a migration as data: for every point of it, the state of every namespace.
//!
//! A stage moves its namespaces from sidecar to ambient in three steps, one per unit that it
//! changes: `mesh` (waypoints and policies are there), `enrollment` (the labels are flipped),
//! `workloads` (the pods are restarted). A fourth, `cleanup`, is there where the tree has policies that
//! were written for sidecars: they go when no sidecar is left, which is never in the commit that
//! restarts the pods, since unit `mesh` is applied before unit `workloads`. [`State`] says for each namespace how far it is;
//! `translate` turns a state into manifests and takes no decision about order.
//!
//! An environment without stages has one state.

use std::collections::BTreeMap;

use crate::model::{DataplaneMode, Environment, NamespaceId, Reached, Step};

/// The whole mesh at one point of the migration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Which point.
    pub reached: Reached,
    /// Every namespace of every cluster.
    pub namespaces: BTreeMap<NamespaceId, NamespaceState>,
}

/// How far a namespace is, in the order of the units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NamespaceState {
    /// The mode that waypoints and policies are ready for (unit `mesh`).
    pub prepared: DataplaneMode,
    /// The mode that the Namespace's labels ask for (unit `enrollment`, or `mesh` when created).
    pub enrolled: DataplaneMode,
    /// The mode that the workloads were last restarted for (unit `workloads`).
    pub running: DataplaneMode,
    /// True when a stage of this environment moves it: its workloads carry the restart token.
    pub migrates: bool,
    /// True when nothing that was written for its sidecars is needed any more: the step after the
    /// restart is done.
    pub cleaned: bool,
}

impl State {
    /// The state of a namespace. A namespace that the environment does not have is outside the
    /// mesh.
    pub fn of(&self, id: &NamespaceId) -> NamespaceState {
        self.namespaces.get(id).copied().unwrap_or(NamespaceState {
            prepared: DataplaneMode::None,
            enrolled: DataplaneMode::None,
            running: DataplaneMode::None,
            migrates: false,
            cleaned: false,
        })
    }
}

/// Every point of the migration, from nothing migrated to the end.
pub fn points(environment: &Environment) -> Vec<Reached> {
    let stages = environment.stages.iter();
    let steps = stages.flat_map(|stage| {
        environment.steps().iter().map(|step| Reached::Stage(stage.name.clone(), *step))
    });
    std::iter::once(Reached::None).chain(steps).collect()
}

/// The point that a stage goes back to once its pods are restarted: its labels and restarts are taken back
/// while waypoints and policies stay, which go with the next step. Elsewhere no pod changes on the way
/// back.
pub fn way_back(reached: &Reached) -> Option<Reached> {
    match reached {
        Reached::Stage(stage, Step::Workloads) => Some(Reached::Stage(stage.clone(), Step::Mesh)),
        Reached::Stage(_, Step::Mesh | Step::Enrollment | Step::Cleanup) | Reached::None => None,
    }
}

/// The points from the one that is reached to the end.
pub fn points_to_come(environment: &Environment) -> Vec<Reached> {
    let mut points = points(environment);
    let here = points.iter().position(|point| *point == environment.reached);
    points.split_off(here.unwrap_or_default())
}

/// The state at one point. A stage that the environment does not define counts as not reached.
pub fn state(environment: &Environment, reached: &Reached) -> State {
    let mut namespaces: BTreeMap<NamespaceId, NamespaceState> = environment
        .clusters
        .values()
        .flat_map(|cluster| {
            cluster.namespaces.values().map(|namespace| {
                let id = NamespaceId {
                    cluster: cluster.name.clone(),
                    namespace: namespace.name.clone(),
                };
                let mode = namespace.mode;
                let state = NamespaceState {
                    prepared: mode,
                    enrolled: mode,
                    running: mode,
                    migrates: false,
                    cleaned: false,
                };
                (id, state)
            })
        })
        .collect();
    for stage in &environment.stages {
        let done = steps_done(environment, &stage.name, reached);
        for id in &stage.namespaces {
            if let Some(state) = namespaces.get_mut(id) {
                state.migrates = true;
                let ambient = |wanted: Step, before: DataplaneMode| {
                    if done.is_some_and(|step| step >= wanted) {
                        DataplaneMode::Ambient
                    } else {
                        before
                    }
                };
                state.prepared = ambient(Step::Mesh, state.prepared);
                state.enrolled = ambient(Step::Enrollment, state.enrolled);
                state.running = ambient(Step::Workloads, state.running);
                state.cleaned = done.is_some_and(|step| step >= Step::Cleanup);
            }
        }
    }
    State { reached: reached.clone(), namespaces }
}

/// What a namespace has reached at a point; `None` when no stage moves it.
pub fn namespace_reached(
    environment: &Environment,
    reached: &Reached,
    id: &NamespaceId,
) -> Option<Reached> {
    let stage = environment.stages.iter().find(|s| s.namespaces.contains(id))?;
    Some(match steps_done(environment, &stage.name, reached) {
        Some(step) => Reached::Stage(stage.name.clone(), step),
        None => Reached::None,
    })
}

/// The last step of a stage that is done at a point; `None` when the stage has not begun.
fn steps_done(
    environment: &Environment,
    stage: &crate::model::StageName,
    reached: &Reached,
) -> Option<Step> {
    let Reached::Stage(current, step) = reached else { return None };
    let position = |name| environment.stages.iter().position(|s| &s.name == name);
    let (this, current) = (position(stage)?, position(current)?);
    match this.cmp(&current) {
        std::cmp::Ordering::Less => environment.steps().last().copied(),
        std::cmp::Ordering::Equal => Some(*step),
        std::cmp::Ordering::Greater => None,
    }
}
