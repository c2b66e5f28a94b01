//! The message of what makes pods (istio/istio:pilot/pkg/serviceregistry/ambient/workloads.go
//! `podWorkloadBuilder`).

use serde_json::{Map, Value, json};

use crate::simulate::mesh::{Mesh, PodState, Role, Workload, WorkloadId};
use crate::simulate::version::IstioVersion;

use super::sent::Sent;
use super::{AmbientWorkload, Said, service, shown, waypoint};

/// The message of a workload.
pub(super) fn message(
    mesh: &Mesh,
    id: WorkloadId,
    workload: &Workload,
    sent: &[Sent<'_>],
) -> AmbientWorkload {
    let namespace = &mesh.namespace(workload.namespace).name;
    let cluster = mesh.cluster_of(id);
    // what istiod makes for a waypoint is a Deployment
    let kind = if workload.role == Role::Waypoint { "Deployment" } else { &workload.kind };
    let group = if kind == "Pod" { "" } else { "apps" };
    let waypoint = waypoint(mesh, mesh.workload_binding(id));
    let mut services = services_of(mesh, id, workload, sent);
    if workload.role == Role::Waypoint {
        // its pods stand behind the Service of the same name
        let host = format!("{namespace}/{}.{namespace}.svc.cluster.local", workload.name);
        services.entry(host).or_insert_with(|| {
            let ports =
                service::OWN_PORTS.map(|port| json!({"servicePort": port, "targetPort": port}));
            json!({"ports": ports})
        });
    }
    let mut json = Said {
        cluster,
        uid: format!("{group}/{kind}/{namespace}/{}", workload.name),
        name: &workload.name,
        namespace,
        service_account: &workload.service_account,
        labels: &workload.labels,
        workload_name: &workload.name,
        waypoint: waypoint.as_ref().map(|(_, address)| address.clone()),
        services,
        policies: mesh.listed_by(id),
    }
    .json(mesh);
    if let Some(ip) = workload.ip {
        json.insert("addresses".into(), json!([shown(ip)]));
    }
    if workload.host_network {
        json.insert("networkMode".into(), "HOST_NETWORK".into());
    }
    if let Some(kind) = workload_type(kind, mesh.options(cluster).istio) {
        json.insert("workloadType".into(), kind.into());
    }
    let state = if workload.role == Role::Application { mesh.state(id) } else { PodState::Plain };
    tunnel(&mut json, state);
    AmbientWorkload {
        json: json.into(),
        address: workload.ip.map(|ip| ip.to_string()).unwrap_or_default(),
        waypoint: waypoint.map(|(name, _)| name),
    }
}

/// How it is reached (`setTunnelProtocol`).
pub(super) fn tunnel(json: &mut Map<String, Value>, state: PodState) {
    if matches!(state, PodState::Ambient | PodState::SidecarHbone) {
        json.insert("tunnelProtocol".into(), "HBONE".into());
    }
    if state == PodState::SidecarHbone {
        json.insert("nativeTunnel".into(), true.into());
    }
}

/// The services that a workload stands behind, by namespace and host.
pub(super) fn services_of(
    mesh: &Mesh,
    id: WorkloadId,
    workload: &Workload,
    sent: &[Sent<'_>],
) -> Map<String, Value> {
    let mut services = Map::new();
    for sent in sent.iter().filter(|s| s.selects && s.service.endpoints.contains(&id)) {
        // a port whose name the workload does not have is left out
        let ports = sent
            .service
            .declared()
            .iter()
            .filter_map(|p| {
                Some(json!({"servicePort": p.number, "targetPort": p.target_at(workload)?}))
            })
            .collect();
        services.insert(sent.key(mesh), port_list(ports));
    }
    services
}

/// Ports; proto JSON leaves out an empty list.
pub(super) fn port_list(ports: Vec<Value>) -> Value {
    if ports.is_empty() { json!({}) } else { json!({"ports": ports}) }
}

/// istiod tells only POD since 1.26 (istio/istio#55032). Before, DEPLOYMENT is the zero value, which
/// proto JSON leaves out.
fn workload_type(kind: &str, istio: IstioVersion) -> Option<&'static str> {
    if istio >= IstioVersion::new(1, 26) {
        return Some("POD");
    }
    match kind {
        "Deployment" | "ReplicaSet" => None,
        "CronJob" => Some("CRONJOB"),
        "Job" => Some("JOB"),
        _ => Some("POD"),
    }
}
