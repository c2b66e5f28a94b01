//! Which cluster of the client's own proxy takes a connection.

use super::consolidated::Consolidated;
use super::rule::{Settings, chosen};
use super::tables::{hosts, is_passthrough};
use super::{Sender, Tables};
use crate::simulate::capture::{Capture, Redirected};
use crate::simulate::mesh::{Mesh, Role, ServiceId, Unknown, WorkloadId};
use crate::simulate::path::Hop;
use crate::simulate::raw::{OutboundMode, TlsMode};
use crate::simulate::request::Destination;

/// What becomes of a connection at the client's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::simulate) enum Leaving {
    /// ztunnel or a waypoint takes it, or there is no proxy.
    Unrouted,
    /// It goes where it is addressed, as the application sent it.
    Direct(Why),
    /// It ends here (`BlackHoleCluster`).
    Nowhere,
    /// A cluster of the proxy.
    Cluster(Cluster),
}

/// A cluster of a client's proxy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::simulate) struct Cluster {
    /// `ORIGINAL_DST`: it goes where it is addressed, and speaks to all endpoints alike.
    pub original: bool,
    /// The mode that a DestinationRule gives, and its place in the mesh.
    pub rule: Option<(TlsMode, u32)>,
    /// Without such a mode: no mutual TLS, and why; `None` where each endpoint decides.
    pub plain: Option<Why>,
    /// The mode by which each of them is told whether it takes mutual TLS, else by its PeerAuthentication.
    pub endpoints: Option<(TlsMode, u32)>,
}

/// Why a client's proxy speaks no mutual TLS of the mesh.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    /// The pod's annotations keep the connection from its sidecar.
    NotRedirected,
    /// A sidecar has no listener for a pod's address.
    PodAddress,
    /// Its Sidecar (its place in the mesh) does not import the service.
    NotImported(u32),
    /// The service is not exported to the client's namespace.
    NotExported,
    /// A DestinationRule (its place in the mesh) says so.
    Rule(u32),
    /// The service is headless, and not every endpoint has a sidecar.
    MixedEndpoints,
    /// PeerAuthentication of the service's namespace, or of the mesh, is DISABLE.
    Disabled,
    /// `enableAutoMtls` is off.
    AutoMtlsOff,
    /// The service is not part of the mesh.
    External,
    /// The endpoint's port takes plaintext only.
    PortDisabled,
}

/// What a client's proxy makes of a connection to an address, behind which a service is; two answers where something is not known.
pub(in crate::simulate) fn leaving(
    mesh: &Mesh,
    hop: &Hop<'_>,
    to: Destination,
    behind: Option<(ServiceId, u16)>,
    endpoint: Option<WorkloadId>,
) -> (Leaving, Option<(Leaving, Unknown)>) {
    if !hop.speaks.is_routed() {
        return (Leaving::Unrouted, None);
    }
    let is_sidecar = hop.role == Some(Role::Application);
    let redirected = match hop.workload {
        Some(id) if is_sidecar => {
            let capture = mesh.workload(id).capture.as_deref();
            capture.map_or(Redirected::Yes, |own| {
                let (ip, port) = address(mesh, to, endpoint);
                Capture::outbound(Some(own), port, ip)
            })
        }
        _ => Redirected::Yes,
    };
    let direct = Leaving::Direct(Why::NotRedirected);
    if redirected == Redirected::No {
        return (direct, None);
    }
    let (first, second) = by_proxy(mesh, hop, is_sidecar, (to, behind), endpoint);
    if redirected == Redirected::Unknown && first != direct {
        return (first, Some((direct, Unknown::ClientAddress)));
    }
    (first, second.map(|second| (second, Unknown::Subset)))
}

/// Where the application connects to: the pod's proxy sees it before the node translates it.
fn address(
    mesh: &Mesh,
    to: Destination,
    endpoint: Option<WorkloadId>,
) -> (Option<std::net::IpAddr>, u16) {
    let pod = |id: Option<WorkloadId>| id.and_then(|id| mesh.workload(id).ip);
    match to {
        Destination::Pod { workload, port } => (pod(Some(workload)), port),
        Destination::Service { service, port } => {
            let service = mesh.service(service);
            (if service.headless { pod(endpoint) } else { service.vip }, port)
        }
    }
}

