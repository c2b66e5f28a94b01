//! Services in front of a pod: who reaches a port of it by one of them gains nothing when its address
//! opens too.

use super::client::Client;
use super::place::Place;
use crate::simulate::decision::Verdict;
use crate::simulate::mesh::{Mesh, WorkloadId};
use crate::simulate::request::{Destination, HttpRequest, Prepared};

/// The ports of services through which a pod's port is reached in the mesh before.
pub struct Fronts<'m> {
    mesh: &'m Mesh,
    pod: Option<WorkloadId>,
    services: Vec<Destination>,
}

impl<'m> Fronts<'m> {
    /// Those of a place; none where it is no pod's address.
    pub fn of(mesh: &'m Mesh, place: &Place) -> Self {
        let Some(Destination::Pod { workload, port }) = place.there[0] else {
            return Self { mesh, pod: None, services: Vec::new() };
        };
        let in_front = mesh.services().filter(|(_, s)| s.endpoints.contains(&workload));
        let services = in_front.flat_map(|(service, s)| {
            let ports = s.ports.iter();
            let here = ports.filter(move |p| p.target_at(mesh.workload(workload)) == port);
            here.map(move |p| Destination::Service { service, port: p.number })
        });
        Self { mesh, pod: Some(workload), services: services.collect() }
    }

    /// Nothing is in front, or what is asked for is no pod's address.
    pub fn is_empty(&self) -> bool {
        self.services.is_empty()
    }

    /// Does a client get this request through to the pod by one of them, for certain?
    pub fn let_through(&self, client: &Client<'_>, http: &HttpRequest, raw_tcp: bool) -> bool {
        let Some(hop) = client.hops[0] else { return false };
        self.services.iter().any(|to| {
            let prepared = Prepared::new(self.mesh, *to, http, raw_tcp);
            let decision = self.mesh.decide_for(hop, &prepared);
            let mut walks = decision.walks.iter();
            walks.any(|walk| walk.endpoint == self.pod && walk.verdict == Verdict::Allow)
        })
    }
}
