//! The whole flow in one place: spec, model, state, manifests, objects, tree.
//!
//! [`render`] is the function to read. Threads are here and nowhere before: namespaces do not
//! depend on each other, and their results are put together in the order of their names.

mod adopted;
mod assemble;
mod check;
mod collide;
mod consent;
mod deliver;
mod digest;
mod judge;
mod lint;
mod manifests;
mod memo;
mod patch;
mod points;
mod translation;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rayon::prelude::*;
use serde_json::Value;

pub use consent::{Accepted, Consent};
pub use deliver::delivery_provenance;
pub use digest::input_digest;
pub use judge::{Judged, skipped};
pub use lint::Lints;
pub use manifests::{CheckedObject, LetStand, ManifestFile, Manifests, manifests};
pub use patch::patch_entry;
pub use points::{At, Points, concerning, examine, moved};
pub use translation::{
    PolicyProof, TranslatedPolicy, Translation, TranslationOutcome, rewritten, translation,
};

use self::adopted::ByCluster;
use self::assemble::{Assembly, Written};
use self::memo::Memo;
use self::patch::Patcher;
use crate::diagnostic::{Diagnostic, Span, has_errors};
use crate::model::{
    Area, Cluster, Environment, Namespace, NamespaceId, Reached, StageName, Step, Target, Unit,
};
use crate::plan::{self, State};
use crate::render::{RenderedObject, Renderer, canonical};
use crate::resolve::Resolved;
use crate::translate::install::{self, InstallFiles};
use crate::translate::{self, Placed, tenancy};
use crate::tree::{ClusterProvenance, Digest, Provenance, Scope, Tree};
use crate::validate::manifests::Validator;

/// What a render is asked for.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// The point of the migration; `None` is what the spec says is reached.
    pub stage: Option<&'a Reached>,
    /// Clusters and units to render; the others are left out of the tree.
    pub scope: &'a Scope,
    /// Digest of everything that is rendered from.
    pub input: Digest,
}

/// What rendering uses: made once, shared by all environments and threads.
pub struct Tools {
    /// The templates.
    pub renderer: Arc<Renderer>,
    /// The schemas.
    pub validator: Arc<Validator>,
}

/// A rendered environment.
#[derive(Debug)]
pub struct Rendered {
    /// Its files.
    pub tree: Tree,
    /// What they were rendered from.
    pub provenance: Provenance,
    /// What the appliers are told of it: files by the environment's name. Empty where only a part
    /// of the environment is rendered.
    pub delivery: BTreeMap<Target, Tree>,
    /// What kustomize makes of an overlay's base, by the path of the base: what is applied instead.
    pub patched: BTreeMap<String, String>,
    /// How many objects are applied.
    pub objects: usize,
}

impl Rendered {
    /// What is applied: path and text of every object, in the order of the units and paths.
    pub fn applied(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut units: [Vec<(&str, &str)>; Unit::ALL.len()] = Default::default();
        for (path, file) in self.tree.iter() {
            let unit = file.place().and_then(|place| place.area.unit());
            if let Some(unit) = Unit::ALL.iter().position(|u| Some(*u) == unit) {
                let text = self.patched.get(path).map_or(file.text(), String::as_str);
                units[unit].push((path, text));
            }
        }
        units.into_iter().flatten()
    }

    /// What is applied, as one stream of YAML documents in the order of the units and paths.
    pub fn stream(&self) -> String {
        let bytes = self.applied().map(|(_, text)| text.len() + 4).sum();
        let mut out = String::with_capacity(bytes);
        for (_, text) in self.applied() {
            out.push_str("---\n");
            out.push_str(text);
        }
        out
    }
}

/// Spec to tree. Findings with an error mean that there is nothing to write.
pub fn render(
    resolved: &Resolved,
    tools: &Tools,
    request: &Request<'_>,
    progress: &(dyn Fn(usize) + Sync),
) -> (Option<Rendered>, Vec<Diagnostic>) {
    let adopted = ByCluster::of(resolved, &tools.renderer);
    render_with(resolved, tools, request, (&adopted, None), progress)
}

