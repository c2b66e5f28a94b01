//! Workloads and services as istiod tells ztunnel of them, in the JSON of its `/debug/ambientz`.
//!
//! - `sent`: which hosts of which Services and ServiceEntries are told of at all;
//! - `service`: the message of one; `workload`: that of what makes pods; `entry`: those of
//!   WorkloadEntries and of the endpoints of ServiceEntries.
//!
//! Manifests know no pods, addresses or nodes: there is one workload for each thing that makes pods,
//! by its own name, and what is not known is left out.

mod entry;
mod sent;
mod service;
mod workload;

use std::net::IpAddr;

use serde_json::{Map, Value, json};

use super::authorization::base64;
use crate::k8s::Labels;
use crate::simulate::mesh::{Binding, ClusterId, GatewayKind, Mesh, WaypointState, WorkloadId};

/// What istiod sends to the ztunnels of a cluster, policies apart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ambient {
    /// Workloads, by namespace, name and uid.
    pub workloads: Vec<AmbientWorkload>,
    /// Services, by namespace, name and host.
    pub services: Vec<AmbientService>,
}

/// A workload.
#[derive(Clone, Debug, PartialEq)]
pub struct AmbientWorkload {
    /// The message.
    pub json: Value,
    /// Its address, or its host name; empty where it is not known.
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
    /// There may be more, which no manifest shows.
    pub has_unknown: bool,
}

impl Mesh {
    /// What istiod would tell the ztunnels of a cluster. The Services that it makes for waypoints
    /// itself are among them.
    pub fn ambient(&self, cluster: ClusterId) -> Ambient {
        let sent = sent::sent(self, cluster);
        let foreign: Vec<WorkloadId> = self
            .gateways()
            .filter(|(_, gateway)| gateway.kind == GatewayKind::Foreign)
            .map(|(_, gateway)| gateway.workload)
            .collect();
        let mut workloads: Vec<AmbientWorkload> = self
            .workloads()
            .filter(|(id, w)| self.cluster_of(*id) == cluster && w.makes_pods())
            // whoever makes the pods of a foreign Gateway, no manifest shows them
            .filter(|(id, _)| !foreign.contains(id))
            .map(|(id, w)| workload::message(self, id, w, &sent))
            .collect();
        workloads.extend(entry::messages(self, cluster, &sent));
        workloads.sort_by_cached_key(|w| key(&w.json, "uid"));
        let mut services: Vec<AmbientService> =
            sent.iter().map(|sent| service::message(self, sent)).collect();
        services.extend(service::own(self, cluster));
        services.sort_by_cached_key(|s| key(&s.json, "hostname"));
        services.dedup_by_key(|s| key(&s.json, "hostname"));
        for service in &mut services {
            let host = hosted(&service.json);
            let lists = |w: &&AmbientWorkload| {
                w.json.get("services").is_some_and(|services| services.get(&host).is_some())
            };
            service.endpoints = workloads.iter().filter(lists).count();
        }
        Ambient { workloads, services }
    }
}

fn text<'j>(json: &'j Value, key: &str) -> &'j str {
    json.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn key(json: &Value, last: &str) -> (String, String, String) {
    let text = |key: &str| text(json, key).to_owned();
    (text("namespace"), text("name"), text(last))
}

/// The name by which workloads list a service.
fn hosted(json: &Value) -> String {
    format!("{}/{}", text(json, "namespace"), text(json, "hostname"))
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

/// What is said of every workload, whatever it is.
struct Said<'a> {
    cluster: ClusterId,
    /// `uid` without the cluster.
    uid: String,
    name: &'a str,
    namespace: &'a str,
    service_account: &'a str,
    /// The labels from which the canonical service is taken.
    labels: &'a Labels,
    workload_name: &'a str,
    waypoint: Option<Value>,
    services: Map<String, Value>,
    policies: Vec<String>,
}

impl Said<'_> {
    /// The message, without what only some have.
    fn json(self, mesh: &Mesh) -> Map<String, Value> {
        let options = mesh.options(self.cluster);
        let mut json = Map::new();
        let mut put = |key: &str, value: Value| {
            // proto JSON leaves out what has its zero value
            let is_zero = match &value {
                Value::String(text) => text.is_empty(),
                Value::Array(list) => list.is_empty(),
                Value::Object(map) => map.is_empty(),
                _ => false,
            };
            if !is_zero {
                json.insert(key.into(), value);
            }
        };
        put("uid", format!("{}/{}", options.cluster, self.uid).into());
        put("name", self.name.into());
        put("namespace", self.namespace.into());
        put("network", network(mesh, self.cluster).into());
        if options.trust_domain != "cluster.local" {
            put("trustDomain", options.trust_domain.as_str().into());
        }
        put("serviceAccount", self.service_account.into());
        put("waypoint", self.waypoint.unwrap_or(Value::String(String::new())));
        let canonical = |keys: &[&str], otherwise: &str| {
            let value = keys.iter().find_map(|key| self.labels.get(*key));
            Value::from(value.map_or(otherwise, String::as_str))
        };
        // istio/istio:pkg/kube/labels/labels.go `CanonicalService`
        put("canonicalName", canonical(NAME_LABELS, self.workload_name));
        put("canonicalRevision", canonical(REVISION_LABELS, "latest"));
        put("workloadName", self.workload_name.into());
        put("services", self.services.into());
        put("authorizationPolicies", self.policies.into());
        // a folder of manifests has no name
        put("clusterId", options.cluster.as_str().into());
        json
    }
}

const NAME_LABELS: &[&str] = &["service.istio.io/canonical-name", "app.kubernetes.io/name", "app"];
const REVISION_LABELS: &[&str] =
    &["service.istio.io/canonical-revision", "app.kubernetes.io/version", "version"];

/// The network of a cluster: a label of istiod's namespace
/// (istio/istio:pilot/pkg/serviceregistry/ambient/networks.go).
fn network(mesh: &Mesh, cluster: ClusterId) -> &str {
    let system = mesh.find_namespace(cluster, "istio-system").map(|id| mesh.namespace(id));
    let label = system.and_then(|system| system.labels.get("topology.istio.io/network"));
    label.map_or("", String::as_str)
}

/// An address as `/debug/ambientz` shows it: its text, in the field for bytes
/// (istio/istio:pilot/pkg/xds/debug.go `ambientz`). Policies keep their bytes.
fn shown(ip: IpAddr) -> String {
    base64(ip.to_string().as_bytes())
}
