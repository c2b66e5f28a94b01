//! The client's side of a connection: what its own proxy makes of an address, and so whether the
//! server sees an identity (facts/outbound.md §1 and §2.1).
//!
//! - `alike`: do the proxies of two meshes send alike?
//! - `asks`: which clients are told apart by the rules about a service;
//! - `host`: host names of rules, and who may see what; `scope`: Sidecars;
//! - `rule`: DestinationRules; `consolidated`: those of one host, laid together;
//! - `tables`: all of them, worked out once for a mesh;
//! - `leaving`: which cluster of the client's proxy takes a connection;
//! - `transport`: what that cluster speaks to one endpoint;
//! - `sent`: both, asked by themselves.

mod alike;
mod asks;
mod consolidated;
mod host;
mod leaving;
mod rule;
mod scope;
mod sent;
mod tables;
mod transport;

pub(super) use alike::{Facing, alike};
pub(super) use asks::Asks;
pub use leaving::Why;
pub(super) use leaving::{Leaving, leaving};
pub use sent::{Sending, Sent};
pub(super) use tables::Tables;
pub(super) use transport::{Transport, transport};

use super::mesh::{ClusterId, NamespaceId};
use crate::k8s::{Labels, Object};

/// Whose proxy sends: as far as rules tell clients apart.
#[derive(Clone, Copy, Debug)]
struct Sender<'a> {
    cluster: ClusterId,
    /// `None` of a client of which no namespace is known.
    namespace: Option<(NamespaceId, &'a str)>,
    labels: Option<&'a Labels>,
}

/// When an object was made, and its name: Istio takes objects of one kind in this order (istio/istio:pilot/pkg/model/
/// config.go `sortConfigByCreationTime`). What carries no time is not in the cluster yet, and comes last.
type Age = (bool, Option<String>, String);

fn age(object: &Object) -> Age {
    let created = object.created();
    (created.is_none(), created.map(str::to_owned), object.name.clone())
}
