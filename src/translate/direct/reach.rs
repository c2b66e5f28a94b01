//! What a policy of sidecars is about: the pods it selects, the Services in front of them, and which
//! port is which.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::policy::or_default;
use crate::k8s::{Labels, Object};

/// Pod templates of the workload kinds, by where they lie.
const TEMPLATES: [(&str, &str, &[&str]); 7] = [
    ("", "Pod", &[]),
    ("apps", "Deployment", &["spec", "template"]),
    ("apps", "StatefulSet", &["spec", "template"]),
    ("apps", "DaemonSet", &["spec", "template"]),
    ("apps", "ReplicaSet", &["spec", "template"]),
    ("batch", "Job", &["spec", "template"]),
    ("batch", "CronJob", &["spec", "jobTemplate", "spec", "template"]),
];

/// Whether a pod gets a sidecar, as a label or an annotation.
const INJECT: &str = "sidecar.istio.io/inject";

/// Where the pod template of an object lies; `None` for what makes no pods.
pub(super) fn template_of(object: &Object) -> Option<&'static [&'static str]> {
    let gvk = &object.gvk;
    TEMPLATES.iter().find(|(group, kind, _)| gvk.is(group, kind)).map(|(.., path)| *path)
}

/// Pods of one template.
#[derive(Clone, Debug)]
pub(super) struct Pods {
    /// The place of the object among all.
    pub object: usize,
    pub namespace: String,
    pub name: String,
    pub labels: Labels,
    pub annotations: Labels,
    /// The account that they run under.
    pub account: String,
    /// Ports by name.
    ports: BTreeMap<String, u16>,
}

