//! Gateways of both kinds.

use serde::Deserialize;

use super::or_default;
use crate::k8s::{LabelSelector, Labels};

/// A `gateway.networking.k8s.io` Gateway.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Gateway {
    /// `spec`.
    #[serde(deserialize_with = "or_default")]
    pub spec: GatewaySpec,
    /// `status`: there only in what was read from a cluster.
    pub status: Option<GatewayStatus>,
}

/// `spec` of a Gateway.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GatewaySpec {
    /// Its class.
    pub gateway_class_name: String,
    /// Its listeners.
    #[serde(deserialize_with = "or_default")]
    pub listeners: Vec<Listener>,
    /// Where it is reached, as it is asked for.
    #[serde(deserialize_with = "or_default")]
    pub addresses: Vec<GatewayAddress>,
    /// What is handed to the objects made of it.
    #[serde(deserialize_with = "or_default")]
    pub infrastructure: Infrastructure,
}

/// `infrastructure`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Infrastructure {
    /// Labels of the pods, instead of the Gateway's own.
    #[serde(deserialize_with = "or_default")]
    pub labels: Labels,
}

/// `status` of a Gateway.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct GatewayStatus {
    /// Where it is reached; without any a waypoint is skipped.
    #[serde(deserialize_with = "or_default")]
    pub addresses: Vec<serde::de::IgnoredAny>,
}

/// One of `spec.addresses`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct GatewayAddress {
    /// `IPAddress` where absent.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// The address.
    pub value: String,
}

impl GatewaySpec {
    /// Are its pods made for it? (istio/istio:pilot/pkg/config/kube/gatewaycommon/gateway_utils.go
    /// `IsManaged`)
    pub fn is_managed(&self) -> bool {
        match self.addresses.as_slice() {
            [] => true,
            [one] => one.kind.as_deref().is_none_or(|kind| kind == "IPAddress"),
            _ => false,
        }
    }
}

/// One listener.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Listener {
    /// Port.
    pub port: u16,
    /// `HBONE` for a waypoint.
    pub protocol: String,
    /// The host it is for; every host where absent.
    pub hostname: Option<String>,
    /// What becomes of TLS.
    #[serde(deserialize_with = "or_default")]
    pub tls: Tls,
    /// Who may use it.
    #[serde(deserialize_with = "or_default")]
    pub allowed_routes: AllowedRoutes,
}

/// `tls` of a listener, or of a server.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Tls {
    /// `Terminate` where absent; of an Istio Gateway in capitals and of more kinds.
    pub mode: Option<String>,
}

/// `allowedRoutes`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct AllowedRoutes {
    /// From which namespaces.
    #[serde(deserialize_with = "or_default")]
    pub namespaces: RouteNamespaces,
}

/// `allowedRoutes.namespaces`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct RouteNamespaces {
    /// `Same` (where absent), `All` or `Selector`.
    pub from: Option<String>,
    /// For `Selector`.
    pub selector: Option<LabelSelector>,
}

/// A GatewayClass.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GatewayClass {
    /// Who carries it out.
    pub controller_name: String,
}

/// `spec` of a `networking.istio.io` Gateway.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct IstioGateway {
    /// Labels of the pods that carry it.
    #[serde(deserialize_with = "or_default")]
    pub selector: Labels,
    /// What it listens for.
    #[serde(deserialize_with = "or_default")]
    pub servers: Vec<GatewayServer>,
}

/// A server of an Istio Gateway.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct GatewayServer {
    /// Its port.
    #[serde(deserialize_with = "or_default")]
    pub port: GatewayPort,
    /// The hosts it is for.
    #[serde(deserialize_with = "or_default")]
    pub hosts: Vec<String>,
    /// What becomes of TLS.
    #[serde(deserialize_with = "or_default")]
    pub tls: Tls,
}

/// The port of a server.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct GatewayPort {
    /// Its number.
    pub number: u16,
    /// What is spoken.
    pub protocol: String,
}
