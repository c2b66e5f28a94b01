//! The lints over the clusters of an environment.

use std::collections::BTreeSet;

use crate::diagnostic::{Diagnostic, Sources, sort_by_severity};
use crate::k8s::Object;
use crate::model::{ClusterName, RESTART_TOKEN};
use crate::resolve::Resolved;
use crate::translate::direct::REPLACED_BY;
use crate::validate::rule::{
    ByFile, RuleInput, RuleObjects, Settings, Suppressions, check_all, redact,
};
use crate::world::{Cluster, World};

/// The lints of an environment, at one point of its migration or at several.
pub struct Lints<'a> {
    resolved: &'a Resolved,
    trust_domains: Vec<String>,
    suppressions: Suppressions<'a>,
}

impl<'a> Lints<'a> {
    /// What the spec suppresses on the day `today` (`2026-12-31`) is left out.
    pub fn new(resolved: &'a Resolved, today: &'a str) -> Self {
        let clusters = resolved.environment.clusters.values();
        Self {
            resolved,
            trust_domains: clusters.map(|c| c.trust_domain.to_string()).collect(),
            suppressions: Suppressions::new(&resolved.suppress, today),
        }
    }

    /// What is found at a point, less what `is_known` from another one.
    pub fn at(
        &mut self,
        world: &World,
        is_known: &mut dyn FnMut(&Diagnostic) -> bool,
    ) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        let names = self.resolved.environment.clusters.keys();
        for (name, (id, cluster)) in names.zip(world.in_mesh()) {
            let mut settings = Settings {
                root_namespace: cluster.options.root_namespace.clone(),
                trust_domains: self.trust_domains.clone(),
                services_elsewhere: services_elsewhere(self.resolved, name),
                ..Settings::default()
            };
            for (unit, object) in cluster.applied() {
                settings.units.insert(object.span().file, unit.as_str().to_owned());
            }
            let applied: Vec<&Object> = cluster.applied().map(|(_, object)| object).collect();
            let written = written(self.resolved, name, cluster);
            let objects = RuleObjects {
                present: cluster.objects().collect(),
                applied,
                written: written.clone(),
            };
            let mut here = Vec::new();
            check_all(&RuleInput::new(objects, (&world.mesh, id), &settings), &mut here);
            let by_file = ByFile::new(&written);
            here.retain(|diagnostic| {
                let span = diagnostic.primary.as_ref().map(|place| place.span);
                let object = span.and_then(|span| by_file.at(span));
                !object.is_some_and(|object| is_on_the_way(object, diagnostic.code))
            });
            here.retain(|diagnostic| !is_known(diagnostic));
            self.suppressions.apply(name.as_str(), &written, &mut here);
            found.append(&mut here);
        }
        found
    }

    /// What there is to say of the suppressions, once every point has been asked; and no secret is
    /// shown in what was found, nor in its sources.
    pub fn finish(self, found: &mut Vec<Diagnostic>, sources: &mut Sources) {
        self.suppressions.review(found);
        sort_by_severity(found);
        let names = self.resolved.environment.clusters.keys();
        redact(found, sources, names.flat_map(|name| existing(self.resolved, name)));
    }
}

/// Does a finding concern a hand-written policy that is being replaced? It was written for sidecars, and what
/// holds in ambient mode is beside it; and a guard selects pods that are restarted first.
fn is_on_the_way(object: &Object, code: &str) -> bool {
    let restarted = ["spec", "selector", "matchLabels", RESTART_TOKEN];
    object.annotations.contains_key(REPLACED_BY)
        || code == "selector-matches-nothing" && object.body.get_path(&restarted).is_some()
}

/// Everything of a cluster as it is written.
pub(super) fn written<'a>(
    resolved: &'a Resolved,
    name: &ClusterName,
    cluster: &'a Cluster,
) -> Vec<&'a Object> {
    existing(resolved, name).chain(cluster.applied().map(|(_, object)| object)).collect()
}

/// What exists in a cluster anyway, as it is written.
fn existing<'a>(resolved: &'a Resolved, cluster: &ClusterName) -> impl Iterator<Item = &'a Object> {
    let of = |objects: Option<&'a Vec<_>>| objects.into_iter().flatten();
    let all = of(resolved.inventory.get(cluster)).chain(of(resolved.direct.get(cluster)));
    all.map(|object| &**object)
}

/// The Services that other clusters of the mesh are known to have.
fn services_elsewhere(resolved: &Resolved, cluster: &ClusterName) -> BTreeSet<(String, String)> {
    let others = resolved.environment.clusters.keys().filter(|name| *name != cluster);
    others
        .flat_map(|name| existing(resolved, name))
        .filter(|object| object.gvk.is("", "Service"))
        .map(|o| (o.namespace.clone().unwrap_or_default(), o.name.clone()))
        .collect()
}
