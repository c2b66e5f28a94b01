//! The tctl form of resources, and what of their Kubernetes form it has no place for.

use std::collections::BTreeSet;

use serde_json::Value;

use super::form::{self, WAVE, to_tctl};
use super::rank;
use crate::diagnostic::Diagnostic;
use crate::model::{Position, Standing, TsbResource};

/// Resources in tctl form, in their order. Reported: what the form cannot hold, so that the way
/// back would give other objects.
pub fn tctl(resources: &[TsbResource]) -> (Vec<Value>, Vec<Diagnostic>) {
    let mut found = Vec::new();
    for resource in resources {
        if resource.standing == Standing::Unknown && !form::is_tctl(resource) {
            found.push(not_converted(resource));
        }
        if resource.standing == Standing::Known {
            found.extend(own_name(resource));
            found.extend(own_wave(resource));
        }
    }
    found.extend(waves(resources));
    found.extend(namespaces(resources));
    (resources.iter().map(to_tctl).collect(), found)
}

fn not_converted(resource: &TsbResource) -> Diagnostic {
    let what = format!("{} `{}`", resource.gvk.kind, resource.name);
    Diagnostic::warning(
        "not-converted",
        format!("{what} stays as it is written: its kind is not known here"),
    )
    .at(resource.origin, "")
    .help("if it is in Kubernetes form, move its parents from the annotations into `metadata`")
}

/// AccessBindings have no name of their own in tctl form.
fn own_name(resource: &TsbResource) -> Option<Diagnostic> {
    let Position::About(fqn) = &resource.position else { return None };
    let given = form::name_of(fqn);
    let differs = !resource.name.is_empty() && resource.name != given;
    differs.then(|| {
        Diagnostic::note(
            "left-out",
            format!("the name `{}` is left out: tctl form has none here", resource.name),
        )
        .at(resource.origin, format!("converted back it is `{given}`"))
    })
}

/// A wave of the user's own; the one that goes with the kind comes back by itself.
fn own_wave(resource: &TsbResource) -> Option<Diagnostic> {
    let wave = resource.annotations.get(WAVE)?;
    let given = rank(&resource.gvk).to_string();
    (*wave != given).then(|| {
        Diagnostic::note(
            "left-out",
            format!(
                "the sync wave `{wave}` of {} `{}` is left out: tctl form has none",
                resource.gvk.kind, resource.name
            ),
        )
        .at(resource.origin, format!("converted back it is `{given}`"))
    })
}

/// One note for all the waves that go with the kind: they order Argo CD's sync, and come back by
/// themselves.
fn waves(resources: &[TsbResource]) -> Option<Diagnostic> {
    let is_given = |r: &&TsbResource| {
        r.annotations.get(WAVE).is_some_and(|wave| *wave == rank(&r.gvk).to_string())
    };
    let known = resources.iter().filter(|r| r.standing == Standing::Known);
    let given: Vec<&TsbResource> = known.filter(is_given).collect();
    let first = given.first()?;
    let what = match given.len() {
        1 => format!("the sync wave of {} `{}` is", first.gvk.kind, first.name),
        n => format!("the sync waves of {n} resources are"),
    };
    Some(
        Diagnostic::note("left-out", format!("{what} left out: tctl form has none"))
            .at(first.origin, if given.len() == 1 { "" } else { "the first of them" })
            .help("converted back they are the same, unless `--no-sync-waves` is given"),
    )
}

/// One note for all: every object of Kubernetes form has a namespace.
fn namespaces(resources: &[TsbResource]) -> Option<Diagnostic> {
    let known = resources.iter().filter(|r| r.standing == Standing::Known);
    let placed: Vec<(&TsbResource, &str)> =
        known.filter_map(|r| Some((r, r.namespace.as_deref()?))).collect();
    let (first, _) = placed.first()?;
    let names: BTreeSet<&str> = placed.iter().map(|(_, namespace)| *namespace).collect();
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    let (noun, verb) = if names.len() == 1 { ("namespace", "is") } else { ("namespaces", "are") };
    Some(
        Diagnostic::note(
            "left-out",
            format!("the {noun} {} {verb} left out: tctl form has none", names.join(", ")),
        )
        .at(first.origin, "the first of them")
        .help("on the way back give them with `--namespace` and `--tenant-namespace`"),
    )
}
