//! What every move to ambient mode, and every way back, brings by design: it is a change, and no alarm.

use std::collections::HashSet;
use std::fmt;

use super::change::{Caller, CallerKind};
use super::place::{Place, pods_on_the_way};
use crate::simulate::identity::Peer;
use crate::simulate::mesh::{Binding, Mesh, Role, WorkloadId};

/// Where TSB runs the gateways that join clusters; every profile admits them (facts/tsb.md, "Control
/// plane").
const MULTICLUSTER_NAMESPACE: &str = "xcp-multicluster";

/// A change of access that the way from sidecars to ambient mode brings, or the way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ByDesign {
    /// The account of a waypoint comes to the pods behind it, and to those of its namespace.
    WaypointAccount,
    /// The gateways that every profile admits come to pods in ambient mode.
    Gateways,
    /// Clients whom the policies admit come to the addresses of pods.
    PodAddress,
    /// Bytes that are not HTTP come to a port that is declared to speak HTTP.
    NotHttp,
}

impl fmt::Display for ByDesign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ByDesign::WaypointAccount => {
                "the account of a waypoint, under which no workload runs, comes to the pods behind it and to \
                 those of its namespace: what the waypoint lets through arrives as its own"
            }
            ByDesign::Gateways => {
                "accounts of namespaces that hold nothing but gateways come to pods in ambient mode: \
                 ztunnel sees the gateway and not who came through it"
            }
            ByDesign::PodAddress => {
                "clients whom the policies admit come to the addresses of pods: a sidecar sends there \
                 in plaintext, without the identity that is admitted, and ztunnel does not"
            }
            ByDesign::NotHttp => {
                "bytes that are not HTTP come to ports that are declared to speak HTTP: a sidecar \
                 answers them itself, ztunnel does not read them"
            }
        })
    }
}

/// Why something is refused on the one side that is not on the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It is not HTTP.
    NotHttp,
    /// It comes in plaintext; the policies there would admit the client.
    Plaintext,
    /// For any other reason.
    Otherwise,
}

/// Who runs where, as far as it decides whether somebody can use an account.
pub struct Accounts {
    of_applications: HashSet<String>,
    with_applications: HashSet<String>,
    with_gateways: HashSet<String>,
    /// Identities of waypoints, each with its namespace.
    of_waypoints: HashSet<(String, String)>,
}

impl Accounts {
    /// Those of both meshes: who could use an account on one side can.
    pub fn new(meshes: [&Mesh; 2]) -> Self {
        let mut own = Self {
            of_applications: HashSet::new(),
            with_applications: HashSet::new(),
            with_gateways: HashSet::from([MULTICLUSTER_NAMESPACE.to_owned()]),
            of_waypoints: HashSet::new(),
        };
        for mesh in meshes {
            for (_, workload) in mesh.workloads() {
                let namespace = &mesh.namespace(workload.namespace).name;
                match workload.role {
                    Role::Application => {
                        let peer = mesh.identities().peer(workload.identity);
                        own.of_applications.insert(peer.to_string());
                        own.with_applications.insert(namespace.clone());
                    }
                    Role::Gateway | Role::EastWest => {
                        own.with_gateways.insert(namespace.clone());
                    }
                    Role::Waypoint => {
                        let peer = mesh.identities().peer(workload.identity);
                        own.of_waypoints.insert((peer.uri().to_owned(), namespace.clone()));
                    }
                }
            }
        }
        own
    }

    /// Is a change of somebody's access to a place one that comes by design? An account counts for
    /// nothing as long as no workload runs under it, nor in its namespace beside gateways.
    pub fn by_design(
        &self,
        meshes: [&Mesh; 2],
        place: &Place,
        caller: &Caller,
        refused: Refused,
    ) -> Option<ByDesign> {
        match refused {
            Refused::NotHttp => return Some(ByDesign::NotHttp),
            Refused::Plaintext => return Some(ByDesign::PodAddress),
            Refused::Otherwise => {}
        }
        let CallerKind::Identity { principal, .. } = &caller.kind else { return None };
        let uri = format!("spiffe://{principal}");
        let (_, namespace, _) = Peer::from_uri(&uri).parts()?;
        let is_waypoint = || {
            meshes.into_iter().zip(place.there).any(|(mesh, to)| {
                let pods = to.map_or_else(Vec::new, |to| pods_on_the_way(mesh, to));
                // a policy of the namespace lets it in at all pods: whoever may run something under its account
                // may do so under any other of that namespace
                let is_here = |id: &WorkloadId| {
                    let namespace = &mesh.namespace(mesh.workload(*id).namespace).name;
                    self.of_waypoints.contains(&(uri.clone(), namespace.clone()))
                };
                if pods.iter().any(is_here) {
                    return true;
                }
                // also to a pod's own address it is the waypoint of the services in front of the pod
                let fronts = pods.iter().flat_map(|id| mesh.services_of(*id));
                let gateways = fronts.filter_map(|id| match mesh.service_binding(*id) {
                    Binding::Bound(gateway) => Some(mesh.gateway(*gateway).workload),
                    _ => None,
                });
                let mut all = pods.iter().copied().chain(gateways).map(|id| mesh.workload(id));
                all.any(|workload| {
                    workload.role == Role::Waypoint
                        && mesh.identities().peer(workload.identity).uri() == uri
                })
            })
        };
        if !self.of_applications.contains(principal) && is_waypoint() {
            return Some(ByDesign::WaypointAccount);
        }
        let only_gateways =
            self.with_gateways.contains(namespace) && !self.with_applications.contains(namespace);
        only_gateways.then_some(ByDesign::Gateways)
    }
}
