//! What the answers about a client or a destination hang on, as text: where it is the same in both
//! meshes, so are the answers, and nothing need be asked.

use std::collections::HashMap;
use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use crate::simulate::envoy::Policies as _;
use crate::simulate::gateway;
use crate::simulate::mesh::{
    Binding, ClusterId, GatewayId, Mesh, NamespaceId, PodState, Role, Sends, ServiceId, WorkloadId,
};
use crate::simulate::policy::PolicyId;
use crate::simulate::request::Destination;

/// The contents of one mesh, worked out as they are asked for.
pub struct Contents<'m> {
    mesh: &'m Mesh,
    envoy: HashMap<usize, String>,
    ztunnel: HashMap<usize, String>,
    network: String,
}

impl<'m> Contents<'m> {
    /// Those of a mesh.
    pub fn new(mesh: &'m Mesh) -> Self {
        let mut network = String::new();
        for policy in &mesh.fixed.network_policies {
            let namespace = &mesh.namespace(policy.namespace).name;
            let _ = writeln!(network, "{namespace}/{} {:?}", policy.name, policy.spec);
        }
        let network = if network.is_empty() { network } else { digest(&network) };
        Self { mesh, envoy: HashMap::new(), ztunnel: HashMap::new(), network }
    }

    /// What a client's answers hang on, the destination apart.
    pub fn client(&mut self, id: WorkloadId) -> String {
        let mesh = self.mesh;
        let workload = mesh.workload(id);
        let mut text = self.pod(id);
        let _ = write!(text, " {:?}", workload.role);
        if workload.role == Role::Gateway {
            let point = gateway::point_of(mesh, id);
            let _ = write!(text, " {} {}", gateway::bind_port(mesh, id), self.envoy(point));
            for listener in &workload.listeners {
                let _ = write!(text, " {listener:?}");
            }
            let shown = mesh.gateways().any(|(_, g)| g.workload == id && !g.pods_shown);
            let _ = write!(text, " {shown}");
        }
        text
    }

    /// What the answers about a destination hang on, the client apart.
    pub fn destination(&mut self, to: Destination) -> String {
        let mesh = self.mesh;
        match to {
            Destination::Pod { workload, port } => {
                let protocol = mesh.protocol_of_pod_port(workload, port);
                format!("pod {port} {protocol:?} {}", self.server(workload, port))
            }
            Destination::Service { service: id, port } => {
                let service = mesh.service(id);
                let found = service.ports.iter().find(|p| p.number == port);
                let mut text = format!(
                    "service {:?} {} {:?} {} {} {port} {:?} {:?} {:?}",
                    service.kind,
                    service.host,
                    service.vip,
                    service.headless,
                    service.is_external,
                    found.map(|p| (p.protocol, p.is_tls)),
                    service.labels,
                    service.unknown,
                );
                let _ = writeln!(text, " {}", self.namespace(service.namespace));
                self.service_waypoint(id, &mut text);
                self.routes(id, &mut text);
                for endpoint in &service.endpoints {
                    let target = found.map_or(port, |p| p.target_at(mesh.workload(*endpoint)));
                    let _ = writeln!(text, "{target} {}", self.server(*endpoint, target));
                }
                text
            }
        }
    }

    /// A policy, but for where it is bound.
    pub fn policies(&self) -> Vec<(String, String)> {
        let mesh = self.mesh;
        mesh.policies()
            .map(|(id, policy)| {
                let cluster = &mesh.options(mesh.policy_cluster(id)).cluster;
                let selector = policy.spec.selector.as_ref().map(|s| &s.match_labels);
                let targets: Vec<String> = policy
                    .targets()
                    .map(|t| format!("{}/{}/{}", t.group, t.kind, t.name))
                    .collect();
                let text = format!("{} {selector:?} {targets:?}", self.rules(id));
                (format!("{cluster}/{}/{}", policy.namespace, policy.name), text)
            })
            .collect()
    }

    fn server(&mut self, id: WorkloadId, port: u16) -> String {
        let mesh = self.mesh;
        let here = &mesh.fixed.points.workloads[id.0 as usize];
        let workload = mesh.workload(id);
        let bypass = workload.annotations.get("ambient.istio.io/bypass-inbound-capture");
        let mut text = self.pod(id);
        let _ = write!(text, " {bypass:?} {:?} ", workload.role);
        match mesh.state(id) {
            PodState::Plain => {}
            PodState::Ambient => text.push_str(&self.ztunnel(here.ztunnel)),
            _ => {
                let _ = write!(text, "{:?} {}", here.mtls(port), self.envoy(here.envoy));
            }
        }
        if let Binding::Bound(gateway) = mesh.workload_binding(id) {
            let chain = self.envoy(mesh.fixed.points.gateways[gateway.0 as usize]);
            let _ = write!(text, " {} {chain}", self.gateway(*gateway));
        }
        text
    }

