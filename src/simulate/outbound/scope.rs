//! What a sidecar knows: Sidecar objects, and the destinations that VirtualServices add to them.

use super::Age;
use super::host::{self, Export};
use crate::k8s::{Labels, Object};
use crate::simulate::mesh::{ClusterId, NamespaceId};
use crate::simulate::raw::{self, OutboundMode};

/// A Sidecar.
#[derive(Debug)]
pub(in crate::simulate) struct Scope {
    pub cluster: ClusterId,
    pub namespace: NamespaceId,
    /// The namespace's name.
    pub space: String,
    pub name: String,
    pub(super) age: Age,
    pub selector: Option<Labels>,
    /// What becomes of traffic to what is not known; `None`: as the mesh has it.
    pub mode: Option<OutboundMode>,
    /// Without any, everything is known.
    egress: Vec<Listener>,
}

/// By what is written: the place of its namespace in the mesh says nothing that the name does not.
impl PartialEq for Scope {
    fn eq(&self, other: &Self) -> bool {
        let Self { cluster, namespace: _, space, name, age, selector, mode, egress } = self;
        *cluster == other.cluster
            && *space == other.space
            && *name == other.name
            && *age == other.age
            && *selector == other.selector
            && *mode == other.mode
            && *egress == other.egress
    }
}

/// What a Sidecar imports for a port, or for all.
#[derive(Debug, PartialEq)]
struct Listener {
    port: Option<u16>,
    /// Namespace and host.
    hosts: Vec<(String, String)>,
}

/// A VirtualService, as far as it decides what a proxy knows.
#[derive(Debug, PartialEq)]
pub(in crate::simulate) struct Route {
    pub cluster: ClusterId,
    pub space: String,
    pub hosts: Vec<String>,
    /// It is for sidecars.
    pub is_of_mesh: bool,
    pub export: Export,
    /// Full names and subsets.
    pub destinations: Vec<(String, String)>,
}

impl Scope {
    pub fn new(
        (cluster, namespace): (ClusterId, NamespaceId),
        space: &str,
        object: &Object,
        spec: raw::Sidecar,
    ) -> Self {
        let host = |written: &String| {
            let (namespace, host) = written.split_once('/')?;
            Some((namespace.to_owned(), host.to_ascii_lowercase()))
        };
        let egress = spec.egress.iter();
        Self {
            cluster,
            namespace,
            space: space.to_owned(),
            name: object.name.clone(),
            age: super::age(object),
            // an empty one is none (istio/istio:pilot/pkg/model/push_context.go `initSidecarScopes`)
            selector: spec.workload_selector,
            mode: spec.outbound_traffic_policy.map(|p| p.mode),
            egress: egress
                .map(|e| Listener {
                    port: e.port.map(|p| p.number),
                    hosts: e.hosts.iter().filter_map(host).collect(),
                })
                .collect(),
        }
    }

    /// Does a proxy of `client` have a listener and a cluster for a port of this service?
    pub(super) fn imports<'h>(
        &self,
        client: &str,
        (space, hosts): (&str, &[&'h str]),
        port: u16,
        mut routes: impl Iterator<Item = &'h Route>,
    ) -> bool {
        if self.egress.is_empty() {
            return true;
        }
        hosts.iter().any(|host| self.names(client, space, host, Some(port)))
            // the destinations of a VirtualService that is imported come along
            // (istio/istio:pilot/pkg/model/sidecar.go `DefaultSidecarScopeForNamespace`,
            // `initSidecarScopeInternalIndexes`)
            || routes.any(|route| {
                route.destinations.iter().any(|(to, _)| hosts.contains(&to.as_str()))
                    && route.hosts.iter().any(|host| self.names(client, &route.space, host, None))
            })
    }

    fn names(&self, client: &str, space: &str, host: &str, port: Option<u16>) -> bool {
        let listeners = self.egress.iter();
        listeners
            .filter(|l| l.port.is_none() || port.is_none() || l.port == port)
            .flat_map(|l| &l.hosts)
            .any(|(wanted, pattern)| {
                let there = match wanted.as_str() {
                    "*" => true,
                    "." => space == client,
                    "~" => false,
                    name => name == space,
                };
                there && host::holds(pattern, host)
            })
    }
}

impl Route {
    pub fn new(
        cluster: ClusterId,
        space: &str,
        spec: &raw::VirtualService,
        default: &[String],
    ) -> Self {
        let of_mesh = spec.gateways.is_empty() || spec.gateways.iter().any(|g| g == "mesh");
        Self {
            cluster,
            space: space.to_owned(),
            hosts: spec.hosts.iter().map(|h| host::full_name(h, space)).collect(),
            is_of_mesh: of_mesh,
            export: Export::of(spec.export_to.iter().map(String::as_str), space, default),
            destinations: spec
                .destinations()
                .map(|d| (host::full_name(&d.host, space), d.subset.clone().unwrap_or_default()))
                .collect(),
        }
    }
}
