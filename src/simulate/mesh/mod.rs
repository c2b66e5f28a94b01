//! A mesh, read from manifests.

mod alias;
mod build;
mod by_namespace;
mod endpoints;
mod entry;
mod gateway;
mod listener;
mod made;
mod owner;
mod points;
mod route;
mod service;
mod unknown;
mod unmanaged;
mod workload;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use crate::diagnostic::Diagnostic;
use crate::k8s::{Labels, Object};

use super::envoy::{Both, ChainKind, Policies, TrustDomains, compile};
use super::identity::{Identities, Peer};
use super::network_policy::NetworkPolicies;
use super::options::Options;
use super::peer_authentication::PeerAuthentication;
use super::policy::{Policy, PolicyId};
use super::request_authentication::RequestAuthentication;
use super::ztunnel::{Authorization, Conversion};

pub(super) use build::bind;
pub(super) use entry::{Entry, tunnel};
pub use gateway::{Allowed, Binding, Gateway, GatewayId, GatewayKind, Serves, WaypointState};
pub use listener::{Listener, Reads};
pub use made::{ConfigMaps, Obstacle, Parameters, obstacles};
pub(super) use points::{AuthorizationRef, EnvoyPoint, WorkloadPoints, ZtunnelPoint};
pub(super) use route::Course;
pub use route::{Route, RouteId, Sends};
pub use service::{PROTOCOLS, Port, Protocol, Service, ServiceId, ServiceKind};
pub(super) use service::{Source, chooses_address};
pub use unknown::Unknown;
pub(super) use workload::state_of_pod;
pub use workload::{PodState, Role, Workload, WorkloadId};

/// A cluster of a mesh.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterId(pub(super) u32);

impl ClusterId {
    /// The first cluster: of a mesh of one, the cluster.
    pub const FIRST: Self = Self(0);
}

/// A namespace of one cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NamespaceId(pub(super) u32);

/// The objects of one cluster.
#[derive(Clone, Debug)]
pub struct Cluster<'a> {
    /// Its settings, among them its name.
    pub options: Options,
    /// Its objects.
    pub objects: Vec<&'a Object>,
}

/// A namespace.
#[derive(Clone, Debug)]
pub struct Namespace {
    /// Its cluster.
    pub cluster: ClusterId,
    /// Its name.
    pub name: String,
    /// Its labels; none where no Namespace object is there.
    pub labels: Labels,
    /// Its annotations.
    pub annotations: Labels,
    /// Its policies.
    pub(super) policies: Vec<PolicyId>,
}

/// A mesh of one cluster or several, at one moment.
///
/// What manifests say is shared between clones; what may change without them (how the pods of a
/// workload take part, whether a waypoint is ready) belongs to each: a transient state is a clone
/// with [`Mesh::set_state`].
#[derive(Clone, Debug)]
pub struct Mesh {
    pub(super) fixed: Arc<Fixed>,
    pub(super) states: Vec<PodState>,
    /// Of which workloads that depends on a namespace that no manifest shows.
    pub(super) unshown: Vec<bool>,
    pub(super) waypoints: Vec<WaypointState>,
}

/// What manifests say.
#[derive(Debug, Default)]
pub(super) struct Fixed {
    pub clusters: Vec<(Options, TrustDomains)>,
    pub namespaces: Vec<Namespace>,
    pub namespace_ids: HashMap<(ClusterId, String), NamespaceId>,
    pub workloads: Vec<Workload>,
    pub services: Vec<Service>,
    pub gateways: Vec<Gateway>,
    /// By namespace: the gateways there.
    pub gateways_of: HashMap<NamespaceId, Vec<GatewayId>>,
    pub service_bindings: Vec<Binding>,
    pub workload_bindings: Vec<Binding>,
    pub policies: Vec<(ClusterId, Policy)>,
    compiled: Vec<OnceLock<Both>>,
    converted: Vec<OnceLock<Conversion>>,
    pub peer_authentications: Vec<(ClusterId, PeerAuthentication)>,
    pub request_authentications: Vec<(ClusterId, RequestAuthentication)>,
    pub network_policies: NetworkPolicies,
    pub routes: Vec<Route>,
    pub service_routes: HashMap<ServiceId, Vec<RouteId>>,
    pub shown_namespaces: HashSet<NamespaceId>,
    pub aliases: HashMap<(NamespaceId, String), ServiceId>,
    /// By workload: the services in front of it, in the order of the mesh.
    pub in_front: Vec<Vec<ServiceId>>,
    pub identities: Identities,
    pub points: points::Points,
    pub outbound: super::outbound::Tables,
}

