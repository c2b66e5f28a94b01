//! Waypoints: what binds to which, and what is enforced there.

use std::collections::BTreeMap;

use super::pods::{Pod, Pods};
use crate::k8s::Labels;
use crate::simulate::mesh::{
    Binding, GatewayId, GatewayKind, Mesh, NamespaceId, Serves, ServiceId, bind,
};
use crate::simulate::policy::{PolicyId, is_true};
use crate::simulate::version::Behaviour;

const INGRESS_USE_WAYPOINT: &str = "istio.io/ingress-use-waypoint";

impl Mesh {
    /// What the `use-waypoint` label of a namespace comes to, for a service of it without a label of
    /// its own.
    pub fn namespace_binding(&self, namespace: NamespaceId) -> Binding {
        bind(&self.fixed, &Labels::new(), namespace, Serves::services, true)
    }

    /// `istio.io/ingress-use-waypoint` on a service, else on its namespace: gateways go through its
    /// waypoint (facts/istio-ambient.md §2.4).
    pub fn ingress_uses_waypoint(&self, service: ServiceId) -> bool {
        let service = self.service(service);
        let namespace = self.namespace(service.namespace);
        match service.labels.get(INGRESS_USE_WAYPOINT) {
            Some(label) => {
                self.options(namespace.cluster).features.ingress_waypoint_routing
                    && is_true(Some(label))
            }
            None => self.ingress_uses_waypoint_of(service.namespace),
        }
    }

    /// The same of a service without a label of its own: its namespace's counts since 1.25.
    pub fn ingress_uses_waypoint_of(&self, namespace: NamespaceId) -> bool {
        let namespace = self.namespace(namespace);
        let options = self.options(namespace.cluster);
        let label = namespace.labels.get(INGRESS_USE_WAYPOINT).map(String::as_str);
        options.does(Behaviour::NamespaceIngressUseWaypoint)
            && options.features.ingress_waypoint_routing
            && is_true(label)
    }

    /// The AuthorizationPolicies that a waypoint asks about whatever is addressed by pod, and how many
    /// RequestAuthentications: those that name the Gateway.
    pub fn enforced_at_gateway(&self, gateway: GatewayId) -> (&[PolicyId], usize) {
        let points = &self.fixed.points;
        let point = &points.envoy[points.gateways[gateway.0 as usize]];
        (&point.policies, point.request_authentications.len())
    }

    /// The AuthorizationPolicies that the waypoint of a service asks about it, and how many
    /// RequestAuthentications.
    pub fn enforced_at_waypoint(&self, service: ServiceId) -> (&[PolicyId], usize) {
        let points = &self.fixed.points;
        match points.services[service.0 as usize] {
            Some(point) => {
                let point = &points.envoy[point];
                (&point.policies, point.request_authentications.len())
            }
            None => (&[], 0),
        }
    }

    /// True of one of Istio's waypoints.
    pub fn is_waypoint(&self, gateway: GatewayId) -> bool {
        self.gateway(gateway).kind == GatewayKind::Waypoint
    }

    /// The gateway of a name.
    pub fn find_gateway(&self, namespace: NamespaceId, name: &str) -> Option<GatewayId> {
        self.gateways().find(|(_, g)| g.namespace == namespace && g.name == name).map(|(id, _)| id)
    }
}

impl<'m> Pods<'m> {
    /// The services behind each waypoint.
    pub fn services_by_waypoint(&self) -> BTreeMap<GatewayId, Vec<ServiceId>> {
        let mut all: BTreeMap<GatewayId, Vec<ServiceId>> = BTreeMap::new();
        for (id, service) in self.mesh.services() {
            let here = self.mesh.namespace(service.namespace).cluster == self.cluster;
            if let (true, Binding::Bound(waypoint)) = (here, self.mesh.service_binding(id)) {
                all.entry(*waypoint).or_default().push(id);
            }
        }
        all
    }

    /// The pods of a service: its workloads, or those that its namespace would have for it.
    pub fn of_service(&self, service: ServiceId) -> Vec<&Pod<'m>> {
        let service = self.mesh.service(service);
        let pods = self.in_namespace(service.namespace).iter();
        match (self.are_shown(service.namespace), service.selector()) {
            (false, Some(selector)) => {
                pods.filter(|p| super::pods::is_part(selector, &p.labels)).collect()
            }
            _ => pods
                .filter(|p| p.workload.is_some_and(|w| service.endpoints.contains(&w)))
                .collect(),
        }
    }
}
