//! The way of a connection through the mesh: which enforcement points it meets, for every mode of
//! client and server and every way to address it (facts/istio-ambient.md §6.3, P1 to P12).

use std::net::IpAddr;

use super::decision::{NetworkRefusal, Point, Reason, Step, Verdict};
use super::envoy::{ChainKind, Edge, Facts, Logged};
use super::identity::Peer;
use super::mesh::{
    Binding, ClusterId, Course, Fixed, GatewayId, GatewayKind, Mesh, PodState, Protocol, Role,
    ServiceId, ServiceKind, Unknown, WaypointState, WorkloadId,
};
use super::network_policy::{self, PodEnd, Transport};
use super::outbound::{self, Leaving};
use super::point::{Said, ask};
use super::policy::PolicyId;
use super::request::{Client, Destination, Prepared};
use super::request_authentication::Token;
use super::{gateway, sidecar, waypoint, ztunnel_point};
use crate::k8s::Labels;

/// The port on which HBONE is taken.
pub(super) const HBONE_PORT: u16 = 15008;

/// One way being walked.
pub(super) struct Way<'a, 's> {
    pub mesh: &'a Mesh,
    pub fixed: &'a Fixed,
    pub request: &'a Prepared,
    /// Who connects to the next point.
    pub hop: Hop<'a>,
    /// The token that the next point sees.
    pub token: &'a Token,
    /// What the client's own proxy makes of the connection.
    leaving: Leaving,
    /// Where the next point stands.
    pub edge: Edge,
    pub steps: &'s mut Vec<Step>,
    /// Where the requests of this client to the destination go.
    course: Course,
    /// What it comes to so far, its verdict apart.
    pub effects: Effects,
    /// Of a survey: the Envoys met so far, which are not asked.
    met: Option<Vec<Met<'a>>>,
}

/// What a way comes to besides its verdict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// The CUSTOM policies by which external authorizers are asked, in the order of the way.
    pub authorizers: Vec<PolicyId>,
    /// What is logged of the request.
    pub logged: Logged,
}

/// An Envoy on a way, and all that it sees but the request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Met<'a> {
    /// Its place in the mesh's points.
    pub point: usize,
    /// The kind of its chain.
    pub kind: ChainKind,
    /// What it sees.
    pub facts: Facts<'a>,
}

/// Who opens a connection, and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hop<'a> {
    /// The workload whose pods it comes from; `None` from outside.
    pub workload: Option<WorkloadId>,
    /// What that workload is there for; `None` from outside the mesh.
    pub role: Option<Role>,
    /// The certificate it can show.
    pub peer: Option<Peer<'a>>,
    /// The cluster it comes from.
    pub cluster: Option<ClusterId>,
    /// Its address, where it is known.
    pub ip: Option<IpAddr>,
    /// What it can speak.
    pub speaks: Speaks,
}

/// What a client's proxy can speak to the next hop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Speaks {
    /// Plaintext: there is no proxy.
    Plain,
    /// mTLS to sidecars, HBONE to ambient: a sidecar, or a gateway.
    MtlsAndHbone,
    /// HBONE only, else plaintext: ztunnel, or a waypoint.
    Hbone,
}

static NO_TOKEN: Token = Token::None;
static NO_LABELS: Labels = Labels::new();

impl<'a> Hop<'a> {
    /// A client's own.
    pub fn of(mesh: &'a Mesh, client: Client) -> Self {
        let id = match client {
            Client::Outside(ip) => return Self { ip, ..Self::outside() },
            Client::Workload(id) => id,
        };
        let workload = mesh.workload(id);
        let speaks = match workload.role {
            Role::Waypoint => Speaks::Hbone,
            _ => Speaks::of(mesh.state(id)),
        };
        Self {
            workload: Some(id),
            role: Some(workload.role),
            peer: (speaks != Speaks::Plain).then(|| mesh.fixed.identities.peer(workload.identity)),
            cluster: Some(mesh.cluster_of(id)),
            ip: workload.ip,
            speaks,
        }
    }

