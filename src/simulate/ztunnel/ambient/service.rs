//! The message of a Service or ServiceEntry (istio/istio:pilot/pkg/serviceregistry/ambient/
//! services.go `constructService`, `constructServiceEntries`).

use serde_json::{Value, json};

use crate::k8s::Labels;
use crate::simulate::matcher::IpBlock;
use crate::simulate::mesh::{
    ClusterId, GatewayId, GatewayKind, Mesh, Service, Source, WaypointState, chooses_address,
};
use crate::simulate::policy::is_true;
use crate::simulate::raw::{self, Resolution};

use super::sent::Sent;
use super::{AmbientService, network, shown, waypoint};

/// The message of one host.
pub(super) fn message(mesh: &Mesh, sent: &Sent<'_>) -> AmbientService {
    let service = sent.service;
    let namespace = mesh.namespace(service.namespace);
    let ports: Vec<Value> = service
        .declared()
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
        "namespace": namespace.name,
        "hostname": sent.host,
    });
    let blocks = addresses(service, sent.host);
    let list: Vec<Value> =
        blocks.iter().map(|b| address(*b, network(mesh, namespace.cluster))).collect();
    let balancing = match &service.source {
        Source::Service(spec) => of_service(spec, &service.annotations, &namespace.annotations),
        Source::ServiceEntry(entry) => {
            if !entry.spec.subject_alt_names.is_empty() {
                json["subjectAltNames"] = entry.spec.subject_alt_names.clone().into();
            }
            of_entry(entry.spec.resolution, &service.annotations, &namespace.annotations)
        }
    };
    for (key, list) in [("addresses", list), ("ports", ports)] {
        if !list.is_empty() {
            json[key] = list.into();
        }
    }
    if let Some(balancing) = balancing {
        json["loadBalancing"] = balancing;
    }
    let waypoint = waypoint(mesh, mesh.service_binding(sent.id));
    if let Some((_, address)) = &waypoint {
        json["waypoint"] = address.clone();
        // the label of the object, else of its namespace (`ingressUseWaypointFromLabels`)
        const LABEL: &str = "istio.io/ingress-use-waypoint";
        let label = service.labels.get(LABEL).or_else(|| namespace.labels.get(LABEL));
        if is_true(label.map(String::as_str)) {
            json["ingressUseWaypoint"] = true.into();
        }
    }
    if sent.canonical {
        json["canonical"] = true.into();
    }
    AmbientService {
        json,
        address: blocks.first().map(|b| b.address().to_string()).unwrap_or_default(),
        waypoint: waypoint.map(|(name, _)| name),
        endpoints: 0,
        has_unknown: service.unknown.is_some(),
    }
}

/// The addresses of a host: those that are written, else those that istiod was seen to choose.
fn addresses(service: &Service, host: &str) -> Vec<IpBlock> {
    let read = |text: &str| IpBlock::parse(text);
    match &service.source {
        Source::Service(spec) if spec.cluster_ips.is_empty() => {
            spec.cluster_ip.iter().filter_map(|ip| read(ip)).collect()
        }
        Source::Service(spec) => spec.cluster_ips.iter().filter_map(|ip| read(ip)).collect(),
        Source::ServiceEntry(entry) if chooses_address(&entry.spec, &service.labels, host) => {
            let own = entry.status.addresses.iter().filter(|a| a.host == host);
            own.filter_map(|a| read(&a.value)).collect()
        }
        Source::ServiceEntry(entry) => {
            entry.spec.addresses.iter().filter_map(|a| read(a)).collect()
        }
    }
}

/// An address or a block of them (istio/istio:pilot/pkg/serviceregistry/ambient/helpers.go
/// `toNetworkAddressFromCidr`).
fn address(block: IpBlock, network: &str) -> Value {
    let mut json = json!({"address": shown(block.masked())});
    if !network.is_empty() {
        json["network"] = network.into();
    }
    if !block.is_single() {
        json["length"] = block.length().into();
    }
    json
}

fn of_service(spec: &raw::Service, own: &Labels, namespace: &Labels) -> Option<Value> {
    let mut json = if spec.internal_traffic_policy.as_deref() == Some("Local") {
        Some(json!({"routingPreference": ["NODE"], "mode": "STRICT"}))
    } else {
        distribution(spec.traffic_distribution.as_deref(), own, namespace)
    };
    if spec.publish_not_ready_addresses == Some(true) {
        json.get_or_insert_with(|| json!({}))["healthPolicy"] = "ALLOW_ALL".into();
    }
    json
}

/// Without resolution, traffic goes where it is addressed.
fn of_entry(resolution: Resolution, own: &Labels, namespace: &Labels) -> Option<Value> {
    match resolution {
        Resolution::None => Some(json!({"mode": "PASSTHROUGH", "healthPolicy": "ALLOW_ALL"})),
        _ => distribution(None, own, namespace),
    }
}

/// Which workloads are preferred: the field, else the annotation, else that of the namespace
/// (istio/istio:pilot/pkg/model/service.go `GetTrafficDistribution`). A word that is not known is
/// passed over in the field, and means any in an annotation.
fn distribution(field: Option<&str>, own: &Labels, namespace: &Labels) -> Option<Value> {
    const ANNOTATION: &str = "networking.istio.io/traffic-distribution";
    let known = |word: &str| match word.to_ascii_lowercase().as_str() {
        "preferclose" | "prefersamezone" => Some(close()),
        "prefersamenode" => Some(json!({
            "routingPreference": ["NETWORK", "REGION", "ZONE", "SUBZONE", "NODE"],
            "mode": "FAILOVER",
        })),
        _ => None,
    };
    let words = ["PreferClose", "PreferSameZone", "PreferSameNode"];
    if let Some(field) = field.filter(|field| words.contains(field)) {
        return known(field);
    }
    let annotation = |labels: &Labels| labels.get(ANNOTATION).filter(|a| !a.is_empty()).cloned();
    known(&annotation(own).or_else(|| annotation(namespace))?)
}

fn close() -> Value {
    json!({"routingPreference": ["NETWORK", "REGION", "ZONE"], "mode": "FAILOVER"})
}

/// The ports of a waypoint's Service.
const STATUS: u16 = 15021;
const HBONE: u16 = 15008;
pub(super) const OWN_PORTS: [u16; 2] = [STATUS, HBONE];

/// The Services that istiod makes for waypoints (facts/istio-ambient.md §3.4).
pub(super) fn own(mesh: &Mesh, cluster: ClusterId) -> Vec<AmbientService> {
    let here = |id: &GatewayId| {
        let gateway = mesh.gateway(*id);
        mesh.namespace(gateway.namespace).cluster == cluster
            && gateway.kind == GatewayKind::Waypoint
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
                "loadBalancing": close(),
                "canonical": true,
            });
            AmbientService {
                json,
                address: String::new(),
                waypoint: None,
                endpoints: 0,
                has_unknown: false,
            }
        })
        .collect()
}
