//! Workloads that are no pods: WorkloadEntries, and the endpoints that ServiceEntries write down.

use crate::k8s::{Labels, Object};
use crate::simulate::raw;

use super::build::Builder;
use super::{ClusterId, NamespaceId, PodState, Role, Workload, WorkloadId};

/// What is known of a workload that is no pod.
#[derive(Clone, Debug)]
pub(in crate::simulate) struct Entry {
    /// What is written of it.
    pub spec: raw::WorkloadEntry,
    /// The labels that name its waypoint.
    pub labels: Labels,
    /// How it takes part.
    pub state: PodState,
}

impl Entry {
    /// How what carries these labels and annotations takes part: by a tunnel of its own or of its
    /// node's ztunnel (istio/istio:pilot/pkg/serviceregistry/ambient/workloads.go
    /// `setTunnelProtocol`), else by a sidecar where it has one (istio/istio:pilot/pkg/
    /// serviceregistry/serviceentry/conversion.go `getTLSModeFromWorkloadEntry`).
    fn state(labels: &Labels, annotations: &Labels, spec: &raw::WorkloadEntry) -> PodState {
        let mode = spec.labels.get("security.istio.io/tlsMode").map(String::as_str);
        tunnel(labels, annotations).unwrap_or(match mode {
            Some("istio") => PodState::Sidecar,
            None if !spec.service_account.is_empty() => PodState::Sidecar,
            _ => PodState::Plain,
        })
    }
}

/// HBONE, by whom; `None` without.
pub(in crate::simulate) fn tunnel(labels: &Labels, annotations: &Labels) -> Option<PodState> {
    let native = labels.get("networking.istio.io/tunnel").is_some_and(|tunnel| tunnel == "http");
    let redirected =
        annotations.get("ambient.istio.io/redirection").is_some_and(|value| value == "enabled");
    match (native, redirected) {
        (true, _) => Some(PodState::SidecarHbone),
        (false, true) => Some(PodState::Ambient),
        (false, false) => None,
    }
}

impl Builder {
    /// A WorkloadEntry.
    pub fn workload_entry(&mut self, cluster: ClusterId, object: &Object) {
        if !object.gvk.is("networking.istio.io", "WorkloadEntry") {
            return;
        }
        let Some(read) = self.keep(object.parse::<raw::Specified<raw::WorkloadEntry>>()) else {
            return;
        };
        let mut spec = read.spec;
        // labels stand in two places; those of metadata win (istio/istio:pilot/pkg/serviceregistry/
        // serviceentry/conversion.go `ConvertClientWorkloadEntry`)
        spec.labels.extend(object.labels.clone());
        let labels = spec.labels.clone();
        let state = Entry::state(&labels, &object.annotations, &spec);
        let entry = Entry { labels: labels.clone(), state, spec };
        let namespace = self.namespace_of(cluster, object);
        self.entry(namespace, object, object.name.clone(), labels, entry);
    }

    /// The endpoints of a ServiceEntry that is part of the mesh, in their order.
    pub fn endpoints(
        &mut self,
        namespace: NamespaceId,
        object: &Object,
        spec: &raw::ServiceEntry,
    ) -> Vec<WorkloadId> {
        let tunneled = tunnel(&object.labels, &object.annotations).is_some();
        if spec.spec.location == raw::Location::MeshExternal && !tunneled {
            return Vec::new();
        }
        let endpoints = spec.spec.endpoints.iter();
        endpoints
            .map(|endpoint| {
                let state = Entry::state(&object.labels, &object.annotations, endpoint);
                // ztunnel is told the labels of the ServiceEntry, a sidecar has those of its own
                let labels =
                    if state == PodState::Ambient { &object.labels } else { &endpoint.labels };
                let name = format!("{}@{}", object.name, endpoint.address);
                let entry =
                    Entry { labels: endpoint.labels.clone(), state, spec: endpoint.clone() };
                self.entry(namespace, object, name, labels.clone(), entry)
            })
            .collect()
    }

    pub(super) fn entry(
        &mut self,
        namespace: NamespaceId,
        object: &Object,
        name: String,
        labels: Labels,
        entry: Entry,
    ) -> WorkloadId {
        let account = entry.spec.service_account.clone();
        let ports = entry.spec.ports.iter().map(|(name, number)| raw::ContainerPort {
            name: Some(name.clone()),
            container_port: *number,
            protocol: None,
        });
        let id = WorkloadId(self.fixed.workloads.len() as u32);
        let made = Workload {
            namespace,
            kind: object.gvk.kind.clone(),
            name,
            identity: self.identity(namespace, &account),
            service_account: account,
            ports: ports.collect(),
            listeners: Vec::new(),
            host_network: false,
            has_proxy: false,
            ip: entry.spec.address.parse().ok(),
            other_ip: None,
            role: Role::Application,
            labels,
            annotations: object.annotations.clone(),
            capture: None,
            span: object.name_span(),
            entry: Some(Box::new(entry)),
        };
        self.fixed.workloads.push(made);
        id
    }
}
