//! Objects into a mesh.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};

use crate::diagnostic::{Diagnostic, sort};
use crate::k8s::{Labels, Object};
use crate::simulate::accept;
use crate::simulate::capture::Capture;
use crate::simulate::envoy::TrustDomains;
use crate::simulate::network_policy::NetworkPolicy;
use crate::simulate::peer_authentication::PeerAuthentication;
use crate::simulate::policy::{Policy, PolicyId};
use crate::simulate::raw;
use crate::simulate::request_authentication::RequestAuthentication;
use crate::simulate::version::Behaviour;

use super::endpoints::{Behind, Slices};
use super::gateway::named;
use super::made::{ConfigMaps, obstacles};
use super::owner::Makers;
use super::service::chooses_address;
use super::workload::{state_of, template_of};
use super::{
    Allowed, Binding, Cluster, ClusterId, Fixed, Gateway, GatewayId, GatewayKind, Listener, Mesh,
    Namespace, NamespaceId, PodState, Port, Protocol, Role, Serves, Service, ServiceId,
    ServiceKind, Source, Unknown, WaypointState, Workload, WorkloadId, points,
};

/// Reads the objects of several clusters.
pub(super) fn build(clusters: &[Cluster<'_>]) -> (Mesh, Vec<Diagnostic>) {
    let mut builder = Builder::default();
    let mut waypoints = Vec::new();
    for cluster in clusters {
        builder.cluster(cluster, &mut waypoints);
    }
    let Builder { selectable: _, mut fixed, mut found } = builder;
    fixed.compiled = fixed.policies.iter().map(|_| OnceLock::new()).collect();
    fixed.converted = fixed.policies.iter().map(|_| OnceLock::new()).collect();
    for (index, gateway) in fixed.gateways.iter().enumerate() {
        let id = GatewayId(index as u32);
        fixed.gateways_of.entry(gateway.namespace).or_default().push(id);
    }
    fixed.service_bindings =
        fixed.services.iter().map(|s| service_binding(&fixed, s)).collect::<Vec<_>>();
    fixed.workload_bindings =
        fixed.workloads.iter().map(|w| workload_binding(&fixed, w)).collect::<Vec<_>>();
    fixed.in_front = in_front(&fixed);
    points::attach(&mut fixed);
    let mut outbound = std::mem::take(&mut fixed.outbound);
    outbound.finish(&fixed, |namespace| points::namespace_mode(&fixed, namespace));
    fixed.outbound = outbound;
    found.extend(points::dangling(&fixed));
    let states = fixed.workloads.iter().map(|w| state(&fixed, w)).collect();
    let unshown = fixed.workloads.iter().map(|w| is_unshown(&fixed, w)).collect();
    sort(&mut found);
    (Mesh { fixed: Arc::new(fixed), states, unshown, waypoints }, found)
}

/// By namespace: the workloads that selectors are asked of. What a ServiceEntry or an EndpointSlice writes
/// down is its own.
fn selectable(workloads: &[Workload]) -> HashMap<NamespaceId, Vec<WorkloadId>> {
    let mut all: HashMap<NamespaceId, Vec<WorkloadId>> = HashMap::new();
    for (index, workload) in workloads.iter().enumerate() {
        if workload.makes_pods() || workload.kind == "WorkloadEntry" {
            all.entry(workload.namespace).or_default().push(WorkloadId(index as u32));
        }
    }
    all
}

/// By workload: the services in front of it.
fn in_front(fixed: &Fixed) -> Vec<Vec<ServiceId>> {
    let mut all = vec![Vec::new(); fixed.workloads.len()];
    for (index, service) in fixed.services.iter().enumerate() {
        for endpoint in &service.endpoints {
            let own: &mut Vec<ServiceId> = &mut all[endpoint.0 as usize];
            if own.last() != Some(&ServiceId(index as u32)) {
                own.push(ServiceId(index as u32));
            }
        }
    }
    all
}

fn state(fixed: &Fixed, workload: &Workload) -> PodState {
    let namespace = &fixed.namespaces[workload.namespace.0 as usize];
    state_of(workload, &namespace.labels, &namespace.name, fixed.options(namespace.cluster))
}

/// Does how a workload's pods take part depend on labels of a namespace that no manifest shows?
fn is_unshown(fixed: &Fixed, workload: &Workload) -> bool {
    if fixed.shown_namespaces.contains(&workload.namespace) {
        return false;
    }
    let namespace = &fixed.namespaces[workload.namespace.0 as usize];
    let options = fixed.options(namespace.cluster);
    let with = |labels: &[(&str, &str)]| {
        let labels = labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        state_of(workload, &labels, &namespace.name, options)
    };
    let plain = with(&[]);
    plain != with(&[("istio-injection", "enabled")])
        || plain != with(&[("istio.io/dataplane-mode", "ambient")])
}

#[derive(Default)]
pub(super) struct Builder {
    /// By namespace: the workloads that selectors are asked of, in the order of the mesh.
    selectable: HashMap<NamespaceId, Vec<WorkloadId>>,
    pub(super) fixed: Fixed,
    found: Vec<Diagnostic>,
}

impl Builder {
    fn cluster(&mut self, cluster: &Cluster<'_>, waypoints: &mut Vec<WaypointState>) {
        let id = ClusterId(self.fixed.clusters.len() as u32);
        let options = cluster.options.clone();
        let domains = TrustDomains::new(&options.trust_domain, &options.trust_domain_aliases);
        self.fixed.clusters.push((options, domains));
        let mut objects: Vec<&Object> = cluster.objects.clone();
        // the mesh does not depend on the order of files; of two objects with one identity the
        // first counts
        objects.sort_by_cached_key(|o| (o.namespace.clone(), o.name.clone(), o.gvk.kind.clone()));
        objects.dedup_by(|b, a| {
            a.gvk.group == b.gvk.group
                && a.gvk.kind == b.gvk.kind
                && a.namespace == b.namespace
                && a.name == b.name
                && !a.name.is_empty()
        });
        for object in objects.iter().filter(|o| o.gvk.is("", "Namespace")) {
            let namespace = self.namespace(id, &object.name);
            let place = &mut self.fixed.namespaces[namespace.0 as usize];
            place.labels = object.labels.clone();
            place.annotations = object.annotations.clone();
            self.fixed.shown_namespaces.insert(namespace);
            // the API server sets it
            place.labels.insert("kubernetes.io/metadata.name".into(), object.name.clone());
        }
        let classes = self.classes(&objects);
        let carriers = self.classic_gateways(&objects);
        let makers = Makers::of(&objects);
        for object in objects.iter().filter(|object| !makers.make(object)) {
            self.workload(id, object, &carriers);
        }
        for object in &objects {
            self.workload_entry(id, object);
        }
        let first_gateway = self.fixed.gateways.len();
        let config_maps: ConfigMaps<'_> = objects
            .iter()
            .filter(|o| o.gvk.is("", "ConfigMap"))
            .map(|o| ((o.namespace.as_deref().unwrap_or_default(), o.name.as_str()), *o))
            .collect();
        for object in objects.iter().filter(|o| o.gvk.is("gateway.networking.k8s.io", "Gateway")) {
            if let Some(state) = self.gateway(id, object, &classes, &config_maps) {
                waypoints.push(state);
            }
        }
        debug_assert_eq!(
            waypoints.len() - first_gateway,
            self.fixed.gateways.len() - first_gateway
        );
        let slices = Slices::read(self, &objects);
        self.selectable = selectable(&self.fixed.workloads);
        for object in &objects {
            self.service(id, object, &slices);
            self.policy(id, object);
            self.traffic(id, object);
        }
        self.aliases(id, &objects);
        self.routes(id, &objects);
        self.unmanaged(id, &objects, &classes, waypoints);
    }

    pub(super) fn report(&mut self, found: Diagnostic) {
        self.found.push(found);
    }

    pub(super) fn keep<T>(&mut self, read: Result<T, Box<Diagnostic>>) -> Option<T> {
        read.map_err(|diagnostic| self.found.push(*diagnostic)).ok()
    }

    fn namespace(&mut self, cluster: ClusterId, name: &str) -> NamespaceId {
        let next = NamespaceId(self.fixed.namespaces.len() as u32);
        let key = (cluster, name.to_owned());
        let id = *self.fixed.namespace_ids.entry(key).or_insert(next);
        if id == next {
            let labels = Labels::from([("kubernetes.io/metadata.name".into(), name.into())]);
            let (annotations, policies) = (Labels::new(), Vec::new());
            let name = name.to_owned();
            self.fixed.namespaces.push(Namespace { cluster, name, labels, annotations, policies });
        }
        id
    }

    pub(super) fn namespace_of(&mut self, cluster: ClusterId, object: &Object) -> NamespaceId {
        self.namespace(cluster, object.namespace_or_default())
    }

    /// `waypoint-for` and controller of the classes that are defined here.
    fn classes(&mut self, objects: &[&Object]) -> BTreeMap<String, (Option<String>, String)> {
        let mut classes = BTreeMap::new();
        for object in
            objects.iter().filter(|o| o.gvk.is("gateway.networking.k8s.io", "GatewayClass"))
        {
            if let Some(class) = self.keep(object.parse::<raw::Specified<raw::GatewayClass>>()) {
                let serves = object.labels.get("istio.io/waypoint-for").cloned();
                classes.insert(object.name.clone(), (serves, class.spec.controller_name));
            }
        }
        classes
    }

    /// Labels of the pods that carry `networking.istio.io` Gateways, and what these listen for.
    fn classic_gateways(&mut self, objects: &[&Object]) -> Vec<(Labels, Vec<Listener>)> {
        let mut selectors = Vec::new();
        for object in objects.iter().filter(|o| o.gvk.is("networking.istio.io", "Gateway")) {
            if let Some(gateway) = self.keep(object.parse::<raw::Specified<raw::IstioGateway>>())
                && !gateway.spec.selector.is_empty()
            {
                let listeners = Listener::of_servers(&gateway.spec.servers);
                selectors.push((gateway.spec.selector, listeners));
            }
        }
        selectors
    }

    fn workload(
        &mut self,
        cluster: ClusterId,
        object: &Object,
        carriers: &[(Labels, Vec<Listener>)],
    ) {
        let Some(read) = template_of(object) else { return };
        let Some(template) = self.keep(read) else { return };
        let spec = template.spec;
        let containers = || spec.containers.iter().chain(&spec.init_containers);
        let proxies = || containers().filter(|c| c.name == "istio-proxy");
        let labels = template.metadata.labels;
        let annotations = template.metadata.annotations;
        let carries =
            |(c, _): &&(Labels, Vec<Listener>)| c.iter().all(|(k, v)| labels.get(k) == Some(v));
        let carried: Vec<&(Labels, Vec<Listener>)> = carriers.iter().filter(carries).collect();
        let is_router = proxies().any(|c| c.args.iter().any(|a| a == "router"))
            || annotations
                .get("inject.istio.io/templates")
                .is_some_and(|t| t.split(',').any(|t| t.trim() == "gateway"))
            || !carried.is_empty();
        let addresses = template.status.addresses();
        let is_east_west =
            is_router && labels.get("istio").is_some_and(|v| v.contains("eastwestgateway"));
        let capture = self.capture(object, &annotations);
        let namespace = self.namespace_of(cluster, object);
        let account = spec.service_account_name.clone().or_else(|| spec.service_account.clone());
        let account = account.filter(|a| !a.is_empty()).unwrap_or_else(|| "default".into());
        let made = Workload {
            namespace,
            kind: object.gvk.kind.clone(),
            name: object.name.clone(),
            identity: self.identity(namespace, &account),
            service_account: account,
            ports: tcp_ports(&spec),
            listeners: carried.iter().flat_map(|(_, listeners)| listeners).cloned().collect(),
            host_network: spec.host_network.unwrap_or_default(),
            has_proxy: proxies().next().is_some(),
            ip: addresses.first().copied(),
            other_ip: addresses.get(1).copied(),
            role: match (is_router, is_east_west) {
                (_, true) => Role::EastWest,
                (true, _) => Role::Gateway,
                _ => Role::Application,
            },
            labels,
            annotations,
            capture,
            span: object.name_span(),
            entry: None,
        };
        self.fixed.workloads.push(made);
    }

    pub(super) fn identity(
        &mut self,
        namespace: NamespaceId,
        account: &str,
    ) -> crate::simulate::identity::IdentityId {
        let namespace = &self.fixed.namespaces[namespace.0 as usize];
        let domain = &self.fixed.clusters[namespace.cluster.0 as usize].0.trust_domain;
        let principal = format!("{domain}/ns/{}/sa/{account}", namespace.name);
        self.fixed.identities.intern(&principal)
    }

    /// A Gateway of Gateway API that istiod makes pods for, and a workload that stands for them
    /// (facts/istio-ambient.md §3.4, §3.5).
    fn gateway(
        &mut self,
        cluster: ClusterId,
        object: &Object,
        classes: &BTreeMap<String, (Option<String>, String)>,
        config_maps: &ConfigMaps<'_>,
    ) -> Option<WaypointState> {
        let read = self.keep(object.parse::<raw::Gateway>())?;
        if !read.spec.is_managed() {
            // its pods are found once all workloads are there
            return None;
        }
        let state = self.gateway_of(cluster, object, &read, classes, None)?;
        // the parameters are istiod's, and a status says what there is in spite of them
        let is_foreign = self.fixed.gateways.last().is_some_and(|g| g.kind == GatewayKind::Foreign);
        let root = &self.fixed.options(cluster).root_namespace;
        let is_made =
            is_foreign || read.status.is_some() || obstacles(object, root, config_maps).is_empty();
        Some(if is_made { state } else { WaypointState::NotProgrammed })
    }

    /// A Gateway on the pods that are made for it, or on those of a workload.
    pub(super) fn gateway_of(
        &mut self,
        cluster: ClusterId,
        object: &Object,
        read: &raw::Gateway,
        classes: &BTreeMap<String, (Option<String>, String)>,
        carrier: Option<WorkloadId>,
    ) -> Option<WaypointState> {
        let class = read.spec.gateway_class_name.clone();
        let defined = classes.get(&class);
        let controller = defined.map(|(_, controller)| controller.as_str());
        let label = object.labels.get("istio.io/waypoint-for").map(String::as_str);
        let class_label = defined.and_then(|(serves, _)| serves.as_deref());
        // istio/istio:pilot/pkg/serviceregistry/ambient/waypoints.go `makeAllowedRoutes`
        let hbone = |l: &&raw::Listener| l.protocol == "HBONE" && l.port == 15008;
        let listener = read.spec.listeners.iter().find(hbone);
        let kind = match (class.as_str(), controller) {
            ("istio-waypoint", _) | (_, Some("istio.io/mesh-controller")) => GatewayKind::Waypoint,
            ("istio-east-west", _) | (_, Some("istio.io/eastwest-controller")) => {
                GatewayKind::EastWest
            }
            ("istio" | "istio-remote", _) | (_, Some("istio.io/gateway-controller")) => {
                GatewayKind::Ingress
            }
            _ => GatewayKind::Foreign,
        };
        let (role, suffix, managed) = match kind {
            GatewayKind::Waypoint => (Role::Waypoint, "", "istio.io-mesh-controller"),
            // it asks for nothing itself
            GatewayKind::Foreign => (Role::Waypoint, "", ""),
            GatewayKind::EastWest => (Role::EastWest, "", "istio.io-eastwest-controller"),
            GatewayKind::Ingress => (Role::Gateway, "-istio", "istio.io-gateway-controller"),
        };
        let name = format!("{}{suffix}", object.name);
        let namespace = self.namespace_of(cluster, object);
        let account = object.annotations.get("gateway.istio.io/service-account");
        let account = account.cloned().unwrap_or_else(|| name.clone());
        // infrastructure labels replace the Gateway's own
        let infrastructure = read.spec.infrastructure.labels.clone();
        let mut labels =
            if infrastructure.is_empty() { object.labels.clone() } else { infrastructure };
        labels.extend([
            ("gateway.networking.k8s.io/gateway-name".to_owned(), object.name.clone()),
            ("gateway.networking.k8s.io/gateway-class-name".to_owned(), class.clone()),
        ]);
        if kind != GatewayKind::Foreign {
            labels.extend([
                ("gateway.istio.io/managed".to_owned(), managed.to_owned()),
                ("istio.io/dataplane-mode".to_owned(), "none".to_owned()),
            ]);
        }
        let listeners = Listener::of_gateway(&read.spec.listeners);
        let next = WorkloadId(self.fixed.workloads.len() as u32);
        let workload = carrier.unwrap_or(next);
        let identity = self.identity(namespace, &account);
        if let Some(carrier) = carrier {
            self.fixed.workloads[carrier.0 as usize].listeners.extend(listeners);
        } else {
            self.fixed.workloads.push(Workload {
                namespace,
                kind: "Gateway".into(),
                name,
                listeners,
                labels,
                annotations: Labels::new(),
                capture: None,
                service_account: account,
                identity,
                ports: Vec::new(),
                host_network: false,
                has_proxy: false,
                ip: None,
                other_ip: None,
                role,
                span: object.name_span(),
                entry: None,
            });
        }
        self.fixed.gateways.push(Gateway {
            namespace,
            name: object.name.clone(),
            class,
            kind,
            serves: Serves::parse(label.or(class_label)),
            allowed: allowed(listener),
            pods_shown: true,
            workload,
            span: object.name_span(),
        });
        // a status is there only in what was read from a cluster
        let unaddressed = read.status.as_ref().is_some_and(|s| s.addresses.is_empty());
        Some(if unaddressed { WaypointState::NotProgrammed } else { WaypointState::Ready })
    }

    fn service(&mut self, cluster: ClusterId, object: &Object, slices: &Slices<'_>) {
        let made = if object.gvk.is("", "Service") {
            self.kubernetes_service(cluster, object, slices)
        } else if object.gvk.is("networking.istio.io", "ServiceEntry") {
            self.service_entry(cluster, object)
        } else {
            None
        };
        self.fixed.services.extend(made);
    }

    fn kubernetes_service(
        &mut self,
        cluster: ClusterId,
        object: &Object,
        slices: &Slices<'_>,
    ) -> Option<Service> {
        let spec = self.keep(object.parse::<raw::Specified<raw::Service>>())?.spec;
        if spec.kind.as_deref() == Some("ExternalName") {
            return None;
        }
        let namespace = self.namespace_of(cluster, object);
        let Behind { endpoints, unknown, ports: shown } =
            self.behind(cluster, namespace, object, &spec, slices);
        let ports = spec
            .ports
            .iter()
            .filter(|p| match p.protocol.as_deref() {
                None | Some("TCP") => true,
                // of two ports of one number, that of TCP is the one that policies hold back
                Some("UDP") => {
                    !spec.ports.iter().any(|other| other.is_tcp() && other.port == p.port)
                }
                _ => false,
            })
            .map(|p| {
                let name = p.name.clone().unwrap_or_default();
                let app_protocol = p.app_protocol.as_deref();
                Port {
                    protocol: match p.protocol.as_deref() {
                        Some("UDP") => Protocol::Udp,
                        _ => Protocol::of(app_protocol, &name, p.port),
                    },
                    is_tls: Protocol::is_tls(app_protocol, &name, p.port),
                    number: p.port,
                    target: shown.get(&name).map_or_else(
                        || p.target_port.clone().unwrap_or(raw::IntOrText::Int(p.port)),
                        |port| raw::IntOrText::Int(*port),
                    ),
                    name,
                    by_name: false,
                }
            })
            .collect();
        let own = self.fixed.namespaces[namespace.0 as usize].name.clone();
        Some(Service {
            namespace,
            kind: ServiceKind::Service,
            host: format!("{}.{own}.svc.cluster.local", object.name),
            name: object.name.clone(),
            vip: spec.cluster_ip.as_deref().and_then(|ip| ip.parse().ok()),
            headless: spec.cluster_ip.as_deref() == Some("None"),
            is_external: false,
            ports,
            endpoints,
            unknown,
            labels: object.labels.clone(),
            annotations: object.annotations.clone(),
            span: object.name_span(),
            source: Source::Service(spec),
        })
    }

    fn service_entry(&mut self, cluster: ClusterId, object: &Object) -> Option<Service> {
        let entry = self.keep(object.parse::<raw::ServiceEntry>())?;
        let namespace = self.namespace_of(cluster, object);
        let spec = &entry.spec;
        let ports = spec
            .ports
            .iter()
            .map(|p| {
                let name = p.name.clone().unwrap_or_default();
                Port {
                    protocol: Protocol::of_service_entry(p.protocol.as_deref()),
                    is_tls: Protocol::is_tls_entry(p.protocol.as_deref()),
                    name,
                    number: p.number,
                    target: raw::IntOrText::Int(p.target()),
                    by_name: true,
                }
            })
            .collect();
        let mut endpoints = self.selected(namespace, spec.workload_selector.as_ref());
        endpoints.extend(self.endpoints(namespace, object, &entry));
        let is_internal = spec.location == raw::Location::MeshInternal;
        let unknown = match &spec.workload_selector {
            _ if !endpoints.is_empty() => None,
            Some(_) => Some(Unknown::Selected),
            None => is_internal.then_some(Unknown::Endpoints),
        };
        Some(Service {
            namespace,
            kind: ServiceKind::ServiceEntry,
            host: spec.hosts.first().cloned().unwrap_or_default(),
            name: object.name.clone(),
            vip: spec.addresses.iter().find_map(|a| a.parse().ok()),
            headless: !has_address(spec, &object.labels),
            is_external: spec.location == raw::Location::MeshExternal,
            ports,
            endpoints,
            unknown,
            labels: object.labels.clone(),
            annotations: object.annotations.clone(),
            span: object.name_span(),
            source: Source::ServiceEntry(Box::new(entry)),
        })
    }

    pub(super) fn selected(
        &self,
        namespace: NamespaceId,
        selector: Option<&Labels>,
    ) -> Vec<WorkloadId> {
        let Some(selector) = selector else { return Vec::new() };
        let own = self.selectable.get(&namespace).into_iter().flatten();
        let selects = |id: &&WorkloadId| {
            let labels = &self.fixed.workloads[id.0 as usize].labels;
            selector.iter().all(|(k, v)| labels.get(k) == Some(v))
        };
        own.filter(selects).copied().collect()
    }

    /// What decides about traffic that leaves proxies.
    fn traffic(&mut self, cluster: ClusterId, object: &Object) {
        const KINDS: [&str; 3] = ["DestinationRule", "Sidecar", "VirtualService"];
        if object.gvk.group != "networking.istio.io" || !KINDS.contains(&object.gvk.kind.as_str()) {
            return;
        }
        let namespace = self.namespace_of(cluster, object);
        let name = self.fixed.namespaces[namespace.0 as usize].name.clone();
        let Fixed { outbound, clusters, .. } = &mut self.fixed;
        let options = &clusters[cluster.0 as usize].0;
        let read = outbound.add(options, (cluster, namespace), &name, object);
        self.keep(read);
    }

    /// Reads what a pod's annotations keep from its sidecar.
    fn capture(&mut self, object: &Object, annotations: &Labels) -> Option<Box<Capture>> {
        let (capture, bad) = Capture::read(annotations);
        self.found.extend(bad.into_iter().map(|what| {
            Diagnostic::warning(
                "bad-capture-annotation",
                format!("{what}, in the pods of {}", object.reference()),
            )
            .at(
                object.name_span(),
                "the injector refuses such pods; the rest of the list counts here",
            )
            .help("write numbers of ports, or ranges of addresses, with commas between")
        }));
        capture
    }

    fn policy(&mut self, cluster: ClusterId, object: &Object) {
        let kind = (object.gvk.group.as_str(), object.gvk.kind.as_str());
        match kind {
            ("security.istio.io", "AuthorizationPolicy") => {
                let Some(mut policy) = self.keep(Policy::read(object)) else { return };
                let options = self.fixed.options(cluster);
                accept::prune(&mut policy, options);
                if options.webhook
                    && let Some(refused) = accept::refusal(&policy, object, options)
                {
                    self.found.push(refused);
                    return;
                }
                self.found.extend(accept::deadly_paths(&policy, object));
                let id = PolicyId(self.fixed.policies.len() as u32);
                let namespace = self.namespace_of(cluster, object);
                self.fixed.namespaces[namespace.0 as usize].policies.push(id);
                self.fixed.policies.push((cluster, policy));
            }
            ("security.istio.io", "PeerAuthentication") => {
                let Some(peer) = self.keep(PeerAuthentication::read(object)) else { return };
                match accept::peer_refusal(&peer, object) {
                    Some(refused) if self.fixed.options(cluster).webhook => {
                        self.found.push(refused);
                    }
                    _ => self.fixed.peer_authentications.push((cluster, peer)),
                }
            }
            ("security.istio.io", "RequestAuthentication") => {
                let Some(tokens) = self.keep(RequestAuthentication::read(object)) else { return };
                match accept::token_refusal(&tokens, object) {
                    Some(refused) if self.fixed.options(cluster).webhook => {
                        self.found.push(refused);
                    }
                    _ => self.fixed.request_authentications.push((cluster, tokens)),
                }
            }
            ("networking.k8s.io", "NetworkPolicy") => {
                let namespace = self.namespace_of(cluster, object);
                let read = self.keep(NetworkPolicy::read(object, namespace));
                if let Some(policy) = read {
                    self.fixed.network_policies.add(policy);
                }
            }
            _ => {}
        }
    }
}

/// The ports that services can name: those of TCP, of what keeps running
/// (istio/istio:pilot/pkg/serviceregistry/ambient/helpers.go `FindPortName`).
fn tcp_ports(spec: &raw::PodSpec) -> Vec<raw::ContainerPort> {
    let beside =
        spec.init_containers.iter().filter(|c| c.restart_policy.as_deref() == Some("Always"));
    let ports = spec.containers.iter().chain(beside).flat_map(|c| &c.ports);
    ports.filter(|p| p.protocol.as_deref().unwrap_or("TCP") == "TCP").cloned().collect()
}

/// Has a ServiceEntry an address by which ztunnel and gateways know its traffic: its own, or one
/// that istiod chooses?
fn has_address(spec: &raw::ServiceEntrySpec, labels: &Labels) -> bool {
    !spec.addresses.is_empty() || spec.hosts.iter().any(|host| chooses_address(spec, labels, host))
}

fn allowed(listener: Option<&raw::Listener>) -> Allowed {
    let namespaces = listener.map(|l| l.allowed_routes.namespaces.clone()).unwrap_or_default();
    match (namespaces.from.as_deref(), namespaces.selector) {
        (Some("All"), _) => Allowed::All,
        (Some("Selector"), Some(selector)) => Allowed::Selector(selector),
        _ => Allowed::Same,
    }
}

fn service_binding(fixed: &Fixed, service: &Service) -> Binding {
    // a waypoint's own Service has none, nor has that of an east-west gateway
    let managed = service.labels.get("gateway.istio.io/managed").map(String::as_str);
    if matches!(managed, Some("istio.io-mesh-controller" | "istio.io-eastwest-controller")) {
        return Binding::Unbound;
    }
    bind(fixed, &service.labels, service.namespace, Serves::services, true)
}

fn workload_binding(fixed: &Fixed, workload: &Workload) -> Binding {
    // the waypoint's own pods never have one
    if workload.role != Role::Application {
        return Binding::Unbound;
    }
    let labels = workload.entry.as_ref().map_or(&workload.labels, |entry| &entry.labels);
    bind(fixed, labels, workload.namespace, Serves::workloads, false)
}

pub(in crate::simulate) fn bind(
    fixed: &Fixed,
    labels: &Labels,
    namespace: NamespaceId,
    serves: impl Fn(Serves) -> bool,
    is_service: bool,
) -> Binding {
    let own = &fixed.namespaces[namespace.0 as usize];
    let elsewhere = fixed.options(own.cluster).does(Behaviour::UseWaypointNamespace);
    let Some((gateway_namespace, name)) = named(labels, &own.labels, &own.name, elsewhere) else {
        return Binding::Unbound;
    };
    let wanted = fixed.namespace_ids.get(&(own.cluster, gateway_namespace.to_owned()));
    // any Gateway with an address, whatever its class (istio/istio:pilot/pkg/serviceregistry/ambient/
    // waypoints.go `gatewayToWaypointTransform`)
    let there = wanted.and_then(|wanted| fixed.gateways_of.get(wanted)).into_iter().flatten();
    let found = there.copied().find(|id| fixed.gateways[id.0 as usize].name == name);
    let Some(id) = found else {
        let (namespace, name) = (gateway_namespace.to_owned(), name.to_owned());
        return Binding::Missing { namespace, name };
    };
    let gateway = &fixed.gateways[id.0 as usize];
    let admitted = match &gateway.allowed {
        Allowed::Same => gateway.namespace == namespace,
        Allowed::All => true,
        Allowed::Selector(selector) => selector.matches(&own.labels),
    };
    if !admitted {
        return Binding::Refused(id);
    }
    if serves(gateway.serves) {
        return Binding::Bound(id);
    }
    // a workload that inherits the namespace's waypoint silently gets none (§2.3)
    let inherited = !labels.contains_key("istio.io/use-waypoint");
    if inherited && !is_service { Binding::Unbound } else { Binding::Unserved(id) }
}
