//! Service and ServiceEntry.

use serde::{Deserialize, Deserializer};

use super::{WorkloadSelector, or_default};
use crate::k8s::Labels;

/// `spec` of a Service.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Service {
    /// `ClusterIP` where absent.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Pods behind it.
    #[serde(deserialize_with = "or_default")]
    pub selector: Labels,
    /// The address; `None` (the word) is headless.
    #[serde(rename = "clusterIP")]
    pub cluster_ip: Option<String>,
    /// Ports.
    #[serde(deserialize_with = "or_default")]
    pub ports: Vec<ServicePort>,
}

/// A port of a Service.
#[derive(Clone, Debug, Default, Deserialize)]
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

/// `spec` of a ServiceEntry.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServiceEntry {
    /// Host names it stands for.
    #[serde(deserialize_with = "or_default")]
    pub hosts: Vec<String>,
    /// Addresses.
    #[serde(deserialize_with = "or_default")]
    pub addresses: Vec<String>,
    /// Ports.
    #[serde(deserialize_with = "or_default")]
    pub ports: Vec<ServiceEntryPort>,
    /// Pods behind it, where it stands for some.
    #[serde(deserialize_with = "selector_labels")]
    pub workload_selector: Option<Labels>,
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
#[derive(Clone, Debug, Default, Deserialize)]
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

impl From<WorkloadSelector> for Labels {
    fn from(selector: WorkloadSelector) -> Self {
        selector.match_labels.unwrap_or_default()
    }
}
