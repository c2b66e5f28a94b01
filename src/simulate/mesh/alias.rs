//! Services of type ExternalName: a name that DNS gives instead of an address. Inside the mesh the call
//! is one to the Service that the name is of (istio/istio:pilot/pkg/serviceregistry/kube/controller/
//! controller.go `ENABLE_EXTERNAL_NAME_ALIAS`), outside it leaves the mesh.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::Diagnostic;
use crate::k8s::Object;
use crate::simulate::raw;

use super::build::Builder;
use super::{
    ClusterId, NamespaceId, Port, Protocol, Service, ServiceId, ServiceKind, Source, Unknown,
};

/// Namespace and name of a Service.
type Name = (String, String);

/// What a name stands for in the end.
enum Means {
    /// A Service or a ServiceEntry that is there.
    Service(ServiceId),
    /// A name outside of the cluster.
    Outside,
    /// A name in the cluster that no manifest shows, or one of a cycle.
    Unknown,
}

impl Builder {
    /// Reads the ExternalNames of a cluster, whose Services are all there.
    pub fn aliases(&mut self, cluster: ClusterId, objects: &[&Object]) {
        let mut all: BTreeMap<Name, (&Object, raw::Service)> = BTreeMap::new();
        for object in objects.iter().filter(|o| o.gvk.is("", "Service")) {
            // what cannot be read was reported with the other Services
            let Ok(read) = object.parse::<raw::Specified<raw::Service>>() else { continue };
            if read.spec.kind.as_deref() == Some("ExternalName") {
                let namespace = object.namespace.clone().unwrap_or_else(|| "default".into());
                all.insert((namespace, object.name.clone()), (*object, read.spec));
            }
        }
        let mut in_cycles: BTreeSet<&Name> = BTreeSet::new();
        for name in all.keys() {
            if let Some(cycle) = cycle(&all, name)
                && !in_cycles.contains(name)
            {
                self.report(of_cycle(all[name].0, &cycle));
                in_cycles.extend(all.keys().filter(|other| cycle.contains(other)));
            }
        }
        for (name, (object, spec)) in &all {
            let namespace = self.namespace_of(cluster, object);
            match self.meaning(cluster, &all, name) {
                Means::Service(id) => {
                    self.fixed.aliases.insert((namespace, object.name.clone()), id);
                }
                Means::Outside => self.outside(namespace, object, spec, None),
                Means::Unknown => self.outside(namespace, object, spec, Some(Unknown::Alias)),
            }
        }
    }

    fn meaning(
        &self,
        cluster: ClusterId,
        all: &BTreeMap<Name, (&Object, raw::Service)>,
        start: &Name,
    ) -> Means {
        let mut here = start.clone();
        let mut seen = BTreeSet::new();
        while let Some((_, spec)) = all.get(&here) {
            if !seen.insert(here.clone()) {
                return Means::Unknown;
            }
            let host = host_of(spec);
            match in_cluster(&host) {
                Some(next) => here = next,
                None => {
                    let found = self.fixed.services.iter().position(|service| {
                        let own = &self.fixed.namespaces[service.namespace.0 as usize];
                        own.cluster == cluster && service.host == host
                    });
                    return found
                        .map_or(Means::Outside, |index| Means::Service(ServiceId(index as u32)));
                }
            }
        }
        let (namespace, name) = here;
        let there = self.fixed.namespace_ids.get(&(cluster, namespace)).copied();
        let found = self.fixed.services.iter().position(|service| {
            Some(service.namespace) == there
                && service.kind == ServiceKind::Service
                && service.name == name
        });
        found.map_or(Means::Unknown, |index| Means::Service(ServiceId(index as u32)))
    }

    /// A Service behind which is nothing of the mesh, or nothing that is known.
    fn outside(
        &mut self,
        namespace: NamespaceId,
        object: &Object,
        spec: &raw::Service,
        unknown: Option<Unknown>,
    ) {
        let own = self.fixed.namespaces[namespace.0 as usize].name.clone();
        let ports = spec.ports.iter().filter(|port| port.is_tcp()).map(|port| {
            let name = port.name.clone().unwrap_or_default();
            let app_protocol = port.app_protocol.as_deref();
            Port {
                protocol: Protocol::of(app_protocol, &name, port.port),
                is_tls: Protocol::is_tls(app_protocol, &name, port.port),
                number: port.port,
                target: raw::IntOrText::Int(port.port),
                by_name: false,
                name,
            }
        });
        self.fixed.services.push(Service {
            namespace,
            kind: ServiceKind::ExternalName,
            host: format!("{}.{own}.svc.cluster.local", object.name),
            name: object.name.clone(),
            vip: None,
            headless: true,
            is_external: true,
            ports: ports.collect(),
            endpoints: Vec::new(),
            unknown,
            labels: object.labels.clone(),
            annotations: object.annotations.clone(),
            span: object.name_span(),
            source: Source::Service(spec.clone()),
        });
    }
}

fn host_of(spec: &raw::Service) -> String {
    spec.external_name.as_deref().unwrap_or_default().trim_end_matches('.').to_ascii_lowercase()
}

/// Namespace and name of a Service that a host is of.
fn in_cluster(host: &str) -> Option<Name> {
    let rest = host.strip_suffix(".svc.cluster.local").or_else(|| host.strip_suffix(".svc"))?;
    let (name, namespace) = rest.split_once('.')?;
    (!namespace.contains('.')).then(|| (namespace.to_owned(), name.to_owned()))
}

/// The names that come back to this one, in their order.
fn cycle(all: &BTreeMap<Name, (&Object, raw::Service)>, start: &Name) -> Option<Vec<Name>> {
    let mut names = vec![start.clone()];
    loop {
        let (_, spec) = all.get(names.last()?)?;
        let next = in_cluster(&host_of(spec))?;
        if next == *start {
            return Some(names);
        }
        if names.contains(&next) {
            return None;
        }
        names.push(next);
    }
}

fn of_cycle(object: &Object, cycle: &[Name]) -> Diagnostic {
    let names: Vec<String> =
        cycle.iter().map(|(namespace, name)| format!("{namespace}/{name}")).collect();
    Diagnostic::warning(
        "external-name-cycle",
        format!("Services of type ExternalName stand for each other: {}", names.join(", ")),
    )
    .at(object.name_span(), "this name is never resolved")
    .help("let one of them name a Service with pods, or a host outside of the cluster")
}
