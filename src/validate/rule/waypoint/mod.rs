//! Waypoint Gateways, and who is bound to them.

pub(super) mod gateway_drift;
pub(super) mod listener_shape;
pub(super) mod parameters_ref;
pub(super) mod route_parent;
pub(super) mod waypoint_missing;
pub(super) mod waypoint_refused;

use super::input::{GATEWAY_API, RuleInput, WAYPOINT_CLASS, text};
use crate::k8s::Object;

/// Every Gateway that is a waypoint.
fn waypoints<'a>(input: &'a RuleInput<'_>) -> impl Iterator<Item = &'a Object> {
    input
        .of(GATEWAY_API, "Gateway")
        .filter(|g| text(&g.body, &["spec", "gatewayClassName"]) == Some(WAYPOINT_CLASS))
}

/// A binding to a waypoint: who, and which.
struct Binding<'a> {
    object: &'a Object,
    /// Namespace of whoever is bound.
    namespace: &'a str,
    /// Namespace of the waypoint.
    home: &'a str,
    name: &'a str,
}

/// Every object that `istio.io/use-waypoint` binds; pods by their templates are left to Istio.
fn bindings<'i, 'a>(input: &'i RuleInput<'a>) -> impl Iterator<Item = Binding<'a>> + use<'i, 'a> {
    use super::input::{USE_WAYPOINT, USE_WAYPOINT_NAMESPACE};
    input.objects.iter().copied().filter_map(|object| {
        let namespace = match (object.gvk.group.as_str(), object.gvk.kind.as_str()) {
            ("", "Namespace") => object.name.as_str(),
            ("", "Service") | ("networking.istio.io", "ServiceEntry" | "WorkloadEntry") => {
                object.namespace.as_deref().unwrap_or_default()
            }
            _ => return None,
        };
        let name = object.labels.get(USE_WAYPOINT).filter(|n| *n != "none")?;
        let home = object.labels.get(USE_WAYPOINT_NAMESPACE).map_or(namespace, String::as_str);
        Some(Binding { object, namespace, home, name })
    })
}
