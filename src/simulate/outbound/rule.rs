//! DestinationRules: which one a client's proxy carries out for a service, and what it says about
//! TLS.

use std::collections::BTreeSet;

use super::consolidated::{Consolidated, Index};
use super::host;
use super::{Age, Sender};
use crate::k8s::{Labels, Object};
use crate::simulate::mesh::ClusterId;
use crate::simulate::raw::{self, ClientTls, LoadBalancer, TlsMode, TrafficPolicy};

/// A DestinationRule.
#[derive(Debug, PartialEq)]
pub(in crate::simulate) struct DestinationRule {
    pub cluster: ClusterId,
    /// The namespace's name.
    pub space: String,
    pub name: String,
    /// The full name, or a wildcard.
    pub host: String,
    pub(super) age: Age,
    /// `exportTo` as it is written.
    pub(super) export: BTreeSet<String>,
    /// Only the proxies of its own namespace see it.
    pub(super) is_private: bool,
    pub(super) selector: Option<Labels>,
    pub(super) policy: Option<TrafficPolicy>,
    pub(super) subsets: Vec<raw::Subset>,
}

/// What a rule says of the connections to a port of a service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Settings {
    /// The mode of TLS, where one is given, and the place of the rule that gives it.
    pub tls: Option<(TlsMode, u32)>,
    /// `loadBalancer.simple: PASSTHROUGH`.
    pub passthrough: bool,
    /// The same of all ports: whether there is mutual TLS is told from the endpoints.
    pub infers: bool,
    /// The mode by which each endpoint is told whether it takes mutual TLS: of a port without a mode
    /// that of all ports.
    pub endpoints: Option<(TlsMode, u32)>,
}

impl DestinationRule {
    pub fn new(
        cluster: ClusterId,
        space: &str,
        object: &Object,
        spec: raw::DestinationRule,
        default: &[String],
    ) -> Self {
        // for some clients of its own namespace only (push_context.go `setDestinationRules`)
        let export: BTreeSet<String> = match spec.workload_selector {
            Some(_) => BTreeSet::from([".".to_owned()]),
            None => spec.export_to.into_iter().collect(),
        };
        // of the mesh's default `.` and `*` count
        let is_private = match export.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            [] => default.iter().any(|word| word == "."),
            [only] => *only == "." || *only == space,
            _ => false,
        };
        Self {
            cluster,
            space: space.to_owned(),
            name: object.name.clone(),
            host: host::full_name(&spec.host, space),
            age: super::age(object),
            export,
            is_private,
            selector: spec.workload_selector.map(|s| s.match_labels.unwrap_or_default()),
            policy: spec.traffic_policy,
            subsets: spec.subsets,
        }
    }

    /// Do the proxies of its own namespace see it first?
    pub(super) fn is_for_its_namespace(&self) -> bool {
        let has = |word: &str| self.export.contains(word);
        self.export.is_empty() || has("*") || has(".") || has(&self.space)
    }
}

/// What a policy says of a port, and whether it has settings of the port's own, which inherit nothing (util.go
/// `GetPortLevelTrafficPolicy`).
pub(super) fn at_port(place: u32, policy: &TrafficPolicy, port: u16) -> (Settings, bool) {
    let passes = |balancer: &Option<LoadBalancer>| {
        balancer.as_ref().and_then(|b| b.simple.as_deref()).is_some_and(|s| s == "PASSTHROUGH")
    };
    let mode = |tls: Option<ClientTls>| tls.map(|tls| (tls.mode, place));
    let own = policy.port_level_settings.iter().find(|p| p.port.number == port);
    let (tls, balancer) = match own {
        Some(own) => (own.tls, &own.load_balancer),
        None => (policy.tls, &policy.load_balancer),
    };
    let settings = Settings {
        tls: mode(tls),
        passthrough: passes(balancer),
        // cluster_builder.go `applyDestinationRule` asks `BestEffortInferServiceMTLSMode` with the whole policy
        infers: passes(&policy.load_balancer),
        // istio/istio:pilot/pkg/xds/endpoints/mtls_checker.go `trafficPolicyTLSModeForPort`: here a port
        // does inherit
        endpoints: mode(tls.or(policy.tls)),
    };
    (settings, own.is_some())
}

/// The rule that a proxy carries out for a service (istio/istio:pilot/pkg/model/push_context.go
/// `destinationRule`, then sidecar.go `SidecarScope.DestinationRule`): one of the client's namespace,
/// else of the service's, else of the root namespace. `known` are those whose host holds for the
/// service, the most special first.
pub(super) fn chosen<'r>(
    rules: &'r [Consolidated],
    known: &[u32],
    sender: &Sender<'_>,
    service: &str,
    root: &str,
) -> Option<&'r Consolidated> {
    let client = sender.namespace.map(|(_, name)| name);
    // those of the most special host that is there at all
    let of = |index: Index, space: &str| {
        let all = known.iter().map(|place| &rules[*place as usize]);
        let all =
            all.filter(|r| r.cluster == sender.cluster && r.index == index && r.space == space);
        let mut all = all.peekable();
        let host = all.peek().map(|rule| rule.host.as_str());
        all.take_while(|rule| Some(rule.host.as_str()) == host).collect::<Vec<_>>()
    };
    if let Some(own) = client {
        let index = if own == root { Index::RootLocal } else { Index::Local };
        let here = of(index, own);
        // rules that are all for other pods keep those of other namespaces away
        if !here.is_empty() {
            return of_client(&here, sender);
        }
    }
    [service, root].into_iter().find_map(|space| {
        let mut there = of(Index::Exported, space);
        there.retain(|rule| rule.reaches(client));
        of_client(&there, sender)
    })
}

/// Of the rules of one namespace and host: the first that takes the client by its labels, which only one of its own
/// namespace does; else the last that is for all.
fn of_client<'r>(rules: &[&'r Consolidated], sender: &Sender<'_>) -> Option<&'r Consolidated> {
    let selects = rules.iter().find(|rule| rule.selects(sender.labels));
    selects.or_else(|| rules.iter().rev().find(|rule| rule.selector.is_none())).copied()
}
