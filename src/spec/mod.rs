//! What the user typed.
//!
//! ```text
//! Files --Reader--> layers --merge--> one tree --schema--> Environment     \
//!                                                sources --> objects, tests  > Input
//! ```
//!
//! [`Reader::read`] reads one environment and nothing but its inputs: `environment.yaml`, what it
//! extends, what `sources` names. Layers merge as trees, so every value keeps the file and place
//! it was written at. What comes out is still text where a name is meant; `resolve` makes a
//! `model` of it. The disk is touched by [`Files`] alone.

mod acceptance;
mod access;
mod cluster;
mod environment;
mod input;
mod layer;
mod load;
mod merge;
mod namespace;
mod patch;
mod path;
mod place;
mod read;
mod schema;
mod source;
mod suppression;
pub mod tsb;

pub use acceptance::Acceptance;
pub use access::{
    AccessCase, AccessRequest, AccessTest, AccessTestSpec, AccessToken, Expectation, ServerName,
};
pub use cluster::{Cluster, ControlPlane, Edge, EdgeEnv, InstallOutput, Waypoints};
pub use environment::{
    ArgoCd, ArgoCdOrder, Delivery, DirectOwner, Environment, EnvironmentSpec, Flux, FluxSource,
    FluxSourceKind, InjectionLabel, ManagementPlane, Metadata, Migration, Oap, Owner, Ownership,
    Restart, Sources, Stage, Target, TsbObjects, Versions,
};
pub use input::{Input, PatchEntry, Placed};
pub use load::{Entry, EntryKind, Files};
pub use namespace::{
    Lifecycle, Mode, Namespace, Setting, Waypoint, WaypointChoice, WaypointFor, Workload,
};
pub use patch::{RawPatch, RawPatchOptions, RawTarget};
pub use read::Reader;
pub use schema::{DocumentKind, schemas};
pub use suppression::Suppression;
