//! Pods and what makes pods.

use std::net::IpAddr;

use serde::Deserialize;

use super::or_default;
use crate::k8s::Labels;

/// Deployment, StatefulSet, DaemonSet, ReplicaSet, Job …: whatever has `spec.template`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Templated {
    /// `template`.
    #[serde(deserialize_with = "or_default")]
    pub template: PodTemplate,
}

/// CronJob.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Scheduled {
    /// `jobTemplate`.
    #[serde(deserialize_with = "or_default")]
    pub job_template: super::Specified<Templated>,
}

impl Default for super::Specified<Templated> {
    fn default() -> Self {
        Self { spec: Templated::default() }
    }
}

impl Clone for super::Specified<Templated> {
    fn clone(&self) -> Self {
        Self { spec: self.spec.clone() }
    }
}

/// A pod, or the template of one.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct PodTemplate {
    /// `metadata`.
    #[serde(deserialize_with = "or_default")]
    pub metadata: PodMetadata,
    /// `spec`.
    #[serde(deserialize_with = "or_default")]
    pub spec: PodSpec,
    /// `status`: there only in what was read from a cluster.
    #[serde(deserialize_with = "or_default")]
    pub status: PodStatus,
}

/// `metadata` of a pod.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct PodMetadata {
    /// Labels.
    #[serde(deserialize_with = "or_default")]
    pub labels: Labels,
    /// Annotations.
    #[serde(deserialize_with = "or_default")]
    pub annotations: Labels,
}

/// `status` of a pod.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct PodStatus {
    /// Its address.
    #[serde(rename = "podIP")]
    pub pod_ip: Option<String>,
    /// Its addresses, where it has one of each family.
    #[serde(rename = "podIPs", deserialize_with = "or_default")]
    pub pod_ips: Vec<PodIp>,
}

/// One of a pod's addresses.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct PodIp {
    /// The address.
    pub ip: String,
}

impl PodStatus {
    /// Its addresses, the first of them first.
    pub fn addresses(&self) -> Vec<IpAddr> {
        let all = self.pod_ip.iter().chain(self.pod_ips.iter().map(|pod| &pod.ip));
        let mut addresses: Vec<IpAddr> = Vec::new();
        for ip in all.filter_map(|ip| ip.parse().ok()) {
            if !addresses.contains(&ip) {
                addresses.push(ip);
            }
        }
        addresses
    }
}

/// `spec` of a pod.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodSpec {
    /// Who it is; `default` where absent.
    pub service_account_name: Option<String>,
    /// The old name of the same field.
    pub service_account: Option<String>,
    /// True: it shares the node's network, so neither sidecar nor capture.
    pub host_network: Option<bool>,
    /// Its node.
    pub node_name: Option<String>,
    /// Containers.
    #[serde(deserialize_with = "or_default")]
    pub containers: Vec<Container>,
    /// Containers that run first, or beside as native sidecars.
    #[serde(deserialize_with = "or_default")]
    pub init_containers: Vec<Container>,
}

/// A container.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Container {
    /// Its name; `istio-proxy` is a sidecar.
    pub name: String,
    /// Its ports.
    #[serde(deserialize_with = "or_default")]
    pub ports: Vec<ContainerPort>,
    /// `Always`: an init container that runs on beside the others.
    pub restart_policy: Option<String>,
    /// Arguments; a gateway's proxy has `router`.
    #[serde(deserialize_with = "or_default")]
    pub args: Vec<String>,
}

/// A port of a container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ContainerPort {
    /// Its name.
    pub name: Option<String>,
    /// Its number.
    pub container_port: u16,
    /// `TCP` where absent.
    pub protocol: Option<String>,
}
