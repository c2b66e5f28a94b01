//! What Argo CD and Flux are told: from where they take what they apply, where they put it, and what
//! they may do. Whoever changes that needs to change no policy.
//!
//! References: facts/gitops-delivery.md 2.1 (Application, AppProject), 2.3 (sync options), 3.1
//! (Kustomization), 3.3 (sources).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Code, Flag, counted, loss, names};
use crate::diff::field::FieldChange;
use crate::diff::field_path::Step;
use crate::diff::object::ObjectChange;
use crate::diff::tree::TreeDiff;
use crate::diff::version::{ObjectVersion, versions};

/// Fields that neither choose what is applied nor where, and let nobody do more: names for people,
/// and how often, how long and in which order something is tried.
const HARMLESS: [&str; 14] = [
    "metadata.labels",
    "metadata.annotations[argocd.argoproj.io/sync-wave]",
    "metadata.annotations[argocd.argoproj.io/manifest-generate-paths]",
    "spec.description",
    "spec.info",
    "spec.interval",
    "spec.retryInterval",
    "spec.timeout",
    "spec.revisionHistoryLimit",
    "spec.syncPolicy.retry",
    "spec.healthChecks",
    "spec.healthCheckExprs",
    "spec.goTemplateOptions",
    "spec.sourceRef.apiVersion",
];
/// The groups whose kinds waypost tells appliers in.
const GROUPS: [&str; 3] =
    ["argoproj.io", "kustomize.toolkit.fluxcd.io", "source.toolkit.fluxcd.io"];

/// The flags of what appliers are told; `before` is all that they were told, by path.
pub fn told_flags(told: &TreeDiff, before: &BTreeMap<String, Vec<u8>>) -> Vec<Flag> {
    let known = sources(before);
    let (mut flags, mut new) = (Vec::new(), Vec::new());
    for change in &told.objects {
        match (&change.before, &change.after) {
            (Some(_), Some(after)) => flags.extend(changed(change, after)),
            (None, Some(after)) => match foreign(after, &known) {
                Some(flag) if !before.is_empty() => flags.push(flag),
                _ => new.push(after),
            },
            (Some(before), None) => flags.push(flag(
                Code::DeliveryRemoved,
                before,
                format!(
                    "`{}` is gone: what it applied has no applier any more, or is pruned",
                    before.reference
                ),
            )),
            (None, None) => {}
        }
    }
    if !new.is_empty() {
        let said: Vec<String> = new.iter().map(|version| version.reference.to_string()).collect();
        flags.push(Flag {
            code: Code::DeliveryAdded,
            cluster: String::new(),
            namespace: None,
            objects: new.iter().map(|version| version.reference.clone()).collect(),
            message: format!(
                "appliers are told of {} more: {}",
                counted(new.len(), "object"),
                names(said.iter().map(String::as_str))
            ),
        });
    }
    loss::lists(told, &mut flags);
    flags.sort();
    flags
}

fn flag(code: Code, version: &ObjectVersion, message: String) -> Flag {
    Flag {
        code,
        cluster: version.label("waypost.dev/cluster").unwrap_or_default().to_owned(),
        namespace: version.reference.namespace.clone(),
        objects: vec![version.reference.clone()],
        message,
    }
}

/// An object that says something else: a danger unless all of it is harmless.
fn changed(change: &ObjectChange, after: &ObjectVersion) -> Option<Flag> {
    let fields: Vec<String> = change
        .fields
        .iter()
        .filter(|field| !is_harmless(field))
        .map(|field| {
            match (
                field.before.as_ref().and_then(Value::as_str),
                field.after.as_ref().and_then(Value::as_str),
            ) {
                (Some(old), Some(new)) => format!("{} was {old} and is {new}", field.path),
                (None, Some(new)) => format!("{} is {new}", field.path),
                _ => field.path.to_string(),
            }
        })
        .collect();
    let is_renamed = change.before.as_ref().is_some_and(|b| b.reference != after.reference);
    if fields.is_empty() && !is_renamed {
        return None;
    }
    let what = names(fields.iter().map(String::as_str));
    Some(flag(
        Code::DeliveryRedirected,
        after,
        format!("`{}` tells its applier something else: {what}", after.reference),
    ))
}

fn is_harmless(field: &FieldChange) -> bool {
    let steps: Vec<&str> = field
        .path
        .0
        .iter()
        .map_while(|step| match step {
            Step::Key(key) => Some(key.as_str()),
            Step::Item(_) | Step::Index(_) => None,
        })
        .collect();
    HARMLESS.iter().any(|known| {
        let (plain, key) = known.split_once('[').unwrap_or((known, ""));
        let key = key.trim_end_matches(']');
        let mut wanted: Vec<&str> = plain.split('.').collect();
        wanted.extend((!key.is_empty()).then_some(key));
        steps.starts_with(&wanted)
    })
}

/// An object that is new, where it applies from elsewhere, or is no such object at all.
fn foreign(after: &ObjectVersion, known: &BTreeSet<String>) -> Option<Flag> {
    if !GROUPS.contains(&after.reference.group.as_str()) {
        let message = format!(
            "`{}` is new where appliers are told of units, and is no such object",
            after.reference
        );
        return Some(flag(Code::DeliveryRedirected, after, message));
    }
    let mut of_it = BTreeSet::new();
    addresses(&after.body, &mut of_it);
    let foreign: Vec<&str> =
        of_it.iter().filter(|address| !known.contains(*address)).map(String::as_str).collect();
    if foreign.is_empty() {
        return None;
    }
    let message = format!(
        "`{}` is new, and names {} that no applier was told of before",
        after.reference,
        names(foreign.iter().copied())
    );
    Some(flag(Code::DeliveryRedirected, after, message))
}

/// Where something is taken from: fields that hold an address or a revision of a source.
fn addresses(value: &Value, found: &mut BTreeSet<String>) {
    const KEYS: [&str; 10] = [
        "repoURL",
        "targetRevision",
        "url",
        "branch",
        "tag",
        "semver",
        "commit",
        "chart",
        "server",
        "helm",
    ];
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match value {
                    Value::String(text) if KEYS.contains(&key.as_str()) => {
                        found.insert(text.clone());
                    }
                    Value::String(_) => {}
                    Value::Object(_) if key == "helm" || key == "kubeConfig" => {
                        found.insert(key.clone());
                    }
                    other => addresses(other, found),
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                match item {
                    Value::String(text) if text.contains("://") => drop(found.insert(text.clone())),
                    other => addresses(other, found),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn sources(files: &BTreeMap<String, Vec<u8>>) -> BTreeSet<String> {
    let mut known = BTreeSet::new();
    for (path, bytes) in files {
        let text = std::str::from_utf8(bytes).unwrap_or_default();
        // what cannot be read told nobody of anything
        for version in versions(path, text).unwrap_or_default() {
            addresses(&version.body, &mut known);
        }
    }
    known
}
