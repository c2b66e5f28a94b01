//! Waypoint Gateways, and who is bound to them.

pub(super) mod gateway_drift;
pub(super) mod listener_shape;
pub(super) mod parameters_ref;
pub(super) mod route_parent;
pub(super) mod waypoint_missing;
pub(super) mod waypoint_refused;
pub(super) mod waypoint_unserved;

use std::borrow::Cow;

use super::input::{
    GATEWAY_API, RuleInput, USE_WAYPOINT, USE_WAYPOINT_NAMESPACE, WAYPOINT_CLASS, text,
};
use crate::k8s::Object;
use crate::simulate::Binding;

/// Every Gateway of Istio's own class of waypoints.
fn waypoints<'a>(input: &'a RuleInput<'_>) -> impl Iterator<Item = &'a Object> {
    input
        .of(GATEWAY_API, "Gateway")
        .filter(|g| text(&g.body, &["spec", "gatewayClassName"]) == Some(WAYPOINT_CLASS))
}

/// A binding to a waypoint: who, which, and what it comes to.
struct Bound<'a> {
    object: &'a Object,
    /// Namespace of whatever is bound.
    namespace: &'a str,
    /// Namespace of the waypoint.
    home: &'a str,
    name: &'a str,
    binding: Cow<'a, Binding>,
}

/// Every object that `istio.io/use-waypoint` binds, but pods.
fn bindings<'a>(input: &RuleInput<'a>) -> Vec<Bound<'a>> {
    let mut all = Vec::new();
    for object in input.objects.iter().copied() {
        let Some(name) = object.labels.get(USE_WAYPOINT).filter(|n| *n != "none") else { continue };
        let own = object.namespace_or_default();
        let (namespace, binding) = match (object.gvk.group.as_str(), object.gvk.kind.as_str()) {
            ("", "Namespace") => {
                let id = input.pods.namespace(&object.name);
                let binding = id.map(|id| Cow::Owned(input.mesh.namespace_binding(id)));
                (object.name.as_str(), binding)
            }
            ("", "Service") | ("networking.istio.io", "ServiceEntry") => {
                let id = input.service_id(object);
                (own, id.map(|id| Cow::Borrowed(input.mesh.service_binding(id))))
            }
            ("networking.istio.io", "WorkloadEntry") => {
                let id = input.entry_id(object);
                (own, id.map(|id| Cow::Borrowed(input.mesh.workload_binding(id))))
            }
            _ => continue,
        };
        let Some(binding) = binding else { continue };
        let home = object.labels.get(USE_WAYPOINT_NAMESPACE).map_or(namespace, String::as_str);
        all.push(Bound { object, namespace, home, name, binding });
    }
    all
}
