//! The way of a connection through the mesh: which enforcement points it meets, for every mode of
//! client and server and every way to address it (facts/istio-ambient.md §6.3, P1 to P12).

use std::net::IpAddr;

use super::decision::{Point, Reason, Step, Verdict};
use super::envoy::{ChainKind, Edge, Facts};
use super::identity::Peer;
use super::mesh::{
    Binding, ClusterId, Fixed, GatewayId, Mesh, PodState, Role, ServiceKind, WaypointState,
    WorkloadId,
};
use super::network_policy::{self, PodEnd};
use super::point::{Said, ask};
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
    /// Where the next point stands.
    pub edge: Edge,
    pub steps: &'s mut Vec<Step>,
    /// Of a survey: the Envoys met so far, which are not asked.
    met: Option<Vec<Met<'a>>>,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speaks {
    /// Plaintext: there is no proxy.
    Plain,
    /// mTLS to sidecars: a sidecar without HBONE.
    Mtls,
    /// mTLS to sidecars, HBONE to ambient: a sidecar with HBONE, or a gateway.
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
    /// What the proxy of an application's pod can speak.
    pub fn of(state: PodState) -> Self {
        match state {
            PodState::Ambient => Speaks::Hbone,
            PodState::Plain => Speaks::Plain,
            PodState::Sidecar => Speaks::Mtls,
            PodState::SidecarHbone => Speaks::MtlsAndHbone,
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
        Self {
            mesh,
            fixed: &mesh.fixed,
            request,
            hop,
            token: &request.token,
            edge: Edge::Inside,
            steps,
            met: None,
        }
    }

    /// Walks to one workload behind the destination, or to whatever is behind it outside the mesh.
    pub fn walk(mut self, endpoint: Option<WorkloadId>) -> Verdict {
        self.go(endpoint)
    }

    /// Walks without asking any Envoy, as if each let everything through: gives those that some
    /// request of this client meets. What does not hang on the request is decided and in `steps`.
    pub fn survey(mut self, endpoint: Option<WorkloadId>) -> Vec<Met<'a>> {
        self.met = Some(Vec::new());
        self.go(endpoint);
        self.met.unwrap_or_default()
    }

    /// Asks an Envoy on the way.
    pub fn ask(&mut self, point: usize, kind: ChainKind, facts: Facts<'a>) -> Said {
        if let Some(met) = &mut self.met {
            met.push(Met { point, kind, facts: Facts { http: None, ..facts } });
            return Said::passed();
        }
        ask(self.fixed, &self.fixed.points.envoy[point], kind, facts, self.token)
    }

    fn go(&mut self, endpoint: Option<WorkloadId>) -> Verdict {
        // what a gateway passes on came from outside: its own policies are asked first (P7)
        if let Some(id) = self.hop.workload
            && self.hop.role == Some(Role::Gateway)
            && !gateway::pass(self, id)
        {
            return self.ended();
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

    /// The waypoint that this client goes through.
    fn waypoint(&self, endpoint: Option<WorkloadId>) -> Option<GatewayId> {
        let client_role = self.hop.role;
        // sidecars, and clients outside the mesh, go straight to the pod (P6, P8, P9)
        let is_ambient = self.hop.speaks == Speaks::Hbone && client_role == Some(Role::Application);
        let is_gateway = matches!(client_role, Some(Role::Gateway | Role::EastWest));
        let binding = match self.request.to {
            Destination::Service { service, .. } if !self.mesh.service(service).headless => {
                // a gateway only with ingress-use-waypoint, and a Service with an address (P7)
                let goes = is_ambient || (is_gateway && self.ingress_uses_waypoint(service));
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

    /// `istio.io/ingress-use-waypoint` on the Service, else on its namespace (since 1.25; §2.4).
    fn ingress_uses_waypoint(&self, service: super::mesh::ServiceId) -> bool {
        const LABEL: &str = "istio.io/ingress-use-waypoint";
        let service = self.mesh.service(service);
        let namespace = self.mesh.namespace(service.namespace);
        let options = self.mesh.options(namespace.cluster);
        let inherited = (options.istio >= super::options::IstioVersion::new(1, 25))
            .then(|| namespace.labels.get(LABEL))
            .flatten();
        let label = service.labels.get(LABEL).or(inherited);
        options.features.ingress_waypoint_routing
            && super::policy::is_true(label.map(String::as_str))
    }

    /// The last stretch, to a pod of the mesh's own.
    fn serve(&mut self, server: WorkloadId) -> Verdict {
        let port = self.target_port(server);
        let passed = match self.mesh.state(server) {
            PodState::Plain => {
                self.admitted(server, port) && self.step(Point::Nobody, port, Reason::NotEnforced)
            }
            PodState::Ambient => ztunnel_point::pass(self, server, port),
            state => sidecar::pass(self, server, port, state),
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

    /// Nothing of the mesh is behind the destination.
    fn leave(&mut self) -> Verdict {
        let outside = match self.request.to {
            Destination::Service { service, .. } => {
                self.mesh.service(service).kind == ServiceKind::ServiceEntry
            }
            Destination::Pod { .. } => false,
        };
        let port = match self.request.to {
            Destination::Service { port, .. } | Destination::Pod { port, .. } => port,
        };
        if let Destination::Service { service, .. } = self.request.to
            && let Some(unknown) = self.mesh.service(service).unknown
        {
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
    fn target_port(&self, server: WorkloadId) -> u16 {
        match self.request.to {
            Destination::Pod { port, .. } => port,
            Destination::Service { service, port } => self
                .mesh
                .service(service)
                .ports
                .iter()
                .find(|p| p.number == port)
                .map_or(port, |p| p.target_at(self.mesh.workload(server))),
        }
    }

    /// Is a connection between the pods let through by NetworkPolicy?
    pub fn admitted(&mut self, to: WorkloadId, port: u16) -> bool {
        let policies = &self.fixed.network_policies;
        if policies.is_empty() {
            return true;
        }
        let from = match self.hop.workload {
            Some(id) => end(self.mesh, id),
            None => PodEnd { namespace: None, labels: &NO_LABELS, ip: self.hop.ip, ports: &[] },
        };
        let blocked = network_policy::blocking(policies, &from, &end(self.mesh, to), port);
        match blocked.and_then(|b| policies.iter().position(|p| std::ptr::eq(p, b))) {
            None => true,
            Some(index) => self.step(Point::Network(to), port, Reason::NetworkPolicy(index)),
        }
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

    /// True when what is addressed is said to be outside the mesh.
    pub fn is_external(&self) -> bool {
        match self.request.to {
            Destination::Service { service, .. } => self.mesh.service(service).is_external,
            Destination::Pod { .. } => false,
        }
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
        if !token_goes_on {
            self.token = &NO_TOKEN;
        }
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
