//! Which policies hold where (facts/istio-ambient.md §4.1, §4.2; istio/istio:pilot/pkg/model/policyattachment.go
//! `ShouldAttachPolicy`). Places with the same policies are one.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::OnceLock;

use crate::diagnostic::Diagnostic;
use crate::k8s::{Labels, TargetRef};
use crate::simulate::envoy::{Chain, CustomState};
use crate::simulate::options::Options;
use crate::simulate::peer_authentication::{Levels, MtlsMode, PeerAuthentication};
use crate::simulate::policy::{Action, Policy, PolicyId};
use crate::simulate::raw::WorkloadSelector;
use crate::simulate::request_authentication::RequestAuthentication;
use crate::simulate::version::Behaviour;
use crate::simulate::ztunnel::{self, Authorization, Conversion};

use super::by_namespace::ByNamespace;
use super::{
    Binding, ClusterId, Fixed, Gateway, GatewayKind, NamespaceId, Role, Service, ServiceKind,
    Workload,
};

/// What holds at all places of a mesh.
#[derive(Debug, Default)]
pub(in crate::simulate) struct Points {
    pub envoy: Vec<EnvoyPoint>,
    pub ztunnel: Vec<ZtunnelPoint>,
    /// By workload.
    pub workloads: Vec<WorkloadPoints>,
    /// By service: the chain of its waypoint, where it is bound to one.
    pub services: Vec<Option<usize>>,
    /// By gateway: the chain for traffic addressed to a pod.
    pub gateways: Vec<usize>,
    /// By cluster: the policy that stands for plain STRICT.
    static_strict: Vec<Authorization>,
    /// By PeerAuthentication: the policy made of it, if any.
    converted: Vec<Option<Authorization>>,
    peer_authentications: ByNamespace,
    request_authentications: ByNamespace,
}

/// The policies that one Envoy asks.
#[derive(Debug)]
pub struct EnvoyPoint {
    pub(in crate::simulate) cluster: ClusterId,
    pub(in crate::simulate) policies: Vec<PolicyId>,
    pub(in crate::simulate) request_authentications: Vec<usize>,
    /// Made of these and of the options.
    pub(in crate::simulate) chain: OnceLock<Chain>,
}

/// The policies that a destination's ztunnel asks.
#[derive(Debug)]
pub struct ZtunnelPoint {
    pub(in crate::simulate) policies: Vec<AuthorizationRef>,
}

/// Where a policy of ztunnel comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::simulate) enum AuthorizationRef {
    /// An AuthorizationPolicy.
    Policy(PolicyId),
    /// A PeerAuthentication with ports.
    Peer(usize),
    /// Plain STRICT.
    Strict(ClusterId),
}

/// What holds for a workload, by whoever enforces it.
#[derive(Clone, Debug)]
pub struct WorkloadPoints {
    pub(in crate::simulate) envoy: usize,
    pub(in crate::simulate) ztunnel: usize,
    pub(in crate::simulate) mode: MtlsMode,
    pub(in crate::simulate) port_modes: BTreeMap<u16, MtlsMode>,
    pub(in crate::simulate) mode_from: Option<usize>,
    /// A PeerAuthentication whose policy the workload lists although istiod makes none of it: ztunnel
    /// skips it with a warning.
    pub(in crate::simulate) dangling: Option<usize>,
}

impl Points {
    /// What is made of a PeerAuthentication for ztunnel.
    pub fn converted(&self, peer: usize) -> Option<&Authorization> {
        self.converted.get(peer)?.as_ref()
    }
}

impl WorkloadPoints {
    /// The mode of a port of the pod, as a sidecar takes it.
    pub fn mtls(&self, port: u16) -> MtlsMode {
        self.port_modes.get(&port).copied().unwrap_or(self.mode)
    }
}

impl EnvoyPoint {
    /// The compiled chain.
    pub(in crate::simulate) fn chain(&self, fixed: &Fixed) -> &Chain {
        self.chain.get_or_init(|| {
            let options = fixed.options(self.cluster);
            let customs = self.policies.iter().map(|id| &fixed.policies[id.0 as usize].1);
            let providers: BTreeSet<&str> = customs
                .filter(|p| p.action == Action::Custom && !p.dry_run)
                .map(|p| p.provider.as_str())
                .collect();
            let several = providers.len() > 1 && !options.features.multiple_custom_providers;
            Chain::new(&self.policies, fixed, |policy| custom_state(policy, several, options))
        })
    }
}