/// A Service that leads to pods.
#[derive(Clone, Debug)]
pub(super) struct Service {
    /// The place of the object among all.
    pub object: usize,
    pub namespace: String,
    pub name: String,
    selector: Labels,
    pub is_headless: bool,
    ports: Vec<ServicePort>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ServiceSpec {
    #[serde(deserialize_with = "or_default")]
    selector: Labels,
    #[serde(rename = "clusterIP")]
    cluster_ip: Option<String>,
    r#type: Option<String>,
    #[serde(deserialize_with = "or_default")]
    ports: Vec<ServicePort>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ServicePort {
    name: Option<String>,
    app_protocol: Option<String>,
    port: u16,
    target_port: Option<NumberOrName>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum NumberOrName {
    Number(u16),
    Name(String),
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PodSpec {
    #[serde(deserialize_with = "or_default")]
    containers: Vec<Container>,
    #[serde(rename = "initContainers", deserialize_with = "or_default")]
    init_containers: Vec<Container>,
    #[serde(rename = "serviceAccountName")]
    account: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Container {
    #[serde(deserialize_with = "or_default")]
    ports: Vec<ContainerPort>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ContainerPort {
    name: Option<String>,
    container_port: u16,
}

/// A Service port leads to different ports of its pods: rules about ports cannot be told for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PortsDiffer;

impl Pods {
    /// The pods that an object makes.
    pub fn of(at: usize, object: &Object) -> Option<Self> {
        let path = template_of(object)?;
        let template = object.body.get_path(path)?;
        let texts = |key: &str| {
            let node = template.get("metadata").and_then(|m| m.get(key));
            let entries = node.and_then(|n| n.as_mapping()).map(|m| m.entries.as_slice());
            let pair = |e: &crate::yaml::Entry| Some((e.key.clone(), e.value.as_str()?.to_owned()));
            entries.unwrap_or_default().iter().filter_map(pair).collect::<Labels>()
        };
        let spec: PodSpec = template
            .get("spec")
            .and_then(|node| crate::yaml::from_node(node).ok())
            .unwrap_or_default();
        let containers = spec.containers.iter().chain(&spec.init_containers);
        let ports = containers
            .flat_map(|container| &container.ports)
            .filter_map(|port| Some((port.name.clone()?, port.container_port)))
            .collect();
        Some(Self {
            object: at,
            namespace: object.namespace_or_default().to_owned(),
            name: object.name.clone(),
            labels: texts("labels"),
            annotations: texts("annotations"),
            account: spec.account.unwrap_or_else(|| "default".to_owned()),
            ports,
        })
    }

    /// Do these refuse a sidecar, and say nothing of ambient mode? Policies do not hold for them, and they stay
    /// out of the mesh (facts/istio-ambient.md §1.3; the label goes before the annotation).
    pub fn are_outside(&self) -> bool {
        let inject = self.labels.get(INJECT).or_else(|| self.annotations.get(INJECT));
        inject.is_some_and(|inject| inject == "false")
            && !self.labels.contains_key("istio.io/dataplane-mode")
    }

    /// Are these a gateway's whose proxy the injector brings?
    pub fn is_injected_gateway(&self) -> bool {
        let template = self.annotations.get("inject.istio.io/templates");
        template.is_some_and(|t| t.split(',').any(|t| t.trim() == "gateway"))
    }

    /// Are these a gateway's: an Envoy of its own, which stays as it is?
    /// (facts/istio-ambient.md §1.5: templates `gateway`; charts and operators label them `istio`.)
    pub fn are_gateways(&self) -> bool {
        self.is_injected_gateway()
            || self.labels.contains_key("gateway.networking.k8s.io/gateway-name")
            || self
                .labels
                .get("istio")
                .is_some_and(|value| value.ends_with("gateway") || value == "eastwest")
    }
}

impl Service {
    /// The Service that an object is; `None` for those that lead to no pods by labels.
    pub fn of(at: usize, object: &Object) -> Option<Self> {
        if !object.gvk.is("", "Service") {
            return None;
        }
        let spec: ServiceSpec =
            object.body.get("spec").and_then(|node| crate::yaml::from_node(node).ok())?;
        if spec.selector.is_empty() || spec.r#type.as_deref() == Some("ExternalName") {
            return None;
        }
        Some(Self {
            object: at,
            namespace: object.namespace_or_default().to_owned(),
            name: object.name.clone(),
            selector: spec.selector,
            is_headless: spec.cluster_ip.as_deref() == Some("None"),
            ports: spec.ports,
        })
    }

    /// Does it lead to these pods?
    pub fn fronts(&self, pods: &Pods) -> bool {
        self.namespace == pods.namespace
            && self.selector.iter().all(|(key, value)| pods.labels.get(key) == Some(value))
    }

    /// Is a port of it declared to carry bytes? (istio/istio:pkg/config/protocol/instance.go `Parse`;
    /// `appProtocol`, else what stands before the first `-` of the name.)
    pub fn has_tcp_port(&self) -> bool {
        self.ports.iter().any(|port| {
            let prefix = port.name.as_deref().and_then(|name| name.split('-').next());
            let protocol = port.app_protocol.as_deref().or(prefix).unwrap_or_default();
            let bytes = ["tcp", "tls", "https", "mongo", "mysql", "redis"];
            bytes.iter().any(|known| protocol.eq_ignore_ascii_case(known))
        })
    }

    /// Its ports, each with that of the pods it leads to.
    ///
    /// # Errors
    ///
    /// A named port that the pods give different numbers.
    pub fn ports(&self, pods: &[&Pods]) -> Result<BTreeMap<u16, u16>, PortsDiffer> {
        let mut ports = BTreeMap::new();
        for ServicePort { port, target_port, .. } in &self.ports {
            let target = match target_port {
                None => *port,
                Some(NumberOrName::Number(0)) => *port,
                Some(NumberOrName::Number(number)) => *number,
                Some(NumberOrName::Name(name)) => {
                    let numbers: BTreeSet<u16> =
                        pods.iter().filter_map(|pods| pods.ports.get(name)).copied().collect();
                    match numbers.len() {
                        0 => continue,
                        1 => numbers.into_iter().next().unwrap_or(*port),
                        _ => return Err(PortsDiffer),
                    }
                }
            };
            ports.insert(*port, target);
        }
        Ok(ports)
    }
}
