//! Service, ServiceEntry and WorkloadEntry.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use super::{WorkloadSelector, or_default};
use crate::k8s::Labels;

/// `spec` of a Service.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Service {
    /// `ClusterIP` where absent.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Pods behind it.
    #[serde(deserialize_with = "or_default")]
    pub selector: Labels,
    /// What it stands for, of type `ExternalName`.
    pub external_name: Option<String>,
    /// The address; `None` (the word) is headless.
    #[serde(rename = "clusterIP")]
    pub cluster_ip: Option<String>,
    /// The addresses, where there are several.
    #[serde(rename = "clusterIPs", deserialize_with = "or_default")]
    pub cluster_ips: Vec<String>,
    /// `Local`: pods of the client's node only.
    pub internal_traffic_policy: Option<String>,
    /// Which pods are preferred.
    pub traffic_distribution: Option<String>,
    /// Pods that are not ready count too.
    pub publish_not_ready_addresses: Option<bool>,
    /// Ports.
    #[serde(deserialize_with = "or_default")]
    pub ports: Vec<ServicePort>,
}

/// A port of a Service.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServicePort {
    /// Its name.
    pub name: Option<String>,
    /// The number clients use.
    pub port: u16,
    /// The pod's port; the same number where absent.
    pub target_port: Option<IntOrText>,
    /// What is spoken, in words of Kubernetes and Istio.
    pub app_protocol: Option<String>,
    /// `TCP` where absent.
    pub protocol: Option<String>,
}

impl ServicePort {
    /// Is it of TCP?
    pub fn is_tcp(&self) -> bool {
        self.protocol.as_deref().unwrap_or("TCP") == "TCP"
    }
}

/// A port by number or by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IntOrText {
    /// A number.
    Int(u16),
    /// The name of a container port.
    Text(String),
}

impl<'de> Deserialize<'de> for IntOrText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl serde::de::Visitor<'_> for Either {
            type Value = IntOrText;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a port's number or name")
            }
            fn visit_u64<E: serde::de::Error>(self, n: u64) -> Result<IntOrText, E> {
                u16::try_from(n)
                    .map(IntOrText::Int)
                    .map_err(|_| E::custom(format!("`{n}` is no port")))
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<IntOrText, E> {
                Ok(text.parse().map_or_else(|_| IntOrText::Text(text.to_owned()), IntOrText::Int))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// A ServiceEntry.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct ServiceEntry {
    /// `spec`.
    #[serde(deserialize_with = "or_default")]
    pub spec: ServiceEntrySpec,
    /// `status`: there only in what was read from a cluster.
    #[serde(deserialize_with = "or_default")]
    pub status: ServiceEntryStatus,
}

/// `status` of a ServiceEntry.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct ServiceEntryStatus {
    /// The addresses that istiod chose for hosts.
    #[serde(deserialize_with = "or_default")]
    pub addresses: Vec<HostAddress>,
}

/// An address that istiod chose.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct HostAddress {
    /// For which host.
    pub host: String,
    /// The address.
    pub value: String,
}

/// `spec` of a ServiceEntry.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServiceEntrySpec {
    /// Host names it stands for.
    #[serde(deserialize_with = "or_default")]
    pub hosts: Vec<String>,
    /// Addresses, or blocks of them.
    #[serde(deserialize_with = "or_default")]
    pub addresses: Vec<String>,
    /// Ports.
    #[serde(deserialize_with = "or_default")]
    pub ports: Vec<ServiceEntryPort>,
    /// `MESH_EXTERNAL` where absent.
    #[serde(deserialize_with = "or_default")]
    pub location: Location,
    /// `NONE` where absent.
    #[serde(deserialize_with = "or_default")]
    pub resolution: Resolution,
    /// What stands behind it, written here.
    #[serde(deserialize_with = "or_default")]
    pub endpoints: Vec<WorkloadEntry>,
    /// Pods and WorkloadEntries behind it, where it stands for some.
    #[serde(deserialize_with = "selector_labels")]
    pub workload_selector: Option<Labels>,
    /// The namespaces whose sidecars see it.
    #[serde(deserialize_with = "or_default")]
    pub export_to: Vec<String>,
    /// Names that its certificates may have.
    #[serde(deserialize_with = "or_default")]
    pub subject_alt_names: Vec<String>,
}

/// Is it part of the mesh?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Location {
    /// No: proxies speak no mTLS of the mesh to it.
    #[default]
    MeshExternal,
    /// Yes.
    MeshInternal,
}

/// How the addresses behind a ServiceEntry are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Resolution {
    /// Not at all: traffic goes where it is addressed.
    #[default]
    None,
    /// By what is written.
    Static,
    /// By DNS.
    Dns,
    /// By DNS, one answer at a time.
    DnsRoundRobin,
    /// By DNS, for each name under a wildcard.
    DynamicDns,
}

