//! The destination's ztunnel (facts/istio-ambient.md §4.8; facts/ztunnel.md, "Where RBAC is asked").

use super::decision::{Point, Reason, Rule, Step};
use super::mesh::{AuthorizationRef, Fixed, WorkloadId};
use super::outbound::Transport;
use super::path::{HBONE_PORT, Way};
use super::policy::is_true;
use super::ztunnel::{Connection, Verdict, decide, dry_run};

/// Lets a connection through the destination's ztunnel. True when it reaches the application.
pub(super) fn pass(way: &mut Way<'_, '_>, id: WorkloadId, port: u16) -> bool {
    // P6, P8: whoever does not speak HBONE comes in plaintext, and has no identity
    let transport = way.transport(id, port);
    let hbone = transport == Transport::Hbone;
    if !hbone {
        way.hop.peer = None;
    }
    if !way.admitted(id, if hbone { HBONE_PORT } else { port }) {
        return false;
    }
    let workload = way.mesh.workload(id);
    // plaintext that is not redirected reaches the application without RBAC (§1.4)
    let bypass = workload.annotations.get("ambient.istio.io/bypass-inbound-capture");
    if !hbone && is_true(bypass.map(String::as_str)) {
        return way.reach_plain(port, transport, Reason::NotEnforced);
    }
    let peer = way.hop.peer;
    let cluster = way.mesh.cluster_of(id);
    // TLS comes first: only the destination's own trust domain, no aliases
    if let Some(peer) = peer
        && peer.trust_domain() != way.mesh.options(cluster).trust_domain
    {
        return way.step(Point::Ztunnel(id), port, Reason::TrustDomain);
    }
    let crosses = way.hop.cluster.is_some_and(|c| c != cluster);
    let connection = Connection {
        peer,
        source_ip: if crosses { None } else { way.hop.ip },
        destination_ip: way.address_of(id),
        destination_port: port,
    };
    let (reason, unknown_address) = ask(way.fixed, id, &connection);
    let here = &way.fixed.points.ztunnel[way.fixed.points.workloads[id.0 as usize].ztunnel];
    let logged = dry_run(here.authorizations(way.fixed), &connection);
    way.effects.logged = way.effects.logged.and(logged);
    way.steps.push(Step {
        point: Point::Ztunnel(id),
        peer: way.hop.peer.and_then(|p| p.id()),
        source_ip: connection.source_ip,
        port,
        chain: None,
        reason,
        depends_on_request: false,
        unknown_address,
    });
    // the application is behind it: nothing else takes the mesh's TLS off
    !reason.is_refusal()
        && (transport != Transport::Mtls || way.step(Point::Nobody, port, Reason::TlsNotTaken))
}

/// Asks the policies of a workload. Also: does a rule read an address?
pub(super) fn ask(fixed: &Fixed, id: WorkloadId, connection: &Connection<'_>) -> (Reason, bool) {
    let point = &fixed.points.ztunnel[fixed.points.workloads[id.0 as usize].ztunnel];
    let answer = decide(point.authorizations(fixed), connection);
    let rule = |index: usize, rule: Option<usize>| match point.policies[index] {
        AuthorizationRef::Policy(id) => Rule::Policy(id, rule),
        AuthorizationRef::Peer(index) => Rule::Peer(index),
        AuthorizationRef::Strict(cluster) => Rule::Strict(cluster),
    };
    let reason = match answer.verdict {
        Verdict::NoAllowPolicies => Reason::NoAllowPolicies,
        Verdict::Allowed { policy, rule: index } => Reason::Allowed(rule(policy, index)),
        Verdict::Denied { policy, rule: index } => Reason::Denied(rule(policy, index)),
        Verdict::NoneMatched => Reason::NoneMatched,
    };
    (reason, answer.depends_on_address)
}