/// An unknown provider, or one of several, makes a CUSTOM policy deny what it matches (§7.1).
fn custom_state(policy: &Policy, several: bool, options: &Options) -> CustomState {
    let known = options
        .extension_providers
        .as_ref()
        .is_none_or(|known| known.contains_key(&policy.provider));
    let definition = options.extension_providers.as_ref().and_then(|k| k.get(&policy.provider));
    // istio/istio:pilot/pkg/security/authz/builder/extauthz.go `buildTCP`: a provider by HTTP has no
    // filter for connections
    let by_http = definition.is_some_and(|d| d.get("envoyExtAuthzHttp").is_some());
    match (several || !known, by_http) {
        (true, _) => CustomState::Bad,
        (false, true) => CustomState::AskedOnHttp,
        (false, false) => CustomState::Asked,
    }
}

impl ZtunnelPoint {
    /// The policies themselves, in the order of their keys.
    pub(in crate::simulate) fn authorizations<'a>(
        &'a self,
        fixed: &'a Fixed,
    ) -> impl Iterator<Item = &'a Authorization> + Clone {
        self.policies.iter().filter_map(move |r| fixed.authorization(*r))
    }
}

impl Fixed {
    pub(in crate::simulate) fn authorization(&self, r: AuthorizationRef) -> Option<&Authorization> {
        match r {
            AuthorizationRef::Policy(id) => match self.conversion(id) {
                Conversion::Sent { authorization, .. } => Some(authorization),
                Conversion::NotSent(_) => None,
            },
            AuthorizationRef::Peer(index) => self.points.converted[index].as_ref(),
            AuthorizationRef::Strict(cluster) => self.points.static_strict.get(cluster.0 as usize),
        }
    }

    /// Every policy that istiod would send to the ztunnels of a cluster, in the order of keys.
    pub(in crate::simulate) fn authorizations(&self, cluster: ClusterId) -> Vec<&Authorization> {
        let policies = (0..self.policies.len())
            .filter(|i| self.policies[*i].0 == cluster)
            .map(|i| AuthorizationRef::Policy(PolicyId(i as u32)));
        let peers = (0..self.peer_authentications.len())
            .filter(|i| self.peer_authentications[*i].0 == cluster)
            .map(AuthorizationRef::Peer);
        // sent as soon as there is any PeerAuthentication
        let strict = self.peer_authentications.iter().any(|(c, _)| *c == cluster);
        let strict = strict.then_some(AuthorizationRef::Strict(cluster));
        let mut all: Vec<&Authorization> =
            policies.chain(peers).chain(strict).filter_map(|r| self.authorization(r)).collect();
        all.sort_by_key(|a| a.key());
        all
    }
}

/// Works out all places. The mesh is otherwise complete.
pub(super) fn attach(fixed: &mut Fixed) {
    let all = fixed.peer_authentications.iter();
    fixed.points.peer_authentications =
        ByNamespace::new(all.map(|(cluster, p)| (*cluster, p.namespace.as_str())));
    let all = fixed.request_authentications.iter();
    fixed.points.request_authentications =
        ByNamespace::new(all.map(|(cluster, r)| (*cluster, r.namespace.as_str())));
    fixed.points.static_strict =
        fixed.clusters.iter().map(|(o, _)| ztunnel::static_strict(&o.root_namespace)).collect();
    fixed.points.converted = (0..fixed.peer_authentications.len())
        .map(|i| {
            let (cluster, own) = &fixed.peer_authentications[i];
            let root = &fixed.options(*cluster).root_namespace;
            let all = peers(fixed, *cluster, &own.namespace);
            let mut levels = Levels::of(all.iter().copied(), root, &own.namespace, &Labels::new());
            levels.workload = Some(own);
            ztunnel::convert_strict(own, &levels, root)
        })
        .collect();
    let mut interner = Interner::default();
    let workloads = fixed.workloads.iter().map(|w| workload(fixed, w, &mut interner)).collect();
    let gateways = fixed
        .gateways
        .iter()
        .map(|gateway| match gateway.kind {
            GatewayKind::Waypoint => waypoint(fixed, gateway, None, &mut interner),
            _ => ingress(fixed, gateway, &mut interner),
        })
        .collect();
    let services = fixed
        .services
        .iter()
        .zip(&fixed.service_bindings)
        .map(|(service, binding)| match binding {
            Binding::Bound(id) => {
                let gateway = &fixed.gateways[id.0 as usize];
                Some(waypoint(fixed, gateway, Some(service), &mut interner))
            }
            _ => None,
        })
        .collect();
    fixed.points.workloads = workloads;
    fixed.points.gateways = gateways;
    fixed.points.services = services;
    fixed.points.envoy = interner.envoy;
    fixed.points.ztunnel = interner.ztunnel;
}

