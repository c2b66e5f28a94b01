//! The diff for programs. The format is frozen: a change of meaning is another `version`.
//!
//! ```text
//! {"version": 1, "verdict": "equal" | "changed" | "danger" | "unreadable", "headline", "gaps": [], "base", "head",
//!  "counts": {"added", "removed", "renamed", "moved", "changed", "hiddenObjects", "files", "hiddenFiles"},
//!  "environments": [{
//!    "name", "state": "added" | "removed" | "changed" | "equal", "verdict", "counts", "remarks": [],
//!    "origin"?,
//!    "flags": [{"code", "level": "danger" | "notice", "cluster", "namespace"?, "message", "objects", "origin"?}],
//!    "access": {"state": "simulated" | "same" | "notSimulated", "why"?, "pairs"?, "limits"?, "byDesign"?, "changes"?:
//!               [{"direction": "gained" | "lost", "from", "to", "request", "everyRequest", "before",
//!                 "after", "origin"?}]},
//!    "traffic"?: {"state": "replayed" | "notRead", "why"?, "sentence"?, "requests"?, "same"?, "earlier"?, "changes"?: [],
//!                 "disagrees"?: [], "unknown"?: [{"reason", "requests"}], "order"?: [],
//!                 "edges"?: [{"from": {"cluster", "namespace"}, "to": {}, "requests", "lost"}]},
//!    "stages": [{"cluster", "namespace", "before", "after"}],
//!    "objects": [{"change", "kind", "group", "namespace"?, "name", "cluster", "before"?, "after"?,
//!                 "renamedFrom"?, "hidden"?, "ignoredFields", "origin"?,
//!                 "fields": [{"path", "before"?, "after"?, "order"}]}],
//!    "files": [{"path", "role", "hidden"?, "why"?, "dropped"?, "beyond"?}]}]}
//! ```
//!
//! `before` and `after` of an object are paths, those of a field its values, those of access
//! `{"verdict", "point", "reason", "rule"}` or null where one of the two was not there. An origin is `{"path",
//! "line", "column", "endLine", "endColumn"}`, lines and columns from 1, columns in characters.

use serde_json::{Map, Value, json};

use super::report::{
    Access, EnvironmentReport, EnvironmentState, Origin, Report, Traffic, Verdict, Weighed,
};
use crate::diff::{
    AccessDiff, Answer, Counts, Direction, FileChange, FileRole, Flag, Level, Noise, ObjectChange,
    ObjectVersion,
};
use crate::replay::{Edge, Finding, Side};
use crate::report::traffic::{row_json, sentence};

/// Writes the report as one JSON document with a final newline.
pub fn json(report: &Report) -> String {
    let document = json!({
        "version": 1,
        "verdict": verdict(report.verdict()),
        "headline": report.headline(),
        "gaps": report.gaps(),
        "base": report.base,
        "head": report.head,
        "counts": counts(&report.counts()),
        "environments": report.environments.iter().map(environment).collect::<Vec<_>>(),
    });
    format!("{document:#}\n")
}

fn environment(environment: &EnvironmentReport) -> Value {
    let EnvironmentReport { name, state, tree, flags, access, remarks, origins, .. } = environment;
    let origin =
        |list: &[Option<Origin>], at: usize| list.get(at).and_then(Option::as_ref).cloned();
    let objects = tree.objects.iter().enumerate();
    let flags = flags.iter().enumerate();
    let mut value = json!({
        "name": name,
        "state": match state {
            EnvironmentState::Added => "added",
            EnvironmentState::Removed => "removed",
            EnvironmentState::Changed => "changed",
            EnvironmentState::Equal => "equal",
        },
        "verdict": verdict(environment.verdict()),
        "counts": counts(&tree.counts),
        "remarks": remarks,
        "flags": flags.map(|(at, f)| flag(f, origin(&origins.flags, at))).collect::<Vec<_>>(),
        "access": access_value(access, &origins.access),
        "stages": tree.stages.iter().map(|stage| json!({
            "cluster": stage.cluster,
            "namespace": stage.namespace,
            "before": stage.before,
            "after": stage.after,
        })).collect::<Vec<_>>(),
        "objects": objects.map(|(at, o)| object(o, origin(&origins.objects, at))).collect::<Vec<_>>(),
        "files": tree.files.iter().map(file).collect::<Vec<_>>(),
    });
    if let Some(traffic) = traffic_value(&environment.traffic) {
        value["traffic"] = traffic;
    }
    set_origin(&mut value, origins.environment.clone());
    value
}

/// Rows are those of `waypost access replay --format json`.
fn traffic_value(traffic: &Traffic) -> Option<Value> {
    let Weighed { replay, edges, order } = match traffic {
        Traffic::NotNamed => return None,
        Traffic::NotRead(why) => return Some(json!({"state": "notRead", "why": why})),
        Traffic::Replayed(weighed) => &**weighed,
    };
    let rows = |findings: &[Finding]| -> Vec<Value> {
        let all = replay.rows.iter().filter(|row| findings.contains(&row.finding));
        all.map(row_json).collect()
    };
    let side = |side: &Side| json!({"cluster": side.cluster, "namespace": side.namespace});
    let edge = |edge: &Edge| {
        json!({
            "from": side(&edge.from),
            "to": side(&edge.to),
            "requests": edge.requests,
            "lost": edge.lost,
        })
    };
    let unknown = replay
        .unknown
        .iter()
        .map(|(why, (count, _))| json!({"reason": why.as_str(), "requests": count}));
    Some(json!({
        "state": "replayed",
        "sentence": sentence(replay),
        "requests": replay.asked,
        "same": replay.same,
        "earlier": replay.earlier,
        "changes": rows(&[Finding::Lost, Finding::Gained]),
        "disagrees": rows(&[Finding::Disagrees]),
        "unknown": unknown.collect::<Vec<_>>(),
        "order": order,
        "edges": edges.iter().map(edge).collect::<Vec<_>>(),
    }))
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Equal => "equal",
        Verdict::Changed => "changed",
        Verdict::Danger => "danger",
        Verdict::Unreadable => "unreadable",
    }
}

