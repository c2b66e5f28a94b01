//! A state of the migration to manifests. Every decision about what is applied is taken here;
//! templates take none.
//!
//! [`namespace_manifests`] gives what belongs to one namespace; namespaces do not depend on each
//! other, so that they can be rendered side by side. What cannot be carried over is a finding,
//! never a silent loss.

mod authorization;
pub mod direct;
pub mod install;
mod namespace;
mod peer_authentication;
pub mod platform;
mod profile;
pub mod tenancy;
mod waypoint;
mod workload;

pub use profile::PolicyProfile;

use crate::diagnostic::{Diagnostic, Span};
use crate::manifest::Manifest;
use crate::model::{
    Area, Cluster, DataplaneMode, Environment, Namespace, NamespaceId, Owner, Unit, Waypoint,
};
use crate::plan::{NamespaceState, State};

/// A manifest, where it goes, and what of the spec it comes from.
#[derive(Clone, Debug)]
pub struct Placed {
    /// Where it goes.
    pub area: Area,
    /// The manifest.
    pub manifest: Manifest,
    /// The part of the spec that asked for it.
    pub origin: Option<Span>,
}

/// What is true of the namespace being translated.
pub(crate) struct Context<'a> {
    pub environment: &'a Environment,
    pub cluster: &'a Cluster,
    pub namespace: &'a Namespace,
    pub state: NamespaceState,
}

impl<'a> Context<'a> {
    /// The waypoint that policies and labels may name at this point.
    pub fn waypoint(&self, mode: DataplaneMode) -> Option<&'a Waypoint> {
        self.namespace.waypoint.as_ref().filter(|_| self.has_ambient_pods(mode))
    }

    /// True when some pods of the namespace are ambient once it is in this mode: TSB makes a
    /// waypoint as soon as one pod template carries the label (facts/tsb.md, "Waypoint life
    /// cycle").
    pub fn has_ambient_pods(&self, mode: DataplaneMode) -> bool {
        mode == DataplaneMode::Ambient
            || self.namespace.workloads.values().any(|w| w.mode == Some(DataplaneMode::Ambient))
    }

    /// Where policies go.
    pub fn policy_area(&self) -> Area {
        match self.environment.ownership.policies {
            Owner::GitOps => Area::Unit(Unit::Mesh),
            Owner::Tsb => Area::Expected,
        }
    }
}

/// What belongs to one namespace at one point of the migration.
pub fn namespace_manifests(
    environment: &Environment,
    state: &State,
    cluster: &Cluster,
    namespace: &Namespace,
) -> (Vec<Placed>, Vec<Diagnostic>) {
    let id = NamespaceId { cluster: cluster.name.clone(), namespace: namespace.name.clone() };
    let context = Context { environment, cluster, namespace, state: state.of(&id) };
    let mut placed = Vec::new();
    let mut found = Vec::new();
    namespace::translate(&context, &mut placed, &mut found);
    waypoint::translate(&context, &mut placed, &mut found);
    peer_authentication::translate(&context, &mut placed);
    authorization::translate(&context, &mut placed, &mut found);
    workload::translate(&context, &mut placed, &mut found);
    (placed, found)
}
