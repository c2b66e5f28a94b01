//! Policies that stay, and hold wherever one that is gone held: then nothing opens by its going. So it is
//! on the way back from ambient mode, where the policies of sidecars stay and their twins go.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Context;
use super::atom::{Atom, atoms, uncovered};
use crate::diff::tree::TreeDiff;
use crate::diff::version::{ObjectVersion, versions};
use crate::k8s::ObjectRef;

/// The policies of whole namespaces that a diff leaves alone, read cluster by cluster as they are asked
/// for.
pub(super) struct Staying<'a> {
    context: &'a Context<'a>,
    /// What the diff touches: cluster and object.
    touched: BTreeSet<(&'a str, &'a ObjectRef)>,
    /// Gateways that are gone: cluster, namespace and name.
    gateways_gone: BTreeSet<(&'a str, &'a str, &'a str)>,
    /// By cluster, then by namespace and action: what the policies there say.
    read: BTreeMap<String, BTreeMap<(String, String), Vec<Atom>>>,
}

impl<'a> Staying<'a> {
    pub(super) fn new(diff: &'a TreeDiff, context: &'a Context<'a>) -> Self {
        let versions = || {
            let all = diff.objects.iter();
            all.flat_map(|change| [&change.before, &change.after]).flatten()
        };
        let touched = versions().map(|version| (version.cluster(), &version.reference)).collect();
        let gateways_gone = diff
            .objects
            .iter()
            .filter_map(|change| change.lost())
            .filter(|version| version.is("gateway.networking.k8s.io", "Gateway"))
            .map(|version| {
                let namespace = version.reference.namespace.as_deref().unwrap_or_default();
                (version.cluster(), namespace, version.reference.name.as_str())
            })
            .collect();
        Self { context, touched, gateways_gone, read: BTreeMap::new() }
    }

    /// Is everything that a policy held still held by policies that stay?
    pub(super) fn cover(&mut self, gone: &ObjectVersion, action: &str) -> bool {
        let cluster = gone.cluster();
        let namespace = gone.reference.namespace.as_deref().unwrap_or_default();
        let mut targets = targets(gone).peekable();
        // bound to a waypoint that goes with it: from then on the pods' own points ask
        let goes_with_it = |target: &Value| {
            let text = |key: &str| target.get(key).and_then(Value::as_str);
            text("kind") == Some("Gateway")
                && text("name")
                    .is_some_and(|name| self.gateways_gone.contains(&(cluster, namespace, name)))
        };
        if targets.peek().is_some() && !targets.all(goes_with_it) {
            return false;
        }
        let key = (namespace.to_owned(), action.to_owned());
        let staying = self.of_cluster(cluster).get(&key);
        match (action, staying) {
            (_, None) => false,
            // whatever it allowed: what none of those that stay allows is refused
            ("ALLOW", Some(_)) => true,
            (_, Some(staying)) => atoms(gone.at("/spec/rules"))
                .is_some_and(|gone| uncovered(&gone, staying).is_empty()),
        }
    }

    fn of_cluster(&mut self, cluster: &str) -> &BTreeMap<(String, String), Vec<Atom>> {
        let (context, touched) = (self.context, &self.touched);
        self.read.entry(cluster.to_owned()).or_insert_with(|| {
            let mut all: BTreeMap<(String, String), Vec<Atom>> = BTreeMap::new();
            for (path, text) in (context.files_after)(cluster, "AuthorizationPolicy") {
                let versions = versions(&path, &text).unwrap_or_default();
                let stays = |version: &&ObjectVersion| {
                    version.is_applied()
                        && version.is("security.istio.io", "AuthorizationPolicy")
                        && !touched.contains(&(cluster, &version.reference))
                        && is_of_whole_namespace(version)
                };
                for version in versions.iter().filter(stays) {
                    // rules that cannot be read hold nothing that is known
                    let Some(own) = atoms(version.at("/spec/rules")) else { continue };
                    let namespace = version.reference.namespace.clone().unwrap_or_default();
                    let action = version.text_at("/spec/action").unwrap_or("ALLOW").to_owned();
                    all.entry((namespace, action)).or_default().extend(own);
                }
            }
            all
        })
    }
}

fn targets(policy: &ObjectVersion) -> impl Iterator<Item = &Value> {
    let listed = policy.at("/spec/targetRefs").and_then(Value::as_array);
    policy.at("/spec/targetRef").into_iter().chain(listed.into_iter().flatten())
}

fn is_of_whole_namespace(policy: &ObjectVersion) -> bool {
    let labels = policy.at("/spec/selector/matchLabels").and_then(Value::as_object);
    targets(policy).next().is_none()
        && labels.is_none_or(serde_json::Map::is_empty)
        && policy.at("/metadata/annotations/istio.io~1dry-run").is_none()
}