/// `spec` of a WorkloadEntry, or an endpoint of a ServiceEntry.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WorkloadEntry {
    /// An address, a host name, or a socket.
    pub address: String,
    /// Its ports by name.
    #[serde(deserialize_with = "or_default")]
    pub ports: BTreeMap<String, u16>,
    /// Labels.
    #[serde(deserialize_with = "or_default")]
    pub labels: Labels,
    /// Its network, where it is not that of the cluster.
    #[serde(deserialize_with = "or_default")]
    pub network: String,
    /// Region, zone and subzone, by slashes.
    #[serde(deserialize_with = "or_default")]
    pub locality: String,
    /// Its share of the traffic.
    #[serde(deserialize_with = "or_default")]
    pub weight: u32,
    /// Who it is.
    #[serde(deserialize_with = "or_default")]
    pub service_account: String,
}

fn selector_labels<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Labels>, D::Error> {
    #[derive(Deserialize)]
    struct Selector {
        #[serde(default, deserialize_with = "or_default")]
        labels: Labels,
    }
    Ok(Option::<Selector>::deserialize(d)?.map(|s| s.labels))
}

/// A port of a ServiceEntry.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServiceEntryPort {
    /// Its name.
    pub name: Option<String>,
    /// The number clients use.
    pub number: u16,
    /// The endpoint's port.
    pub target_port: Option<u16>,
    /// What is spoken.
    pub protocol: Option<String>,
}

impl ServiceEntryPort {
    /// The endpoint's port where it has none of this name.
    pub fn target(&self) -> u16 {
        self.target_port.filter(|port| *port != 0).unwrap_or(self.number)
    }
}

/// An EndpointSlice.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct EndpointSlice {
    /// What is behind the service.
    #[serde(deserialize_with = "or_default")]
    pub endpoints: Vec<Endpoint>,
    /// On which ports.
    #[serde(deserialize_with = "or_default")]
    pub ports: Vec<EndpointPort>,
}

/// One endpoint of an EndpointSlice.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Endpoint {
    /// Its addresses, which are all the same endpoint's.
    #[serde(deserialize_with = "or_default")]
    pub addresses: Vec<String>,
    /// Does it take traffic?
    #[serde(deserialize_with = "or_default")]
    pub conditions: EndpointConditions,
    /// The pod that it is.
    pub target_ref: Option<EndpointTarget>,
}

/// `conditions` of an endpoint.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub struct EndpointConditions {
    /// False: no traffic. Absent counts as true.
    pub ready: Option<bool>,
}

/// The object that an endpoint is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct EndpointTarget {
    /// `Pod`.
    pub kind: String,
    /// Its name.
    pub name: String,
}

/// A port of an EndpointSlice.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct EndpointPort {
    /// The name of the service's port.
    pub name: Option<String>,
    /// The endpoint's port; absent: any.
    pub port: Option<u16>,
}

/// Endpoints of the core group, which came before EndpointSlices.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Endpoints {
    /// Addresses with their ports.
    #[serde(deserialize_with = "or_default")]
    pub subsets: Vec<EndpointSubset>,
}

/// One subset of Endpoints.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EndpointSubset {
    /// Those that take traffic.
    #[serde(deserialize_with = "or_default")]
    pub addresses: Vec<EndpointAddress>,
    /// Those that do not yet.
    #[serde(deserialize_with = "or_default")]
    pub not_ready_addresses: Vec<EndpointAddress>,
    /// Their ports.
    #[serde(deserialize_with = "or_default")]
    pub ports: Vec<EndpointPort>,
}

/// One address of Endpoints.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EndpointAddress {
    /// The address.
    pub ip: String,
    /// The pod that it is.
    pub target_ref: Option<EndpointTarget>,
}

impl From<Endpoints> for EndpointSlice {
    fn from(endpoints: Endpoints) -> Self {
        let mut slice = Self::default();
        for subset in endpoints.subsets {
            for (ready, addresses) in
                [(true, subset.addresses), (false, subset.not_ready_addresses)]
            {
                slice.endpoints.extend(addresses.into_iter().map(|address| Endpoint {
                    addresses: vec![address.ip],
                    conditions: EndpointConditions { ready: Some(ready) },
                    target_ref: address.target_ref,
                }));
            }
            slice.ports.extend(subset.ports);
        }
        slice
    }
}

impl From<WorkloadSelector> for Labels {
    fn from(selector: WorkloadSelector) -> Self {
        selector.match_labels.unwrap_or_default()
    }
}
