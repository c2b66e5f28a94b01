//! Workloads and services as istiod tells ztunnel of them, in the JSON of its `/debug/ambientz`.
//!
//! Manifests know no pods, addresses or nodes: there is one workload for each thing that makes pods,
//! by its own name, and what is not known is left out.

use std::net::IpAddr;

use serde_json::{Map, Value, json};

use super::authorization::base64;
use crate::simulate::mesh::{
    Binding, ClusterId, GatewayId, Mesh, PodState, Role, Service, ServiceKind, WaypointState,
    Workload, WorkloadId,
};
use crate::simulate::options::IstioVersion;
use crate::simulate::raw;

/// What istiod sends to the ztunnels of a cluster, policies apart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ambient {
    /// Workloads, by namespace and name.
    pub workloads: Vec<AmbientWorkload>,
    /// Services, by namespace and name.
    pub services: Vec<AmbientService>,
}

/// A workload.
#[derive(Clone, Debug, PartialEq)]
pub struct AmbientWorkload {
    /// The message.
    pub json: Value,
    /// Its address; empty where it is not known.
    pub address: String,
    /// Name of its waypoint.
    pub waypoint: Option<String>,
}

/// A service.
#[derive(Clone, Debug, PartialEq)]
pub struct AmbientService {
    /// The message.
    pub json: Value,
    /// Its address; empty where it is not known.
    pub address: String,
    /// Name of its waypoint.
    pub waypoint: Option<String>,
    /// Number of workloads behind it.
    pub endpoints: usize,
}

impl Mesh {
    /// What istiod would tell the ztunnels of a cluster. The Services that it makes for waypoints
    /// itself are among them.
    pub fn ambient(&self, cluster: ClusterId) -> Ambient {
        let mut workloads: Vec<AmbientWorkload> = self
            .workloads()
            .filter(|(id, _)| self.cluster_of(*id) == cluster)
            .map(|(id, workload)| ambient_workload(self, id, workload))
            .collect();
        workloads.sort_by_cached_key(|w| key(&w.json));
        let mut services: Vec<AmbientService> = self
            .services()
            .filter(|(_, s)| {
                self.namespace(s.namespace).cluster == cluster && s.kind == ServiceKind::Service
            })
            .map(|(id, service)| {
                let waypoint = waypoint(self, self.service_binding(id));
                ambient_service(self, service, waypoint)
            })
            .collect();
        services.extend(own_services(self, cluster));
        services.sort_by_cached_key(|s| key(&s.json));
        services.dedup_by_key(|s| key(&s.json));
        Ambient { workloads, services }
    }
}

fn key(json: &Value) -> (String, String) {
    let text = |key: &str| json.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    (text("namespace"), text("name"))
}

/// The Gateway's name and what is said of it; a waypoint without an address is skipped.
fn waypoint(mesh: &Mesh, binding: &Binding) -> Option<(String, Value)> {
    let Binding::Bound(id) = binding else { return None };
    if mesh.waypoint_state(*id) == WaypointState::NotProgrammed {
        return None;
    }
    let gateway = mesh.gateway(*id);
    let namespace = &mesh.namespace(gateway.namespace).name;
    let hostname = format!("{}.{namespace}.svc.cluster.local", gateway.name);
    Some((
        gateway.name.clone(),
        json!({"hostname": {"namespace": namespace, "hostname": hostname}, "hboneMtlsPort": 15008}),
    ))
}

fn ambient_workload(mesh: &Mesh, id: WorkloadId, workload: &Workload) -> AmbientWorkload {
    let namespace = &mesh.namespace(workload.namespace).name;
    let cluster = &mesh.options(mesh.cluster_of(id)).cluster;
    let label = |key: &str| workload.labels.get(key).cloned();
    let canonical_name = label("service.istio.io/canonical-name")
        .or_else(|| label("app.kubernetes.io/name"))
        .or_else(|| label("app"))
        .unwrap_or_else(|| workload.name.clone());
    let canonical_revision = label("service.istio.io/canonical-revision")
        .or_else(|| label("app.kubernetes.io/version"))
        .or_else(|| label("version"))
        .unwrap_or_else(|| "latest".into());
    // what istiod makes for a waypoint is a Deployment
    let kind = if workload.role == Role::Waypoint { "Deployment" } else { &workload.kind };
    let group = if kind == "Pod" { "" } else { "apps" };
    let mut json = Map::new();
    json.insert(
        "uid".into(),
        format!("{cluster}/{group}/{kind}/{namespace}/{}", workload.name).into(),
    );
    json.insert("name".into(), workload.name.as_str().into());
    json.insert("namespace".into(), namespace.as_str().into());
    if let Some(ip) = workload.ip {
        json.insert("addresses".into(), json!([shown(ip)]));
    }
    if workload.host_network {
        json.insert("networkMode".into(), "HOST_NETWORK".into());
    }
    let state = if workload.role == Role::Application { mesh.state(id) } else { PodState::Plain };
    if matches!(state, PodState::Ambient | PodState::SidecarHbone) {
        json.insert("tunnelProtocol".into(), "HBONE".into());
    }
    let trust_domain = &mesh.options(mesh.cluster_of(id)).trust_domain;
    if trust_domain != "cluster.local" {
        json.insert("trustDomain".into(), trust_domain.as_str().into());
    }
    json.insert("serviceAccount".into(), workload.service_account.as_str().into());
    let waypoint = waypoint(mesh, mesh.workload_binding(id));
    if let Some((_, address)) = &waypoint {
        json.insert("waypoint".into(), address.clone());
    }
    json.insert("canonicalName".into(), canonical_name.into());
    json.insert("canonicalRevision".into(), canonical_revision.into());
    if let Some(kind) = workload_type(kind, mesh.options(mesh.cluster_of(id)).istio) {
        json.insert("workloadType".into(), kind.into());
    }
    json.insert("workloadName".into(), workload.name.as_str().into());
    if state == PodState::SidecarHbone {
        json.insert("nativeTunnel".into(), true.into());
    }
    let mut services = services_of(mesh, id, workload);
    if workload.role == Role::Waypoint {
        // its pods stand behind the Service of the same name
        let host = format!("{namespace}/{}.{namespace}.svc.cluster.local", workload.name);
        services.entry(host).or_insert_with(|| {
            let ports = OWN_PORTS.map(|port| json!({"servicePort": port, "targetPort": port}));
            json!({"ports": ports})
        });
    }
    if !services.is_empty() {
        json.insert("services".into(), services.into());
    }
    let listed = mesh.listed_by(id);
    if !listed.is_empty() {
        json.insert("authorizationPolicies".into(), listed.into());
    }
    // a folder of manifests has no name
    if !cluster.is_empty() {
        json.insert("clusterId".into(), cluster.as_str().into());
    }
    AmbientWorkload {
        json: json.into(),
        address: workload.ip.map(|ip| ip.to_string()).unwrap_or_default(),
        waypoint: waypoint.map(|(name, _)| name),
    }
}

