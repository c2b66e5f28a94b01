//! Routes inside the mesh: HTTPRoutes and their like with a Service as parent, and VirtualServices.
//! Sidecars and waypoints follow them, ztunnel does not. They are not simulated request by request: a
//! route that leaves a request where it goes anyway changes nothing, one that sends everything to one
//! Service is followed, and behind every other it is not known who is behind the destination.

use std::collections::HashMap;

use crate::diagnostic::Span;
use crate::k8s::Object;
use crate::simulate::raw::{self, RouteRef, VirtualRoute};

use super::build::Builder;
use super::{ClusterId, Fixed, NamespaceId, Protocol, ServiceId, ServiceKind};

/// A route of a mesh.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouteId(pub(in crate::simulate) u32);

/// A route inside the mesh, at one Service.
#[derive(Clone, Debug)]
pub struct Route {
    /// `HTTPRoute`, `VirtualService` …
    pub kind: String,
    /// Its namespace.
    pub namespace: NamespaceId,
    /// Its name.
    pub name: String,
    /// Where it is written.
    pub span: Span,
    /// The Service that clients address.
    pub service: ServiceId,
    /// The port of it, where it is for one.
    pub port: Option<u16>,
    /// It is for requests; else for connections.
    pub http: bool,
    /// Only clients of these namespaces follow it; `None`: all.
    pub clients: Option<Vec<NamespaceId>>,
    /// Where it sends.
    pub sends: Sends,
}

/// Where a route sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sends {
    /// Where requests go anyway, as they came.
    Back,
    /// Everything to one Service, as it came; on this port, else on the client's.
    To(ServiceId, Option<u16>),
    /// That depends on the request, or the request is changed.
    Depends,
}

/// Where the requests of a client to a Service go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::simulate) enum Course {
    /// To what is behind the Service.
    Own,
    /// To what is behind another.
    Backend(ServiceId, u16),
    /// A route decides.
    Unknown(RouteId),
}

impl Fixed {
    /// Where a route sends the requests of a client in a namespace, where a sidecar or a waypoint takes
    /// them. Of several that concern them, no more is said than that.
    pub fn course(
        &self,
        service: ServiceId,
        port: u16,
        speaks: (Protocol, bool),
        client: Option<NamespaceId>,
    ) -> Course {
        let (protocol, speaks_http) = speaks;
        let is_http = match protocol {
            Protocol::Http => true,
            Protocol::Unset => speaks_http,
            _ => false,
        };
        let concerns = |route: &Route| {
            route.http == is_http
                && route.port.is_none_or(|own| own == port)
                && route.clients.as_ref().is_none_or(|own| client.is_some_and(|c| own.contains(&c)))
        };
        let routes = self.service_routes.get(&service).into_iter().flatten();
        let mut there = routes.filter(|id| concerns(&self.routes[id.0 as usize]));
        let Some(first) = there.next() else { return Course::Own };
        let others: Vec<&RouteId> = there.collect();
        match self.routes[first.0 as usize].sends {
            Sends::Back if others.is_empty() => Course::Own,
            Sends::To(backend, to) if others.is_empty() => {
                Course::Backend(backend, to.unwrap_or(port))
            }
            _ => {
                let all_back = std::iter::once(first)
                    .chain(others)
                    .all(|id| self.routes[id.0 as usize].sends == Sends::Back);
                if all_back { Course::Own } else { Course::Unknown(*first) }
            }
        }
    }
}

/// The Services of one cluster by what routes call them.
struct Names<'f> {
    by_name: HashMap<(NamespaceId, &'f str), ServiceId>,
    by_host: HashMap<&'f str, ServiceId>,
}

impl<'f> Names<'f> {
    fn new(fixed: &'f Fixed, cluster: ClusterId) -> Self {
        let here = fixed.services.iter().enumerate().filter(|(_, service)| {
            fixed.namespaces[service.namespace.0 as usize].cluster == cluster
        });
        let mut names = Self { by_name: HashMap::new(), by_host: HashMap::new() };
        for (index, service) in here {
            let id = ServiceId(index as u32);
            if service.kind == ServiceKind::Service {
                names.by_name.insert((service.namespace, &service.name), id);
            }
            names.by_host.entry(&service.host).or_insert(id);
        }
        names
    }

    /// A host of a VirtualService: short names are completed in its namespace.
    fn host(&self, host: &str, namespace: &str) -> Option<ServiceId> {
        let whole = match host.split('.').collect::<Vec<_>>().as_slice() {
            [name] => format!("{name}.{namespace}.svc.cluster.local"),
            [name, other] => format!("{name}.{other}.svc.cluster.local"),
            [name, other, "svc"] => format!("{name}.{other}.svc.cluster.local"),
            _ => host.to_owned(),
        };
        self.by_host.get(host).or_else(|| self.by_host.get(whole.as_str())).copied()
    }
}

impl Builder {
    /// Reads the routes of a cluster, whose Services are all there.
    pub fn routes(&mut self, cluster: ClusterId, objects: &[&Object]) {
        let mut made = Vec::new();
        for object in objects {
            if object.gvk.is("networking.istio.io", "VirtualService") {
                let Some(read) = self.keep(object.parse::<raw::Specified<raw::VirtualService>>())
                else {
                    continue;
                };
                let namespace = self.namespace_of(cluster, object);
                made.extend(virtual_service(&self.fixed, cluster, namespace, object, &read.spec));
                continue;
            }
            let http = match object.gvk.kind.as_str() {
                "HTTPRoute" | "GRPCRoute" => true,
                "TLSRoute" | "TCPRoute" => false,
                _ => continue,
            };
            if object.gvk.group != "gateway.networking.k8s.io" {
                continue;
            }
            let Some(read) = self.keep(object.parse::<raw::Specified<raw::Route>>()) else {
                continue;
            };
            let namespace = self.namespace_of(cluster, object);
            made.extend(of_route(&self.fixed, cluster, namespace, object, &read.spec, http));
        }
        for route in made {
            let id = RouteId(self.fixed.routes.len() as u32);
            self.fixed.service_routes.entry(route.service).or_default().push(id);
            self.fixed.routes.push(route);
        }
    }
}

