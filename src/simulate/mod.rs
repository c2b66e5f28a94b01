//! Who can reach what, decided by whom: the mesh's own answer, from manifests.
//!
//! This room reads objects as they would be applied, never the model they were made from: that
//! makes it a second, independent reading. It imports `k8s`, `yaml` (an object may carry YAML of its
//! own) and `diagnostic` alone.
//!
//! ```text
//! objects --Mesh::from_objects--> Mesh --decide(Request)--> Decision: verdict, points, rules
//!                                   |--matrix()--> Matrix
//!                                   clone + set_state, set_waypoint_state: a transient state
//! Mesh, Mesh --compare--> Comparison: who gains, who loses, with which smallest request
//! ```
//!
//! Reading order: `mesh` (what is there), `path` (which points a connection meets), then the points:
//! `gateway`, `waypoint`, `sidecar` (all by `point` and `envoy`), `ztunnel_point` (by `ztunnel`);
//! `decision` (what they say); `equivalence` (two meshes held against each other).
//!
//! The references are facts/istio-ambient.md, and facts/envoy.md and facts/ztunnel.md, which win.

mod accept;
mod ask;
mod capture;
mod classify;
mod decide;
mod decision;
pub mod envoy;
mod equivalence;
mod find;
mod gateway;
mod identity;
mod matcher;
mod matrix;
mod mesh;
mod network_policy;
mod notes;
mod options;
mod outbound;
mod path;
mod peer_authentication;
mod point;
mod policy;
mod questions;
mod raw;
mod request;
mod request_authentication;
mod sidecar;
mod suspects;
mod taken;
mod unlogged;
mod upgrade;
mod version;
mod waypoint;
pub mod ztunnel;
mod ztunnel_point;

pub use ask::Seen;
pub use classify::{Classification, Place, RuleAt, RuleEffect};
pub use decision::{Decision, Observed, Point, Reason, Rule, Step, Verdict, Walk};
pub use envoy::{ChainKind, Logged};
pub use equivalence::{
    AccessChange, Answer, Asked, Bound, ByDesign, Caller, CallerKind, Change, Classes, Comparison,
    StandsFor, Target, TargetKind, compare, compare_each,
};
pub use find::NotFound;
pub use identity::{Identities, IdentityId, Peer};
pub use matcher::{Glob, IpBlock};
pub use matrix::{Cell, Matrix, Rows};
pub use mesh::{
    Allowed, Binding, Cluster, ClusterId, ConfigMaps, Gateway, GatewayId, GatewayKind, Listener,
    Mesh, Namespace, NamespaceId, Obstacle, PROTOCOLS, Parameters, PodState, Port, Protocol, Reads,
    Role, Route, RouteId, Sends, Serves, Service, ServiceId, ServiceKind, Unknown, WaypointState,
    Workload, WorkloadId, obstacles,
};
pub use network_policy::NetworkPolicy;
pub use options::{Features, Options, PathNormalization, Traffic};
pub use outbound::{Sending, Sent, Why};
pub use path::Effects;
pub use policy::{Action, Policy, PolicyId};
pub use questions::{Admission, Direction, Pod, Pods};
pub use request::{Client, Destination, HttpRequest, Request};
pub use request_authentication::Token;
pub use taken::{has_port_of_digits, is_key_set, is_selected_label, is_timeout};
pub use upgrade::{Brought, Turn, brought, turns};
pub use version::{Behaviour, IstioVersion};