fn by_proxy(
    mesh: &Mesh,
    hop: &Hop<'_>,
    is_sidecar: bool,
    (to, behind): (Destination, Option<(ServiceId, u16)>),
    endpoint: Option<WorkloadId>,
) -> (Leaving, Option<Leaving>) {
    let tables = &mesh.fixed.outbound;
    let (service, port) = match to {
        Destination::Service { service, port } => (service, port),
        // a gateway knows services only: what it passes on to a pod goes to a service in front of it
        Destination::Pod { .. } if !is_sidecar => {
            return (Leaving::Cluster(Cluster::default()), None);
        }
        Destination::Pod { workload, port } => {
            let listeners = tables.listeners[workload.0 as usize].iter();
            let mut own = listeners.filter(|(_, number)| *number == port);
            let known = own.find(|(service, port)| knows(mesh, hop, *service, *port).is_none());
            match known {
                Some((service, port)) => (*service, *port),
                None => return (unknown(mesh, hop, Why::PodAddress), None),
            }
        }
    };
    if is_sidecar && let Some(why) = knows(mesh, hop, service, port) {
        return (unknown(mesh, hop, why), None);
    }
    // a route leads to the cluster of another service
    let (service, port) = match to {
        Destination::Service { .. } => behind.unwrap_or((service, port)),
        Destination::Pod { .. } => (service, port),
    };
    let base = cluster(mesh, hop, is_sidecar, service, port, None);
    let rules = &tables.rules_of[service.0 as usize];
    let routes = &tables.routes_of[service.0 as usize];
    if rules.is_empty() || routes.is_empty() {
        return (base, None);
    }
    subsets(mesh, hop, is_sidecar, (service, port), endpoint, base)
}

/// What becomes of a connection that the proxy knows nothing about (istio/istio:pilot/pkg/networking/
/// core/cluster_builder.go `buildDefaultPassthroughCluster`, which has no transport socket, and
/// `buildBlackHoleCluster`).
fn unknown(mesh: &Mesh, hop: &Hop<'_>, why: Why) -> Leaving {
    let tables = &mesh.fixed.outbound;
    let scope = scope_of(mesh, hop).map(|index| &tables.scopes[index as usize]);
    let mode = scope.and_then(|s| s.mode).unwrap_or_else(|| {
        let drops =
            sender(mesh, hop).is_some_and(|s| mesh.options(s.cluster).traffic.registry_only);
        if drops { OutboundMode::RegistryOnly } else { OutboundMode::AllowAny }
    });
    match mode {
        OutboundMode::RegistryOnly => Leaving::Nowhere,
        OutboundMode::AllowAny => Leaving::Direct(why),
    }
}

fn scope_of(mesh: &Mesh, hop: &Hop<'_>) -> Option<u32> {
    let tables = &mesh.fixed.outbound;
    match hop.workload {
        Some(id) if hop.role == Some(Role::Application) => tables.scope_of(id),
        Some(_) => None,
        // of somebody whom no manifest shows the mesh's default holds
        None => *tables.default_scope.first()?,
    }
}

fn sender<'m>(mesh: &'m Mesh, hop: &Hop<'_>) -> Option<Sender<'m>> {
    match hop.workload {
        Some(id) => {
            let workload = mesh.workload(id);
            let namespace = mesh.namespace(workload.namespace);
            Some(Sender {
                cluster: namespace.cluster,
                namespace: Some((workload.namespace, &namespace.name)),
                labels: Some(&workload.labels),
            })
        }
        None => mesh.clusters().next().map(|(cluster, _)| Sender {
            cluster,
            namespace: None,
            labels: None,
        }),
    }
}

/// Why a sidecar does not know a port of a service; `None` where it does.
fn knows(mesh: &Mesh, hop: &Hop<'_>, service: ServiceId, port: u16) -> Option<Why> {
    let tables = &mesh.fixed.outbound;
    let export = &tables.exports[service.0 as usize];
    let scope = scope_of(mesh, hop);
    if export.is_none() && scope.is_none() {
        return None;
    }
    let client = sender(mesh, hop)?.namespace.map(|(_, name)| name);
    if export.as_ref().is_some_and(|export| !export.reaches(client)) {
        return Some(Why::NotExported);
    }
    let index = scope?;
    let own = mesh.service(service);
    let routes = tables.routes_of[service.0 as usize].iter();
    let routes = routes.map(|route| &tables.routes[*route as usize]);
    let routes = routes.filter(|route| route.is_of_mesh && route.export.reaches(client));
    let imports = tables.scopes[index as usize].imports(
        client.unwrap_or_default(),
        (&mesh.namespace(own.namespace).name, &hosts(own)),
        port,
        routes,
    );
    (!imports).then_some(Why::NotImported(index))
}