#[derive(Default)]
struct Interner {
    envoy: Vec<EnvoyPoint>,
    ztunnel: Vec<ZtunnelPoint>,
    envoy_ids: HashMap<(ClusterId, Vec<PolicyId>, Vec<usize>), usize>,
    ztunnel_ids: HashMap<Vec<AuthorizationRef>, usize>,
}

impl Interner {
    fn envoy(&mut self, cluster: ClusterId, policies: Vec<PolicyId>, tokens: Vec<usize>) -> usize {
        let next = self.envoy.len();
        let id = *self.envoy_ids.entry((cluster, policies.clone(), tokens.clone())).or_insert(next);
        if id == next {
            self.envoy.push(EnvoyPoint {
                cluster,
                policies,
                request_authentications: tokens,
                chain: OnceLock::new(),
            });
        }
        id
    }

    fn ztunnel(&mut self, policies: Vec<AuthorizationRef>) -> usize {
        let next = self.ztunnel.len();
        let id = *self.ztunnel_ids.entry(policies.clone()).or_insert(next);
        if id == next {
            self.ztunnel.push(ZtunnelPoint { policies });
        }
        id
    }
}

/// The PeerAuthentications that can concern a namespace: its own, and those of the root namespace.
fn peers<'f>(fixed: &'f Fixed, cluster: ClusterId, namespace: &str) -> Vec<&'f PeerAuthentication> {
    let root = fixed.options(cluster).root_namespace.as_str();
    let all = fixed.points.peer_authentications.of_all(cluster, &[namespace, root]);
    all.into_iter().map(|place| &fixed.peer_authentications[place].1).collect()
}

/// The place of a PeerAuthentication of a cluster.
fn place_of(fixed: &Fixed, cluster: ClusterId, peer: &PeerAuthentication) -> Option<usize> {
    let all = fixed.points.peer_authentications.of(cluster, &peer.namespace).iter();
    all.copied().find(|place| std::ptr::eq(&fixed.peer_authentications[*place].1, peer))
}

fn workload(fixed: &Fixed, workload: &Workload, interner: &mut Interner) -> WorkloadPoints {
    let cluster = fixed.namespaces[workload.namespace.0 as usize].cluster;
    let started_for = |mode: &str| {
        let mut labels = Cow::Borrowed(&workload.labels);
        let key = fixed.options(cluster).mode_label.as_deref();
        if let Some(key) = key.filter(|key| workload.labels.contains_key(*key)) {
            labels.to_mut().insert(key.to_owned(), mode.to_owned());
        }
        labels
    };
    let envoy = of_pod(fixed, workload, &started_for("sidecar"));
    let labels = started_for("ambient");
    let levels = levels(fixed, workload.namespace, &labels);
    let (ztunnel, dangling) = ztunnel_policies(fixed, workload.namespace, &labels, &levels);
    let mode_from = levels.deciding().and_then(|decides| place_of(fixed, cluster, decides));
    WorkloadPoints {
        envoy: interner.envoy(cluster, envoy.0, envoy.1),
        ztunnel: interner.ztunnel(ztunnel),
        mode: levels.mode(),
        port_modes: levels.ports(),
        mode_from,
        dangling,
    }
}

