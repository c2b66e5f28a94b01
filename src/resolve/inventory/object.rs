//! Manifests of workloads and Services, as far as the model wants them.

use serde::Deserialize;
use serde_json::Value;

use crate::diagnostic::Diagnostic;
use crate::k8s::{GroupVersionKind, LabelSelector, Labels, Object};
use crate::model::{ObjectName, PodOptions, Service, ServicePort, Workload, WorkloadKind};

/// Kinds without `metadata.namespace` that the API server would put into `default`.
const NAMESPACED: [(&str, &str); 18] = [
    ("", "ConfigMap"),
    ("", "Pod"),
    ("", "Secret"),
    ("", "Service"),
    ("", "ServiceAccount"),
    ("apps", "DaemonSet"),
    ("apps", "Deployment"),
    ("apps", "StatefulSet"),
    ("gateway.networking.k8s.io", "Gateway"),
    ("gateway.networking.k8s.io", "HTTPRoute"),
    ("networking.istio.io", "DestinationRule"),
    ("networking.istio.io", "Gateway"),
    ("networking.istio.io", "ServiceEntry"),
    ("networking.istio.io", "VirtualService"),
    ("networking.istio.io", "WorkloadEntry"),
    ("security.istio.io", "AuthorizationPolicy"),
    ("security.istio.io", "PeerAuthentication"),
    ("security.istio.io", "RequestAuthentication"),
];

/// True for kinds that are known to live in a namespace.
pub(super) fn lives_in_a_namespace(gvk: &GroupVersionKind) -> bool {
    NAMESPACED.iter().any(|(group, kind)| gvk.is(group, kind))
}

/// The kind of workload, if it is one.
pub(super) fn workload_kind(gvk: &GroupVersionKind) -> Option<WorkloadKind> {
    if gvk.group != "apps" {
        return None;
    }
    super::super::namespace::workload_kind(&gvk.kind)
}

/// Reads a Deployment, StatefulSet or DaemonSet.
pub(super) fn workload(kind: WorkloadKind, object: &Object) -> Result<Workload, Box<Diagnostic>> {
    let typed: TypedWorkload = object.parse()?;
    let spec = typed.spec.unwrap_or_default();
    let template = spec.template.unwrap_or_default();
    let pod = template.spec.unwrap_or_default();
    let metadata = template.metadata.unwrap_or_default();
    // the deprecated alias is read only where the field itself is not set
    let account = [pod.service_account_name, pod.service_account]
        .into_iter()
        .flatten()
        .find(|name| !name.is_empty())
        .unwrap_or_else(|| "default".to_owned());
    Ok(Workload {
        kind,
        name: name(&object.name, object)?,
        mode: None,
        selector: spec.selector.filter(|selector| *selector != LabelSelector::default()),
        service_name: spec.service_name.filter(|name| !name.is_empty()),
        pods: options(&metadata, pod.host_network),
        pod_labels: metadata.labels.unwrap_or_default(),
        service_account: name(&account, object)?,
        replicas: spec.replicas,
        origin: object.name_span(),
    })
}

/// How pods of this metadata stand to the mesh.
pub(super) fn options(metadata: &PodMetadata, host_network: Option<bool>) -> PodOptions {
    const INJECT: &str = "sidecar.istio.io/inject";
    let of = |map: &Option<Labels>| map.as_ref().and_then(|map| map.get(INJECT)).cloned();
    // the label beats the annotation (istio/istio:pkg/kube/inject/inject.go `injectRequired`)
    let said = of(&metadata.labels).or_else(|| of(&metadata.annotations));
    let is_no =
        |said: String| !matches!(said.to_lowercase().as_str(), "" | "y" | "yes" | "true" | "on");
    PodOptions {
        refuses_sidecar: said.is_some_and(is_no),
        host_network: host_network.unwrap_or_default(),
    }
}

/// Reads a Service.
pub(super) fn service(object: &Object) -> Result<Service, Box<Diagnostic>> {
    let typed: TypedService = object.parse()?;
    let spec = typed.spec.unwrap_or_default();
    let ports = spec.ports.unwrap_or_default();
    Ok(Service {
        name: name(&object.name, object)?,
        selector: spec.selector.unwrap_or_default(),
        ports: ports
            .into_iter()
            .map(|port| ServicePort {
                name: port.name,
                port: port.port,
                target_port: match port.target_port {
                    Some(Value::String(name)) => Some(name),
                    Some(Value::Number(number)) => Some(number.to_string()),
                    _ => None,
                },
                app_protocol: port.app_protocol,
            })
            .collect(),
        origin: object.name_span(),
    })
}

fn name(text: &str, object: &Object) -> Result<ObjectName, Box<Diagnostic>> {
    ObjectName::parse(text).map_err(|e| {
        Box::new(Diagnostic::error("invalid-name", e.to_string()).at(object.name_span(), ""))
    })
}

#[derive(Deserialize)]
struct TypedWorkload {
    spec: Option<WorkloadSpec>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WorkloadSpec {
    replicas: Option<u32>,
    selector: Option<LabelSelector>,
    service_name: Option<String>,
    template: Option<PodTemplate>,
}

#[derive(Default, Deserialize)]
pub(super) struct PodTemplate {
    pub(super) metadata: Option<PodMetadata>,
    pub(super) spec: Option<PodSpec>,
}

#[derive(Default, Deserialize)]
pub(super) struct PodMetadata {
    pub(super) labels: Option<Labels>,
    pub(super) annotations: Option<Labels>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PodSpec {
    service_account_name: Option<String>,
    service_account: Option<String>,
    pub(super) host_network: Option<bool>,
}

#[derive(Deserialize)]
struct TypedService {
    spec: Option<ServiceSpec>,
}

#[derive(Default, Deserialize)]
struct ServiceSpec {
    selector: Option<Labels>,
    ports: Option<Vec<Port>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Port {
    name: Option<String>,
    port: u16,
    target_port: Option<Value>,
    app_protocol: Option<String>,
}
