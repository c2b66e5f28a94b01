//! What the spec means: checked names, filled defaults, resolved references.
//!
//! Nothing here is a text where a name is meant, and what may be blamed later carries the
//! [`Span`] of what the user wrote. `resolve` makes these values; `plan` and `translate` read
//! them.
//!
//! [`Span`]: crate::diagnostic::Span

mod cluster;
mod delivery;
mod environment;
mod fqn;
mod identity;
mod name;
mod namespace;
mod platform;
mod security;
mod tenancy;
mod unit;
mod version;
mod waypoint;

pub use cluster::{Cluster, ControlPlane, EdgeEnv, InstallBase, InstallOutput, ManagementPlane};
pub use delivery::{ArgoCd, ArgoCdOrder, Delivery, Flux, FluxSource, Revision, Target};
pub use environment::{
    DirectOwner, Environment, InjectionLabel, Owner, Ownership, Reached, Restart, StageDefinition,
    Step, TsbObjects,
};
pub use fqn::{Collection, Fqn, FqnError};
pub use identity::{Principal, TrustDomain};
pub use name::{
    ClusterName, EnvironmentName, NameError, NamespaceId, NamespaceName, ObjectName, StageName,
};
pub use namespace::{
    DataplaneMode, Lifecycle, Namespace, OtherPods, PodOptions, Service, ServicePort,
    WaypointChoice, Workload, WorkloadKind,
};
pub use platform::Platform;
pub use security::{Access, Attributed, Closed, SecuritySetting, TrafficMode};
pub use tenancy::{Position, Standing, TsbResource};
pub use unit::{Area, RESTART_TOKEN, Unit};
pub use version::Version;
pub use waypoint::{Waypoint, WaypointFor};
