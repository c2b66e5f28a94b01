//! What decides about the clients of a mesh, worked out once.

use super::consolidated::{Consolidated, consolidated};
use super::host::{self, Export};
use super::rule::DestinationRule;
use super::scope::{Route, Scope};
use crate::k8s::Object;
use crate::simulate::mesh::{
    ClusterId, Fixed, NamespaceId, Protocol, Service, ServiceId, Source, Workload, WorkloadId,
};
use crate::simulate::options::Options;
use crate::simulate::peer_authentication::MtlsMode;
use crate::simulate::raw;

/// DestinationRules, Sidecars and the rest, by what they are for.
#[derive(Debug, Default)]
pub(in crate::simulate) struct Tables {
    pub rules: Vec<DestinationRule>,
    pub scopes: Vec<Scope>,
    pub(super) routes: Vec<Route>,
    /// The rules, as those of one host are laid together.
    pub(super) consolidated: Vec<Consolidated>,
    /// By service: those of them whose host holds for it, the most special first.
    pub(super) rules_of: Vec<Vec<u32>>,
    /// By service: the VirtualServices that lead to it or are for it.
    pub(super) routes_of: Vec<Vec<u32>>,
    /// By service: who sees it, where not all do.
    pub(super) exports: Vec<Option<Export>>,
    /// By workload: its Sidecar.
    pub(super) scopes_of: Vec<Option<u32>>,
    /// By cluster: the Sidecar of whoever has no other.
    pub(super) default_scope: Vec<Option<u32>>,
    /// By workload: the ports of headless services in front of it at which sidecars have a listener
    /// for its address.
    pub(super) listeners: Vec<Vec<(ServiceId, u16)>>,
    /// By namespace: PeerAuthentication of the namespace, or of the mesh, says DISABLE.
    pub(super) disabled: Vec<bool>,
}

impl Tables {
    /// Adds a DestinationRule, a Sidecar or a VirtualService.
    pub fn add(
        &mut self,
        options: &Options,
        place: (ClusterId, NamespaceId),
        space: &str,
        object: &Object,
    ) -> Result<(), Box<crate::diagnostic::Diagnostic>> {
        if object.gvk.is("networking.istio.io", "DestinationRule") {
            let spec = object.parse::<raw::Specified<raw::DestinationRule>>()?.spec;
            let default = &options.traffic.export_destination_rules;
            self.rules.push(DestinationRule::new(place.0, space, object, spec, default));
        } else if object.gvk.is("networking.istio.io", "Sidecar") {
            let spec = object.parse::<raw::Specified<raw::Sidecar>>()?.spec;
            self.scopes.push(Scope::new(place, space, object, spec));
        } else if object.gvk.is("networking.istio.io", "VirtualService") {
            let spec = object.parse::<raw::Specified<raw::VirtualService>>()?.spec;
            let default = &options.traffic.export_virtual_services;
            self.routes.push(Route::new(place.0, space, &spec, default));
        }
        Ok(())
    }

    /// The Sidecar of a workload.
    pub fn scope_of(&self, id: WorkloadId) -> Option<u32> {
        self.scopes_of.get(id.0 as usize).copied().flatten()
    }

    /// The ports of a workload's address at which sidecars have a listener for a headless service: what
    /// they send there they send otherwise than to any other port of the address.
    pub fn listener_ports(&self, id: WorkloadId) -> impl Iterator<Item = u16> {
        let own = self.listeners.get(id.0 as usize).into_iter().flatten();
        own.map(|(_, port)| *port)
    }

    /// Works out what holds for whom. The mesh is otherwise complete; `mode` is that of a namespace.
    pub fn finish(&mut self, fixed: &Fixed, mode: impl Fn(NamespaceId) -> MtlsMode) {
        let services = || fixed.services.iter();
        self.consolidated =
            consolidated(&self.rules, |cluster| fixed.options(cluster).root_namespace.clone());
        self.rules_of = services().map(|service| self.rules_for(service)).collect();
        self.routes_of = services().map(|service| self.routes_for(service)).collect();
        self.exports = services().map(|service| export(fixed, service)).collect();
        let clusters = (0..fixed.clusters.len()).map(|index| ClusterId(index as u32));
        self.default_scope = clusters.map(|id| self.default_scope(fixed, id)).collect();
        self.scopes_of = fixed.workloads.iter().map(|w| self.scope_for(fixed, w)).collect();
        self.disabled = (0..fixed.namespaces.len())
            .map(|index| mode(NamespaceId(index as u32)) == MtlsMode::Disable)
            .collect();
        self.listeners = vec![Vec::new(); fixed.workloads.len()];
        for (index, service) in services().enumerate().filter(|(_, s)| is_passthrough(s)) {
            // of HTTP ports there is one listener for all addresses, whose routes know no pod's
            let ports = service.ports.iter().filter(|port| port.protocol != Protocol::Http);
            for port in ports {
                for endpoint in &service.endpoints {
                    let there = (ServiceId(index as u32), port.number);
                    self.listeners[endpoint.0 as usize].push(there);
                }
            }
        }
    }

