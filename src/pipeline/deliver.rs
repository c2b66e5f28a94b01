//! What the appliers are told of a rendered tree: the same way from manifest to file as the tree's
//! own objects.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::assemble::{not_emitted, plain_file, put, reference};
use super::patch::Patcher;
use super::{Request, Tools, check};
use crate::delivery::{self, ForApplier, GUARD, GUARD_FILE, UnitObjects, Units, guard};
use crate::diagnostic::Diagnostic;
use crate::k8s::ObjectRef;
use crate::model::{ClusterName, Delivery, Environment, Target, Unit};
use crate::plan::State;
use crate::render::canonical;
use crate::resolve::Resolved;
use crate::tree::{ClusterProvenance, Place, Provenance, Scope, Tree, TreeFile, object_file_name};
use crate::yaml::{EmitError, emit_checked};

/// The objects of a tree by cluster and unit.
pub(super) fn unit_objects(environment: &Environment, tree: &Tree) -> UnitObjects {
    let mut units = UnitObjects::new();
    for (_, file) in tree.iter() {
        let (Some(place), Some(object)) = (file.place(), file.object()) else { continue };
        let cluster = environment.clusters.get_key_value(&*place.cluster);
        if let (Some((cluster, _)), Some(unit)) = (cluster, place.area.unit()) {
            let of = units.entry(ClusterName::clone(cluster)).or_default();
            of.entry(unit).or_default().push(object.clone());
        }
    }
    units
}

/// Adds the guard of every unit that has one: it names an object of each of the unit's folders.
pub(super) fn add_guards(environment: &Environment, tree: &mut Tree, found: &mut Vec<Diagnostic>) {
    let guarded: Vec<Unit> =
        Unit::ALL.into_iter().filter(|unit| delivery::is_guarded(environment, *unit)).collect();
    if guarded.is_empty() {
        return;
    }
    let mut named: BTreeMap<&Place, Vec<(&str, &ObjectRef)>> = BTreeMap::new();
    let mut last = None;
    for (_, file) in tree.iter() {
        let (Some(place), Some(object)) = (file.place(), file.object()) else { continue };
        let is_guarded = place.area.unit().is_some_and(|unit| guarded.contains(&unit));
        let folder = (place, object.namespace.as_deref());
        if is_guarded && last != Some(folder) {
            last = Some(folder);
            named.entry(place).or_default().push((api_version(file.text()), object));
        }
    }
    let guards: Vec<(String, Result<Value, EmitError>)> = named
        .into_iter()
        .map(|(Place { cluster, area }, objects)| {
            (format!("{cluster}/{}/{GUARD}/{GUARD_FILE}", area.as_str()), guard(&objects))
        })
        .collect();
    for (path, guard) in guards {
        let file = guard
            .map_err(|error| Box::new(not_emitted(&path, &error)))
            .and_then(|value| plain_file(path, &value));
        match file {
            Ok((path, file)) => put(tree, path, file, found),
            Err(fault) => found.push(*fault),
        }
    }
}

/// The version of a canonical text's object: its first line.
fn api_version(text: &str) -> &str {
    let line = text.lines().next().unwrap_or_default();
    line.strip_prefix("apiVersion: ").unwrap_or_default()
}

/// The trees of the appliers, by the environment's name. An applier that is told nothing has an
/// empty one; without a tree of the whole environment there are none at all.
pub(super) fn deliver(
    environment: &Environment,
    state: &State,
    scope: &Scope,
    tree: &Tree,
    tools: &Tools,
    patcher: &mut Patcher<'_>,
    found: &mut Vec<Diagnostic>,
) -> BTreeMap<Target, Tree> {
    if *scope != Scope::default() {
        return BTreeMap::new();
    }
    let mut trees: BTreeMap<Target, Tree> =
        Target::ALL.into_iter().map(|target| (target, Tree::default())).collect();
    let Some(delivery) = &environment.delivery else { return trees };
    let objects = unit_objects(environment, tree);
    let units = Units { environment, delivery, state, objects: &objects };
    let (mut places, mut values) = (Vec::new(), Vec::new());
    for ForApplier { target, folder, manifest } in delivery::objects(&units) {
        match tools.renderer.render(manifest) {
            Ok(object) => {
                places.push((target, folder));
                values.push(object.into_value());
            }
            Err(diagnostic) => found.push(*diagnostic),
        }
    }
    patcher.apply_to(&mut values);
    let mut folders: BTreeMap<(Target, String), Vec<String>> = BTreeMap::new();
    for ((target, folder), value) in places.into_iter().zip(values) {
        // what a patch deleted is null
        if value.is_null() {
            continue;
        }
        let value = canonical(value);
        check::object(&tools.validator, &value, Some(delivery.origin), found);
        check_substitution(&value, tree, delivery, found);
        check_guard(&value, tree, delivery, found);
        let reference = reference(&value);
        let below = match &folder {
            Some(folder) => format!("{}/{folder}", environment.name),
            None => environment.name.to_string(),
        };
        let name = object_file_name(&reference);
        let text = emit(&value, found);
        let file = TreeFile::new(text, Some(reference));
        let tree = trees.entry(target).or_default();
        put(tree, format!("{below}/{name}"), file, found);
        folders.entry((target, below)).or_default().push(name);
    }
    for ((target, below), mut resources) in folders {
        resources.sort();
        let value = json!({
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "resources": resources,
        });
        let file = TreeFile::new(emit(&value, found), None);
        let tree = trees.entry(target).or_default();
        put(tree, format!("{below}/kustomization.yaml"), file, found);
    }
    trees
}

