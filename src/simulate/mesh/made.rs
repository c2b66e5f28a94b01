//! Does istiod make the pods of a Gateway? Parameters that it cannot use keep it from making anything
//! (facts/istio-ambient.md §3.6; istio/istio:pilot/pkg/config/kube/gatewaycommon/
//! deploymentcontroller.go).

use std::collections::BTreeMap;

use crate::diagnostic::{FileId, Span};
use crate::k8s::Object;
use crate::yaml::{Budget, Entry, Node, read};

/// Why istiod makes nothing of a Gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// Its `parametersRef` names another kind than ConfigMap.
    NoConfigMap {
        /// The reference.
        span: Span,
    },
    /// The ConfigMap has a key that is no parameter.
    UnknownKey {
        /// The key.
        key: String,
        /// Where.
        span: Span,
    },
    /// A value is no YAML mapping.
    NoPatch {
        /// Its key.
        key: String,
        /// What the reader says; nothing where it is YAML and no mapping.
        why: Option<String>,
        /// The value.
        span: Span,
    },
    /// A value sets metadata that istiod keeps.
    FixedMetadata {
        /// Its key.
        key: String,
        /// The field.
        field: &'static str,
        /// The value.
        span: Span,
    },
}

impl Obstacle {
    /// The parameters that there are.
    pub const PARAMETERS: [&'static str; 5] = [
        "deployment",
        "service",
        "serviceAccount",
        "horizontalPodAutoscaler",
        "podDisruptionBudget",
    ];
    /// "illegal metadata change".
    const FIXED: [&'static str; 4] = ["name", "namespace", "ownerReferences", "finalizers"];
}

/// The label of a ConfigMap in the root namespace whose parameters are for a whole class.
const DEFAULTS_FOR_CLASS: &str = "gateway.istio.io/defaults-for-class";

/// ConfigMaps by namespace and name.
pub type ConfigMaps<'a> = BTreeMap<(&'a str, &'a str), &'a Object>;

/// Everything that keeps istiod from making what a Gateway describes. A ConfigMap that is not shown
/// may be there.
pub fn obstacles(gateway: &Object, root: &str, config_maps: &ConfigMaps<'_>) -> Vec<Obstacle> {
    let mut found = Vec::new();
    // the class's patch is applied first; of several defaults the oldest counts, which is not known
    let class = gateway.body.get_path(&["spec", "gatewayClassName"]).and_then(Node::as_str);
    let mut defaults = config_maps
        .range((root, "")..)
        .map_while(|((namespace, _), map)| (*namespace == root).then_some(*map))
        .filter(|map| {
            let of = map.labels.get(DEFAULTS_FOR_CLASS);
            of.is_some_and(|of| Some(of.as_str()) == class)
        });
    if let (Some(only), None) = (defaults.next(), defaults.next()) {
        found.extend(in_parameters(only));
    }
    let Some(reference) = gateway.body.get_path(&["spec", "infrastructure", "parametersRef"])
    else {
        return found;
    };
    let text = |key: &str| reference.get(key).and_then(Node::as_str);
    if (text("group").unwrap_or_default(), text("kind")) != ("", Some("ConfigMap")) {
        found.push(Obstacle::NoConfigMap { span: reference.span });
        return found;
    }
    let namespace = gateway.namespace.as_deref().unwrap_or_default();
    if let Some(map) = config_maps.get(&(namespace, text("name").unwrap_or_default())) {
        found.extend(in_parameters(map));
    }
    found
}

/// All that a mesh reads of a ConfigMap, its own configuration apart: what keeps Gateways from being made,
/// and for which class it is the default.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parameters {
    class: Option<String>,
    obstacles: Vec<Obstacle>,
}

impl Parameters {
    /// What is read of this one.
    pub fn of(map: &Object) -> Self {
        Self { class: map.labels.get(DEFAULTS_FOR_CLASS).cloned(), obstacles: in_parameters(map) }
    }
}

fn in_parameters(map: &Object) -> Vec<Obstacle> {
    let data = map.body.get("data").and_then(Node::as_mapping);
    let entries = data.map(|m| m.entries.as_slice()).unwrap_or_default();
    entries.iter().flat_map(in_parameter).collect()
}

fn in_parameter(entry: &Entry) -> Vec<Obstacle> {
    let key = || entry.key.clone();
    let span = entry.value.span;
    if !Obstacle::PARAMETERS.contains(&entry.key.as_str()) {
        return vec![Obstacle::UnknownKey { key: key(), span: entry.key_span }];
    }
    let text = entry.value.as_str().unwrap_or_default();
    let (documents, faults) = read(FileId::default(), text, &Budget::SPEC);
    let [patch] = documents.as_slice() else {
        let why = faults.first().map_or("it is empty".to_owned(), |d| d.message.clone());
        return vec![Obstacle::NoPatch { key: key(), why: Some(why), span }];
    };
    let mut found = Vec::new();
    if patch.root.as_mapping().is_none() {
        found.push(Obstacle::NoPatch { key: key(), why: None, span });
    }
    let sets = |field: &str| patch.root.get_path(&["metadata", field]).is_some();
    if let Some(field) = Obstacle::FIXED.into_iter().find(|field| sets(field)) {
        found.push(Obstacle::FixedMetadata { key: key(), field, span });
    }
    found
}
