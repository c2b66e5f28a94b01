//! The waypoint Gateway and its parameters.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Context, Placed};
use crate::diagnostic::Diagnostic;
use crate::k8s::Labels;
use crate::manifest::{
    ConfigMap, Gateway, Infrastructure, Listener, Manifest, Metadata, ParametersRef,
};
use crate::model::{Area, Owner, Unit, Version, Waypoint};

/// Gateways are customised through a ConfigMap from here on (facts/istio-ambient.md §9.2).
const CUSTOMISATION: Version = Version::new(1, 26);

pub(super) fn translate(
    context: &Context<'_>,
    placed: &mut Vec<Placed>,
    found: &mut Vec<Diagnostic>,
) {
    let Some(waypoint) = context.waypoint(context.state.prepared) else { return };
    let area = match context.environment.ownership.waypoints {
        Owner::GitOps => Area::Unit(Unit::Mesh),
        Owner::Tsb => Area::Expected,
    };
    // TSB customises its own waypoints through the ControlPlane, not through this ConfigMap
    let parameters = (area != Area::Expected && waypoint.is_customised())
        .then(|| parameters(context, waypoint, found));
    let namespace = context.namespace.name.as_str();
    let mut metadata = Metadata::namespaced(namespace, waypoint.name.as_str())
        .label("istio.io/waypoint-for", waypoint.waypoint_for.as_str());
    if let Some(revision) = &waypoint.revision {
        metadata = metadata.label("istio.io/rev", revision.as_str());
    }
    placed.push(Placed {
        area,
        manifest: Manifest::Gateway(Gateway {
            metadata,
            class: "istio-waypoint".into(),
            // what TSB makes has none (facts/tsb.md, "Waypoint Gateway")
            infrastructure: (area != Area::Expected).then(|| Infrastructure {
                // one of ours in each keeps Istio from copying the Gateway's own
                labels: with_ours(&waypoint.labels),
                annotations: with_ours(&waypoint.annotations),
                parameters_ref: parameters
                    .as_ref()
                    .map(|p| ParametersRef { name: p.metadata.name.clone() }),
            }),
            listeners: vec![Listener {
                name: "mesh".into(),
                port: 15008,
                protocol: "HBONE".into(),
                routes_from: "Same".into(),
            }],
        }),
        origin: waypoint.origin.or(Some(context.namespace.origin)),
    });
    if let Some(parameters) = parameters {
        placed.push(Placed {
            area,
            manifest: Manifest::ConfigMap(parameters),
            origin: waypoint.origin,
        });
    }
}

/// Each key is a strategic-merge patch of one of the objects that Istio makes of the Gateway
/// (facts/istio-ambient.md §3.6).
fn parameters(
    context: &Context<'_>,
    waypoint: &Waypoint,
    found: &mut Vec<Diagnostic>,
) -> ConfigMap {
    let origin = waypoint.origin.unwrap_or(context.namespace.origin);
    if let Some(istio) = context.environment.istio
        && istio < CUSTOMISATION
    {
        found.push(
            Diagnostic::error(
                "version-gate",
                format!(
                    "the waypoint of `{}` is customised, which Istio {istio} cannot",
                    context.namespace.name
                ),
            )
            .at(origin, format!("needs Istio {CUSTOMISATION} or later"))
            .help("leave all but `name`, `for`, `labels`, `annotations` and `revision` out, or raise `versions.istio`"),
        );
    }
    if waypoint.replicas.is_some() && waypoint.autoscaling.is_some() {
        found.push(
            Diagnostic::error(
                "replicas-and-autoscaling",
                format!(
                    "the waypoint of `{}` has both `replicas` and `autoscaling`",
                    context.namespace.name
                ),
            )
            .at(origin, "each would set the number of pods")
            .help("keep one of them"),
        );
    }
    ConfigMap {
        metadata: Metadata::namespaced(
            context.namespace.name.as_str(),
            format!("{}-parameters", waypoint.name),
        ),
        documents: patches(waypoint),
    }
}

fn with_ours(own: &Labels) -> Labels {
    let mut all = own.clone();
    all.insert("waypost.dev/managed".into(), "true".into());
    all
}

/// The patches of the objects that Istio makes of a waypoint's Gateway, by the key of the object:
/// what a parameters ConfigMap holds, and TSB's `overlays` too (facts/istio-ambient.md §3.6).
pub(super) fn patches(waypoint: &Waypoint) -> BTreeMap<String, Value> {
    let mut pods = Map::new();
    if let Some(resources) = &waypoint.resources {
        let containers = json!([{"name": "istio-proxy", "resources": resources}]);
        pods.insert("containers".into(), containers);
    }
    if let Some(tolerations) = &waypoint.tolerations {
        pods.insert("tolerations".into(), tolerations.clone());
    }
    let mut deployment = Map::new();
    if let Some(replicas) = waypoint.replicas {
        deployment.insert("replicas".into(), replicas.into());
    }
    if !pods.is_empty() {
        deployment.insert("template".into(), json!({"spec": pods}));
    }
    let deployment = (!deployment.is_empty()).then_some(Value::Object(deployment));
    [
        ("deployment", deployment),
        ("horizontalPodAutoscaler", waypoint.autoscaling.clone()),
        ("podDisruptionBudget", waypoint.pod_disruption_budget.clone()),
        ("service", waypoint.service.clone()),
    ]
    .into_iter()
    .filter_map(|(key, spec)| Some((key.to_owned(), json!({"spec": spec?}))))
    .collect()
}