impl Mesh {
    /// Reads the objects of one cluster. What cannot be read is a finding, and taken as absent.
    pub fn from_objects(objects: &[Object], options: &Options) -> (Self, Vec<Diagnostic>) {
        let objects = objects.iter().collect();
        Self::from_clusters(&[Cluster { options: options.clone(), objects }])
    }

    /// Reads the objects of several clusters of one mesh.
    pub fn from_clusters(clusters: &[Cluster<'_>]) -> (Self, Vec<Diagnostic>) {
        build::build(clusters)
    }

    /// The workloads, by cluster, namespace and name.
    pub fn workloads(&self) -> impl Iterator<Item = (WorkloadId, &Workload)> {
        self.fixed.workloads.iter().enumerate().map(|(i, w)| (WorkloadId(i as u32), w))
    }

    /// A workload.
    pub fn workload(&self, id: WorkloadId) -> &Workload {
        &self.fixed.workloads[id.0 as usize]
    }

    /// The services, by cluster, namespace and name.
    pub fn services(&self) -> impl Iterator<Item = (ServiceId, &Service)> {
        self.fixed.services.iter().enumerate().map(|(i, s)| (ServiceId(i as u32), s))
    }

    /// A service.
    pub fn service(&self, id: ServiceId) -> &Service {
        &self.fixed.services[id.0 as usize]
    }

    /// The services in front of a workload, in the order of the mesh.
    pub fn services_of(&self, workload: WorkloadId) -> &[ServiceId] {
        &self.fixed.in_front[workload.0 as usize]
    }

    /// The gateways.
    pub fn gateways(&self) -> impl Iterator<Item = (GatewayId, &Gateway)> {
        self.fixed.gateways.iter().enumerate().map(|(i, g)| (GatewayId(i as u32), g))
    }

    /// A gateway.
    pub fn gateway(&self, id: GatewayId) -> &Gateway {
        &self.fixed.gateways[id.0 as usize]
    }

    /// The namespaces in which anything is, by cluster and name.
    pub fn namespaces(&self) -> impl Iterator<Item = (NamespaceId, &Namespace)> {
        self.fixed.namespaces.iter().enumerate().map(|(i, n)| (NamespaceId(i as u32), n))
    }

    /// A namespace.
    pub fn namespace(&self, id: NamespaceId) -> &Namespace {
        &self.fixed.namespaces[id.0 as usize]
    }

    /// The namespace of this name in a cluster, where anything is in it.
    pub fn find_namespace(&self, cluster: ClusterId, name: &str) -> Option<NamespaceId> {
        self.fixed.namespace_ids.get(&(cluster, name.to_owned())).copied()
    }

    /// The clusters' settings.
    pub fn clusters(&self) -> impl Iterator<Item = (ClusterId, &Options)> {
        self.fixed.clusters.iter().enumerate().map(|(i, (o, _))| (ClusterId(i as u32), o))
    }

    /// A cluster's settings.
    pub fn options(&self, cluster: ClusterId) -> &Options {
        &self.fixed.clusters[cluster.0 as usize].0
    }

    /// The policies.
    pub fn policies(&self) -> impl Iterator<Item = (PolicyId, &Policy)> {
        self.fixed.policies.iter().enumerate().map(|(i, (_, p))| (PolicyId(i as u32), p))
    }

    /// A policy.
    pub fn policy(&self, id: PolicyId) -> &Policy {
        &self.fixed.policies[id.0 as usize].1
    }

    /// The cluster that a policy is in.
    pub fn policy_cluster(&self, id: PolicyId) -> ClusterId {
        self.fixed.policies[id.0 as usize].0
    }

    /// What istiod makes of a policy for ztunnel.
    pub fn conversion(&self, id: PolicyId) -> &Conversion {
        self.fixed.conversion(id)
    }

    /// Every policy that istiod sends to the ztunnels of a cluster, by namespace and name.
    pub fn authorizations(&self, cluster: ClusterId) -> Vec<&Authorization> {
        self.fixed.authorizations(cluster)
    }

    /// The policies that concern one workload at its ztunnel: the global ones, those of its
    /// namespace, and those it lists.
    pub fn authorizations_of(&self, workload: WorkloadId) -> Vec<&Authorization> {
        let point = self.fixed.points.workloads[workload.0 as usize].ztunnel;
        self.fixed.points.ztunnel[point].authorizations(&self.fixed).collect()
    }

    /// The names that a workload lists in what istiod sends, in its order: policies with a selector, then
    /// what is made of PeerAuthentications, whether or not the policy itself is sent
    /// (istio/istio:pilot/pkg/serviceregistry/ambient/workloads.go `buildWorkloadPolicies`).
    pub fn listed_by(&self, workload: WorkloadId) -> Vec<String> {
        let here = &self.fixed.points.workloads[workload.0 as usize];
        self.fixed.listed(&self.fixed.points.ztunnel[here.ztunnel].policies, here.dangling)
    }

    /// What a workload of these labels would list.
    pub(super) fn listed_by_labels(&self, namespace: NamespaceId, labels: &Labels) -> Vec<String> {
        let (policies, dangling) = points::of_labels(&self.fixed, namespace, labels);
        self.fixed.listed(&policies, dangling)
    }

    /// What the ztunnel of a pod with these labels asks.
    pub(super) fn ztunnel_refs(
        &self,
        namespace: NamespaceId,
        labels: &Labels,
    ) -> Vec<AuthorizationRef> {
        points::of_labels(&self.fixed, namespace, labels).0
    }

    /// What Envoys get of a policy.
    pub fn compiled(&self, id: PolicyId, kind: ChainKind) -> &super::envoy::Compiled {
        let both = self.fixed.compiled(id);
        match kind {
            ChainKind::Http => &both.http,
            ChainKind::Tcp => &both.tcp,
        }
    }

    /// The identities that take part.
    pub fn identities(&self) -> &Identities {
        &self.fixed.identities
    }

    /// How a workload's pods take part.
    pub fn state(&self, workload: WorkloadId) -> PodState {
        self.states[workload.0 as usize]
    }

    /// Says how a workload's pods take part, instead of what labels would bring about: pods that
    /// were not restarted since, or those of one side of a rollout.
    pub fn set_state(&mut self, workload: WorkloadId, state: PodState) {
        if let Some(place) = self.states.get_mut(workload.0 as usize) {
            *place = state;
        }
        if let Some(place) = self.unshown.get_mut(workload.0 as usize) {
            *place = false;
        }
    }

    /// The namespace of a workload, where it decides how the pods take part and no manifest shows it.
    pub(super) fn unshown_namespace(&self, workload: WorkloadId) -> Option<NamespaceId> {
        self.unshown[workload.0 as usize].then(|| self.workload(workload).namespace)
    }

    /// Where a waypoint stands.
    pub fn waypoint_state(&self, gateway: GatewayId) -> WaypointState {
        self.waypoints[gateway.0 as usize]
    }

    /// Says where a waypoint stands.
    pub fn set_waypoint_state(&mut self, gateway: GatewayId, state: WaypointState) {
        if let Some(place) = self.waypoints.get_mut(gateway.0 as usize) {
            *place = state;
        }
    }

    /// What the `use-waypoint` labels of a service, or of its namespace, come to.
    pub fn service_binding(&self, service: ServiceId) -> &Binding {
        &self.fixed.service_bindings[service.0 as usize]
    }

    /// What those of a workload's pods, or of their namespace, come to.
    pub fn workload_binding(&self, workload: WorkloadId) -> &Binding {
        &self.fixed.workload_bindings[workload.0 as usize]
    }

    /// Does a workload ask for something itself? Waypoints and east-west gateways pass on what others
    /// ask for; a machine without any proxy is not of the mesh, and one of those outside.
    pub(super) fn is_caller(&self, id: WorkloadId) -> bool {
        let workload = self.workload(id);
        !matches!(workload.role, Role::Waypoint | Role::EastWest)
            && (workload.makes_pods() || self.state(id) != PodState::Plain)
    }

    /// Does Istio of a cluster do something?
    pub(super) fn has(&self, cluster: ClusterId, behaviour: super::version::Behaviour) -> bool {
        self.options(cluster).does(behaviour)
    }

    /// Does every one of these have a sidecar, and is there one?
    pub(super) fn all_have_sidecars(&self, workloads: &[WorkloadId]) -> bool {
        !workloads.is_empty() && workloads.iter().all(|id| self.state(*id).has_sidecar())
    }

    /// The cluster of a workload.
    pub fn cluster_of(&self, workload: WorkloadId) -> ClusterId {
        self.namespace(self.workload(workload).namespace).cluster
    }

    /// `namespace/name`, after the cluster where there are several.
    pub fn workload_name(&self, id: WorkloadId) -> String {
        let workload = self.workload(id);
        self.qualified(workload.namespace, &workload.name)
    }

    /// `namespace/name`, after the cluster where there are several.
    pub fn service_name(&self, id: ServiceId) -> String {
        let service = self.service(id);
        self.qualified(service.namespace, &service.name)
    }

    fn qualified(&self, namespace: NamespaceId, name: &str) -> String {
        let namespace = self.namespace(namespace);
        let local = format!("{}/{name}", namespace.name);
        if self.fixed.clusters.len() < 2 {
            return local;
        }
        format!("{}/{local}", self.options(namespace.cluster).cluster)
    }
}

impl Fixed {
    fn listed(&self, refs: &[AuthorizationRef], dangling: Option<usize>) -> Vec<String> {
        let is_policy = |r: &&AuthorizationRef| matches!(r, AuthorizationRef::Policy(_));
        let key = |r: &AuthorizationRef| {
            let authorization = self.authorization(*r)?;
            (authorization.scope == super::ztunnel::Scope::WorkloadSelector)
                .then(|| authorization.key())
        };
        let mut names: Vec<String> = refs.iter().filter(is_policy).filter_map(key).collect();
        names.sort();
        names.extend(refs.iter().filter(|r| !is_policy(r)).filter_map(key));
        names.extend(dangling.map(|index| {
            let own = &self.peer_authentications[index].1;
            format!("{}/{}", own.namespace, super::ztunnel::converted_name(own))
        }));
        names
    }

