//! Gateways of Gateway API whose pods others make: those with an address of their own that is not an IP
//! (facts/istio-ambient.md §3.4). Their pods are those that bear the Gateway's name in a label, else those
//! behind the Service that the address names (istio/istio:pilot/pkg/config/kube/gateway/conversion.go
//! `extractGatewayServices`).

use std::collections::BTreeMap;

use crate::k8s::Object;
use crate::simulate::raw;

use super::build::Builder;
use super::{ClusterId, Role, ServiceKind, WaypointState, WorkloadId};

impl Builder {
    /// Reads them. All workloads and Services of the cluster are there.
    pub fn unmanaged(
        &mut self,
        cluster: ClusterId,
        objects: &[&Object],
        classes: &BTreeMap<String, (Option<String>, String)>,
        waypoints: &mut Vec<WaypointState>,
    ) {
        for object in objects.iter().filter(|o| o.gvk.is("gateway.networking.k8s.io", "Gateway")) {
            // one that cannot be read was reported before
            let Ok(read) = object.parse::<raw::Gateway>() else { continue };
            if read.spec.is_managed() {
                continue;
            }
            let carrier = self.carrier(cluster, object, &read);
            if let Some(id) = carrier {
                let workload = &mut self.fixed.workloads[id.0 as usize];
                // by its label or address it is a gateway, however its pods are written
                if workload.role == Role::Application {
                    workload.role = Role::Gateway;
                }
            }
            if let Some(state) = self.gateway_of(cluster, object, &read, classes, carrier) {
                waypoints.push(state);
                if carrier.is_none() {
                    self.fixed.gateways.last_mut().into_iter().for_each(|g| g.pods_shown = false);
                }
            }
        }
    }

    /// The workload whose pods carry a Gateway.
    fn carrier(
        &mut self,
        cluster: ClusterId,
        object: &Object,
        read: &raw::Gateway,
    ) -> Option<WorkloadId> {
        const LABEL: &str = "gateway.networking.k8s.io/gateway-name";
        let namespace = self.namespace_of(cluster, object);
        let named = self.fixed.workloads.iter().position(|w| {
            w.namespace == namespace && w.makes_pods() && w.labels.get(LABEL) == Some(&object.name)
        });
        if let Some(index) = named {
            return Some(WorkloadId(index as u32));
        }
        let own = &self.fixed.namespaces[namespace.0 as usize].name;
        let hosts = read.spec.addresses.iter().map(|address| match address.value.contains('.') {
            true => address.value.clone(),
            false => format!("{}.{own}.svc.cluster.local", address.value),
        });
        let hosts: Vec<String> = hosts.collect();
        let services = self.fixed.services.iter().filter(|service| {
            service.kind == ServiceKind::Service
                && self.fixed.namespaces[service.namespace.0 as usize].cluster == cluster
                && hosts.contains(&service.host)
        });
        services.flat_map(|service| &service.endpoints).next().copied()
    }
}
