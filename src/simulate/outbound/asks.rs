//! What the rules about a service ask of the clients that send to it: nothing else of a client's
//! namespace or labels counts for how its proxy sends there.

use std::collections::BTreeSet;

use super::Tables;
use super::host::Export;
use crate::k8s::Labels;
use crate::simulate::mesh::{Mesh, Sends, ServiceId};
use crate::simulate::request::Destination;

/// Clients that are named by rules about services.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(in crate::simulate) struct Asks {
    /// By their namespaces.
    pub namespaces: BTreeSet<String>,
    /// By labels, in a namespace.
    pub labels: BTreeSet<(String, Labels)>,
}

impl Asks {
    /// What is asked of clients by the rules for all services that [`super::leaving()`] may look up for a
    /// destination.
    pub fn of(mesh: &Mesh, to: Destination) -> Self {
        let tables = &mesh.fixed.outbound;
        let mut asks = Self::default();
        match to {
            Destination::Service { service, .. } => {
                asks.add(mesh, service);
                let routes = mesh.fixed.service_routes.get(&service).into_iter().flatten();
                for route in routes {
                    if let Sends::To(backend, _) = mesh.fixed.routes[route.0 as usize].sends {
                        asks.add(mesh, backend);
                    }
                }
            }
            // a headless service at the pod's address
            Destination::Pod { workload, .. } => {
                let listeners = tables.listeners[workload.0 as usize].iter();
                listeners.for_each(|(service, _)| asks.add(mesh, *service));
            }
        }
        asks
    }

    /// With those of another mesh.
    pub fn and(mut self, other: Self) -> Self {
        let Self { namespaces, labels } = other;
        self.namespaces.extend(namespaces);
        self.labels.extend(labels);
        self
    }

    fn add(&mut self, mesh: &Mesh, service: ServiceId) {
        let Tables {
            // those of this service are read
            consolidated,
            rules_of,
            routes_of,
            exports,
            scopes,
            routes,
            // these are the same for all clients, or made of the above
            rules: _,
            scopes_of: _,
            default_scope: _,
            listeners: _,
            disabled: _,
        } = &mesh.fixed.outbound;
        let at = service.0 as usize;
        self.export(exports[at].as_ref());
        // a rule counts in its own namespace first; elsewhere by its `exportTo`
        for rule in rules_of[at].iter().map(|place| &consolidated[*place as usize]) {
            self.namespaces.insert(rule.space.clone());
            self.namespaces.extend(rule.export.iter().cloned());
            if let Some(selector) = &rule.selector {
                self.labels.insert((rule.space.clone(), selector.clone()));
            }
        }
        let leading = routes_of[at].iter().map(|place| &routes[*place as usize]);
        for route in leading {
            self.export(Some(&route.export));
            // `.` in a Sidecar is the client's own namespace
            if !scopes.is_empty() {
                self.namespaces.insert(route.space.clone());
            }
        }
        if !scopes.is_empty() {
            let namespace = mesh.service(service).namespace;
            self.namespaces.insert(mesh.namespace(namespace).name.clone());
        }
    }

    fn export(&mut self, export: Option<&Export>) {
        if let Some(Export::Namespaces(names)) = export {
            self.namespaces.extend(names.iter().cloned());
        }
    }
}