/// As [`render()`], for several points of one environment: what is proposed for hand-written policies, and
/// what a namespace comes to in a state, is made once.
fn render_with(
    resolved: &Resolved,
    tools: &Tools,
    request: &Request<'_>,
    (adopted, memo): (&ByCluster<'_>, Option<&Memo>),
    progress: &(dyn Fn(usize) + Sync),
) -> (Option<Rendered>, Vec<Diagnostic>) {
    let environment = &resolved.environment;
    let state = plan::state(environment, request.stage.unwrap_or(&environment.reached));
    let (patches, mut found) = patch::entries(&resolved.patches);
    check_direct(tools, resolved, &mut found);
    found.extend(adopted::told(resolved));
    let mut assembly = Assembly::default();
    let mut patcher = Patcher::new(&patches);
    for cluster in clusters(environment, request.scope) {
        let name: &Arc<str> = &cluster.name.as_str().into();
        let install = install(environment, cluster, request.scope, &mut found);
        let mut others = Vec::new();
        if wants(request.scope, Unit::Tsb) && holds_tsb(environment, cluster) {
            others.extend(tsb(tools, resolved, &mut found));
        }
        let namespaces: Vec<&Namespace> = cluster.namespaces.values().collect();
        let adopted = adopted.get(cluster);
        let make = |namespace: &&Namespace| {
            let (mut placed, mut found) =
                translate::namespace_manifests(environment, &state, cluster, namespace);
            let mut own = Vec::new();
            if let Some(adopted) = adopted {
                let state = state.of(&id_of(cluster, namespace));
                own.extend(adopted.render(namespace, state, &mut placed, &mut found));
            }
            let mut items = objects(&tools.renderer, placed, request.scope, &mut found);
            items.extend(own.into_iter().filter(|_| wants(request.scope, Unit::Mesh)));
            (items, found)
        };
        if patcher.is_idle() {
            // an object is text before the next namespace's are made: what is held is small
            let finished = |namespace: &&Namespace| {
                let (items, mut found) = make(namespace);
                let written = finish(tools, name, items, &mut found);
                progress(written.len());
                (written, found)
            };
            let written: Vec<memo::Made> = namespaces
                .par_iter()
                .map(|namespace| {
                    let Some(memo) = memo else { return finished(namespace) };
                    let id = id_of(cluster, namespace);
                    let state = state.of(&id);
                    memo::Made::clone(&memo.get(id, state, || finished(namespace)))
                })
                .collect();
            assembly.reserve(written.iter().map(|(files, _)| files.len()).sum());
            for (files, diagnostics) in written {
                found.extend(diagnostics);
                files.into_iter().for_each(|file| assembly.add(file));
            }
        } else {
            let made: Vec<_> = namespaces.par_iter().map(make).collect();
            for (items, diagnostics) in made {
                found.extend(diagnostics);
                others.extend(items);
            }
        }
        let (install, others) = patcher.apply(install, others);
        for (files, origin) in install {
            check_install(tools, &files, origin, &mut found);
            if !resolved.patches.is_empty() {
                check::ambient(environment, cluster, &files, &mut found);
            }
            assembly.add_install(name, files, origin, &mut found);
        }
        let files = finish(tools, name, others, &mut found);
        progress(files.len());
        files.into_iter().for_each(|file| assembly.add(file));
    }
    collide::check(resolved, &assembly, &mut found);
    let mut rendered = assembly.finish(provenance(resolved, request), &mut found);
    deliver::add_guards(environment, &mut rendered.tree, &mut found);
    rendered.delivery = deliver::deliver(
        environment,
        &state,
        request.scope,
        &rendered.tree,
        tools,
        &mut patcher,
        &mut found,
    );
    found.extend(patcher.finish(request.scope));
    (Some(rendered).filter(|_| !has_errors(&found)), found)
}

/// What a render is made from: what the locks say, where nothing has changed since.
pub fn provenance(resolved: &Resolved, request: &Request<'_>) -> Provenance {
    let environment = &resolved.environment;
    let state = plan::state(environment, request.stage.unwrap_or(&environment.reached));
    let of = |cluster: &Cluster| ClusterProvenance {
        input: request.input,
        stages: stages(environment, &state, cluster),
    };
    Provenance {
        tool: env!("CARGO_PKG_VERSION").to_owned(),
        clusters: clusters(environment, request.scope)
            .map(|cluster| (cluster.name.to_string(), of(cluster)))
            .collect(),
    }
}

/// What there is to say of an environment whose tree is current: the findings of every decision,
/// without the objects that they come to. Patches speak when they are applied only: where there
/// are any, an environment is rendered.
pub fn findings(resolved: &Resolved, tools: &Tools, request: &Request<'_>) -> Vec<Diagnostic> {
    let environment = &resolved.environment;
    let state = plan::state(environment, request.stage.unwrap_or(&environment.reached));
    let mut found = Vec::new();
    check_direct(tools, resolved, &mut found);
    found.extend(adopted::told(resolved));
    let adopted = ByCluster::of(resolved, &tools.renderer);
    for cluster in clusters(environment, request.scope) {
        install(environment, cluster, request.scope, &mut found);
        if wants(request.scope, Unit::Tsb) && holds_tsb(environment, cluster) {
            tsb(tools, resolved, &mut found);
        }
        let namespaces: Vec<&Namespace> = cluster.namespaces.values().collect();
        let adopted = adopted.get(cluster);
        let told: Vec<Vec<Diagnostic>> = namespaces
            .par_iter()
            .map(|n| {
                let (mut placed, mut found) =
                    translate::namespace_manifests(environment, &state, cluster, n);
                if let Some(adopted) = adopted {
                    adopted.render(n, state.of(&id_of(cluster, n)), &mut placed, &mut found);
                }
                found
            })
            .collect();
        found.extend(told.into_iter().flatten());
    }
    found
}

/// What the user applies beside waypost is part of the cluster: it is checked where it is written.
fn check_direct(tools: &Tools, resolved: &Resolved, found: &mut Vec<Diagnostic>) {
    let mut seen = BTreeSet::new();
    for object in resolved.direct.values().chain(resolved.adopted.values()).flatten() {
        // an object that several clusters have is one
        if seen.insert(object.span()) {
            tools.validator.check(object, found);
        }
    }
}

fn id_of(cluster: &Cluster, namespace: &Namespace) -> NamespaceId {
    NamespaceId { cluster: cluster.name.clone(), namespace: namespace.name.clone() }
}

fn clusters<'a>(
    environment: &'a Environment,
    scope: &'a Scope,
) -> impl Iterator<Item = &'a Cluster> {
    environment.clusters.values().filter(|c| scope.covers_cluster(c.name.as_str()))
}

