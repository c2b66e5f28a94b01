//! The lints over the clusters of an environment.

use std::collections::BTreeSet;

use crate::diagnostic::{Diagnostic, Sources, sort};
use crate::k8s::Object;
use crate::model::ClusterName;
use crate::resolve::Resolved;
use crate::validate::rule::{RuleInput, RuleObjects, Settings, Suppressions, check_all, redact};
use crate::world::World;

/// Applies the lints, less what the spec suppresses on the day `today` (`2026-12-31`). The sources
/// are those of the world's objects.
pub fn lint(
    resolved: &Resolved,
    world: &World,
    today: &str,
    sources: &mut Sources,
) -> Vec<Diagnostic> {
    let environment = &resolved.environment;
    let trust_domains: Vec<String> =
        environment.clusters.values().map(|c| c.trust_domain.to_string()).collect();
    let mut found = Vec::new();
    let mut suppressions = Suppressions::new(&resolved.suppress, today);
    for (name, (id, cluster)) in environment.clusters.keys().zip(world.in_mesh()) {
        let mut settings = Settings {
            root_namespace: cluster.options.root_namespace.clone(),
            trust_domains: trust_domains.clone(),
            services_elsewhere: services_elsewhere(resolved, name),
            ..Settings::default()
        };
        for (unit, object) in cluster.applied() {
            settings.units.insert(object.span().file, unit.as_str().to_owned());
        }
        let applied: Vec<&Object> = cluster.applied().map(|(_, object)| object).collect();
        let written: Vec<&Object> =
            existing(resolved, name).chain(applied.iter().copied()).collect();
        let objects =
            RuleObjects { present: cluster.objects().collect(), applied, written: written.clone() };
        let mut here = Vec::new();
        check_all(&RuleInput::new(objects, (&world.mesh, id), &settings), &mut here);
        suppressions.apply(name.as_str(), &written, &mut here);
        found.append(&mut here);
    }
    suppressions.review(&mut found);
    sort(&mut found);
    let all = environment.clusters.keys().flat_map(|name| existing(resolved, name));
    redact(&mut found, sources, all);
    found
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
