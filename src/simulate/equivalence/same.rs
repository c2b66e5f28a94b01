//! Is what the answers about a client or a destination depend on the same in both meshes? Then so are
//! the answers, and nothing need be asked.
//!
//! Everything is compared whole and by type: each value is taken apart with all of its fields, so that
//! a field that is added later does not compile before it is compared here. What is left out is named
//! with `_`. To compare too much only costs questions.

use std::collections::HashMap;
use std::hash::Hash;

use crate::simulate::gateway;
use crate::simulate::mesh::{
    AuthorizationRef, Binding, Entry, EnvoyPoint, Gateway, GatewayId, Mesh, Namespace, NamespaceId,
    Role, Route, Sends, Service, ServiceId, Workload, WorkloadId, WorkloadPoints, ZtunnelPoint,
};
use crate::simulate::network_policy::NetworkPolicy;
use crate::simulate::outbound::{Facing, alike};
use crate::simulate::peer_authentication::PeerAuthentication;
use crate::simulate::policy::{Policy, PolicyId};
use crate::simulate::raw;
use crate::simulate::request::Destination;
use crate::simulate::request_authentication::RequestAuthentication;

/// Two meshes, side by side. What was compared once is kept.
pub struct Same<'m> {
    meshes: [&'m Mesh; 2],
    selecting: [HashMap<WorkloadId, Vec<usize>>; 2],
    policies: HashMap<[PolicyId; 2], bool>,
    envoys: HashMap<[usize; 2], bool>,
    ztunnels: HashMap<[usize; 2], bool>,
    namespaces: HashMap<[NamespaceId; 2], bool>,
    workloads: HashMap<[WorkloadId; 2], bool>,
    servers: HashMap<[WorkloadId; 2], bool>,
    gateways: HashMap<[GatewayId; 2], bool>,
    services: HashMap<[ServiceId; 2], bool>,
    /// The rules for traffic that leaves proxies are the same.
    outbound: bool,
}