    /// Somebody without a proxy.
    pub fn outside() -> Self {
        Self {
            workload: None,
            role: None,
            peer: None,
            cluster: None,
            ip: None,
            speaks: Speaks::Plain,
        }
    }
}

impl Speaks {
    /// An Envoy routes what the client sends.
    pub fn is_routed(self) -> bool {
        self == Speaks::MtlsAndHbone
    }

    /// What the proxy of an application's pod can speak.
    pub fn of(state: PodState) -> Self {
        match state {
            PodState::Ambient => Speaks::Hbone,
            PodState::Plain => Speaks::Plain,
            // whether a sidecar takes HBONE itself does not matter to what it sends (istio/istio:pilot/pkg/
            // networking/core/cluster_builder.go `NewClusterBuilder`: `sendHbone`)
            PodState::Sidecar | PodState::SidecarHbone => Speaks::MtlsAndHbone,
        }
    }
}

impl<'a, 's> Way<'a, 's> {
    /// Starts at a client.
    pub fn new(
        mesh: &'a Mesh,
        request: &'a Prepared,
        hop: Hop<'a>,
        steps: &'s mut Vec<Step>,
    ) -> Self {
        steps.clear();
        let mut way = Self {
            mesh,
            fixed: &mesh.fixed,
            request,
            hop,
            token: &request.token,
            leaving: Leaving::Unrouted,
            edge: Edge::Inside,
            steps,
            course: Course::Own,
            effects: Effects::default(),
            met: None,
        };
        if !mesh.fixed.routes.is_empty() {
            way.course = way.course();
        }
        way
    }

    /// Where a route sends the requests of this client: sidecars and waypoints follow routes, ztunnel
    /// does not.
    fn course(&self) -> Course {
        let Destination::Service { service, port } = self.request.to else { return Course::Own };
        let is_followed = |id: &GatewayId| {
            self.mesh.gateway(*id).kind == GatewayKind::Waypoint
                && self.mesh.waypoint_state(*id) == WaypointState::Ready
        };
        let is_sidecar = self.hop.speaks.is_routed() && self.hop.role == Some(Role::Application);
        let follows = if self.waypoint(None).is_some_and(|id| is_followed(&id)) {
            Some(self.mesh.service(service).namespace)
        } else if is_sidecar {
            self.hop.workload.map(|id| self.mesh.workload(id).namespace)
        } else {
            return Course::Own;
        };
        let speaks = (self.request.protocol, self.request.speaks_http);
        self.fixed.course(service, port, speaks, follows)
    }

    /// The Service and the port behind which the way ends.
    fn behind(&self) -> Option<(ServiceId, u16)> {
        match (self.course, self.request.to) {
            (Course::Backend(service, port), _) => Some((service, port)),
            (_, Destination::Service { service, port }) => Some((service, port)),
            (_, Destination::Pod { .. }) => None,
        }
    }

    /// The address of a server that a client of this family reaches.
    pub fn address_of(&self, id: WorkloadId) -> Option<IpAddr> {
        let server = self.mesh.workload(id);
        let like = |ip: &IpAddr| self.hop.ip.is_some_and(|own| own.is_ipv6() == ip.is_ipv6());
        server.other_ip.filter(like).or(server.ip)
    }

    /// Walks to one workload behind the destination, or to whatever is behind it outside the mesh.
    pub fn walk(mut self, endpoint: Option<WorkloadId>) -> (Verdict, Effects) {
        let client = self.hop;
        let verdict = self.by_client(endpoint);
        if verdict == Verdict::Deny
            && let Some(unknown) = self.doubt(client, endpoint)
        {
            let port = self.steps.last().map_or(HBONE_PORT, |step| step.port);
            self.step(Point::NotShown, port, Reason::Unknown(unknown));
            return (Verdict::Unknown, self.effects);
        }
        (verdict, self.effects)
    }

