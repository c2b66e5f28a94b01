//! An environment at several points of its migration: read once, resolved once, and of what is
//! rendered only what changes.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::adopted::ByCluster;
use super::judge::{self, Judged};
use super::lint::{Lints, written};
use super::memo::Memo;
use super::{Rendered, Request, Tools, render_with};
use crate::diagnostic::{Diagnostic, Severity, Sources, has_errors};
use crate::model::Reached;
use crate::resolve::Resolved;
use crate::tree::{ClusterProvenance, Digest, Local, Provenance, Scope};
use crate::validate::rule::ByFile;
use crate::world::{Existing, Texts, World};

/// What renders an environment point by point.
pub struct Points<'a> {
    /// The environment.
    pub resolved: &'a Resolved,
    /// The texts behind the findings, rendered files among them.
    pub texts: Texts,
    tools: &'a Tools,
    input: Digest,
    existing: Existing,
    adopted: ByCluster<'a>,
    memo: Memo,
}

/// An environment at a point.
pub struct At {
    /// What is rendered there.
    pub rendered: Rendered,
    /// What is in the clusters then.
    pub world: World,
}

impl<'a> Points<'a> {
    /// Findings point into `sources`, and into the rendered files below `rendered/<environment>`.
    pub fn new(resolved: &'a Resolved, tools: &'a Tools, input: Digest, sources: Sources) -> Self {
        let folder = format!("rendered/{}", resolved.environment.name);
        Self {
            resolved,
            texts: Texts::new(folder, sources),
            tools,
            input,
            existing: Existing::new(resolved),
            adopted: ByCluster::of(resolved, &tools.renderer),
            memo: Memo::default(),
        }
    }

    /// Renders a point. With an error among the findings there is nothing of it.
    pub fn at(
        &mut self,
        reached: &Reached,
        progress: &(dyn Fn(usize) + Sync),
    ) -> (Option<At>, Vec<Diagnostic>) {
        let scope = Scope::default();
        let request = Request { stage: Some(reached), scope: &scope, input: self.input };
        let kept = (&self.adopted, Some(&self.memo));
        let (rendered, found) = render_with(self.resolved, self.tools, &request, kept, progress);
        let at = rendered.map(|rendered| At { world: self.world(reached, &rendered), rendered });
        (at, found)
    }

    /// What is in the clusters before anything moves, where the tree has hand-written policies that are
    /// judged by it.
    pub fn before_all(&mut self) -> Option<World> {
        if self.resolved.adopted.is_empty() {
            return None;
        }
        self.at(&Reached::None, &|_| {}).0.map(|at| at.world)
    }

    /// Judges what is rendered of hand-written policies at a point.
    pub fn judge(&mut self, rendered: &Rendered, reached: &Reached, today: &str) -> Judged {
        let Some(before) = self.before_all() else { return Judged::default() };
        let after = self.world(reached, rendered);
        self.judged((&before, &after), reached, today)
    }

    /// The same, with what is in the clusters before anything moves and at the point.
    pub fn judged(&self, worlds: (&World, &World), reached: &Reached, today: &str) -> Judged {
        judge::judge(self.resolved, &self.adopted, worlds, reached, today)
    }

    /// What is in the clusters with what was rendered for a point.
    pub fn world(&mut self, reached: &Reached, rendered: &Rendered) -> World {
        let Rendered { tree, patched, .. } = rendered;
        World::of_tree(self.resolved, reached, &self.existing, tree, patched, &mut self.texts)
    }
}

/// Everything that is found at these points, by rendering and by the lints, each finding once: one
/// that begins after the first point says where. The count is that of the objects that are applied at
/// the first point; `None` where it cannot be rendered.
pub fn examine(
    points: &mut Points<'_>,
    asked: &[Reached],
    today: &str,
    progress: &(dyn Fn(usize) + Sync),
) -> (Option<usize>, Vec<Diagnostic>) {
    let resolved = points.resolved;
    let mut lints = Lints::new(resolved, today);
    let mut known = Known::default();
    let (mut objects, mut all) = (None, Vec::new());
    let before = points.before_all();
    for (index, reached) in asked.iter().enumerate() {
        let begins = (index > 0).then_some(reached);
        let (at, mut found) = points.at(reached, progress);
        let sources = &points.texts.sources;
        found.retain(|diagnostic| !known.has(diagnostic, sources));
        if let Some(At { rendered, world }) = at {
            if index == 0 {
                objects = Some(rendered.objects);
            }
            found.extend(lints.at(&world, &mut |diagnostic| known.has(diagnostic, sources)));
            if let Some(before) = &before {
                let judged = points.judged((before, &world), reached, today);
                let sources = &points.texts.sources;
                let more = judged.found.into_iter().chain(judged.missing);
                found.extend(more.filter(|diagnostic| !known.has(diagnostic, sources)));
            }
        }
        known.leave();
        all.extend(found.into_iter().map(|diagnostic| beginning(diagnostic, begins)));
    }
    lints.finish(&mut all, &mut points.texts.sources);
    (objects, all)
}