fn services_of(mesh: &Mesh, id: WorkloadId, workload: &Workload) -> Map<String, Value> {
    let mut services = Map::new();
    for (_, service) in mesh.services().filter(|(_, s)| s.endpoints.contains(&id)) {
        let namespace = &mesh.namespace(service.namespace).name;
        // a port whose name the pod does not have is left out
        let ports: Vec<Value> = service
            .declared
            .iter()
            .filter_map(|p| {
                Some(json!({"servicePort": p.number, "targetPort": p.target_at(workload)?}))
            })
            .collect();
        let ports = if ports.is_empty() { json!({}) } else { json!({"ports": ports}) };
        services.insert(format!("{namespace}/{}", service.host), ports);
    }
    services
}

/// An address as `/debug/ambientz` shows it: its text, in the field for bytes
/// (istio/istio:pilot/pkg/xds/debug.go `ambientz`). Policies keep their bytes.
fn shown(ip: IpAddr) -> String {
    base64(ip.to_string().as_bytes())
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

fn ambient_service(
    mesh: &Mesh,
    service: &Service,
    waypoint: Option<(String, Value)>,
) -> AmbientService {
    let ports: Vec<Value> = service
        .declared
        .iter()
        .map(|p| {
            let mut port = json!({"servicePort": p.number});
            // a port with a name is another number for each workload
            if let raw::IntOrText::Int(number) = p.target {
                port["targetPort"] = number.into();
            }
            if let Some(protocol) = p.app_protocol {
                port["appProtocol"] = protocol.into();
            }
            port
        })
        .collect();
    let mut json = json!({
        "name": service.name,
        "namespace": mesh.namespace(service.namespace).name,
        "hostname": service.host,
        "ports": ports,
    });
    if let Some(ip) = service.vip {
        json["addresses"] = json!([{"address": shown(ip)}]);
    }
    if let Some((_, address)) = &waypoint {
        json["waypoint"] = address.clone();
    }
    json["canonical"] = true.into();
    AmbientService {
        json,
        address: service.vip.map(|ip| ip.to_string()).unwrap_or_default(),
        waypoint: waypoint.map(|(name, _)| name),
        endpoints: service.endpoints.len(),
    }
}

/// The ports of a waypoint's Service.
const STATUS: u16 = 15021;
const HBONE: u16 = 15008;
const OWN_PORTS: [u16; 2] = [STATUS, HBONE];

/// The Services that istiod makes for waypoints (facts/istio-ambient.md §3.4).
fn own_services(mesh: &Mesh, cluster: ClusterId) -> Vec<AmbientService> {
    let here = |id: &GatewayId| {
        let gateway = mesh.gateway(*id);
        mesh.namespace(gateway.namespace).cluster == cluster
            && mesh.workload(gateway.workload).role == Role::Waypoint
            && mesh.waypoint_state(*id) != WaypointState::NotProgrammed
    };
    let waypoints = mesh.gateways().map(|(id, _)| id).filter(here);
    waypoints
        .map(|id| {
            let gateway = mesh.gateway(id);
            let namespace = &mesh.namespace(gateway.namespace).name;
            let json = json!({
                "name": gateway.name,
                "namespace": namespace,
                "hostname": format!("{}.{namespace}.svc.cluster.local", gateway.name),
                "ports": [
                    {"servicePort": STATUS, "targetPort": STATUS, "appProtocol": "TCP"},
                    {"servicePort": HBONE, "targetPort": HBONE},
                ],
                // it is annotated with traffic distribution PreferClose
                "loadBalancing": {
                    "routingPreference": ["NETWORK", "REGION", "ZONE"],
                    "mode": "FAILOVER",
                },
                "canonical": true,
            });
            AmbientService { json, address: String::new(), waypoint: None, endpoints: 1 }
        })
        .collect()
}
