//! The lints over what an environment renders to, cluster by cluster, together with what exists
//! there anyway.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Rendered;
use crate::diagnostic::{Diagnostic, Sources, sort};
use crate::k8s::{Object, ObjectRef, objects_of};
use crate::model::{ClusterName, Unit};
use crate::resolve::Resolved;
use crate::validate::rule::{RuleInput, Settings, Suppressions, check_all, redact};
use crate::yaml::{Budget, read};

/// Applies the lints, less what the spec suppresses on the day `today` (`2026-12-31`). The rendered
/// files are added to the sources, below `folder`, since findings point into them.
pub fn lint(
    resolved: &Resolved,
    rendered: &Rendered,
    folder: &str,
    today: &str,
    sources: &mut Sources,
) -> Vec<Diagnostic> {
    let environment = &resolved.environment;
    let trust_domains: Vec<String> =
        environment.clusters.values().map(|c| c.trust_domain.to_string()).collect();
    let mut found = Vec::new();
    let mut all = Vec::new();
    let mut suppressions = Suppressions::new(&resolved.suppress, today);
    for cluster in environment.clusters.keys() {
        let mut settings = Settings {
            trust_domains: trust_domains.clone(),
            services_elsewhere: services_elsewhere(resolved, cluster),
            ..Settings::default()
        };
        let existing = resolved.inventory.get(cluster).map(Vec::as_slice).unwrap_or_default();
        let mut objects: Vec<Object> = Vec::new();
        for (path, file) in rendered.tree.iter() {
            let mut parts = path.split('/');
            let is_here = parts.next() == Some(cluster.as_str()) && file.object().is_some();
            let Some(unit) = parts.next().and_then(Unit::parse).filter(|_| is_here) else {
                continue;
            };
            let text = rendered.patched.get(path).map_or(file.text(), String::as_str);
            let id = sources.add(format!("{folder}/{path}"), text);
            settings.units.insert(id, unit.as_str().to_owned());
            objects.extend(objects_of(read(id, text, &Budget::MANIFESTS).0).0);
        }
        let objects = laid_over(existing, objects);
        let mut here = Vec::new();
        check_all(&RuleInput::new(&objects, &settings), &mut here);
        suppressions.apply(cluster.as_str(), &objects, &mut here);
        found.append(&mut here);
        all.extend(objects);
    }
    suppressions.review(&mut found);
    sort(&mut found);
    redact(&mut found, sources, &all);
    found
}

/// The Services that other clusters of the mesh are known to have.
fn services_elsewhere(resolved: &Resolved, cluster: &ClusterName) -> BTreeSet<(String, String)> {
    let others = resolved.inventory.iter().filter(|(name, _)| *name != cluster);
    others
        .flat_map(|(_, objects)| objects)
        .filter(|object| object.gvk.is("", "Service"))
        .map(|o| (o.namespace.clone().unwrap_or_default(), o.name.clone()))
        .collect()
}

/// What is in the cluster once the rendered objects are applied over those that exist: of an
/// object that is in both, the labels and annotations that we leave alone stay.
fn laid_over(existing: &[Arc<Object>], rendered: Vec<Object>) -> Vec<Object> {
    let mut known: BTreeMap<ObjectRef, &Arc<Object>> =
        existing.iter().map(|object| (object.reference(), object)).collect();
    let mut all: Vec<Object> = Vec::new();
    for mut object in rendered {
        // a workload's patch shows its pods in part: both are looked at
        if object.gvk.is("", "Namespace")
            && let Some(old) = known.remove(&object.reference())
        {
            for (key, value) in &old.labels {
                object.labels.entry(key.clone()).or_insert_with(|| value.clone());
            }
            for (key, value) in &old.annotations {
                object.annotations.entry(key.clone()).or_insert_with(|| value.clone());
            }
        }
        all.push(object);
    }
    all.extend(known.into_values().map(|object| Object::clone(object)));
    all
}