/// A rendered object and where it goes.
#[derive(Debug)]
struct Item {
    area: Area,
    object: RenderedObject,
    origin: Option<Span>,
}

impl Item {
    /// An object that was not read back from a text.
    fn new(area: Area, value: Value, origin: Option<Span>) -> Self {
        Self { area, object: RenderedObject::Value(canonical(value)), origin }
    }
}

fn objects(
    renderer: &Renderer,
    placed: Vec<Placed>,
    scope: &Scope,
    found: &mut Vec<Diagnostic>,
) -> Vec<Item> {
    let mut items = Vec::with_capacity(placed.len());
    for Placed { area, manifest, origin } in placed {
        let wanted = match area {
            Area::Unit(unit) => wants(scope, unit),
            Area::Expected => scope.units.is_none(),
        };
        if !wanted {
            continue;
        }
        match renderer.render(manifest) {
            Ok(object) => items.push(Item { area, object, origin }),
            Err(diagnostic) => found.push(*diagnostic),
        }
    }
    items
}

/// Checks objects against the schemas of their kinds, and writes them.
fn finish(
    tools: &Tools,
    cluster: &Arc<str>,
    items: Vec<Item>,
    found: &mut Vec<Diagnostic>,
) -> Vec<Written> {
    let mut files = Vec::with_capacity(items.len());
    for item in items {
        match &item.object {
            RenderedObject::Read { object, .. } => {
                check::read_object(&tools.validator, object, item.origin, found);
            }
            RenderedObject::Value(value) => {
                check::object(&tools.validator, value, item.origin, found);
            }
        }
        match Written::new(cluster, item) {
            Ok(file) => files.push(file),
            Err(diagnostic) => found.push(*diagnostic),
        }
    }
    files
}

type Install = Vec<(InstallFiles, Option<Span>)>;

