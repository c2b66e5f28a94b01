//! Which hosts are told of. One host may be that of several Services and ServiceEntries.

use std::collections::BTreeMap;

use crate::simulate::matcher::IpBlock;
use crate::simulate::mesh::{ClusterId, Mesh, Service, ServiceId, ServiceKind, Source};

/// A host of a Service or ServiceEntry that istiod tells of.
#[derive(Clone, Copy)]
pub(super) struct Sent<'m> {
    pub id: ServiceId,
    pub service: &'m Service,
    pub host: &'m str,
    /// The one that counts for clients of other namespaces.
    pub canonical: bool,
    /// It has a selector that is not empty.
    pub selects: bool,
}

impl Sent<'_> {
    /// The name by which workloads list it.
    pub fn key(&self, mesh: &Mesh) -> String {
        format!("{}/{}", mesh.namespace(self.service.namespace).name, self.host)
    }
}

/// The hosts of a cluster. In each namespace a Service wins, else the oldest ServiceEntry; of all
/// namespaces the Service is canonical, else the oldest ServiceEntry
/// (istio/istio:pilot/pkg/serviceregistry/ambient/services.go `selectWorkloadServices`). Which is
/// the oldest manifests do not tell: the first by namespace and name is taken.
pub(super) fn sent(mesh: &Mesh, cluster: ClusterId) -> Vec<Sent<'_>> {
    let mut by_host: BTreeMap<&str, BTreeMap<&str, Sent<'_>>> = BTreeMap::new();
    for (id, service) in mesh.services() {
        let namespace = mesh.namespace(service.namespace);
        if namespace.cluster != cluster || service.kind == ServiceKind::ExternalName {
            continue;
        }
        for host in hosts(service) {
            let best = by_host.entry(host).or_default();
            let is_service = service.kind == ServiceKind::Service;
            let selects = selects(service);
            let sent = Sent { id, service, host, canonical: false, selects };
            if is_service || !best.contains_key(namespace.name.as_str()) {
                best.insert(&namespace.name, sent);
            }
        }
    }
    for best in by_host.values_mut() {
        // `min_by_key` keeps the first of equals
        let canonical = best.values_mut().min_by_key(|s| s.service.kind != ServiceKind::Service);
        if let Some(sent) = canonical {
            sent.canonical = true;
        }
    }
    by_host.into_values().flat_map(BTreeMap::into_values).collect()
}

/// None of a ServiceEntry with an address that is none (`constructServiceEntries`).
fn hosts(service: &Service) -> Vec<&str> {
    match &service.source {
        Source::Service(_) => vec![&service.host],
        Source::ServiceEntry(entry) => {
            let readable = entry.spec.addresses.iter().all(|a| IpBlock::parse(a).is_some());
            let hosts = entry.spec.hosts.iter().map(String::as_str);
            if readable { hosts.collect() } else { Vec::new() }
        }
    }
}

fn selects(service: &Service) -> bool {
    match &service.source {
        Source::Service(spec) => !spec.selector.is_empty(),
        Source::ServiceEntry(entry) => {
            entry.spec.workload_selector.as_ref().is_some_and(|labels| !labels.is_empty())
        }
    }
}