fn emit(value: &Value, found: &mut Vec<Diagnostic>) -> String {
    emit_checked(value).unwrap_or_else(|error| {
        let message = format!("cannot write {}: {error}", reference(value));
        found.push(Diagnostic::error("not-emitted", message));
        String::new()
    })
}

/// Ours substitute nothing. One that a patch has given variables rewrites every `${…}` of its unit
/// (facts/gitops-delivery.md 1.17, 3.2.1).
fn check_substitution(
    value: &Value,
    tree: &Tree,
    delivery: &Delivery,
    found: &mut Vec<Diagnostic>,
) {
    if value.pointer("/spec/postBuild").is_none() {
        return;
    }
    let Some((cluster, unit)) = flux_unit(value) else { return };
    let folder = format!("{cluster}/{unit}/");
    for (_, file) in tree.below(&folder) {
        let Some(object) = file.object() else { continue };
        let is_off = file.text().contains("kustomize.toolkit.fluxcd.io/substitute: disabled");
        if !is_off && has_variable(file.text()) {
            found.push(
                Diagnostic::error(
                    "substitution",
                    format!("Flux would replace a `${{` in {object}: a patch gives `postBuild` to unit `{unit}` of cluster `{cluster}`"),
                )
                .at(delivery.origin, "")
                .help("annotate the object with `kustomize.toolkit.fluxcd.io/substitute: disabled`, or leave `postBuild` out"),
            );
        }
    }
}

/// One that prunes a unit builds its guard, unless a template or patch of the user's takes that away.
fn check_guard(value: &Value, tree: &Tree, delivery: &Delivery, found: &mut Vec<Diagnostic>) {
    let Some((cluster, unit)) = flux_unit(value) else { return };
    let has_guard = tree.get(&format!("{cluster}/{unit}/{GUARD}/{GUARD_FILE}")).is_some();
    let components = value.pointer("/spec/components").and_then(Value::as_array);
    let builds_it = components.is_some_and(|all| all.iter().any(|component| component == GUARD));
    if has_guard && !builds_it && value.pointer("/spec/prune") == Some(&Value::Bool(true)) {
        found.push(
            Diagnostic::warning(
                "unit-unguarded",
                format!("Flux would prune all of unit `{unit}` of cluster `{cluster}` if its folder were emptied by hand: `components` does not list `{GUARD}`"),
            )
            .at(delivery.origin, "")
            .help(format!("a template or a patch of yours takes it away: write `components: [{GUARD}]` there")),
        );
    }
}

/// The cluster and the unit of a Kustomization of Flux.
fn flux_unit(value: &Value) -> Option<(&str, &str)> {
    let label = |key: &str| {
        value.pointer(&format!("/metadata/labels/waypost.dev~1{key}")).and_then(Value::as_str)
    };
    value["apiVersion"].as_str().filter(|v| v.starts_with("kustomize.toolkit.fluxcd.io/"))?;
    Some((label("cluster")?, label("unit")?))
}

fn has_variable(text: &str) -> bool {
    text.match_indices("${").any(|(at, _)| !text.get(..at).is_some_and(|b| b.ends_with('$')))
}

/// What the appliers' trees are made from: the same as the environment's.
pub fn delivery_provenance(resolved: &Resolved, request: &Request<'_>) -> Provenance {
    let environment = &resolved.environment;
    let reached = request.stage.unwrap_or(&environment.reached);
    let name = environment.name.to_string();
    let stages = BTreeMap::from([(name.clone(), reached.to_string())]);
    let provenance = ClusterProvenance { input: request.input, stages };
    Provenance {
        tool: env!("CARGO_PKG_VERSION").to_owned(),
        clusters: BTreeMap::from([(name, provenance)]),
    }
}
