//! The messages of workloads that are no pods (istio/istio:pilot/pkg/serviceregistry/ambient/
//! workloads.go `workloadEntryWorkloadBuilder`, `serviceEntryWorkloadBuilder`).

use serde_json::{Map, Value, json};

use crate::simulate::mesh::{
    ClusterId, Entry, Mesh, PodState, Serves, Source, Workload, WorkloadId, bind, tunnel,
};
use crate::simulate::raw::{Resolution, ServiceEntry, ServiceEntryPort, WorkloadEntry};

use super::sent::Sent;
use super::{AmbientWorkload, Said, shown, waypoint, workload};

/// What is said of the WorkloadEntries of a cluster, and of what stands behind its ServiceEntries.
pub(super) fn messages(mesh: &Mesh, cluster: ClusterId, sent: &[Sent<'_>]) -> Vec<AmbientWorkload> {
    let mut all = Vec::new();
    for (id, workload) in mesh.workloads().filter(|(id, _)| mesh.cluster_of(*id) == cluster) {
        if let Some(entry) = &workload.entry
            && workload.kind == "WorkloadEntry"
        {
            all.push(workload_entry(mesh, id, workload, entry, sent));
        }
    }
    let mut entries = sent.to_vec();
    entries.sort_by_key(|s| s.id);
    for hosts in entries.chunk_by(|a, b| a.id == b.id) {
        if let Some(Source::ServiceEntry(entry)) = hosts.first().map(|s| &s.service.source) {
            all.extend(endpoints(mesh, entry, hosts));
        }
    }
    all
}

fn workload_entry(
    mesh: &Mesh,
    id: WorkloadId,
    workload: &Workload,
    entry: &Entry,
    sent: &[Sent<'_>],
) -> AmbientWorkload {
    let namespace = &mesh.namespace(workload.namespace).name;
    // istio/istio:pkg/kube/labels/labels.go `WorkloadNameFromWorkloadEntry`
    let group = workload.annotations.get("istio.io/autoRegistrationGroup");
    let named = group.or_else(|| workload.labels.get("service.istio.io/workload-name"));
    let waypoint = waypoint(mesh, mesh.workload_binding(id));
    let said = Said {
        cluster: mesh.cluster_of(id),
        uid: format!("networking.istio.io/WorkloadEntry/{namespace}/{}", workload.name),
        name: &workload.name,
        namespace,
        service_account: &workload.service_account,
        labels: &workload.labels,
        workload_name: named.unwrap_or(&workload.name),
        waypoint: waypoint.as_ref().map(|(_, address)| address.clone()),
        services: workload::services_of(mesh, id, workload, sent),
        policies: mesh.listed_by(id),
    };
    let tunnel = tunnel(&workload.labels, &workload.annotations);
    finish(said.json(mesh), &entry.spec, tunnel, waypoint.map(|(name, _)| name))
}

/// The endpoints of a ServiceEntry; where DNS answers, one for each host.
fn endpoints(mesh: &Mesh, entry: &ServiceEntry, hosts: &[Sent<'_>]) -> Vec<AmbientWorkload> {
    let Some(first) = hosts.first() else { return Vec::new() };
    let written = &entry.spec.endpoints;
    let by_dns = matches!(
        entry.spec.resolution,
        Resolution::Dns | Resolution::DnsRoundRobin | Resolution::DynamicDns
    );
    if written.is_empty() && by_dns && entry.spec.workload_selector.is_none() {
        let implied = hosts.iter().filter_map(|sent| {
            let address = sent.host.to_owned();
            let spec = WorkloadEntry { address, ..WorkloadEntry::default() };
            endpoint(mesh, &spec, std::slice::from_ref(sent), None, "")
        });
        return implied.collect();
    }
    let namespace = first.service.namespace;
    let mut made = Vec::new();
    // once an endpoint names its network, those behind it that name none are of the same
    let mut network = "";
    for spec in written {
        if !spec.network.is_empty() {
            network = &spec.network;
        }
        let binding = bind(&mesh.fixed, &spec.labels, namespace, Serves::workloads, false);
        made.extend(endpoint(mesh, spec, hosts, waypoint(mesh, &binding), network));
    }
    made
}

/// Labels and annotations are those of the ServiceEntry; only the waypoint is the endpoint's own.
fn endpoint(
    mesh: &Mesh,
    spec: &WorkloadEntry,
    hosts: &[Sent<'_>],
    waypoint: Option<(String, Value)>,
    network: &str,
) -> Option<AmbientWorkload> {
    let service = hosts.first()?.service;
    let namespace = mesh.namespace(service.namespace);
    let name = &service.name;
    let said = Said {
        cluster: namespace.cluster,
        uid: format!("networking.istio.io/ServiceEntry/{}/{name}/{}", namespace.name, spec.address),
        name,
        namespace: &namespace.name,
        service_account: &spec.service_account,
        labels: &service.labels,
        workload_name: name,
        waypoint: waypoint.as_ref().map(|(_, address)| address.clone()),
        services: hosts.iter().map(|sent| (sent.key(mesh), ports(sent, spec))).collect(),
        policies: mesh.listed_by_labels(service.namespace, &service.labels),
    };
    let mut json = said.json(mesh);
    if !network.is_empty() {
        json.insert("network".into(), network.into());
    }
    let tunnel = tunnel(&service.labels, &service.annotations);
    Some(finish(json, spec, tunnel, waypoint.map(|(name, _)| name)))
}

/// An endpoint's port of the same name, else the number that the ServiceEntry says
/// (`constructServicesFromWorkloadEntry`).
fn ports(sent: &Sent<'_>, spec: &WorkloadEntry) -> Value {
    let Source::ServiceEntry(entry) = &sent.service.source else { return json!({}) };
    let port = |p: &ServiceEntryPort| {
        let named = p.name.as_ref().and_then(|name| spec.ports.get(name));
        let target = named.copied().unwrap_or(p.target());
        json!({"servicePort": p.number, "targetPort": target})
    };
    workload::port_list(entry.spec.ports.iter().map(port).collect())
}

/// What both kinds have.
fn finish(
    mut json: Map<String, Value>,
    spec: &WorkloadEntry,
    tunnel: Option<PodState>,
    waypoint: Option<String>,
) -> AmbientWorkload {
    let mut put = |key: &str, value: Value| json.insert(key.into(), value);
    if let Ok(ip) = spec.address.parse() {
        put("addresses", json!([shown(ip)]));
    } else if !spec.address.is_empty() {
        put("hostname", spec.address.as_str().into());
    }
    if !spec.network.is_empty() {
        put("network", spec.network.as_str().into());
    }
    let mut locality = Map::new();
    for (key, part) in ["region", "zone", "subzone"].into_iter().zip(spec.locality.split('/')) {
        if !part.is_empty() {
            locality.insert(key.into(), part.into());
        }
    }
    if !locality.is_empty() {
        put("locality", locality.into());
    }
    if spec.weight > 0 {
        put("capacity", spec.weight.into());
    }
    put("workloadType", "POD".into());
    workload::tunnel(&mut json, tunnel.unwrap_or(PodState::Plain));
    AmbientWorkload { json: json.into(), address: spec.address.clone(), waypoint }
}