/// The cluster of a service's port, or of a subset of it (istio/istio:pilot/pkg/networking/core/
/// cluster_builder.go `buildCluster`, cluster_traffic_policy.go `buildUpstreamTLSSettings`).
fn cluster(
    mesh: &Mesh,
    hop: &Hop<'_>,
    is_sidecar: bool,
    service: ServiceId,
    port: u16,
    subset: Option<&str>,
) -> Leaving {
    let tables = &mesh.fixed.outbound;
    let own = mesh.service(service);
    let rule = rule(mesh, hop, service);
    let settings = rule.map_or_else(Settings::default, |rule| rule.settings(port, subset));
    // a gateway's clusters find their endpoints by EDS (cluster_builder.go `convertResolution`)
    let original = is_sidecar && (is_passthrough(own) || settings.passthrough);
    let endpoints = settings.endpoints;
    let cluster = Cluster { original, rule: settings.tls, plain: None, endpoints };
    if cluster.rule.is_some() {
        return Leaving::Cluster(cluster);
    }
    let passes = is_passthrough(own) || settings.infers;
    let namespace = mesh.namespace(own.namespace);
    let plain = if own.is_external {
        Some(Why::External)
    } else if !mesh.options(namespace.cluster).traffic.auto_mtls {
        Some(Why::AutoMtlsOff)
    // istio/istio:pilot/pkg/model/push_context.go `BestEffortInferServiceMTLSMode`
    } else if passes && !mesh.all_have_sidecars(&own.endpoints) {
        Some(Why::MixedEndpoints)
    } else if tables.disabled[own.namespace.0 as usize] {
        Some(Why::Disabled)
    } else {
        None
    };
    Leaving::Cluster(Cluster { plain, ..cluster })
}

fn rule<'m>(mesh: &'m Mesh, hop: &Hop<'_>, service: ServiceId) -> Option<&'m Consolidated> {
    let tables: &Tables = &mesh.fixed.outbound;
    let known = &tables.rules_of[service.0 as usize];
    if known.is_empty() {
        return None;
    }
    let sender = sender(mesh, hop)?;
    let root = &mesh.options(sender.cluster).root_namespace;
    let service = &mesh.namespace(mesh.service(service).namespace).name;
    chosen(&tables.consolidated, known, &sender, service, root)
}

/// A VirtualService may lead to subsets, which have settings of their own.
fn subsets(
    mesh: &Mesh,
    hop: &Hop<'_>,
    is_sidecar: bool,
    (service, port): (ServiceId, u16),
    endpoint: Option<WorkloadId>,
    base: Leaving,
) -> (Leaving, Option<Leaving>) {
    let tables = &mesh.fixed.outbound;
    let Some(rule) = rule(mesh, hop, service) else { return (base, None) };
    let own = hosts(mesh.service(service));
    let client = sender(mesh, hop).and_then(|s| s.namespace).map(|(_, name)| name);
    let routes = tables.routes_of[service.0 as usize].iter();
    let routes = routes.map(|index| &tables.routes[*index as usize]).filter(|route| {
        (route.is_of_mesh || !is_sidecar)
            && route.export.reaches(client)
            && sender(mesh, hop).is_some_and(|s| s.cluster == route.cluster)
            && route.hosts.iter().any(|h| own.iter().any(|name| super::host::holds(h, name)))
    });
    let mut found: Vec<Leaving> = Vec::new();
    for (to, subset) in routes.flat_map(|route| &route.destinations) {
        if !own.contains(&to.as_str()) {
            continue;
        }
        let there = subset.is_empty()
            || endpoint.is_none_or(|id| rule.has_in_subset(subset, &mesh.workload(id).labels));
        let subset = Some(subset.as_str()).filter(|subset| !subset.is_empty());
        let leaving = cluster(mesh, hop, is_sidecar, service, port, subset);
        if there && !found.contains(&leaving) {
            found.push(leaving);
        }
    }
    match found.as_slice() {
        [] => (base, None),
        [only] => (*only, None),
        [first, second, ..] => (*first, Some(*second)),
    }
}