/// The policies of a pod's Envoy: those that select it, and those with a target where it is a
/// Gateway's by its label (istio/istio:pilot/pkg/model/policyattachment.go `GetTargetRefs`,
/// `WorkloadPolicyMatcher`).
fn of_pod(fixed: &Fixed, workload: &Workload, labels: &Labels) -> (Vec<PolicyId>, Vec<usize>) {
    match labels.get(GATEWAY_NAME) {
        Some(name) if workload.role == Role::Gateway => {
            let hits = |namespace: NamespaceId, policies: &str, target: &TargetRef| {
                target.group == "gateway.networking.k8s.io"
                    && target.kind == "Gateway"
                    && target.name == *name
                    && fixed.namespaces[namespace.0 as usize].name == policies
            };
            targeted(fixed, workload.namespace, labels, |policies, target| {
                hits(workload.namespace, policies, target)
            })
        }
        _ => by_selector(fixed, workload.namespace, labels),
    }
}

const GATEWAY_NAME: &str = "gateway.networking.k8s.io/gateway-name";

/// The mode of a namespace: its own PeerAuthentication without a selector, else that of the mesh.
pub(super) fn namespace_mode(fixed: &Fixed, namespace: NamespaceId) -> MtlsMode {
    levels(fixed, namespace, &Labels::new()).parent()
}

fn levels<'f>(fixed: &'f Fixed, namespace: NamespaceId, labels: &Labels) -> Levels<'f> {
    let namespace = &fixed.namespaces[namespace.0 as usize];
    let root = &fixed.options(namespace.cluster).root_namespace;
    let all = peers(fixed, namespace.cluster, &namespace.name);
    Levels::of(all.into_iter(), root, &namespace.name, labels)
}

/// What a workload of these labels asks at its ztunnel, and the policy that it lists in vain.
pub(super) fn of_labels(
    fixed: &Fixed,
    namespace: NamespaceId,
    labels: &Labels,
) -> (Vec<AuthorizationRef>, Option<usize>) {
    ztunnel_policies(fixed, namespace, labels, &levels(fixed, namespace, labels))
}

/// A1 to A4: no targetRef; of the workload's namespace or the root namespace; the labels match.
fn by_selector(
    fixed: &Fixed,
    namespace: NamespaceId,
    labels: &Labels,
) -> (Vec<PolicyId>, Vec<usize>) {
    let selects =
        |selector: &Option<WorkloadSelector>| selector.as_ref().is_none_or(|s| s.matches(labels));
    let policies = reaching(fixed, namespace)
        .filter(|id| {
            let policy = &fixed.policies[id.0 as usize].1;
            !policy.is_targeted() && selects(&policy.spec.selector)
        })
        .collect();
    let own = &fixed.namespaces[namespace.0 as usize];
    let root = &fixed.options(own.cluster).root_namespace;
    let tokens = tokens(fixed, own.cluster, &[&own.name, root], |r| {
        r.targets().next().is_none() && selects(&r.spec.selector)
    });
    (policies, tokens)
}

/// The RequestAuthentications of these namespaces that are wanted.
fn tokens(
    fixed: &Fixed,
    cluster: ClusterId,
    namespaces: &[&str],
    wanted: impl Fn(&RequestAuthentication) -> bool,
) -> Vec<usize> {
    let mut all = fixed.points.request_authentications.of_all(cluster, namespaces);
    all.retain(|place| wanted(&fixed.request_authentications[*place].1));
    all
}

/// The policies of a namespace and of the root namespace.
fn reaching(fixed: &Fixed, namespace: NamespaceId) -> impl Iterator<Item = PolicyId> {
    let own = &fixed.namespaces[namespace.0 as usize];
    let root = &fixed.options(own.cluster).root_namespace;
    let root = fixed.namespace_ids.get(&(own.cluster, root.clone())).copied();
    let root = root.filter(|root| *root != namespace);
    let root = root.map(|root| &fixed.namespaces[root.0 as usize].policies);
    own.policies.iter().chain(root.into_iter().flatten()).copied()
}