    /// Walks with what the client's own proxy makes of the connection; where that is not known, with
    /// either.
    fn by_client(&mut self, endpoint: Option<WorkloadId>) -> Verdict {
        let (leaving, other) = self.leaving(endpoint);
        self.leaving = leaving;
        let Some((other, unknown)) = other else { return self.go(endpoint) };
        let start = (self.hop, self.token, self.edge);
        let verdict = self.go(endpoint);
        let steps = std::mem::take(self.steps);
        (self.hop, self.token, self.edge) = start;
        self.leaving = other;
        let otherwise = self.go(endpoint);
        *self.steps = steps;
        if verdict == otherwise {
            return verdict;
        }
        self.hop = start.0;
        self.step(Point::Client, self.request.port(), Reason::Unknown(unknown));
        Verdict::Unknown
    }

    pub fn leaving(&self, endpoint: Option<WorkloadId>) -> (Leaving, Option<(Leaving, Unknown)>) {
        outbound::leaving(self.mesh, &self.hop, self.request.to, self.behind(), endpoint)
    }

    /// What no manifest shows and might make of a refusal something else.
    fn doubt(&self, client: Hop<'_>, endpoint: Option<WorkloadId>) -> Option<Unknown> {
        let ends = client.workload.into_iter().chain(endpoint);
        let unshown = ends.filter_map(|id| self.mesh.unshown_namespace(id)).next();
        let waypoint = || {
            let binding = match self.request.to {
                Destination::Service { service, .. } if !self.mesh.service(service).headless => {
                    self.mesh.service_binding(service)
                }
                _ => self.mesh.workload_binding(endpoint?),
            };
            let goes = client.speaks == Speaks::Hbone && client.role == Some(Role::Application);
            (goes && matches!(binding, Binding::Missing { .. })).then_some(Unknown::Waypoint)
        };
        unshown.map(Unknown::Namespace).or_else(waypoint)
    }