    /// The routes at a service, and what is behind those that are followed.
    fn routes(&mut self, id: ServiceId, text: &mut String) {
        let mesh = self.mesh;
        for route in mesh.fixed.service_routes.get(&id).into_iter().flatten() {
            let route = &mesh.fixed.routes[route.0 as usize];
            let clients: Option<Vec<&str>> = route.clients.as_ref().map(|clients| {
                clients.iter().map(|client| mesh.namespace(*client).name.as_str()).collect()
            });
            let (kind, name, http) = (&route.kind, &route.name, route.http);
            let _ = write!(text, "{kind} {name} {http} {:?} {clients:?} ", route.port);
            match route.sends {
                Sends::To(backend, port) => {
                    let _ = writeln!(text, "{port:?}");
                    for (port, to) in mesh.service(backend).ports.iter().map(|p| (p.number, p)) {
                        for endpoint in &mesh.service(backend).endpoints {
                            let target = to.target_at(mesh.workload(*endpoint));
                            let _ = writeln!(
                                text,
                                "{port} {target} {}",
                                self.server(*endpoint, target)
                            );
                        }
                    }
                }
                other => {
                    let _ = writeln!(text, "{other:?}");
                }
            }
        }
    }

    fn service_waypoint(&mut self, id: ServiceId, text: &mut String) {
        let points = &self.mesh.fixed.points;
        if let Binding::Bound(gateway) = self.mesh.service_binding(id) {
            let point = points.services[id.0 as usize];
            let chain = self.envoy(point.unwrap_or(points.gateways[gateway.0 as usize]));
            let _ = writeln!(text, "{} {chain}", self.gateway(*gateway));
        }
    }

    fn gateway(&self, id: GatewayId) -> String {
        let mesh = self.mesh;
        let gateway = mesh.gateway(id);
        let state = mesh.waypoint_state(id);
        let (kind, pod) = (gateway.kind, self.pod(gateway.workload));
        format!("waypoint {} {kind:?} {state:?} {pod}", gateway.name)
    }

    fn pod(&self, id: WorkloadId) -> String {
        let mesh = self.mesh;
        let workload = mesh.workload(id);
        let mut text = format!(
            "{} {:?} {} {:?} {}",
            mesh.workload_name(id),
            mesh.state(id),
            mesh.identities().peer(workload.identity),
            (workload.ip, workload.other_ip, mesh.unshown_namespace(id).is_some()),
            self.cluster(mesh.cluster_of(id)),
        );
        if !self.network.is_empty() {
            let own = self.namespace(workload.namespace);
            let ports: Vec<_> =
                workload.ports.iter().map(|p| (&p.name, p.container_port)).collect();
            let pods = workload.makes_pods();
            let labels = &workload.labels;
            let _ = write!(text, " {own} {pods} {labels:?} {ports:?} {}", self.network);
        }
        text
    }

    fn namespace(&self, id: NamespaceId) -> String {
        let namespace = self.mesh.namespace(id);
        format!("{} {:?}", namespace.name, namespace.labels)
    }

    fn cluster(&self, id: ClusterId) -> String {
        let options = self.mesh.options(id);
        format!(
            "{} {} {:?} {:?} {:?} {:?}",
            options.cluster,
            options.trust_domain,
            options.trust_domain_aliases,
            options.path_normalization,
            options.istio,
            options.features,
        )
    }

    /// The rules themselves: as HTTP and TCP chains have them.
    fn rules(&self, id: PolicyId) -> String {
        let fixed = &self.mesh.fixed;
        let (own, both) = (fixed.policy(id), fixed.compiled(id));
        let mut text = format!("{:?} {} {}", own.action, own.provider, own.dry_run);
        for rule in both.http.rules.iter().chain(&both.tcp.rules) {
            let _ = write!(
                text,
                " {} {:?} {:?} {:?}",
                rule.id, rule.sources, rule.operations, rule.conditions
            );
        }
        text
    }

    fn envoy(&mut self, point: usize) -> String {
        if let Some(known) = self.envoy.get(&point) {
            return known.clone();
        }
        let fixed = &self.mesh.fixed;
        let own = &fixed.points.envoy[point];
        let providers = &fixed.options(own.cluster).extension_providers;
        let mut text = format!("envoy {providers:?}");
        for policy in &own.policies {
            text.push_str(&self.rules(*policy));
        }
        for index in &own.request_authentications {
            let _ = write!(text, "{:?}", fixed.request_authentications[*index].1.spec.jwt_rules);
        }
        self.envoy.entry(point).or_insert(digest(&text)).clone()
    }

    fn ztunnel(&mut self, point: usize) -> String {
        if let Some(known) = self.ztunnel.get(&point) {
            return known.clone();
        }
        let fixed = &self.mesh.fixed;
        let mut text = String::from("ztunnel");
        for authorization in fixed.points.ztunnel[point].authorizations(fixed) {
            let json = serde_json::to_string(authorization).unwrap_or_default();
            let _ = write!(text, " {json}");
        }
        self.ztunnel.entry(point).or_insert(digest(&text)).clone()
    }
}

/// Long texts that stand in many others.
fn digest(text: &str) -> String {
    Sha256::digest(text).iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