/// Global ones, those of the namespace, and those the workload lists, by key.
fn ztunnel_policies(
    fixed: &Fixed,
    namespace: NamespaceId,
    labels: &Labels,
    levels: &Levels<'_>,
) -> (Vec<AuthorizationRef>, Option<usize>) {
    let cluster = fixed.namespaces[namespace.0 as usize].cluster;
    let mut policies: Vec<AuthorizationRef> = reaching(fixed, namespace)
        .filter(|id| {
            let policy = &fixed.policies[id.0 as usize].1;
            // `selector: {}` gives the scope WORKLOAD_SELECTOR, and then no workload lists it (§4.2)
            let listed = policy
                .spec
                .selector
                .as_ref()
                .is_none_or(|s| s.match_labels.is_some() && s.matches(labels));
            !policy.is_targeted()
                && listed
                && matches!(policy.action, Action::Allow | Action::Deny)
                && (!policy.dry_run || fixed.options(cluster).features.ztunnel_dry_run)
        })
        .map(AuthorizationRef::Policy)
        .collect();
    let strict = ztunnel::listed(levels);
    let own =
        levels.workload.filter(|_| strict.converted).and_then(|own| place_of(fixed, cluster, own));
    let mut dangling = None;
    match own {
        Some(index) if fixed.points.converted[index].is_some() => {
            policies.push(AuthorizationRef::Peer(index));
        }
        other => dangling = other,
    }
    if strict.static_strict {
        policies.push(AuthorizationRef::Strict(cluster));
    }
    policies.sort_by_cached_key(|r| match r {
        AuthorizationRef::Policy(id) => {
            let policy = &fixed.policies[id.0 as usize].1;
            (policy.namespace.clone(), policy.name.clone())
        }
        other => fixed
            .authorization(*other)
            .map(|a| (a.namespace.clone(), a.name.clone()))
            .unwrap_or_default(),
    });
    (policies, dangling)
}

/// A5 to A8: the chain of a waypoint for one service, or for traffic addressed to a pod.
fn waypoint(
    fixed: &Fixed,
    gateway: &Gateway,
    service: Option<&Service>,
    interner: &mut Interner,
) -> usize {
    let own = &fixed.namespaces[gateway.namespace.0 as usize];
    let cluster = own.cluster;
    let hits = |namespace: &str, target: &TargetRef| {
        targets_gateway(fixed, gateway, namespace, target)
            || service.is_some_and(|service| targets_service(fixed, service, namespace, target))
    };
    let root = &fixed.options(cluster).root_namespace;
    let mut namespaces = vec![gateway.namespace];
    namespaces.extend(service.map(|s| s.namespace));
    namespaces.extend(fixed.namespace_ids.get(&(cluster, root.clone())));
    namespaces.sort_unstable();
    namespaces.dedup();
    let policies = namespaces
        .iter()
        .flat_map(|n| &fixed.namespaces[n.0 as usize].policies)
        .filter(|id| {
            let policy = &fixed.policies[id.0 as usize].1;
            policy.targets().any(|target| hits(&policy.namespace, target))
        })
        .copied()
        .collect();
    let names: Vec<&str> =
        namespaces.iter().map(|n| fixed.namespaces[n.0 as usize].name.as_str()).collect();
    // the root namespace has them also where nothing else is in it
    let names: Vec<&str> = names.into_iter().chain([root.as_str()]).collect();
    let tokens = tokens(fixed, cluster, &names, |r| r.targets().any(|t| hits(&r.namespace, t)));
    interner.envoy(cluster, policies, tokens)
}

/// A gateway of Gateway API: what its labels select, and what targets it.
fn ingress(fixed: &Fixed, gateway: &Gateway, interner: &mut Interner) -> usize {
    let cluster = fixed.namespaces[gateway.namespace.0 as usize].cluster;
    let carrier = &fixed.workloads[gateway.workload.0 as usize];
    let (policies, found) = if carrier.kind == "Gateway" {
        targeted(fixed, gateway.namespace, &carrier.labels, |namespace, target| {
            targets_gateway(fixed, gateway, namespace, target)
        })
    } else {
        // pods of others: what counts is their own label
        of_pod(fixed, carrier, &carrier.labels)
    };
    interner.envoy(cluster, policies, found)
}

/// What selects a gateway's pods, where that counts, and what targets it.
fn targeted(
    fixed: &Fixed,
    namespace: NamespaceId,
    labels: &Labels,
    hits: impl Fn(&str, &TargetRef) -> bool,
) -> (Vec<PolicyId>, Vec<usize>) {
    let cluster = fixed.namespaces[namespace.0 as usize].cluster;
    let (mut policies, mut found) = if fixed.options(cluster).features.selector_policies_on_gateways
    {
        by_selector(fixed, namespace, labels)
    } else {
        (Vec::new(), Vec::new())
    };
    policies.extend(reaching(fixed, namespace).filter(|id| {
        let policy = &fixed.policies[id.0 as usize].1;
        policy.targets().any(|target| hits(&policy.namespace, target))
    }));
    let own = &fixed.namespaces[namespace.0 as usize];
    let namespaces = [own.name.as_str(), fixed.options(cluster).root_namespace.as_str()];
    found.extend(tokens(fixed, cluster, &namespaces, |r| {
        r.targets().any(|t| hits(&r.namespace, t))
    }));
    (policies, found)
}

