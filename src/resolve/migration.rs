//! The migration: its stages, and how far it has come.

use std::collections::{BTreeMap, BTreeSet};

use super::name::{self, Clusters};
use crate::diagnostic::{Diagnostic, Span, Spanned};
use crate::model::{DataplaneMode, NamespaceId, Reached, StageDefinition, StageName, Step};
use crate::spec;

/// The `cluster/namespace` texts of all stages.
pub(super) fn migrating(typed: Option<&spec::Migration>) -> BTreeSet<String> {
    typed
        .into_iter()
        .flat_map(|m| &m.stages)
        .flat_map(|s| &s.namespaces)
        .map(|n| n.value.clone())
        .collect()
}

/// Makes stages of what was typed.
pub(super) fn migration(
    typed: Option<spec::Migration>,
    steps: &[Step],
    clusters: &Clusters,
    found: &mut Vec<Diagnostic>,
) -> (Vec<StageDefinition>, Reached) {
    let Some(spec::Migration { reached, stages: typed }) = typed else {
        return (Vec::new(), Reached::None);
    };
    let mut stages: Vec<StageDefinition> = Vec::new();
    let mut names: BTreeMap<StageName, Span> = BTreeMap::new();
    let mut taken: BTreeMap<NamespaceId, Spanned<StageName>> = BTreeMap::new();
    for Spanned { value: stage, .. } in typed {
        let Some(name) = name::parse(&stage.name, StageName::parse, found) else { continue };
        if name.as_str() == "none" {
            found.push(
                Diagnostic::error("reserved-name", "a stage cannot be called `none`")
                    .at(stage.name.span, "")
                    .help("`reached: none` says that no stage has begun: choose another name"),
            );
        }
        if let Some(first) = names.insert(name.clone(), stage.name.span) {
            found.push(name::duplicate("stages", name.as_str(), stage.name.span, first));
            continue;
        }
        if stage.namespaces.is_empty() {
            found.push(
                Diagnostic::warning("empty-stage", format!("stage `{name}` migrates nothing"))
                    .at(stage.name.span, "")
                    .help("give it namespaces, or remove it"),
            );
        }
        let mut namespaces = Vec::new();
        for text in &stage.namespaces {
            let Some(id) = sidecar_namespace(text, clusters, found) else { continue };
            match taken.get(&id) {
                Some(first) => found.push(
                    Diagnostic::error(
                        "migrated-twice",
                        format!("namespace `{id}` is migrated twice"),
                    )
                    .at(text.span, format!("again in stage `{name}`"))
                    .also(first.span, format!("first in stage `{}`", first.value))
                    .help("keep it in one stage"),
                ),
                None => {
                    taken.insert(id.clone(), Spanned::new(name.clone(), text.span));
                    namespaces.push(id);
                }
            }
        }
        stages.push(StageDefinition { name, namespaces, origin: stage.name.span });
    }
    let reached =
        reached.and_then(|r| self::reached(&r, &stages, steps, found)).unwrap_or_default();
    (stages, reached)
}

/// A namespace that a stage can migrate: one that is there and in sidecar mode.
fn sidecar_namespace(
    text: &Spanned<String>,
    clusters: &Clusters,
    found: &mut Vec<Diagnostic>,
) -> Option<NamespaceId> {
    let id = name::namespace_id(text, clusters, found)?;
    let namespace = clusters.get(&id.cluster)?.namespaces.get(&id.namespace)?;
    match namespace.mode {
        DataplaneMode::Sidecar => Some(id),
        mode => {
            found.push(
                Diagnostic::error(
                    "not-sidecar",
                    format!("a stage migrates namespace `{id}`, which is not in sidecar mode"),
                )
                .at(text.span, "")
                .also(namespace.origin, format!("its mode is `{mode}`"))
                .help("`mode` is what holds before the migration: set it to `sidecar`, or take the namespace out of the stage"),
            );
            None
        }
    }
}

/// Reads `none`, `stage` or `stage/step`.
fn reached(
    text: &Spanned<String>,
    stages: &[StageDefinition],
    steps: &[Step],
    found: &mut Vec<Diagnostic>,
) -> Option<Reached> {
    if text.value == "none" {
        return Some(Reached::None);
    }
    let (name, step) = match text.split_once('/') {
        Some((name, step)) => (name, Some(step)),
        None => (text.as_str(), None),
    };
    let Some(stage) = stages.iter().find(|s| s.name.as_str() == name) else {
        let known = stages.iter().map(|s| s.name.as_str()).chain(["none"]);
        let help = name::did_you_mean(name, known).unwrap_or_else(|| match stages {
            [] => "there are no stages: say `none`, or define one".to_owned(),
            stages => {
                let all: Vec<String> =
                    stages.iter().take(8).map(|s| format!("`{}`", s.name)).collect();
                format!("stages: {}{}", all.join(", "), if stages.len() > 8 { ", …" } else { "" })
            }
        });
        found.push(
            Diagnostic::error("unknown-stage", format!("there is no stage `{name}`"))
                .at(text.span, "")
                .help(help),
        );
        return None;
    };
    let Some(step) = step else {
        return Some(Reached::Stage(stage.name.clone(), Step::Workloads));
    };
    let parsed = steps.iter().copied().find(|known| known.as_str() == step);
    if parsed.is_none() {
        let known: Vec<&str> = steps.iter().map(|step| step.as_str()).collect();
        let help = if step == Step::Cleanup.as_str() {
            "only with `ownership: {direct: gitops}` is there anything to clean up".to_owned()
        } else {
            name::did_you_mean(step, known.iter().copied())
                .unwrap_or_else(|| format!("steps: `{}`", known.join("`, `")))
        };
        found.push(
            Diagnostic::error("unknown-step", format!("a stage has no step `{step}`"))
                .at(text.span, "")
                .help(help),
        );
    }
    parsed.map(|step| Reached::Stage(stage.name.clone(), step))
}