fn counts(counts: &Counts) -> Value {
    let Counts { added, removed, renamed, moved, changed, hidden_objects, files, hidden_files } =
        counts;
    json!({
        "added": added,
        "removed": removed,
        "renamed": renamed,
        "moved": moved,
        "changed": changed,
        "hiddenObjects": hidden_objects,
        "files": files,
        "hiddenFiles": hidden_files,
    })
}

fn flag(flag: &Flag, origin: Option<Origin>) -> Value {
    let mut value = json!({
        "code": flag.code.as_str(),
        "level": match flag.level() {
            Level::Danger => "danger",
            Level::Notice => "notice",
        },
        "cluster": flag.cluster,
        "message": flag.message,
        "objects": flag.objects.iter().map(ToString::to_string).collect::<Vec<_>>(),
    });
    if let Some(namespace) = &flag.namespace {
        value["namespace"] = namespace.as_str().into();
    }
    set_origin(&mut value, origin);
    value
}

fn access_value(access: &Access, origins: &[Option<Origin>]) -> Value {
    let answer = |answer: &Option<Answer>| match answer {
        None => Value::Null,
        Some(answer) => json!({
            "verdict": answer.verdict.as_str(),
            "point": answer.point,
            "reason": answer.reason,
            "rule": answer.rule,
        }),
    };
    match access {
        Access::Same => json!({"state": "same"}),
        Access::NotSimulated(why) => json!({"state": "notSimulated", "why": why}),
        Access::NotAsked => json!({"state": "notSimulated", "why": "`--no-access`"}),
        Access::Simulated(AccessDiff { changes, limits, by_design, pairs, .. }) => {
            let changes = changes.iter().enumerate().map(|(at, change)| {
                let mut value = json!({
                    "direction": match change.direction {
                        Direction::Gained => "gained",
                        Direction::Lost => "lost",
                    },
                    "from": change.from,
                    "to": change.to,
                    "request": change.request,
                    "everyRequest": change.every_request,
                    "before": answer(&change.before),
                    "after": answer(&change.after),
                });
                set_origin(&mut value, origins.get(at).cloned().flatten());
                value
            });
            let changes: Vec<Value> = changes.collect();
            json!({
                "state": "simulated",
                "pairs": pairs,
                "limits": limits,
                "byDesign": by_design,
                "changes": changes,
            })
        }
    }
}

fn object(object: &ObjectChange, origin: Option<Origin>) -> Value {
    let mut value = Map::new();
    let mut set = |key: &str, text: Option<Value>| {
        if let Some(text) = text {
            value.insert(key.to_owned(), text);
        }
    };
    let path = |version: &Option<ObjectVersion>| version.as_ref().map(|v| v.path.clone().into());
    set("change", Some(object.kind().as_str().into()));
    if let Some(reference) = object.reference() {
        set("kind", Some(reference.kind.clone().into()));
        set("group", Some(reference.group.clone().into()));
        set("namespace", reference.namespace.clone().map(Value::from));
        set("name", Some(reference.name.clone().into()));
    }
    set("cluster", Some(object.cluster().into()));
    set("before", path(&object.before));
    set("after", path(&object.after));
    let old = object.before.as_ref().map(|version| version.reference.to_string());
    let new = object.reference().map(ToString::to_string);
    set("renamedFrom", old.filter(|old| Some(old) != new.as_ref()).map(Value::from));
    set("hidden", object.noise().map(|noise| hidden(noise).into()));
    set("ignoredFields", Some(object.ignored_fields.into()));
    let fields = object.fields.iter().map(|field| {
        let mut value = json!({"path": field.path.to_string(), "order": field.is_order});
        for (key, side) in [("before", &field.before), ("after", &field.after)] {
            if let Some(side) = side {
                value[key] = side.clone();
            }
        }
        value
    });
    set("fields", Some(fields.collect()));
    let mut value = Value::Object(value);
    set_origin(&mut value, origin);
    value
}

fn hidden(noise: Noise) -> &'static str {
    match noise {
        Noise::Lock => "lock",
        Noise::Listing => "listing",
        Noise::Spelling => "spelling",
        Noise::Ignored => "ignored",
    }
}

fn file(file: &FileChange) -> Value {
    let (role, lists): (_, Vec<(&str, &Vec<String>)>) = match &file.role {
        FileRole::Lock => ("lock", Vec::new()),
        FileRole::Kustomization { dropped, beyond } => {
            ("kustomization", vec![("dropped", dropped), ("beyond", beyond)])
        }
        FileRole::Build(beyond) => ("build", vec![("beyond", beyond)]),
        FileRole::Other => ("other", Vec::new()),
        FileRole::Unreadable(_) => ("unreadable", Vec::new()),
    };
    let mut value = json!({"path": file.path, "role": role});
    for (key, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
        value[key] = json!(list);
    }
    if let FileRole::Unreadable(why) = &file.role {
        value["why"] = json!(why.message);
    }
    if let Some(noise) = file.noise {
        value["hidden"] = hidden(noise).into();
    }
    value
}

fn set_origin(value: &mut Value, origin: Option<Origin>) {
    if let Some(Origin { path, line, column, end_line, end_column }) = origin {
        value["origin"] = json!({
            "path": path,
            "line": line,
            "column": column,
            "endLine": end_line,
            "endColumn": end_column,
        });
    }
}
