//! The manifests that are translated, read once.

use std::collections::BTreeMap;

use super::policy::{Attachment, Authorization};
use super::reach::{Pods, Service};
use super::reason::Reason;
use super::{Outcome, Policy};
use crate::diagnostic::Diagnostic;
use crate::k8s::{Labels, Object};

/// The objects by what they are to a translation. Places are those in the list of all objects.
#[derive(Debug, Default)]
pub(super) struct Scene {
    pub namespaces: BTreeMap<String, usize>,
    pub pods: Vec<Pods>,
    pub services: Vec<Service>,
    pub authorizations: Vec<(usize, Authorization)>,
    pub authentications: Vec<(usize, Attachment)>,
    pub peer_authentications: Vec<usize>,
    pub telemetries: Vec<(usize, Attachment)>,
    /// EnvoyFilter, WasmPlugin, TrafficExtension, Sidecar.
    pub code: Vec<(usize, Attachment)>,
    pub virtual_services: Vec<usize>,
    /// Gateways of the Gateway API, by namespace and name.
    pub gateways: BTreeMap<(String, String), usize>,
}

impl Scene {
    /// Reads the objects. A policy that has a field which is not known here is an error: what it says would
    /// be lost.
    pub fn read(objects: &[Object], found: &mut Vec<Diagnostic>) -> Self {
        let mut scene = Scene::default();
        for (at, object) in objects.iter().enumerate() {
            let place = || (object.namespace_or_default().to_owned(), object.name.clone());
            let gvk = &object.gvk;
            if gvk.is("", "Namespace") {
                scene.namespaces.insert(object.name.clone(), at);
            } else if gvk.is("security.istio.io", "AuthorizationPolicy") {
                if let Some(policy) = spec(object, found) {
                    scene.authorizations.push((at, policy));
                }
            } else if gvk.is("security.istio.io", "RequestAuthentication") {
                scene.authentications.extend(spec(object, found).map(|policy| (at, policy)));
            } else if gvk.is("security.istio.io", "PeerAuthentication") {
                scene.peer_authentications.push(at);
            } else if gvk.is("telemetry.istio.io", "Telemetry") {
                scene.telemetries.extend(spec(object, found).map(|telemetry| (at, telemetry)));
            } else if is_code(object) {
                scene.code.extend(spec(object, found).map(|policy| (at, policy)));
            } else if gvk.is("networking.istio.io", "VirtualService") {
                scene.virtual_services.push(at);
            } else if gvk.is("gateway.networking.k8s.io", "Gateway") {
                scene.gateways.insert(place(), at);
            }
            scene.pods.extend(Pods::of(at, object));
            scene.services.extend(Service::of(at, object));
        }
        scene
    }

    /// Services in front of some of these pods.
    pub fn in_front(&self, pods: &[&Pods]) -> Vec<&Service> {
        let fronts = |service: &&Service| pods.iter().any(|pods| service.fronts(pods));
        self.services.iter().filter(fronts).collect()
    }

    /// A policy as it is, which concerns these pods.
    pub fn stays(&self, at: usize, pods: &[&Pods], reasons: &[Reason]) -> Policy {
        let services = self.in_front(pods);
        let of = |namespace: &String, name: &String| (namespace.clone(), name.clone());
        Policy {
            object: at,
            outcome: Outcome::Stays,
            reasons: reasons.iter().copied().collect(),
            becomes: Vec::new(),
            services: services.iter().map(|s| of(&s.namespace, &s.name)).collect(),
            pods: pods.iter().map(|pods| of(&pods.namespace, &pods.name)).collect(),
        }
    }

    /// Pods of a namespace that take part in the mesh, not gateways, and that these labels select.
    pub fn selected(&self, namespace: &str, selects: impl Fn(&Labels) -> bool) -> Vec<&Pods> {
        let is_own = |pods: &&Pods| {
            pods.namespace == namespace && !pods.are_gateways() && !pods.are_outside()
        };
        self.pods.iter().filter(is_own).filter(|pods| selects(&pods.labels)).collect()
    }
}

/// Kinds that put code or limits into a sidecar.
fn is_code(object: &Object) -> bool {
    let gvk = &object.gvk;
    gvk.is("networking.istio.io", "EnvoyFilter")
        || gvk.is("networking.istio.io", "Sidecar")
        || gvk.is("extensions.istio.io", "WasmPlugin")
        || gvk.is("extensions.istio.io", "TrafficExtension")
}

fn spec<T: serde::de::DeserializeOwned + Default>(
    object: &Object,
    found: &mut Vec<Diagnostic>,
) -> Option<T> {
    let Some(node) = object.body.get("spec").filter(|node| !node.is_null()) else {
        return Some(T::default());
    };
    match crate::yaml::from_node(node) {
        Ok(spec) => Some(spec),
        Err(error) => {
            let said = format!("{} cannot be read: {}", object.reference(), error.message);
            found.push(
                Diagnostic::error("malformed-object", said).at(error.span.unwrap_or(node.span), ""),
            );
            None
        }
    }
}