fn beginning(mut diagnostic: Diagnostic, at: Option<&Reached>) -> Diagnostic {
    if let Some(Reached::Stage(stage, step)) = at {
        let step = step.as_str();
        diagnostic.message = format!("{} (from `{stage}/{step}` on)", diagnostic.message);
    }
    diagnostic
}

/// What was found at the points before: by what it says and the file that it is about. Lines move
/// when a rendered file changes.
#[derive(Default)]
struct Known {
    before: HashSet<Key>,
    here: Vec<Key>,
}

type Key = (&'static str, String, Option<String>);

impl Known {
    fn has(&mut self, diagnostic: &Diagnostic, sources: &Sources) -> bool {
        let span = diagnostic.primary.as_ref().map(|place| place.span);
        let path = span.and_then(|span| sources.get(span.file)).map(|file| file.path.clone());
        let key = (diagnostic.code, diagnostic.message.clone(), path);
        let is_known = self.before.contains(&key);
        self.here.push(key);
        is_known
    }

    fn leave(&mut self) {
        self.before.extend(self.here.drain(..));
    }
}

/// The namespaces whose stage is not the one that the tree's locks say.
pub fn moved(provenance: &Provenance, local: &Local) -> BTreeSet<(String, String)> {
    let mut moved = BTreeSet::new();
    for (cluster, ClusterProvenance { stages, .. }) in &provenance.clusters {
        let lock = local.locks.get(cluster).and_then(|lock| lock.as_ref().ok());
        let none = Reached::None.to_string();
        let before =
            |name: &String| lock.and_then(|lock| lock.stages.get(name)).unwrap_or(&none).clone();
        let differing = stages.iter().filter(|(name, stage)| before(name) != **stage);
        moved.extend(differing.map(|(name, _)| (cluster.clone(), name.clone())));
    }
    moved
}

/// The errors of the lints at a point that concern what moves to it: those about objects of a
/// namespace whose stage is not the one of the tree before, or about a policy of the root namespace
/// of its cluster. What is suppressed is left out.
pub fn concerning(
    points: &mut Points<'_>,
    rendered: &Rendered,
    reached: &Reached,
    moved: &BTreeSet<(String, String)>,
    today: &str,
) -> Vec<Diagnostic> {
    let world = points.world(reached, rendered);
    let resolved = points.resolved;
    let mut lints = Lints::new(resolved, today);
    let mut found = lints.at(&world, &mut |diagnostic| diagnostic.severity != Severity::Error);
    let mut objects = BTreeMap::new();
    for (name, (_, cluster)) in resolved.environment.clusters.keys().zip(world.in_mesh()) {
        let all = written(resolved, name, cluster);
        objects.insert(name.as_str(), (ByFile::new(&all), cluster.options.root_namespace.as_str()));
    }
    let concerns = |diagnostic: &Diagnostic| {
        let places = diagnostic.primary.iter().chain(&diagnostic.secondary);
        let mut spans = places.map(|place| place.span);
        spans.any(|span| {
            moved.iter().any(|(cluster, moved)| {
                let Some((by_file, root)) = objects.get(cluster.as_str()) else { return false };
                let namespace = by_file.at(span).and_then(|object| {
                    let is_namespace = object.gvk.is("", "Namespace");
                    if is_namespace {
                        Some(object.name.as_str())
                    } else {
                        object.namespace.as_deref()
                    }
                });
                namespace.is_some_and(|n| n == moved || n == *root)
            })
        })
    };
    found.retain(concerns);
    debug_assert!(found.is_empty() || has_errors(&found));
    found
}
