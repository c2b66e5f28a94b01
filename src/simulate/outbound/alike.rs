//! Do the proxies of two meshes send alike? By what is written and by names: places in the lists of a mesh
//! say nothing about another one, where a waypoint more moves all that come behind it.

use super::Tables;
use super::host::Export;
use super::rule::DestinationRule;
use super::scope::Scope;
use super::tables::{hosts, is_passthrough};
use crate::simulate::mesh::{Mesh, Port, ServiceId};
use crate::simulate::options::Options;

/// True where both have the same rules for whoever sends. What is worked out of them for a service is
/// compared with it ([`Facing`]), what for a client with its labels and its namespace.
pub(in crate::simulate) fn alike(meshes: [&Mesh; 2]) -> bool {
    let [old, new] = meshes.map(Written::of);
    old == new
}

/// What is written, and the settings of whoever sends and no manifest shows.
#[derive(PartialEq)]
struct Written<'m> {
    clusters: Vec<&'m Options>,
    rules: Vec<&'m DestinationRule>,
    scopes: Vec<&'m Scope>,
    routes: &'m [super::scope::Route],
}

impl<'m> Written<'m> {
    fn of(mesh: &'m Mesh) -> Self {
        let Tables {
            rules,
            scopes,
            routes,
            // made of these
            consolidated: _,
            // made of these, for each service
            rules_of: _,
            routes_of: _,
            exports: _,
            disabled: _,
            // made of these, for each workload
            scopes_of: _,
            listeners: _,
            // made of the scopes and of the root namespace, which is of the options
            default_scope: _,
        } = &mesh.fixed.outbound;
        Self {
            clusters: mesh.clusters().map(|(_, options)| options).collect(),
            rules: rules.iter().collect(),
            scopes: scopes.iter().collect(),
            routes,
        }
    }
}

/// A service as the proxies of clients see it.
#[derive(PartialEq)]
pub(in crate::simulate) struct Facing<'m> {
    name: String,
    hosts: Vec<&'m str>,
    ports: &'m [Port],
    export: Option<&'m Export>,
    is_passthrough: bool,
    is_external: bool,
    is_disabled: bool,
    all_have_sidecars: bool,
}

impl<'m> Facing<'m> {
    pub(in crate::simulate) fn of(mesh: &'m Mesh, id: ServiceId) -> Self {
        let (service, tables) = (mesh.service(id), &mesh.fixed.outbound);
        Self {
            name: mesh.service_name(id),
            hosts: hosts(service),
            ports: &service.ports,
            export: tables.exports[id.0 as usize].as_ref(),
            is_passthrough: is_passthrough(service),
            is_external: service.is_external,
            is_disabled: tables.disabled[service.namespace.0 as usize],
            all_have_sidecars: mesh.all_have_sidecars(&service.endpoints),
        }
    }
}