    /// Walks without asking any Envoy, as if each let everything through: gives those that some
    /// request of this client meets. What does not hang on the request is decided and in `steps`.
    pub fn survey(mut self, endpoint: Option<WorkloadId>) -> Vec<Met<'a>> {
        self.met = Some(Vec::new());
        let (leaving, other) = self.leaving(endpoint);
        let start = (self.hop, self.token, self.edge);
        self.leaving = leaving;
        self.go(endpoint);
        if let Some((other, unknown)) = other {
            (self.hop, self.token, self.edge) = start;
            self.leaving = other;
            self.step(Point::Client, self.request.port(), Reason::Unknown(unknown));
            self.go(endpoint);
        }
        self.met.unwrap_or_default()
    }

    /// Asks an Envoy on the way.
    pub fn ask(&mut self, point: usize, kind: ChainKind, facts: Facts<'a>) -> Said {
        if let Some(met) = &mut self.met {
            met.push(Met { point, kind, facts: Facts { http: None, ..facts } });
            return Said::passed();
        }
        let mut said = ask(self.fixed, &self.fixed.points.envoy[point], kind, facts, self.token);
        self.effects.authorizers.append(&mut said.asked);
        self.effects.logged = self.effects.logged.and(said.logged);
        said
    }

    /// Bytes that are not HTTP end at the HTTP connection manager of a port that is declared to speak
    /// HTTP: it answers 400 (istio/istio:pilot/pkg/networking/core/listener_inbound.go
    /// `buildInboundNetworkFiltersForHTTP`: without sniffing nothing else is in that chain).
    pub fn is_not_http(&self, kind: ChainKind) -> bool {
        kind == ChainKind::Http && !self.request.speaks_http
    }

    fn go(&mut self, endpoint: Option<WorkloadId>) -> Verdict {
        if self.request.protocol == Protocol::Udp {
            return self.datagram(endpoint);
        }
        if self.leaving == Leaving::Nowhere {
            self.step(Point::Client, self.request.port(), Reason::NotRegistered);
            return Verdict::Deny;
        }
        // what a gateway passes on came from outside: its own policies are asked first (P7)
        if let Some(id) = self.hop.workload
            && self.hop.role == Some(Role::Gateway)
            && !gateway::pass(self, id)
        {
            return self.ended();
        }
        if let Some(cluster) = self.far(endpoint) {
            let port = endpoint.map_or(HBONE_PORT, |server| self.target_port(server));
            let unknown = Unknown::BetweenClusters(cluster);
            self.step(Point::NotShown, port, Reason::Unknown(unknown));
            return Verdict::Unknown;
        }
        if let Some(waypoint) = self.waypoint(endpoint) {
            match self.mesh.waypoint_state(waypoint) {
                // skipped silently: fail-open (§2.2)
                WaypointState::NotProgrammed => {}
                WaypointState::NoReadyPods => {
                    self.step(Point::Waypoint(waypoint), HBONE_PORT, Reason::NoReadyPods);
                    return Verdict::Deny;
                }
                WaypointState::Ready => {
                    if !waypoint::pass(self, waypoint, endpoint) {
                        return self.ended();
                    }
                }
            }
        }
        match endpoint {
            Some(server) => self.serve(server),
            None => self.leave(),
        }
    }

    /// The cluster of a server of the mesh that is not in the client's. The call goes through gateways
    /// there, and how these hand on an identity is not documented (facts/tsb.md, "Multicluster").
    fn far(&self, endpoint: Option<WorkloadId>) -> Option<ClusterId> {
        let server = endpoint.filter(|id| self.mesh.state(*id) != PodState::Plain)?;
        let cluster = self.mesh.cluster_of(server);
        self.hop.cluster.is_some_and(|own| own != cluster).then_some(cluster)
    }

    /// Datagrams go past every proxy of the mesh: sidecars and ztunnel take TCP alone (istio/istio:
    /// tools/istio-iptables/pkg/capture/run.go, istio/istio:cni/pkg/iptables/iptables.go).
    fn datagram(&mut self, endpoint: Option<WorkloadId>) -> Verdict {
        let Some(server) = endpoint else { return self.leave() };
        let port = self.target_port(server);
        let passed = self.admitted_by(server, port, Transport::Udp)
            && self.step(Point::Nobody, port, Reason::Udp);
        if passed { Verdict::Allow } else { Verdict::Deny }
    }

    /// The waypoint that this client goes through.
    fn waypoint(&self, endpoint: Option<WorkloadId>) -> Option<GatewayId> {
        let client_role = self.hop.role;
        // sidecars, and clients outside the mesh, go straight to the pod (P6, P8, P9)
        let is_ambient = self.hop.speaks == Speaks::Hbone && client_role == Some(Role::Application);
        let is_gateway = matches!(client_role, Some(Role::Gateway | Role::EastWest));
        let binding = match self.request.to {
            Destination::Service { service, .. } if !self.mesh.service(service).headless => {
                // a gateway only with ingress-use-waypoint, and a Service with an address (P7)
                let goes = is_ambient || (is_gateway && self.mesh.ingress_uses_waypoint(service));
                if !goes {
                    return None;
                }
                self.mesh.service_binding(service)
            }
            // P12: a pod's address, or a headless service
            _ if is_ambient => self.mesh.workload_binding(endpoint?),
            _ => return None,
        };
        match binding {
            Binding::Bound(id) => Some(*id),
            _ => None,
        }
    }

    /// The last stretch, to a pod of the mesh's own.
    fn serve(&mut self, server: WorkloadId) -> Verdict {
        let port = self.target_port(server);
        let passed = match self.mesh.state(server) {
            PodState::Plain => {
                let transport = self.transport(server, port);
                self.admitted(server, port)
                    && self.reach_plain(port, transport, Reason::NotEnforced)
            }
            PodState::Ambient => ztunnel_point::pass(self, server, port),
            _ => sidecar::pass(self, server, port),
        };
        if passed { self.passed() } else { self.ended() }
    }

    /// The verdict where every point let it through: what one of them does may not be known.
    fn passed(&self) -> Verdict {
        let is_unknown = |step: &Step| matches!(step.reason, Reason::Unknown(_));
        if self.steps.iter().any(is_unknown) { Verdict::Unknown } else { Verdict::Allow }
    }

    /// The verdict where the last point did not.
    fn ended(&self) -> Verdict {
        match self.steps.last().map(|step| step.reason) {
            Some(Reason::Unknown(_)) => Verdict::Unknown,
            _ => Verdict::Deny,
        }
    }

    /// What the client's proxy speaks to a pod. Where it shows no certificate, nobody is seen.
    pub fn transport(&mut self, server: WorkloadId, port: u16) -> outbound::Transport {
        let (transport, why) =
            outbound::transport(self.mesh, &self.hop, self.leaving, server, port);
        if !transport.shows_identity() {
            self.hop.peer = None;
            if let Some(why) = why
                && self.mesh.state(server) != PodState::Plain
            {
                self.step(Point::Client, self.request.port(), Reason::Anonymous(why));
            }
        }
        transport
    }

    /// What the client's proxy sends comes to the application itself: it has no use for the mesh's
    /// TLS.
    pub fn reach_plain(
        &mut self,
        port: u16,
        transport: outbound::Transport,
        passed: Reason,
    ) -> bool {
        let taken = transport != outbound::Transport::Mtls;
        self.step(Point::Nobody, port, if taken { passed } else { Reason::TlsNotTaken })
    }

    /// Nothing of the mesh is behind the destination.
    fn leave(&mut self) -> Verdict {
        let outside = self
            .behind()
            .is_some_and(|(service, _)| self.mesh.service(service).kind != ServiceKind::Service);
        let port = self.request.port();
        let unknown = match self.course {
            Course::Unknown(route) => Some(Unknown::Route(route)),
            _ => self.behind().and_then(|(service, _)| self.mesh.service(service).unknown),
        };
        if let Some(unknown) = unknown {
            self.step(Point::NotShown, port, Reason::Unknown(unknown));
            return Verdict::Unknown;
        }
        if outside {
            self.step(Point::Nobody, port, Reason::NotEnforced);
            return self.passed();
        }
        self.step(Point::Nobody, port, Reason::NoEndpoints);
        Verdict::Unreachable
    }

    /// The pod's port: sidecar and ztunnel see this one (§6.1).
    pub fn target_port(&self, server: WorkloadId) -> u16 {
        match (self.behind(), self.request.to) {
            (None, Destination::Pod { port, .. } | Destination::Service { port, .. }) => port,
            (Some((service, port)), to) => {
                let pod = self.mesh.workload(server);
                // a gateway, and a route, find the endpoints of a headless Service by EDS
                let by_address = to == Destination::Service { service, port }
                    && self.hop.role != Some(Role::Gateway);
                let service = self.mesh.service(service);
                let found = service.ports.iter().find(|p| p.number == port);
                found.map_or(port, |p| match by_address {
                    true => service.arrives_at(p, pod),
                    false => p.target_at(pod),
                })
            }
        }
    }

    /// Is a connection between the pods let through by NetworkPolicy?
    pub fn admitted(&mut self, to: WorkloadId, port: u16) -> bool {
        self.admitted_by(to, port, Transport::Tcp)
    }

    fn admitted_by(&mut self, to: WorkloadId, port: u16, transport: Transport) -> bool {
        let policies = &self.fixed.network_policies;
        if policies.is_empty() {
            return true;
        }
        let from = end_of(self.mesh, &self.hop);
        let to_end = PodEnd { ip: self.address_of(to), ..end(self.mesh, to) };
        let Some((policy, blocked)) =
            network_policy::blocking(policies, &from, &to_end, port, transport)
        else {
            return true;
        };
        let pod = self.hop.workload.filter(|id| self.mesh.workload(*id).makes_pods());
        let refusal = NetworkRefusal { policy, from: pod, to, blocked };
        self.step(Point::Network(to), port, Reason::NetworkPolicy(refusal))
    }

    /// Notes a step that nothing else hangs on; true when the way goes on.
    pub fn step(&mut self, point: Point, port: u16, reason: Reason) -> bool {
        self.steps.push(Step {
            point,
            peer: self.hop.peer.and_then(|p| p.id()),
            source_ip: self.hop.ip,
            port,
            chain: None,
            reason,
            depends_on_request: false,
            unknown_address: false,
        });
        !reason.is_refusal()
    }

    /// Applications of the mesh speak plaintext to their proxies, which say so further on; of those
    /// outside nothing is known.
    pub fn scheme(&self) -> Option<&'static str> {
        (self.edge == Edge::Inside).then_some("http")
    }

    /// From here on a proxy of the mesh is the client.
    pub fn continue_as(&mut self, workload: WorkloadId, speaks: Speaks, token_goes_on: bool) {
        let proxy = self.mesh.workload(workload);
        self.hop = Hop {
            workload: Some(workload),
            role: Some(proxy.role),
            peer: Some(self.fixed.identities.peer(proxy.identity)),
            cluster: Some(self.mesh.cluster_of(workload)),
            ip: proxy.ip,
            speaks,
        };
        if speaks == Speaks::Hbone {
            self.leaving = Leaving::Unrouted;
        }
        if !token_goes_on {
            self.token = &NO_TOKEN;
        }
    }
}

