//! `components.istio.ambient.waypoints`: who makes waypoints, and how those of TSB are customised
//! (facts/tsb.md, "Ambient settings"; facts/gitops-delivery.md 9.4).

use serde_json::{Map, Value, json};

use super::blame::Blame;
use super::gate;
use super::merge::set;
use crate::diagnostic::{Diagnostic, Span};
use crate::model::{Cluster, Environment, Owner, Waypoint, WaypointChoice, WaypointFor};
use crate::translate::waypoint::patches;

const WAYPOINTS: &str = "/spec/components/istio/ambient/waypoints";

/// The wanted fields.
///
/// Git owns: the cluster level is off and TSB leaves `istio.io/use-waypoint` alone. TSB owns: the
/// cluster level is the cluster's default waypoint, and the namespaces that want another one, or
/// none, have entries of their own. What the spec says nothing of is left as it is: there TSB makes
/// the waypoints that its own fields ask for.
pub(super) fn fields(
    environment: &Environment,
    cluster: &Cluster,
    found: &mut Vec<Diagnostic>,
) -> Value {
    match environment.ownership.waypoints {
        Owner::GitOps => json!({"clusterLevel": {"enable": false, "disableLabelManagement": true}}),
        Owner::Tsb => tsb_fields(environment, cluster, found),
    }
}

fn tsb_fields(environment: &Environment, cluster: &Cluster, found: &mut Vec<Diagnostic>) -> Value {
    let cluster_level = cluster
        .default_waypoint
        .as_ref()
        .map(|waypoint| config(environment, waypoint, cluster.origin, found));
    let mut namespace_level = Vec::new();
    for namespace in environment.ambient_namespaces(cluster) {
        if namespace.waypoint_choice == WaypointChoice::Unsaid && cluster_level.is_none() {
            continue;
        }
        let config = match &namespace.waypoint {
            Some(waypoint) => config(environment, waypoint, namespace.origin, found),
            None => json!({"enable": false}),
        };
        if cluster_level.as_ref() == Some(&config) {
            continue;
        }
        let overlays = cluster_level.as_ref().and_then(|level| level.get("overlays"));
        if let (Some(waypoint), Some(lost)) = (&namespace.waypoint, overlays)
            && config.get("overlays") != Some(lost)
        {
            found.push(
                replaced(namespace.name.as_str(), waypoint.origin.unwrap_or(namespace.origin))
                    .also(cluster.origin, "of the cluster"),
            );
        }
        namespace_level.push(json!({"name": namespace.name.as_str(), "config": config}));
    }
    let mut waypoints = Map::new();
    if let Some(level) = cluster_level {
        waypoints.insert("clusterLevel".into(), level);
    }
    if !namespace_level.is_empty() {
        waypoints.insert("namespaceLevel".into(), Value::Array(namespace_level));
    }
    Value::Object(waypoints)
}

/// A `WaypointConfig`. The deprecated fields beside `overlays` are not used.
fn config(
    environment: &Environment,
    waypoint: &Waypoint,
    origin: Span,
    found: &mut Vec<Diagnostic>,
) -> Value {
    let origin = waypoint.origin.unwrap_or(origin);
    for (wrong, what) in [
        (waypoint.name.as_str() != "waypoint", format!("is named `{}`", waypoint.name)),
        (
            waypoint.waypoint_for != WaypointFor::All,
            format!("takes traffic for `{}`", waypoint.waypoint_for.as_str()),
        ),
    ] {
        if wrong {
            found.push(
                Diagnostic::error(
                    "tsb-waypoint",
                    format!("the waypoint {what}, but TSB's are named `waypoint` and take traffic for `all`"),
                )
                .at(origin, "")
                .help("leave it at `waypoint` and `all`, or let git own the waypoints: `ownership.waypoints: gitops`"),
            );
        }
    }
    let mut config = Map::from_iter([("enable".to_owned(), Value::Bool(true))]);
    if let Some(revision) = &waypoint.revision {
        config.insert("revision".into(), revision.as_str().into());
    }
    let overlays = overlays(waypoint);
    if overlays.as_object().is_some_and(|overlays| !overlays.is_empty()) {
        gate::WAYPOINT_OVERLAYS.check(environment, origin, found);
        config.insert("overlays".into(), json!({"istio-waypoint": overlays}));
    }
    Value::Object(config)
}

