//! A namespace, as it is typed.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::{Map, Value};

use crate::diagnostic::Spanned;

/// A namespace of a cluster.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Namespace {
    /// Its name.
    pub name: Spanned<String>,
    /// Who makes the object.
    pub lifecycle: Option<Spanned<Lifecycle>>,
    /// Its mode before any migration stage.
    pub mode: Option<Spanned<Mode>>,
    /// `istio.io/rev` by which sidecars are injected.
    pub revision: Option<Spanned<String>>,
    /// Its waypoint.
    pub waypoint: Option<Spanned<WaypointChoice>>,
    /// Labels of a created Namespace.
    #[serde(default)]
    pub labels: BTreeMap<String, Spanned<String>>,
    /// Workloads that are treated apart.
    #[serde(default)]
    pub workloads: Vec<Spanned<Workload>>,
    /// `Kind/name` of pods that the tree does not restart and that were restarted since.
    #[serde(default)]
    pub restarted: Vec<Spanned<String>>,
    /// `[cluster/]namespace/serviceAccount` of gateways whose traffic enters here.
    #[serde(default)]
    pub gateways: Vec<Spanned<String>>,
}

/// Who makes the Namespace object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lifecycle {
    /// It exists.
    Adopt,
    /// The tree creates it.
    Create,
}

/// How traffic is handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// A sidecar in every pod.
    Sidecar,
    /// ztunnel, and a waypoint where there is one.
    Ambient,
    /// Outside the mesh.
    None,
}

/// A workload that is treated apart.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Workload {
    /// `Deployment`, `StatefulSet` or `DaemonSet`.
    pub kind: Spanned<String>,
    /// Its name.
    pub name: Spanned<String>,
    /// Its own mode.
    pub mode: Option<Spanned<Mode>>,
}

/// What a namespace says of its waypoint.
#[derive(Clone, Debug)]
pub enum WaypointChoice {
    /// It has none: `none` or `false`.
    Never,
    /// It has one, of this form.
    Has(Box<Waypoint>),
}

/// A field that a layer may leave out, take away or set.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Setting<T> {
    /// Left out: the layer below decides.
    #[default]
    Inherited,
    /// `null`: nothing, whatever the layer below says.
    Nothing,
    /// A value.
    Value(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Setting<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Setting::Nothing, Setting::Value))
    }
}

impl<T> Setting<T> {
    /// True where the layer sets a value.
    pub fn is_value(&self) -> bool {
        matches!(self, Setting::Value(_))
    }
}

/// A waypoint. What is not given comes from the cluster's default, else from ours.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Waypoint {
    /// Name of the Gateway.
    pub name: Option<Spanned<String>>,
    /// What it takes traffic for.
    #[serde(rename = "for")]
    pub waypoint_for: Option<WaypointFor>,
    /// Number of pods.
    pub replicas: Setting<u32>,
    /// `resources` of the proxy container.
    pub resources: Setting<Map<String, Value>>,
    /// `spec` of a HorizontalPodAutoscaler, without its target.
    pub autoscaling: Setting<Map<String, Value>>,
    /// `spec` of a PodDisruptionBudget, without its selector.
    pub pod_disruption_budget: Setting<Map<String, Value>>,
    /// `tolerations` of its pods.
    pub tolerations: Setting<Vec<Map<String, Value>>>,
    /// Fields of its Service's `spec`.
    pub service: Setting<Map<String, Value>>,
    /// Labels of every object that Istio makes of the Gateway.
    pub labels: Setting<BTreeMap<String, Spanned<String>>>,
    /// Annotations of every object that Istio makes of the Gateway.
    pub annotations: Setting<BTreeMap<String, Spanned<String>>>,
    /// `istio.io/rev` of the Gateway.
    pub revision: Setting<Spanned<String>>,
}

/// What a waypoint takes traffic for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WaypointFor {
    /// Services and workloads.
    All,
    /// Traffic addressed to a Service.
    Service,
    /// Traffic addressed to a pod.
    Workload,
    /// Nothing.
    None,
}

impl<'de> Deserialize<'de> for WaypointChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Choice;
        impl<'de> Visitor<'de> for Choice {
            type Value = WaypointChoice;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping, `none` or `false`")
            }
            fn visit_bool<E: Error>(self, wanted: bool) -> Result<WaypointChoice, E> {
                Ok(if wanted { WaypointChoice::Has(Box::default()) } else { WaypointChoice::Never })
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<WaypointChoice, E> {
                match text {
                    "none" => Ok(WaypointChoice::Never),
                    other => Err(E::custom(format!("`{other}` is not a waypoint"))),
                }
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<WaypointChoice, A::Error> {
                let waypoint = Waypoint::deserialize(MapAccessDeserializer::new(map))?;
                Ok(WaypointChoice::Has(Box::new(waypoint)))
            }
        }
        deserializer.deserialize_any(Choice)
    }
}