/// A5: the Gateway of that name in the policy's own namespace. A8: `istio-waypoint` in the root
/// namespace is every waypoint, whatever its class, since 1.25; no other class can be a target.
pub(in crate::simulate) fn targets_gateway(
    fixed: &Fixed,
    gateway: &Gateway,
    policy_namespace: &str,
    target: &TargetRef,
) -> bool {
    let own = &fixed.namespaces[gateway.namespace.0 as usize];
    let options = fixed.options(own.cluster);
    target.group == "gateway.networking.k8s.io"
        && match target.kind.as_str() {
            "Gateway" => own.name == policy_namespace && gateway.name == target.name,
            "GatewayClass" => {
                policy_namespace == options.root_namespace
                    && gateway.kind == GatewayKind::Waypoint
                    && target.name == "istio-waypoint"
                    && options.does(Behaviour::GatewayClassTargets)
            }
            _ => false,
        }
}

/// A6, A7: the Service or (since 1.24) ServiceEntry of that name in the policy's own namespace.
pub(in crate::simulate) fn targets_service(
    fixed: &Fixed,
    service: &Service,
    policy_namespace: &str,
    target: &TargetRef,
) -> bool {
    let own = &fixed.namespaces[service.namespace.0 as usize];
    let kind = match (target.group.as_str(), target.kind.as_str()) {
        ("" | "core", "Service") => ServiceKind::Service,
        ("networking.istio.io", "ServiceEntry")
            if fixed.options(own.cluster).does(Behaviour::ServiceEntryTargets) =>
        {
            ServiceKind::ServiceEntry
        }
        _ => return false,
    };
    kind == service.kind && own.name == policy_namespace && service.name == target.name
}

/// Targets that nothing here is: the policy holds nowhere by them.
pub(super) fn dangling(fixed: &Fixed) -> Vec<Diagnostic> {
    let policies = fixed.policies.iter().map(|(cluster, p)| {
        let targets: Vec<&TargetRef> = p.targets().collect();
        (*cluster, "AuthorizationPolicy", &p.namespace, &p.name, p.span, targets)
    });
    let tokens = fixed.request_authentications.iter().map(|(cluster, r)| {
        let targets: Vec<&TargetRef> = r.targets().collect();
        (*cluster, "RequestAuthentication", &r.namespace, &r.name, r.span, targets)
    });
    let mut services: HashMap<NamespaceId, Vec<&Service>> = HashMap::new();
    for service in &fixed.services {
        services.entry(service.namespace).or_default().push(service);
    }
    let mut found = Vec::new();
    for (cluster, kind, namespace, name, span, targets) in policies.chain(tokens) {
        let here = |id: NamespaceId| fixed.namespaces[id.0 as usize].cluster == cluster;
        for target in targets {
            let own = fixed.namespace_ids.get(&(cluster, namespace.clone()));
            // a class is no object of a namespace
            let hit = if target.kind == "GatewayClass" {
                let mut all = fixed.gateways.iter().filter(|g| here(g.namespace));
                all.any(|g| targets_gateway(fixed, g, namespace, target))
            } else {
                let gateways = own.and_then(|own| fixed.gateways_of.get(own)).into_iter().flatten();
                let mut gateways = gateways.map(|id| &fixed.gateways[id.0 as usize]);
                let mut services = own.and_then(|own| services.get(own)).into_iter().flatten();
                gateways.any(|g| targets_gateway(fixed, g, namespace, target))
                    || services.any(|s| targets_service(fixed, s, namespace, target))
            };
            if !hit {
                found.push(
                    Diagnostic::warning(
                        "dangling-target",
                        format!(
                            "{kind} {namespace}/{name} targets {} `{}`, which is not there",
                            target.kind, target.name
                        ),
                    )
                    .at(span, "it is taken to hold nowhere by this target")
                    .help("a target is looked for in the policy's own namespace; a GatewayClass counts \
                           from the root namespace only"),
                );
            }
        }
    }
    found
}