/// ControlPlane and ManagementPlane of a cluster.
fn install(
    environment: &Environment,
    cluster: &Cluster,
    scope: &Scope,
    found: &mut Vec<Diagnostic>,
) -> Install {
    if !wants(scope, Unit::Platform) {
        return Install::new();
    }
    let (management, diagnostics) = install::management_plane(environment, cluster);
    found.extend(diagnostics);
    let (control, diagnostics) = install::control_plane(environment, cluster);
    found.extend(diagnostics);
    vec![
        (management, environment.management_plane.as_ref().map(|m| m.origin)),
        (control, cluster.control_plane.as_ref().map(|c| c.origin)),
    ]
}

/// What is applied is checked: the finished resource, not the copy of the base below it; without
/// a base, the fields that are laid over the user's own.
fn check_install(
    tools: &Tools,
    files: &InstallFiles,
    origin: Option<Span>,
    found: &mut Vec<Diagnostic>,
) {
    let extras = files.resources.iter().skip(files.patched.len());
    for install in &files.checks {
        check::install(&tools.validator, install, origin, found);
    }
    for value in extras {
        check::object(&tools.validator, value, origin, found);
    }
}

/// TSB resources are applied in one cluster: where the management plane lives, or else the only one.
fn holds_tsb(environment: &Environment, cluster: &Cluster) -> bool {
    match &environment.management_plane {
        Some(plane) => plane.cluster == cluster.name,
        None => environment.clusters.keys().next() == Some(&cluster.name),
    }
}

fn tsb(tools: &Tools, resolved: &Resolved, found: &mut Vec<Diagnostic>) -> Vec<Item> {
    let environment = &resolved.environment;
    // first as they were written: there a fault has its place
    let mut written = Vec::new();
    for resource in resolved.tenancy.resources() {
        tools.validator.check(&resource.source, &mut written);
    }
    let faulty = has_errors(&written);
    found.extend(written);
    if faulty {
        return Vec::new();
    }
    let options = tenancy::UnitOptions {
        form: tenancy::KubernetesForm {
            namespace: &environment.tsb_objects.namespace,
            tenants: &environment.tsb_objects.tenants,
            waves: environment.tsb_objects.waves,
        },
        policies: environment.ownership.policies,
    };
    let (objects, diagnostics) = tenancy::unit(resolved.tenancy.resources(), &options);
    found.extend(diagnostics);
    let item = |object: tenancy::TsbObject| {
        Item::new(Area::Unit(Unit::Tsb), object.value, Some(object.origin))
    };
    objects.into_iter().map(item).collect()
}

fn wants(scope: &Scope, unit: Unit) -> bool {
    scope.units.as_ref().is_none_or(|units| units.contains(&unit))
}

/// What each migrating namespace of a cluster has reached, for the lock.
fn stages(environment: &Environment, state: &State, cluster: &Cluster) -> BTreeMap<String, String> {
    cluster
        .namespaces
        .keys()
        .filter_map(|name| {
            let id = NamespaceId { cluster: cluster.name.clone(), namespace: name.clone() };
            let reached = plan::namespace_reached(environment, &state.reached, &id)?;
            Some((name.to_string(), reached.to_string()))
        })
        .collect()
}

/// Reads `none`, `<stage>` or `<stage>/<step>` as a point of an environment's migration.
///
/// # Errors
/// What is wrong with it, and the nearest known name.
pub fn parse_reached(environment: &Environment, text: &str) -> Result<Reached, String> {
    if text == "none" {
        return Ok(Reached::None);
    }
    let (stage, step) = text.split_once('/').unwrap_or((text, Step::Workloads.as_str()));
    let known: Vec<&str> = environment.stages.iter().map(|s| s.name.as_str()).collect();
    if !known.contains(&stage) {
        let hint = match crate::diagnostic::nearest(stage, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if known.is_empty() => "it has no migration stages".to_owned(),
            None => format!("it has {}", known.join(", ")),
        };
        return Err(format!("`{}` has no stage `{stage}`: {hint}", environment.name));
    }
    let steps = environment.steps();
    let step = steps.iter().copied().find(|known| known.as_str() == step).ok_or_else(|| {
        let known: Vec<&str> = steps.iter().map(|step| step.as_str()).collect();
        let (last, first) = known.split_last().unwrap_or((&"", &[]));
        format!("`{step}` is no step: use {} or {last}", first.join(", "))
    })?;
    let stage = StageName::parse(stage).map_err(|e| e.to_string())?;
    Ok(Reached::Stage(stage, step))
}