/// The customisation, keyed as Istio's parameters ConfigMap is. Labels and annotations, which
/// git's own Gateways carry in `infrastructure`, go to each object that they reach there.
fn overlays(waypoint: &Waypoint) -> Value {
    let mut overlays: Map<String, Value> = patches(waypoint).into_iter().collect();
    let mut metadata = Map::new();
    for (key, map) in [("labels", &waypoint.labels), ("annotations", &waypoint.annotations)] {
        if !map.is_empty() {
            metadata.insert(key.into(), json!(map));
        }
    }
    if !metadata.is_empty() {
        let made = ["deployment", "service", "serviceAccount"];
        let asked = ["horizontalPodAutoscaler", "podDisruptionBudget"];
        let asked = asked.into_iter().filter(|key| overlays.contains_key(*key));
        for object in made.into_iter().chain(asked).collect::<Vec<_>>() {
            set(&mut overlays, &[object, "metadata"], Value::Object(metadata.clone()));
        }
        set(
            &mut overlays,
            &["deployment", "spec", "template", "metadata"],
            Value::Object(metadata),
        );
    }
    Value::Object(overlays)
}

/// Checks the finished resource: one owner of the waypoints, and nothing replaced unseen.
pub(super) fn check(
    environment: &Environment,
    full: &Value,
    blame: &Blame<'_>,
    found: &mut Vec<Diagnostic>,
) {
    let entries = full
        .pointer(&format!("{WAYPOINTS}/namespaceLevel"))
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    match environment.ownership.waypoints {
        Owner::GitOps => {
            base_contradictions(blame, found);
            let cluster = format!("{WAYPOINTS}/clusterLevel");
            owned_twice(full, &cluster, "the cluster", blame, found);
            for (i, entry) in entries.iter().enumerate() {
                let at = format!("{WAYPOINTS}/namespaceLevel/{i}/config");
                owned_twice(full, &at, &subject(entry), blame, found);
            }
        }
        Owner::Tsb => {
            for at in std::iter::once(format!("{WAYPOINTS}/clusterLevel"))
                .chain((0..entries.len()).map(|i| format!("{WAYPOINTS}/namespaceLevel/{i}/config")))
            {
                let at = format!("{at}/disableLabelManagement");
                if full.pointer(&at) == Some(&Value::Bool(true)) {
                    found.push(
                        Diagnostic::warning(
                            "waypoint-label-unowned",
                            "`disableLabelManagement` is on while TSB owns the waypoints: nobody sets `istio.io/use-waypoint`, and traffic bypasses the waypoint",
                        )
                        .at(blame.of(full, &at), "")
                        .help("turn it off, or let git own the waypoints"),
                    );
                }
            }
        }
    }
    replaced_in_base(entries, blame, found);
}

/// What the base says outright against git's ownership. The spec would overrule the cluster level
/// without a word otherwise.
fn base_contradictions(blame: &Blame<'_>, found: &mut Vec<Diagnostic>) {
    let Some(base) = blame.base else { return };
    for (field, wrong, what) in [
        ("enable", true, "lets TSB make waypoints"),
        ("disableLabelManagement", false, "lets TSB manage `istio.io/use-waypoint`"),
    ] {
        let at = format!("{WAYPOINTS}/clusterLevel/{field}");
        if base.body.pointer(&at) == Some(&Value::Bool(wrong)) {
            found.push(
                Diagnostic::error(
                    "waypoint-owned-twice",
                    format!("`{field}: {wrong}` {what} in the cluster, but git owns the waypoints"),
                )
                .at(blame.base(&at), "")
                .help(HELP),
            );
        }
    }
    let enabled = "/spec/components/istio/ambient/enable";
    let unsaid = base.body.pointer(&format!("{WAYPOINTS}/clusterLevel/enable")).is_none();
    if unsaid && base.body.pointer(enabled) == Some(&Value::Bool(true)) {
        found.push(
            Diagnostic::warning(
                "waypoint-hand-over",
                "the base runs ambient mode with TSB's own waypoints, which go once git owns them",
            )
            .at(blame.base(enabled), "")
            .help("in namespaces that are ambient already, bring git's waypoints under another name first, then move `istio.io/use-waypoint`, then turn TSB's off"),
        );
    }
}

