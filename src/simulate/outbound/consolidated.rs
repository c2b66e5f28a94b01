//! DestinationRules as istiod keeps them: those of one namespace for one host are laid together
//! (istio/istio:pilot/pkg/model/push_context.go `setDestinationRules`, destination_rule.go
//! `mergeDestinationRule`).

use std::collections::BTreeSet;

use super::rule::{DestinationRule, Settings, at_port};
use crate::k8s::Labels;
use crate::simulate::mesh::ClusterId;
use crate::simulate::raw::{self, TrafficPolicy};

/// What several rules become. Rules are named by their places in the mesh.
#[derive(Clone, Debug)]
pub(in crate::simulate) struct Consolidated {
    pub cluster: ClusterId,
    /// The name of their namespace.
    pub space: String,
    pub index: Index,
    pub host: String,
    /// The clients of its namespace that it is for; all where absent.
    pub selector: Option<Labels>,
    /// `exportTo` as it is written.
    pub(super) export: BTreeSet<String>,
    policy: Option<(u32, TrafficPolicy)>,
    subsets: Vec<(u32, raw::Subset)>,
}

/// Where a proxy finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::simulate) enum Index {
    /// In its own namespace (`namespaceLocal`).
    Local,
    /// In that of the service, or in the root namespace (`exportedByNamespace`).
    Exported,
    /// In the root namespace, which is its own (`rootNamespaceLocal`).
    RootLocal,
}

/// All of them; of one namespace and host in the order in which a proxy looks at them.
pub(super) fn consolidated(
    rules: &[DestinationRule],
    root: impl Fn(ClusterId) -> String,
) -> Vec<Consolidated> {
    let mut order: Vec<(u32, &DestinationRule)> = (0..).zip(rules).collect();
    // push_context.go `sortConfigBySelectorAndCreationTime`
    order.sort_by_key(|(_, rule)| (rule.selector.is_none(), &rule.age));
    let mut all: Vec<Consolidated> = Vec::new();
    for (place, rule) in order {
        let mut add = |index| merge(&mut all, Consolidated::new(place, rule, index));
        if rule.is_for_its_namespace() {
            add(Index::Local);
        }
        if !rule.is_private {
            add(Index::Exported);
        } else if rule.space == root(rule.cluster) {
            add(Index::RootLocal);
        }
    }
    all
}

/// Lays a rule over those of its host, or puts it beside them (destination_rule.go
/// `mergeDestinationRule`, with `ENABLE_ENHANCED_DESTINATIONRULE_MERGE`, which is on by default).
fn merge(all: &mut Vec<Consolidated>, new: Consolidated) {
    let mut is_apart = true;
    for own in all.iter_mut().filter(|own| own.is_beside(&new)) {
        let is_alike = own.export == new.export;
        is_apart = !is_alike;
        // one that reaches further adds to it, and stands beside it too
        if !is_alike && (own.export.is_empty() || !new.export.is_superset(&own.export)) {
            continue;
        }
        match (&own.selector, &new.selector) {
            (Some(own), Some(new)) if own != new => {
                is_apart = true;
                continue;
            }
            (None, None) | (Some(_), Some(_)) => is_apart = false,
            // one for all clients adds to one for some: exported alike, it is not for the others
            (None, Some(_)) | (Some(_), None) => {}
        }
        own.take(&new);
    }
    if is_apart {
        all.push(new);
    }
}

impl Consolidated {
    fn new(place: u32, rule: &DestinationRule, index: Index) -> Self {
        Self {
            cluster: rule.cluster,
            space: rule.space.clone(),
            index,
            host: rule.host.clone(),
            selector: rule.selector.clone(),
            export: rule.export.clone(),
            policy: rule.policy.clone().map(|policy| (place, policy)),
            subsets: rule.subsets.iter().map(|subset| (place, subset.clone())).collect(),
        }
    }

    fn is_beside(&self, other: &Self) -> bool {
        (self.cluster, self.index) == (other.cluster, other.index)
            && self.space == other.space
            && self.host == other.host
    }

    /// Takes what it has not itself: the policy as a whole, and subsets of other names.
    fn take(&mut self, other: &Self) {
        for (place, subset) in &other.subsets {
            if self.subset(&subset.name).is_none() {
                self.subsets.push((*place, subset.clone()));
            }
        }
        if self.policy.is_none() {
            self.policy.clone_from(&other.policy);
        }
    }

    /// Is it for the proxies of this namespace? (push_context.go
    /// `getExportedDestinationRuleFromNamespace`: `.` is not read there.) A client of which no namespace
    /// is known sees what all see.
    pub(super) fn reaches(&self, namespace: Option<&str>) -> bool {
        let has = |word| self.export.contains(word);
        self.export.is_empty() || has("*") || namespace.is_some_and(has)
    }

    /// Does it take a client by its labels?
    pub(super) fn selects(&self, labels: Option<&Labels>) -> bool {
        let Some(selector) = &self.selector else { return false };
        selector.iter().all(|(k, v)| labels.is_some_and(|labels| labels.get(k) == Some(v)))
    }

    fn subset(&self, name: &str) -> Option<&(u32, raw::Subset)> {
        self.subsets.iter().find(|(_, subset)| subset.name == name)
    }

    /// Do a pod's labels put it in a subset?
    pub(super) fn has_in_subset(&self, subset: &str, labels: &Labels) -> bool {
        let subset = self.subset(subset);
        subset.is_some_and(|(_, s)| s.labels.iter().all(|(k, v)| labels.get(k) == Some(v)))
    }

    /// The settings for a port of the service, of all endpoints or of a subset
    /// (istio/istio:pilot/pkg/networking/util/util.go `MergeSubsetTrafficPolicy`).
    pub(super) fn settings(&self, port: u16, subset: Option<&str>) -> Settings {
        let own = |policy: Option<&(u32, TrafficPolicy)>| {
            policy.map(|(place, policy)| at_port(*place, policy, port)).unwrap_or_default()
        };
        let base = own(self.policy.as_ref()).0;
        let Some((place, subset)) = subset.and_then(|name| self.subset(name)) else { return base };
        let Some(policy) = &subset.traffic_policy else {
            return Settings { infers: false, ..base };
        };
        let (own, has_port) = at_port(*place, policy, port);
        let balances = has_port || policy.load_balancer.is_some();
        Settings {
            tls: if has_port { own.tls } else { own.tls.or(base.tls) },
            passthrough: if balances { own.passthrough } else { base.passthrough },
            infers: own.infers,
            endpoints: own.endpoints.or(base.endpoints),
        }
    }
}