    pub fn trust_domains(&self, cluster: ClusterId) -> &TrustDomains {
        &self.clusters[cluster.0 as usize].1
    }

    pub fn options(&self, cluster: ClusterId) -> &Options {
        &self.clusters[cluster.0 as usize].0
    }

    /// Does a certificate belong to the mesh? Envoys are told to take no other.
    pub fn takes_peer(&self, cluster: ClusterId, peer: Peer<'_>) -> bool {
        self.options(cluster).features.skip_validate_trust_domain
            || self.trust_domains(cluster).contains(peer.trust_domain())
    }

    pub fn conversion(&self, id: PolicyId) -> &Conversion {
        self.converted[id.0 as usize].get_or_init(|| {
            let (cluster, policy) = &self.policies[id.0 as usize];
            super::ztunnel::convert(policy, self.options(*cluster))
        })
    }
}

impl Policies for Fixed {
    fn policy(&self, id: PolicyId) -> &Policy {
        &self.policies[id.0 as usize].1
    }

    fn compiled(&self, id: PolicyId) -> &Both {
        self.compiled[id.0 as usize].get_or_init(|| {
            let (cluster, policy) = &self.policies[id.0 as usize];
            let domains = self.trust_domains(*cluster);
            Both {
                http: compile(policy, ChainKind::Http, domains),
                tcp: compile(policy, ChainKind::Tcp, domains),
            }
        })
    }
}