/// Where ways of a client to its destination end: at workloads, and where nothing of the mesh is known to
/// be behind it.
pub(super) fn ends(mesh: &Mesh, hop: Hop<'_>, request: &Prepared) -> Vec<Option<WorkloadId>> {
    let service = match request.to {
        Destination::Pod { workload, .. } => return vec![Some(workload)],
        Destination::Service { service, .. } => service,
    };
    match Way::new(mesh, request, hop, &mut Vec::new()).course {
        Course::Own => mesh.service(service).ends().collect(),
        Course::Backend(backend, _) => mesh.service(backend).ends().collect(),
        Course::Unknown(_) => vec![None],
    }
}

impl Hop<'_> {
    /// The same client by its address of the other family, where it has one by which it reaches the
    /// destination.
    pub fn other_family(&self, mesh: &Mesh, to: Destination) -> Option<Self> {
        let own = mesh.workload(self.workload?);
        let ip = own.other_ip.filter(|_| self.ip == own.ip)?;
        let reaches = match to {
            Destination::Pod { .. } => true,
            Destination::Service { service, .. } => {
                let service = mesh.service(service);
                service.vip.is_none() || service.vip_like(ip).is_some()
            }
        };
        reaches.then_some(Self { ip: Some(ip), ..*self })
    }
}

/// Who opens a connection, as NetworkPolicies see it.
pub(super) fn end_of<'a>(mesh: &'a Mesh, hop: &Hop<'_>) -> PodEnd<'a> {
    match hop.workload {
        Some(id) => PodEnd { ip: hop.ip.or(mesh.workload(id).ip), ..end(mesh, id) },
        None => PodEnd { namespace: None, labels: &NO_LABELS, ip: hop.ip, ports: &[] },
    }
}

/// NetworkPolicy selects pods: any other machine is an address to it.
fn end(mesh: &Mesh, id: WorkloadId) -> PodEnd<'_> {
    let workload = mesh.workload(id);
    if !workload.makes_pods() {
        return PodEnd { namespace: None, labels: &NO_LABELS, ip: workload.ip, ports: &[] };
    }
    PodEnd {
        namespace: Some((workload.namespace, &mesh.namespace(workload.namespace).labels)),
        labels: &workload.labels,
        ip: workload.ip,
        ports: &workload.ports,
    }
}
