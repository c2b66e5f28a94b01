//! What VirtualServices, DestinationRules, routes, Services and Istio's own Gateways say of traffic.

pub(super) mod destination_host_unknown;
pub(super) mod destination_rule_overridden;
pub(super) mod gateway_conflict;
pub(super) mod headless_sidecar_clients;
pub(super) mod host_in_several_entries;
pub(super) mod ignored_field;
pub(super) mod port_name;
pub(super) mod reference_not_found;
pub(super) mod sidecar_port_taken;
pub(super) mod subset_selects_nothing;

use std::collections::{BTreeMap, BTreeSet};

use super::input::{RuleInput, items};
use crate::diagnostic::nearest;
use crate::k8s::Object;
use crate::yaml::Node;

/// The group of Istio's kinds for traffic.
const NETWORKING: &str = "networking.istio.io";
/// What a Service's name and namespace are followed by. Another domain of the cluster is not known
/// here: hosts in it are not judged.
const DOMAIN: &str = ".svc.cluster.local";

/// What hosts stand for, as far as the objects show it.
pub(super) struct Hosts<'a> {
    services: BTreeMap<&'a str, BTreeMap<&'a str, &'a Object>>,
    entries: BTreeMap<String, Vec<Visible<'a>>>,
    wildcards: Vec<(&'a str, Visible<'a>)>,
    elsewhere: &'a BTreeSet<(String, String)>,
}

/// The namespaces that see a ServiceEntry; `None` for all.
type Visible<'a> = Option<BTreeSet<&'a str>>;

/// What a host stands for.
pub(super) enum Host<'a> {
    /// A Service among the objects.
    Service(&'a Object),
    /// Something that the objects do not show whole, or show as a ServiceEntry.
    Elsewhere,
    /// Nothing, though the objects show what there is; with what to do.
    Missing(String),
}

impl<'a> Hosts<'a> {
    pub(super) fn of(input: &RuleInput<'a>) -> Self {
        let mut services: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
        for service in input.of("", "Service") {
            let namespace = service.namespace.as_deref().unwrap_or_default();
            services.entry(namespace).or_default().insert(service.name.as_str(), service);
        }
        let (mut entries, mut wildcards) = (BTreeMap::<_, Vec<_>>::new(), Vec::new());
        for entry in input.of(NETWORKING, "ServiceEntry") {
            let own = entry.namespace.as_deref().unwrap_or_default();
            for host in items(&entry.body, &["spec", "hosts"]).iter().filter_map(Node::as_str) {
                let visible = visible(entry, own);
                match host.strip_prefix('*') {
                    Some(suffix) => wildcards.push((suffix, visible)),
                    None => entries.entry(full(host, own)).or_default().push(visible),
                }
            }
        }
        Self { services, entries, wildcards, elsewhere: &input.settings.services_elsewhere }
    }

    /// What a host stands for in an object, read as in a namespace. In the order of upstream's
    /// `pkg/config/analysis/analyzers/util/service_lookup.go` (`GetDestinationHost`), which holds
    /// all that it does not see for missing; here a Service is missing only where others of its
    /// namespace are shown.
    pub(super) fn find(&self, host: &str, own: &str, from: &Object) -> Host<'a> {
        let sees = |v: &Visible<'_>| v.as_ref().is_none_or(|all| all.contains(own));
        let full = full(host, own);
        if host.is_empty()
            || host.starts_with('*')
            || self.entries.get(&full).is_some_and(|all| all.iter().any(sees))
            || self.wildcards.iter().any(|(suffix, v)| host.ends_with(suffix) && sees(v))
        {
            return Host::Elsewhere;
        }
        let Some((name, namespace)) = full.strip_suffix(DOMAIN).and_then(|f| f.split_once('.'))
        else {
            return self.unfinished(host);
        };
        if let Some(service) = self.service(namespace, name) {
            return Host::Service(service);
        }
        let is_elsewhere = || self.elsewhere.contains(&(namespace.to_owned(), name.to_owned()));
        match self.services.get(namespace) {
            Some(known) if known.values().any(|s| go_together(s, from)) && !is_elsewhere() => {
                Host::Missing(match nearest(name, known.keys().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "add the Service or a ServiceEntry, or write the name of one".into(),
                })
            }
            _ => Host::Elsewhere,
        }
    }

    /// Istio completes a name without a point only (upstream's `pilot/pkg/model/config.go`,
    /// `ResolveShortnameToFQDN`): `reviews.default` is no Service, as it would be in a pod.
    fn unfinished(&self, host: &str) -> Host<'a> {
        let parts = host.strip_suffix(".svc").unwrap_or(host).split_once('.');
        match parts.and_then(|(name, namespace)| self.service(namespace, name)) {
            Some(_) => {
                let host = host.strip_suffix(".svc").unwrap_or(host);
                Host::Missing(format!("Istio completes short names only: write `{host}{DOMAIN}`"))
            }
            None => Host::Elsewhere,
        }
    }

    fn service(&self, namespace: &str, name: &str) -> Option<&'a Object> {
        self.services.get(namespace)?.get(name).copied()
    }

    /// True when other clusters have a Service of this name too, whose endpoints and ports count.
    fn is_elsewhere_too(&self, service: &Object) -> bool {
        let namespace = service.namespace.clone().unwrap_or_default();
        self.elsewhere.contains(&(namespace, service.name.clone()))
    }
}

/// Objects without a namespace go where somebody else says: only those of one file surely to the
/// same place.
fn go_together(a: &Object, b: &Object) -> bool {
    a.namespace.is_some() || a.span().file == b.span().file
}

/// A name without a point is of the own namespace.
fn full(host: &str, own: &str) -> String {
    if host.contains('.') { host.to_owned() } else { format!("{host}.{own}{DOMAIN}") }
}

/// `exportTo`: nothing and `*` are everybody, `.` the own namespace.
fn visible<'a>(entry: &'a Object, own: &'a str) -> Visible<'a> {
    let to = items(&entry.body, &["spec", "exportTo"]).iter().filter_map(Node::as_str);
    let to: BTreeSet<&str> = to.map(|n| if n == "." { own } else { n }).collect();
    (!to.is_empty() && !to.contains("*")).then_some(to)
}

/// Where the order of `destinationhosts.go` goes: the routes of each protocol, then the mirrors.
pub(super) fn destinations(route: &Object) -> impl Iterator<Item = &Node> {
    let of_protocol = |key| items(&route.body, &["spec", key]).iter();
    let routes = ["tcp", "tls", "http"].into_iter().flat_map(of_protocol);
    let mirrors = of_protocol("http").flat_map(|rule| {
        let many = items(rule, &["mirrors"]).iter().filter_map(|m| m.get("destination"));
        rule.get("mirror").into_iter().chain(many)
    });
    routes
        .flat_map(|rule| items(rule, &["route"]))
        .filter_map(|route| route.get("destination"))
        .chain(mirrors)
}