const HELP: &str = "remove it, or let TSB own them: `ownership.waypoints: tsb`";

/// A level of the finished resource at which TSB still makes waypoints or labels. `enable` is on
/// where nothing is said.
fn owned_twice(
    full: &Value,
    at: &str,
    subject: &str,
    blame: &Blame<'_>,
    found: &mut Vec<Diagnostic>,
) {
    let mut wrong = Vec::new();
    for (field, right, what) in [
        ("enable", false, "makes waypoints"),
        ("disableLabelManagement", true, "manages `istio.io/use-waypoint`"),
    ] {
        let at = format!("{at}/{field}");
        let value = full.pointer(&at);
        let already = blame.base.is_some_and(|base| base.body.pointer(&at) == value);
        let is_cluster = at.contains("/clusterLevel/");
        // the base's own cluster level has been reported
        if value == Some(&Value::Bool(right)) || (is_cluster && already && value.is_some()) {
            continue;
        }
        let said = match value {
            Some(value) => format!("`{field}: {value}`"),
            None => format!("`{field}`, where it is not said,"),
        };
        wrong.push(Wrong {
            said,
            what,
            right: format!("`{field}: {right}`"),
            at: blame.of(full, &at),
        });
    }
    // one fault of one level: whoever sees one of the two sees both
    let Some(first) = wrong.first() else { return };
    let join = |part: fn(&Wrong) -> &str| wrong.iter().map(part).collect::<Vec<_>>().join(" and ");
    let verb = if wrong.len() == 1 { "means" } else { "mean" };
    found.push(
        Diagnostic::error(
            "waypoint-owned-twice",
            format!(
                "{} {verb} that TSB {} for {subject}, but git owns the waypoints",
                join(|wrong| &wrong.said),
                join(|wrong| wrong.what)
            ),
        )
        .at(first.at, "")
        .help(format!("set {} there; or {HELP}", join(|wrong| &wrong.right))),
    );
}

/// A field of a level that leaves something to TSB.
struct Wrong {
    said: String,
    what: &'static str,
    right: String,
    at: Span,
}

/// A namespace's overlays replace the cluster's, they are not merged.
fn replaced_in_base(entries: &[Value], blame: &Blame<'_>, found: &mut Vec<Diagnostic>) {
    let Some(base) = blame.base else { return };
    let has_overlays = |value: Option<&Value>| {
        value.and_then(Value::as_object).is_some_and(|overlays| !overlays.is_empty())
    };
    let cluster = format!("{WAYPOINTS}/clusterLevel/overlays");
    if !has_overlays(base.body.pointer(&cluster)) {
        return;
    }
    for (i, entry) in entries.iter().enumerate() {
        let at = format!("{WAYPOINTS}/namespaceLevel/{i}/config/overlays");
        if has_overlays(base.body.pointer(&at)) {
            let name = entry.get("name").and_then(Value::as_str).unwrap_or("a selector");
            found
                .push(replaced(name, blame.base(&at)).also(blame.base(&cluster), "of the cluster"));
        }
    }
}

fn replaced(namespace: &str, at: Span) -> Diagnostic {
    Diagnostic::note(
        "waypoint-overlays-replaced",
        format!("the waypoint of `{namespace}` has overlays of its own, which replace the cluster's and are not merged with them"),
    )
    .at(at, "")
    .help("repeat here what is to stay of the cluster's")
}

fn subject(entry: &Value) -> String {
    match entry.get("name").and_then(Value::as_str) {
        Some(name) => format!("namespace `{name}`"),
        None => "the namespaces of a selector".to_owned(),
    }
}
