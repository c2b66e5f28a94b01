//! DestinationRules: which one a client's proxy carries out for a service, and what it says about
//! TLS.

use super::Sender;
use super::host::{self, Export};
use crate::k8s::{Labels, Object};
use crate::simulate::mesh::{ClusterId, NamespaceId};
use crate::simulate::raw::{self, TlsMode, TrafficPolicy};

/// A DestinationRule.
#[derive(Debug)]
pub(in crate::simulate) struct DestinationRule {
    pub cluster: ClusterId,
    pub namespace: NamespaceId,
    /// The namespace's name.
    pub space: String,
    pub name: String,
    /// The full name, or a wildcard.
    pub host: String,
    /// `creationTimestamp`, then the name: the oldest counts first.
    pub age: (String, String),
    export: Export,
    selector: Option<Labels>,
    policy: Option<TrafficPolicy>,
    subsets: Vec<raw::Subset>,
}

/// By what is written: the place of its namespace in the mesh says nothing that the name does not.
impl PartialEq for DestinationRule {
    fn eq(&self, other: &Self) -> bool {
        let Self {
            cluster,
            namespace: _,
            space,
            name,
            host,
            age,
            export,
            selector,
            policy,
            subsets,
        } = self;
        *cluster == other.cluster
            && *space == other.space
            && *name == other.name
            && *host == other.host
            && *age == other.age
            && *export == other.export
            && *selector == other.selector
            && *policy == other.policy
            && *subsets == other.subsets
    }
}

/// What a client's TLS settings come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Settings {
    /// The mode, where a rule gives one.
    pub tls: Option<TlsMode>,
    /// `loadBalancer.simple: PASSTHROUGH`.
    pub passthrough: bool,
}

impl DestinationRule {
    pub fn new(
        (cluster, namespace): (ClusterId, NamespaceId),
        space: &str,
        object: &Object,
        spec: raw::DestinationRule,
        default: &[String],
    ) -> Self {
        Self {
            cluster,
            namespace,
            space: space.to_owned(),
            name: object.name.clone(),
            host: host::full_name(&spec.host, space),
            age: super::age(object),
            // for some clients of its own namespace only (push_context.go `setDestinationRules`)
            export: match spec.workload_selector {
                Some(_) => Export::private(space),
                None => Export::of(spec.export_to.iter().map(String::as_str), space, default),
            },
            selector: spec.workload_selector.map(|s| s.match_labels.unwrap_or_default()),
            policy: spec.traffic_policy,
            subsets: spec.subsets,
        }
    }

    /// The settings for a port of the service, of all endpoints or of a subset
    /// (istio/istio:pilot/pkg/networking/util/util.go `MergeSubsetTrafficPolicy`).
    pub(super) fn settings(&self, port: u16, subset: Option<&str>) -> Settings {
        let base = self.policy.as_ref().map(|p| at_port(p, port).0).unwrap_or_default();
        let subset = subset.and_then(|name| self.subsets.iter().find(|s| s.name == name));
        let Some(policy) = subset.and_then(|s| s.traffic_policy.as_ref()) else { return base };
        let (own, has_port) = at_port(policy, port);
        if has_port {
            return own;
        }
        Settings {
            tls: own.tls.or(base.tls),
            passthrough: if policy.load_balancer.is_some() {
                own.passthrough
            } else {
                base.passthrough
            },
        }
    }

    /// It is for some clients of its namespace.
    pub(super) fn selects(&self) -> bool {
        self.selector.is_some()
    }

    /// Do a pod's labels put it in a subset?
    pub(super) fn has_in_subset(&self, subset: &str, labels: &Labels) -> bool {
        let subset = self.subsets.iter().find(|s| s.name == subset);
        subset.is_some_and(|s| s.labels.iter().all(|(k, v)| labels.get(k) == Some(v)))
    }
}

/// A port's own settings inherit nothing (util.go `GetPortLevelTrafficPolicy`). And: has it any?
fn at_port(policy: &TrafficPolicy, port: u16) -> (Settings, bool) {
    let own = policy.port_level_settings.iter().find(|p| p.port.number == port);
    let (tls, balancer) = match own {
        Some(own) => (own.tls, &own.load_balancer),
        None => (policy.tls, &policy.load_balancer),
    };
    let passthrough =
        balancer.as_ref().and_then(|b| b.simple.as_deref()).is_some_and(|s| s == "PASSTHROUGH");
    (Settings { tls: tls.map(|t| t.mode), passthrough }, own.is_some())
}

/// The rule that a proxy carries out for a service (istio/istio:pilot/pkg/model/push_context.go
/// `destinationRule`, then sidecar.go `SidecarScope.DestinationRule`): one of the client's namespace,
/// else of the service's, else of the root namespace. `known` are those whose host holds for the
/// service, the most special first, then the oldest.
pub(super) fn chosen<'r>(
    rules: &'r [DestinationRule],
    known: &[u32],
    sender: &Sender<'_>,
    service: NamespaceId,
    root: &str,
) -> Option<&'r DestinationRule> {
    let all = || {
        known
            .iter()
            .map(|index| &rules[*index as usize])
            .filter(|rule| rule.cluster == sender.cluster)
    };
    let client = sender.namespace.map(|(_, name)| name);
    if let Some((id, name)) = sender.namespace {
        // one that is exported to others only is not for its own namespace; in the root namespace only what
        // is private there is meant for its own proxies
        let here = all().filter(|rule| {
            rule.namespace == id
                && rule.export.reaches(client)
                && (name != root || rule.export.is_private(&rule.space))
        });
        if let Some(found) = of_namespace(here, sender) {
            return Some(found);
        }
    }
    // what only its own namespace sees is not looked at from elsewhere; of the most special host
    // those that the client sees count
    let exported = |wanted: &dyn Fn(&DestinationRule) -> bool| {
        let public = all().filter(|rule| wanted(rule) && !rule.export.is_private(&rule.space));
        let host = public.clone().next().map(|rule| rule.host.as_str());
        of_namespace(
            public.filter(|rule| Some(rule.host.as_str()) == host && rule.export.reaches(client)),
            sender,
        )
    };
    exported(&|rule| rule.namespace == service).or_else(|| exported(&|rule| rule.space == root))
}

/// Of the rules of one namespace: those of the most special host; among them the one whose selector
/// takes the client (only in its own namespace), else the oldest that says something.
fn of_namespace<'r>(
    rules: impl Iterator<Item = &'r DestinationRule> + Clone,
    sender: &Sender<'_>,
) -> Option<&'r DestinationRule> {
    let host = rules.clone().next()?.host.as_str();
    let here = rules.filter(|rule| rule.host == host);
    let takes = |rule: &&DestinationRule| {
        let own = sender.namespace.is_some_and(|(id, _)| id == rule.namespace);
        let Some(selector) = &rule.selector else { return false };
        own && selector.iter().all(|(k, v)| sender.labels.is_some_and(|l| l.get(k) == Some(v)))
    };
    here.clone().find(takes).or_else(|| {
        let mut general = here.filter(|rule| rule.selector.is_none());
        let first = general.clone().next();
        // a later one for the same host adds what the first leaves out (push_context.go
        // `mergeDestinationRule`)
        general.find(|rule| rule.policy.is_some()).or(first)
    })
}
