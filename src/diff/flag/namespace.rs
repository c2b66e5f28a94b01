//! Namespaces that come, go, or change how they take part in the mesh.

use std::collections::BTreeMap;

use super::{Code, Flag, names};
use crate::diff::mode::MeshMode;
use crate::diff::object::ObjectChange;
use crate::diff::tree::TreeDiff;
use crate::diff::version::ObjectVersion;

pub(super) fn flags(diff: &TreeDiff, flags: &mut Vec<Flag>) {
    for change in &diff.objects {
        let is_namespace = change.version().is_some_and(|v| v.is("", "Namespace"));
        if is_namespace {
            flags.extend(of_namespace(change));
        }
    }
    stages(diff, flags);
}

fn of_namespace(change: &ObjectChange) -> Option<Flag> {
    let flag = |code, version: &ObjectVersion, message: String| Flag {
        code,
        cluster: version.cluster().to_owned(),
        namespace: Some(version.reference.name.clone()),
        objects: vec![version.reference.clone()],
        message,
    };
    if let Some(before) = change.lost() {
        let name = &before.reference.name;
        return Some(match stays(before) {
            true => flag(
                Code::NamespaceReleased,
                before,
                format!(
                    "Namespace `{name}` leaves the tree: its annotations keep it, but nobody keeps its mesh labels any more"
                ),
            ),
            false => flag(
                Code::NamespaceDeleted,
                before,
                format!("Namespace `{name}` is deleted, with everything that lives in it"),
            ),
        });
    }
    if let Some(after) = change.gained() {
        let (name, mode) = (&after.reference.name, MeshMode::of_version(after));
        return Some(flag(
            Code::NamespaceAdded,
            after,
            format!("Namespace `{name}` comes into the tree: {mode}"),
        ));
    }
    let (before, after) = change.kept()?;
    let (was, is) = (MeshMode::of_version(before), MeshMode::of_version(after));
    let name = &after.reference.name;
    match (was, is) {
        (was, is) if was == is => None,
        (was, MeshMode::Outside) => Some(flag(
            Code::NamespaceLeavesMesh,
            after,
            format!(
                "namespace `{name}` leaves the mesh: it was {was}, and no policy is enforced there any more"
            ),
        )),
        (was, is) => Some(flag(
            Code::NamespaceChangesMode,
            after,
            format!("namespace `{name}` changes its mode: {was} → {is}"),
        )),
    }
}

/// True for a Namespace that appliers are told not to prune (facts/gitops-delivery.md 3.1.12).
fn stays(namespace: &ObjectVersion) -> bool {
    let options = namespace.annotation("argocd.argoproj.io/sync-options").unwrap_or_default();
    options.split(',').any(|option| option.trim() == "Prune=false")
        && namespace.annotation("kustomize.toolkit.fluxcd.io/prune") == Some("disabled")
}

/// What the locks say of stages: one line for all namespaces that take the same step.
fn stages(diff: &TreeDiff, flags: &mut Vec<Flag>) {
    type StepOf<'a> = (&'a str, &'a str, &'a str);
    let mut steps: BTreeMap<StepOf<'_>, Vec<&str>> = BTreeMap::new();
    for change in &diff.stages {
        // a namespace that comes or goes is told as that
        if let (Some(before), Some(after)) = (&change.before, &change.after) {
            let step = (change.cluster.as_str(), before.as_str(), after.as_str());
            steps.entry(step).or_default().push(&change.namespace);
        }
    }
    for ((cluster, before, after), namespaces) in steps {
        let noun = if namespaces.len() == 1 { "namespace" } else { "namespaces" };
        let message =
            format!("{noun} {}: stage `{before}` → `{after}`", names(namespaces.iter().copied()));
        flags.push(Flag {
            code: Code::StageReached,
            cluster: cluster.to_owned(),
            namespace: match namespaces[..] {
                [only] => Some(only.to_owned()),
                _ => None,
            },
            objects: Vec::new(),
            message,
        });
    }
}