    fn rules_for(&self, service: &Service) -> Vec<u32> {
        let hosts = hosts(service);
        let holds = |rule: &Consolidated| hosts.iter().any(|h| host::holds(&rule.host, h));
        let all = self.consolidated.iter().enumerate();
        let mut found: Vec<u32> =
            all.filter(|(_, rule)| holds(rule)).map(|(index, _)| index as u32).collect();
        found.sort_by(|a, b| {
            let host = |place: &u32| self.consolidated[*place as usize].host.as_str();
            let (a, b) = (host(a), host(b));
            host::rank(b).cmp(&host::rank(a)).then_with(|| a.cmp(b))
        });
        found
    }

    fn routes_for(&self, service: &Service) -> Vec<u32> {
        let hosts = hosts(service);
        let concerns = |route: &Route| {
            route.destinations.iter().any(|(to, _)| hosts.contains(&to.as_str()))
                || route.hosts.iter().any(|own| hosts.iter().any(|h| host::holds(own, h)))
        };
        let all = self.routes.iter().enumerate();
        all.filter(|(_, route)| concerns(route)).map(|(index, _)| index as u32).collect()
    }

    /// The Sidecar of a pod: one that selects it, else that of its namespace, else that of the root
    /// namespace; the oldest of each (istio/istio:pilot/pkg/model/push_context.go
    /// `initSidecarScopes`, `getSidecarScope`).
    fn scope_for(&self, fixed: &Fixed, workload: &Workload) -> Option<u32> {
        let own = |scope: &Scope| scope.namespace == workload.namespace;
        self.oldest(|scope| {
            let labels = &workload.labels;
            let selector = scope.selector.as_ref();
            own(scope) && selector.is_some_and(|s| s.iter().all(|(k, v)| labels.get(k) == Some(v)))
        })
        .or_else(|| self.oldest(|scope| own(scope) && scope.selector.is_none()))
        .or_else(|| {
            let cluster = fixed.namespaces[workload.namespace.0 as usize].cluster;
            self.default_scope[cluster.0 as usize]
        })
    }

    fn default_scope(&self, fixed: &Fixed, cluster: ClusterId) -> Option<u32> {
        let root = &fixed.options(cluster).root_namespace;
        self.oldest(|scope| {
            scope.cluster == cluster && scope.space == *root && scope.selector.is_none()
        })
    }

    fn oldest(&self, wanted: impl Fn(&Scope) -> bool) -> Option<u32> {
        let all = self.scopes.iter().enumerate().filter(|(_, scope)| wanted(scope));
        all.min_by(|(_, a), (_, b)| a.age.cmp(&b.age)).map(|(index, _)| index as u32)
    }
}

/// The names by which rules know a service.
pub(super) fn hosts(service: &Service) -> Vec<&str> {
    match &service.source {
        Source::ServiceEntry(entry) => entry.spec.hosts.iter().map(String::as_str).collect(),
        Source::Service(_) => vec![service.host.as_str()],
    }
}

/// Its traffic goes where it is addressed: a headless Service, or a ServiceEntry that resolves
/// nothing (istio/istio:pkg/config/kube/conversion.go, pilot/pkg/serviceregistry/serviceentry/
/// conversion.go: `Passthrough`).
pub(super) fn is_passthrough(service: &Service) -> bool {
    match &service.source {
        Source::Service(_) => service.headless,
        Source::ServiceEntry(entry) => entry.spec.resolution == raw::Resolution::None,
    }
}

fn export(fixed: &Fixed, service: &Service) -> Option<Export> {
    let own = &fixed.namespaces[service.namespace.0 as usize];
    let default = &fixed.options(own.cluster).traffic.export_services;
    let export = match &service.source {
        Source::Service(_) => {
            let written = service.annotations.get("networking.istio.io/exportTo");
            let words = written.map(String::as_str).unwrap_or_default();
            Export::of(words.split(','), &own.name, default)
        }
        Source::ServiceEntry(entry) => {
            Export::of(entry.spec.export_to.iter().map(String::as_str), &own.name, default)
        }
    };
    (export != Export::All).then_some(export)
}