/// A route of Gateway API at the Services that are its parents. One of another namespace than its
/// Service is for the clients of its own (GEP-1426).
fn of_route(
    fixed: &Fixed,
    cluster: ClusterId,
    namespace: NamespaceId,
    object: &Object,
    spec: &raw::Route,
    http: bool,
) -> Vec<Route> {
    let names = Names::new(fixed, cluster);
    let service = |to: &RouteRef| {
        let is_service = to.kind.as_deref() == Some("Service")
            && matches!(to.group.as_deref().unwrap_or_default(), "" | "core");
        let there = match &to.namespace {
            Some(name) => fixed.namespace_ids.get(&(cluster, name.clone())).copied(),
            None => Some(namespace),
        };
        is_service.then(|| names.by_name.get(&(there?, to.name.as_str())).copied()).flatten()
    };
    let mut routes = Vec::new();
    for parent in &spec.parent_refs {
        let Some(id) = service(parent) else { continue };
        let own = fixed.services[id.0 as usize].namespace;
        let backend = |to: &RouteRef| {
            // a backend is a Service where it does not say otherwise
            let kind = to.kind.clone().or_else(|| Some("Service".into()));
            let group = to.group.clone().or_else(|| Some(String::new()));
            service(&RouteRef { kind, group, ..to.clone() }).map(|id| (id, to.port))
        };
        let plain = spec.rules.iter().all(|rule| {
            rule.filters.is_empty() && rule.backend_refs.iter().all(|to| to.filters.is_empty())
        });
        let all = spec.rules.iter().flat_map(|rule| &rule.backend_refs);
        let backends: Vec<_> = all.filter(|to| to.weight != Some(0)).map(backend).collect();
        let covers = spec.rules.iter().any(raw::RouteRule::is_for_all);
        routes.push(Route {
            kind: object.gvk.kind.clone(),
            namespace,
            name: object.name.clone(),
            span: object.name_span(),
            service: id,
            port: parent.port,
            http,
            clients: (own != namespace).then(|| vec![namespace]),
            sends: sends(id, &backends, plain && covers),
        });
    }
    routes
}

/// What backends come to that are asked as the request came.
fn sends(own: ServiceId, backends: &[Option<(ServiceId, Option<u16>)>], as_it_came: bool) -> Sends {
    let [Some(first), others @ ..] = backends else { return Sends::Depends };
    if !as_it_came || others.iter().any(|other| *other != Some(*first)) {
        return Sends::Depends;
    }
    match first {
        (id, port) if *id == own => port.map_or(Sends::Back, |port| Sends::To(own, Some(port))),
        (id, port) => Sends::To(*id, *port),
    }
}

/// A VirtualService for proxies of the mesh, at each of its hosts.
fn virtual_service(
    fixed: &Fixed,
    cluster: ClusterId,
    namespace: NamespaceId,
    object: &Object,
    spec: &raw::VirtualService,
) -> Vec<Route> {
    if !spec.gateways.is_empty() && !spec.gateways.iter().any(|gateway| gateway == "mesh") {
        return Vec::new();
    }
    let names = Names::new(fixed, cluster);
    let own = &fixed.namespaces[namespace.0 as usize].name;
    let clients = match spec.export_to.as_slice() {
        [] => None,
        all if all.iter().any(|to| to == "*") => None,
        some => Some(
            some.iter()
                .filter_map(|to| {
                    let name = if to == "." { own } else { to };
                    fixed.namespace_ids.get(&(cluster, name.clone())).copied()
                })
                .collect(),
        ),
    };
    let mut routes = Vec::new();
    for host in &spec.hosts {
        let Some(id) = names.host(host, own) else { continue };
        let mut add = |http: bool, list: &[VirtualRoute]| {
            if list.is_empty() {
                return;
            }
            let to = |to: &raw::RouteDestination| {
                let id = names.host(&to.destination.host, own)?;
                Some((id, to.destination.port.map(|port| port.number)))
            };
            let backends: Vec<_> = list.iter().flat_map(|r| &r.route).map(to).collect();
            // a subset is some of what is behind the host: all of it is asked
            let has_subset = |to: &raw::RouteDestination| to.destination.subset.is_some();
            let subsets = list.iter().flat_map(|r| &r.route).any(has_subset);
            let plain = list.iter().all(VirtualRoute::is_plain);
            let covers = list.iter().any(|route| route.matches.is_empty());
            let sends = match sends(id, &backends, plain && covers) {
                Sends::To(other, _) if subsets && other != id => Sends::Depends,
                sends => sends,
            };
            routes.push(Route {
                kind: object.gvk.kind.clone(),
                namespace,
                name: object.name.clone(),
                span: object.name_span(),
                service: id,
                port: None,
                http,
                clients: clients.clone(),
                sends,
            });
        };
        add(true, &spec.http);
        let connections: Vec<VirtualRoute> = spec.tls.iter().chain(&spec.tcp).cloned().collect();
        add(false, &connections);
    }
    routes
}