impl<'m> Same<'m> {
    /// Nothing is compared yet.
    pub fn new(meshes: [&'m Mesh; 2]) -> Self {
        Self {
            meshes,
            selecting: meshes.map(selecting),
            policies: HashMap::new(),
            envoys: HashMap::new(),
            ztunnels: HashMap::new(),
            namespaces: HashMap::new(),
            workloads: HashMap::new(),
            servers: HashMap::new(),
            gateways: HashMap::new(),
            services: HashMap::new(),
            outbound: alike(meshes),
        }
    }

    /// The NetworkPolicies that select a workload of one side.
    pub fn selecting(&self, side: usize, id: WorkloadId) -> &[usize] {
        self.selecting[side].get(&id).map_or(&[], Vec::as_slice)
    }

    /// Is what a client's answers depend on the same, the destination apart?
    pub fn client(&mut self, ids: [WorkloadId; 2]) -> bool {
        let [old, new] = self.each(|mesh, side| mesh.workload(ids[side]));
        self.workload(ids)
            && (old.role != Role::Gateway || {
                let ports = self.each(|mesh, side| gateway::bind_port(mesh, ids[side]));
                let points = self.each(|mesh, side| gateway::point_of(mesh, ids[side]));
                let objects = self.each(|mesh, side| {
                    mesh.gateways().find(|(_, g)| g.workload == ids[side]).map(|(id, _)| id)
                });
                ports[0] == ports[1]
                    && new.role == old.role
                    && self.envoy(points)
                    && both(objects, |ids| self.gateway(ids))
            })
    }

    /// Is what the answers about a destination depend on the same, the client apart?
    pub fn destination(&mut self, to: [Destination; 2]) -> bool {
        if !self.outbound {
            return false;
        }
        match to {
            [
                Destination::Pod { workload: old, port: old_port },
                Destination::Pod { workload: new, port: new_port },
            ] => {
                let protocols = [
                    self.meshes[0].protocol_of_pod_port(old, old_port),
                    self.meshes[1].protocol_of_pod_port(new, new_port),
                ];
                old_port == new_port && protocols[0] == protocols[1] && self.server([old, new])
            }
            [
                Destination::Service { service: old, port: old_port },
                Destination::Service { service: new, port: new_port },
            ] => old_port == new_port && self.service([old, new]),
            _ => false,
        }
    }

    /// A service, with all that is behind it and in front of it.
    pub fn service(&mut self, ids: [ServiceId; 2]) -> bool {
        remembered(
            self,
            |own| &mut own.services,
            ids,
            |own| {
                let [old, new] = own.each(|mesh, side| mesh.service(ids[side]));
                let Service {
                    namespace,
                    name,
                    kind,
                    host,
                    vip,
                    headless,
                    is_external,
                    ports,
                    endpoints,
                    labels,
                    annotations,
                    span: _,
                    source,
                    unknown,
                } = old;
                let points =
                    own.each(|mesh, side| mesh.fixed.points.services[ids[side].0 as usize]);
                let bindings = own.each(|mesh, side| mesh.service_binding(ids[side]));
                *name == new.name
                    && *kind == new.kind
                    && *host == new.host
                    && *vip == new.vip
                    && *headless == new.headless
                    && *is_external == new.is_external
                    && *ports == new.ports
                    && *labels == new.labels
                    && *annotations == new.annotations
                    && *source == new.source
                    && *unknown == new.unknown
                    && own.namespace([*namespace, new.namespace])
                    && endpoints.len() == new.endpoints.len()
                    && endpoints.iter().zip(&new.endpoints).all(|(a, b)| own.server([*a, *b]))
                    && own.binding(bindings)
                    && own.facing(ids)
                    && both(points, |points| own.envoy(points))
                    && own.routes(ids)
            },
        )
    }

    /// The routes at a service, and what is behind those that send elsewhere.
    fn routes(&mut self, ids: [ServiceId; 2]) -> bool {
        let [old, new] = self.each(|mesh, side| mesh.fixed.service_routes.get(&ids[side]));
        let none = Vec::new();
        let [old, new] = [old.unwrap_or(&none), new.unwrap_or(&none)];
        old.len() == new.len()
            && old.iter().zip(new).all(|(a, b)| {
                let [a, b] = [
                    &self.meshes[0].fixed.routes[a.0 as usize],
                    &self.meshes[1].fixed.routes[b.0 as usize],
                ];
                // it is compared at its service
                let Route {
                    kind,
                    namespace,
                    name,
                    span: _,
                    service: _,
                    port,
                    http,
                    clients,
                    sends,
                } = a;
                let followers = both([clients.as_ref(), b.clients.as_ref()], |[old, new]| {
                    old.len() == new.len()
                        && old.iter().zip(new).all(|(a, b)| self.namespace([*a, *b]))
                });
                let sends = match (sends, b.sends) {
                    (Sends::To(old, old_port), Sends::To(new, new_port)) => {
                        *old_port == new_port && self.behind([*old, new])
                    }
                    (old, new) => *old == new,
                };
                *kind == b.kind
                    && *name == b.name
                    && *port == b.port
                    && *http == b.http
                    && followers
                    && sends
                    && self.namespace([*namespace, b.namespace])
            })
    }

    /// A service as the proxies of clients see it.
    fn facing(&self, ids: [ServiceId; 2]) -> bool {
        let [old, new] = self.each(|mesh, side| Facing::of(mesh, ids[side]));
        old == new
    }

    /// What is behind a service: its ports and its endpoints.
    fn behind(&mut self, ids: [ServiceId; 2]) -> bool {
        let [old, new] = self.each(|mesh, side| mesh.service(ids[side]));
        old.ports == new.ports
            && self.facing(ids)
            && old.unknown == new.unknown
            && old.endpoints.len() == new.endpoints.len()
            && old.endpoints.iter().zip(&new.endpoints).all(|(a, b)| self.server([*a, *b]))
    }

    /// A workload as it serves: whoever enforces something for its pods.
    fn server(&mut self, ids: [WorkloadId; 2]) -> bool {
        remembered(
            self,
            |own| &mut own.servers,
            ids,
            |own| {
                if !own.workload(ids) {
                    return false;
                }
                let [old, new] =
                    own.each(|mesh, side| &mesh.fixed.points.workloads[ids[side].0 as usize]);
                let WorkloadPoints { envoy, ztunnel, mode, port_modes, mode_from, dangling } = old;
                let bindings = own.each(|mesh, side| mesh.workload_binding(ids[side]));
                let fronts = own.each(|mesh, side| {
                    let all = mesh.services_of(ids[side]).iter();
                    all.map(|id| Facing::of(mesh, *id)).collect::<Vec<_>>()
                });
                *mode == new.mode
                    && *port_modes == new.port_modes
                    && fronts[0] == fronts[1]
                    && own.envoy([*envoy, new.envoy])
                    && own.ztunnel([*ztunnel, new.ztunnel])
                    && own.peer([*mode_from, new.mode_from])
                    && own.peer([*dangling, new.dangling])
                    && own.binding(bindings)
            },
        )
    }

    fn workload(&mut self, ids: [WorkloadId; 2]) -> bool {
        remembered(
            self,
            |own| &mut own.workloads,
            ids,
            |own| {
                let [old, new] = own.each(|mesh, side| mesh.workload(ids[side]));
                let Workload {
                    namespace,
                    kind,
                    name,
                    labels,
                    annotations,
                    // read from the annotations
                    capture: _,
                    service_account,
                    identity,
                    ports,
                    listeners,
                    host_network,
                    has_proxy,
                    ip,
                    other_ip,
                    role,
                    span: _,
                    entry,
                } = old;
                let states = own.each(|mesh, side| mesh.state(ids[side]));
                let unshown = own.each(|mesh, side| mesh.unshown_namespace(ids[side]).is_some());
                let identity = own.meshes[0].identities().peer(*identity).uri()
                    == own.meshes[1].identities().peer(new.identity).uri();
                states[0] == states[1]
                    && unshown[0] == unshown[1]
                    && identity
                    && *kind == new.kind
                    && *name == new.name
                    && *labels == new.labels
                    && *annotations == new.annotations
                    && *service_account == new.service_account
                    && *ports == new.ports
                    && *listeners == new.listeners
                    && *host_network == new.host_network
                    && *has_proxy == new.has_proxy
                    && *ip == new.ip
                    && *other_ip == new.other_ip
                    && *role == new.role
                    && both([entry.as_deref(), new.entry.as_deref()], |[a, b]| {
                        let Entry { spec, labels, state } = a;
                        *spec == b.spec && *labels == b.labels && *state == b.state
                    })
                    && own.namespace([*namespace, new.namespace])
                    && own.network(ids)
            },
        )
    }

    fn namespace(&mut self, ids: [NamespaceId; 2]) -> bool {
        remembered(
            self,
            |own| &mut own.namespaces,
            ids,
            |own| {
                let [old, new] = own.each(|mesh, side| mesh.namespace(ids[side]));
                // its policies are compared where they hold
                let Namespace { cluster, name, labels, annotations, policies: _ } = old;
                *name == new.name
                    && *labels == new.labels
                    && *annotations == new.annotations
                    && own.meshes[0].options(*cluster) == own.meshes[1].options(new.cluster)
            },
        )
    }

    fn binding(&mut self, both: [&Binding; 2]) -> bool {
        match both {
            [Binding::Bound(old), Binding::Bound(new)]
            | [Binding::Refused(old), Binding::Refused(new)]
            | [Binding::Unserved(old), Binding::Unserved(new)] => self.gateway([*old, *new]),
            // these two name nothing that is there
            [
                Binding::Unbound | Binding::Missing { .. },
                Binding::Unbound | Binding::Missing { .. },
            ] => both[0] == both[1],
            _ => false,
        }
    }

    fn gateway(&mut self, ids: [GatewayId; 2]) -> bool {
        remembered(
            self,
            |own| &mut own.gateways,
            ids,
            |own| {
                let [old, new] = own.each(|mesh, side| mesh.gateway(ids[side]));
                let Gateway {
                    namespace,
                    name,
                    class,
                    kind,
                    serves,
                    allowed,
                    pods_shown,
                    workload,
                    span: _,
                } = old;
                let states = own.each(|mesh, side| mesh.waypoint_state(ids[side]));
                let points =
                    own.each(|mesh, side| mesh.fixed.points.gateways[ids[side].0 as usize]);
                states[0] == states[1]
                    && *name == new.name
                    && *class == new.class
                    && *kind == new.kind
                    && *serves == new.serves
                    && *allowed == new.allowed
                    && *pods_shown == new.pods_shown
                    && own.namespace([*namespace, new.namespace])
                    && own.workload([*workload, new.workload])
                    && own.envoy(points)
            },
        )
    }

    fn envoy(&mut self, points: [usize; 2]) -> bool {
        remembered(
            self,
            |own| &mut own.envoys,
            points,
            |own| {
                let [old, new] = own.each(|mesh, side| &mesh.fixed.points.envoy[points[side]]);
                let EnvoyPoint { cluster, policies, request_authentications, chain: _ } = old;
                own.meshes[0].options(*cluster) == own.meshes[1].options(new.cluster)
                    && policies.len() == new.policies.len()
                    && request_authentications.len() == new.request_authentications.len()
                    && policies.iter().zip(&new.policies).all(|(a, b)| own.policy([*a, *b]))
                    && request_authentications
                        .iter()
                        .zip(&new.request_authentications)
                        .all(|(a, b)| own.request_authentication([*a, *b]))
            },
        )
    }

    fn request_authentication(&self, at: [usize; 2]) -> bool {
        let [old, new] = self.each(|mesh, side| &mesh.fixed.request_authentications[at[side]].1);
        let RequestAuthentication { namespace, name, spec, span: _ } = old;
        *namespace == new.namespace && *name == new.name && *spec == new.spec
    }

    fn ztunnel(&mut self, points: [usize; 2]) -> bool {
        remembered(
            self,
            |own| &mut own.ztunnels,
            points,
            |own| {
                let [old, new] = own.each(|mesh, side| &mesh.fixed.points.ztunnel[points[side]]);
                let ZtunnelPoint { policies } = old;
                policies.len() == new.policies.len()
                    && policies.iter().zip(&new.policies).all(|both| match both {
                        (AuthorizationRef::Policy(a), AuthorizationRef::Policy(b)) => {
                            own.policy([*a, *b])
                        }
                        (AuthorizationRef::Peer(a), AuthorizationRef::Peer(b)) => {
                            own.peer([Some(*a), Some(*b)])
                                && own.meshes[0].fixed.points.converted(*a)
                                    == own.meshes[1].fixed.points.converted(*b)
                        }
                        (AuthorizationRef::Strict(a), AuthorizationRef::Strict(b)) => {
                            own.meshes[0].options(*a) == own.meshes[1].options(*b)
                        }
                        _ => false,
                    })
            },
        )
    }

    fn peer(&self, at: [Option<usize>; 2]) -> bool {
        both(at, |at| {
            let [old, new] = self.each(|mesh, side| &mesh.fixed.peer_authentications[at[side]].1);
            let PeerAuthentication { created, namespace, name, selector, mode, ports, span: _ } =
                old;
            *namespace == new.namespace
                && *name == new.name
                && *created == new.created
                && *selector == new.selector
                && *mode == new.mode
                && *ports == new.ports
        })
    }

    /// An AuthorizationPolicy, and the options of the mesh that are compiled into it.
    pub fn policy(&mut self, ids: [PolicyId; 2]) -> bool {
        remembered(
            self,
            |own| &mut own.policies,
            ids,
            |own| {
                let options = own.each(|mesh, side| mesh.options(mesh.policy_cluster(ids[side])));
                own.policy_object(ids) && options[0] == options[1]
            },
        )
    }

    /// An AuthorizationPolicy as it is written.
    pub fn policy_object(&self, ids: [PolicyId; 2]) -> bool {
        let [old, new] = self.each(|mesh, side| mesh.policy(ids[side]));
        let Policy { namespace, name, action, provider, dry_run, spec, span: _ } = old;
        let raw::AuthorizationPolicy {
            selector,
            target_ref,
            target_refs,
            // read into the fields above
            action: _,
            provider: _,
            rules,
        } = spec;
        let rules_alike = rules.len() == new.spec.rules.len()
            && rules.iter().zip(&new.spec.rules).all(|(a, b)| a.value == b.value);
        *namespace == new.namespace
            && *name == new.name
            && *action == new.action
            && *provider == new.provider
            && *dry_run == new.dry_run
            && *selector == new.spec.selector
            && *target_ref == new.spec.target_ref
            && *target_refs == new.spec.target_refs
            && rules_alike
    }

    /// The NetworkPolicies that select a workload. What they ask of other ends is asked of labels,
    /// which are compared with those.
    fn network(&self, ids: [WorkloadId; 2]) -> bool {
        let [old, new] = [self.selecting(0, ids[0]), self.selecting(1, ids[1])];
        old.len() == new.len()
            && old.iter().zip(new).all(|(a, b)| {
                let [a, b] = [
                    &self.meshes[0].fixed.network_policies[*a],
                    &self.meshes[1].fixed.network_policies[*b],
                ];
                // that of the namespace is compared with it
                let NetworkPolicy { namespace: _, name, spec } = a;
                *name == b.name && *spec == b.spec
            })
    }

    fn each<T>(&self, of: impl Fn(&'m Mesh, usize) -> T) -> [T; 2] {
        [of(self.meshes[0], 0), of(self.meshes[1], 1)]
    }
}

/// Neither is there, or both are and the same.
fn both<T>(of: [Option<T>; 2], same: impl FnOnce([T; 2]) -> bool) -> bool {
    match of {
        [Some(old), Some(new)] => same([old, new]),
        [None, None] => true,
        _ => false,
    }
}

/// What was compared already, or is compared now.
fn remembered<'m, K: Copy + Eq + Hash>(
    own: &mut Same<'m>,
    of: impl for<'a> Fn(&'a mut Same<'m>) -> &'a mut HashMap<[K; 2], bool>,
    key: [K; 2],
    compare: impl FnOnce(&mut Same<'m>) -> bool,
) -> bool {
    if let Some(known) = of(own).get(&key) {
        return *known;
    }
    let same = compare(own);
    of(own).insert(key, same);
    same
}

/// By workload: the NetworkPolicies that select its pods.
fn selecting(mesh: &Mesh) -> HashMap<WorkloadId, Vec<usize>> {
    let mut selecting: HashMap<WorkloadId, Vec<usize>> = HashMap::new();
    let policies = &mesh.fixed.network_policies;
    if policies.is_empty() {
        return selecting;
    }
    for (id, workload) in mesh.workloads().filter(|(_, workload)| workload.makes_pods()) {
        let own = policies.of(workload.namespace);
        let own = own.filter(|(_, policy)| policy.spec.pod_selector.matches(&workload.labels));
        let own: Vec<usize> = own.map(|(place, _)| place).collect();
        if !own.is_empty() {
            selecting.insert(id, own);
        }
    }
    selecting
}
