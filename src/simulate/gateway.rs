//! A gateway asks its own policies about what comes from outside (facts/istio-ambient.md §6.1,
//! last row; §4.1).

use super::decision::{Point, Step};
use super::envoy::{ChainKind, Facts};
use super::mesh::{Mesh, WorkloadId};
use super::path::{Speaks, Way};
use super::point::ask;

/// Lets a request of somebody outside through a gateway; from there the gateway is the client. True
/// when the way goes on.
pub(super) fn pass(way: &mut Way<'_>, id: WorkloadId) -> bool {
    let point = way.mesh.gateways().find(|(_, g)| g.workload == id).map_or_else(
        || way.fixed.points.workloads[id.0 as usize].envoy,
        |(gateway, _)| way.fixed.points.gateways[gateway.0 as usize],
    );
    let point = &way.fixed.points.envoy[point];
    let port = bind_port(way.mesh, id);
    // TLS that ends here is HTTP after it; a client certificate would have to be asked for
    let kind = if way.request.speaks_http { ChainKind::Http } else { ChainKind::Tcp };
    let facts = Facts {
        peer: None,
        destination_port: port,
        http: Some(&way.request.http),
        ..Facts::default()
    };
    let said = ask(way.fixed, point, kind, facts, way.token);
    way.steps.push(Step {
        point: Point::Gateway(id),
        peer: None,
        source_ip: None,
        port,
        chain: Some(kind),
        reason: said.reason,
        depends_on_request: said.depends_on_request,
        unknown_address: said.depends_on_address,
    });
    way.continue_as(id, Speaks::MtlsAndHbone, said.token_goes_on);
    !said.reason.is_refusal()
}

/// The port that the gateway's pods listen on: what the first service in front of them targets.
fn bind_port(mesh: &Mesh, id: WorkloadId) -> u16 {
    let gateway = mesh.workload(id);
    mesh.services()
        .filter(|(_, s)| s.endpoints.contains(&id))
        .flat_map(|(_, s)| &s.ports)
        .find(|p| p.number != 15021)
        .map_or(80, |p| p.target_at(gateway))
}
