//! What decides how a client's proxy sends: DestinationRule and Sidecar. The destinations of a
//! VirtualService stand with the routes.

use serde::Deserialize;

use super::{WorkloadSelector, or_default};
use crate::k8s::Labels;

/// `spec` of a DestinationRule.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DestinationRule {
    /// The host it is for: a name, or a wildcard.
    pub host: String,
    /// For all its traffic.
    pub traffic_policy: Option<TrafficPolicy>,
    /// Named parts of the endpoints.
    #[serde(deserialize_with = "or_default")]
    pub subsets: Vec<Subset>,
    /// The namespaces whose proxies it is for.
    #[serde(deserialize_with = "or_default")]
    pub export_to: Vec<String>,
    /// The pods of its namespace whose proxies it is for.
    pub workload_selector: Option<WorkloadSelector>,
}

/// `trafficPolicy`, as far as it decides who the server sees.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TrafficPolicy {
    /// How the client speaks.
    pub tls: Option<ClientTls>,
    /// How it chooses.
    pub load_balancer: Option<LoadBalancer>,
    /// The same for single ports of the service: a port inherits nothing.
    #[serde(deserialize_with = "or_default")]
    pub port_level_settings: Vec<PortPolicy>,
}

/// An entry of `portLevelSettings`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PortPolicy {
    /// The service's port.
    #[serde(deserialize_with = "or_default")]
    pub port: PortSelector,
    /// How the client speaks.
    pub tls: Option<ClientTls>,
    /// How it chooses.
    pub load_balancer: Option<LoadBalancer>,
}

/// `port`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct PortSelector {
    /// Its number.
    pub number: u16,
}

/// `tls`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ClientTls {
    /// `DISABLE` where absent.
    #[serde(deserialize_with = "or_default")]
    pub mode: TlsMode,
}

/// `tls.mode` of a client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TlsMode {
    /// Plaintext.
    #[default]
    Disable,
    /// TLS without a certificate of its own.
    Simple,
    /// TLS with certificates that are given.
    Mutual,
    /// The mesh's mutual TLS.
    IstioMutual,
}

/// `loadBalancer`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct LoadBalancer {
    /// `PASSTHROUGH`: traffic goes where it is addressed.
    pub simple: Option<String>,
}

/// A subset.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Subset {
    /// Its name.
    pub name: String,
    /// Labels of its endpoints.
    #[serde(deserialize_with = "or_default")]
    pub labels: Labels,
    /// Over that of the rule.
    pub traffic_policy: Option<TrafficPolicy>,
}

/// `spec` of a Sidecar.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Sidecar {
    /// The pods it is for.
    #[serde(deserialize_with = "sidecar_selector")]
    pub workload_selector: Option<Labels>,
    /// What they may address; everything where absent.
    #[serde(deserialize_with = "or_default")]
    pub egress: Vec<EgressListener>,
    /// What becomes of traffic to somewhere else.
    pub outbound_traffic_policy: Option<OutboundTrafficPolicy>,
}

/// `labels` of a Sidecar's `workloadSelector`.
fn sidecar_selector<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Option<Labels>, D::Error> {
    #[derive(Deserialize)]
    struct Selector {
        #[serde(default, deserialize_with = "or_default")]
        labels: Labels,
    }
    Ok(Option::<Selector>::deserialize(d)?.map(|s| s.labels))
}

/// An entry of `egress`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct EgressListener {
    /// The one port it is for.
    pub port: Option<PortSelector>,
    /// `namespace/host`.
    #[serde(deserialize_with = "or_default")]
    pub hosts: Vec<String>,
}

/// `outboundTrafficPolicy`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct OutboundTrafficPolicy {
    /// `REGISTRY_ONLY` where absent, as the API has it.
    pub mode: OutboundMode,
}

/// What becomes of traffic to what is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OutboundMode {
    /// It is dropped.
    #[default]
    RegistryOnly,
    /// It passes in plaintext.
    AllowAny,
}
