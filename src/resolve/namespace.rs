//! Namespaces, their workloads and waypoints.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::cluster::TrustDomains;
use super::{inventory, name};
use crate::diagnostic::{Diagnostic, Spanned};
use crate::k8s::{Labels, is_label_key};
use crate::model::{
    ClusterName, DataplaneMode, Lifecycle, Namespace, NamespaceName, ObjectName, PodOptions,
    Principal, SecuritySetting, Waypoint, WaypointChoice, WaypointFor, Workload, WorkloadKind,
};
use crate::spec;

/// What a namespace takes from its cluster and its environment.
pub(super) struct Surroundings<'a> {
    pub cluster: &'a ClusterName,
    pub default_waypoint: Option<&'a Spanned<spec::Waypoint>>,
    /// `cluster/namespace` of every stage.
    pub migrating: &'a BTreeSet<String>,
    pub domains: &'a TrustDomains,
}

/// Makes namespaces of what was typed.
pub(super) fn namespaces(
    typed: Vec<Spanned<spec::Namespace>>,
    around: &Surroundings<'_>,
    found: &mut Vec<Diagnostic>,
) -> BTreeMap<NamespaceName, Namespace> {
    let mut namespaces: BTreeMap<NamespaceName, Namespace> = BTreeMap::new();
    for typed in typed {
        let Some(namespace) = namespace(typed.value, around, found) else { continue };
        match namespaces.get(&namespace.name) {
            Some(first) => found.push(name::duplicate(
                &format!("namespaces of `{}`", around.cluster),
                namespace.name.as_str(),
                namespace.origin,
                first.origin,
            )),
            None => {
                namespaces.insert(namespace.name.clone(), namespace);
            }
        }
    }
    namespaces
}

fn namespace(
    typed: spec::Namespace,
    around: &Surroundings<'_>,
    found: &mut Vec<Diagnostic>,
) -> Option<Namespace> {
    let name = name::parse(&typed.name, NamespaceName::parse, found)?;
    let lifecycle = match typed.lifecycle.map(|l| l.value) {
        None | Some(spec::Lifecycle::Adopt) => Lifecycle::Adopt,
        Some(spec::Lifecycle::Create) => Lifecycle::Create,
    };
    let mode = typed.mode.map_or(DataplaneMode::Sidecar, |m| dataplane_mode(m.value));
    let gateways = typed.gateways.iter().filter_map(|g| gateway(g, around, found)).collect();
    let labels = labels(typed.labels, lifecycle, found);
    let workloads = workloads(typed.workloads, found);

    let becomes_ambient = mode == DataplaneMode::Ambient
        || around.migrating.contains(&format!("{}/{name}", around.cluster));
    let any_ambient =
        becomes_ambient || workloads.values().any(|w| w.mode == Some(DataplaneMode::Ambient));
    if let Some(Spanned { value: spec::WaypointChoice::Has(_), span }) = &typed.waypoint
        && !any_ambient
    {
        let (severity, why): (fn(&'static str, String) -> Diagnostic, _) = match mode {
            DataplaneMode::None => (Diagnostic::error, "is outside the mesh"),
            _ => (Diagnostic::warning, "stays in sidecar mode"),
        };
        found.push(
            severity("idle-waypoint", format!("namespace `{name}` {why}, but has a waypoint"))
                .at(*span, "nothing will pass through it")
                .help("make the namespace ambient, put it into a stage, or remove its waypoint"),
        );
    }
    let waypoint = if any_ambient {
        waypoint(typed.waypoint.as_ref(), around.default_waypoint, found)
    } else {
        None
    };
    Some(Namespace {
        name,
        lifecycle,
        mode,
        revision: typed.revision.map(|r| r.value),
        waypoint,
        waypoint_choice: match typed.waypoint {
            None => WaypointChoice::Unsaid,
            Some(_) => WaypointChoice::Said,
        },
        labels,
        workloads,
        services: BTreeMap::new(),
        other_pods: Vec::new(),
        others: BTreeSet::new(),
        security: SecuritySetting::default(),
        workspace: None,
        gateways,
        origin: typed.name.span,
    })
}

/// What the spec says was restarted by hand. Names that are none are reported where the clusters and
/// namespaces are made.
pub(super) fn restarted(
    clusters: &[Spanned<spec::Cluster>],
) -> BTreeMap<ClusterName, inventory::Restarted> {
    let mut named: BTreeMap<ClusterName, inventory::Restarted> = BTreeMap::new();
    for cluster in clusters {
        let Ok(name) = ClusterName::parse(&cluster.name) else { continue };
        for namespace in cluster.namespaces.iter().filter(|n| !n.restarted.is_empty()) {
            let Ok(namespace_name) = NamespaceName::parse(&namespace.name) else { continue };
            let entries = named.entry(name.clone()).or_default().entry(namespace_name).or_default();
            entries.extend(namespace.restarted.iter().cloned());
        }
    }
    named
}

pub(super) fn dataplane_mode(typed: spec::Mode) -> DataplaneMode {
    match typed {
        spec::Mode::Sidecar => DataplaneMode::Sidecar,
        spec::Mode::Ambient => DataplaneMode::Ambient,
        spec::Mode::None => DataplaneMode::None,
    }
}

/// The waypoint of an ambient namespace: its own fields, then the cluster's default, then ours.
/// Without a word of its own it has one if the cluster has a default.
pub(super) fn waypoint(
    own: Option<&Spanned<spec::WaypointChoice>>,
    default: Option<&Spanned<spec::Waypoint>>,
    found: &mut Vec<Diagnostic>,
) -> Option<Waypoint> {
    let (own, origin) = match (own, default) {
        (Some(Spanned { value: spec::WaypointChoice::Never, .. }), _) | (None, None) => {
            return None;
        }
        (Some(Spanned { value: spec::WaypointChoice::Has(own), span }), _) => (Some(&**own), *span),
        (None, Some(default)) => (None, default.span),
    };
    let layers: Vec<&spec::Waypoint> = own.into_iter().chain(default.map(|d| &d.value)).collect();
    let name = match layers.iter().find_map(|w| w.name.as_ref()) {
        Some(typed) => name::parse(typed, ObjectName::parse, found)?,
        None => ObjectName::parse("waypoint").ok()?,
    };
    let json = |map: serde_json::Map<String, Value>| Value::Object(map);
    // one number of pods: a layer that says how it is found replaces the other way too
    let counts = |w: &&spec::Waypoint| w.replicas.is_value() || w.autoscaling.is_value();
    let counting = layers.iter().position(counts).map_or(0, |i| i + 1);
    let counting = &layers[..counting];
    Some(Waypoint {
        waypoint_for: match layers.iter().find_map(|w| w.waypoint_for) {
            None | Some(spec::WaypointFor::All) => WaypointFor::All,
            Some(spec::WaypointFor::Service) => WaypointFor::Service,
            Some(spec::WaypointFor::Workload) => WaypointFor::Workload,
            Some(spec::WaypointFor::None) => WaypointFor::None,
        },
        replicas: setting(counting, |w| &w.replicas),
        resources: setting(&layers, |w| &w.resources).map(json),
        autoscaling: setting(counting, |w| &w.autoscaling).map(json),
        pod_disruption_budget: setting(&layers, |w| &w.pod_disruption_budget).map(json),
        tolerations: setting(&layers, |w| &w.tolerations)
            .map(|list| list.into_iter().map(json).collect()),
        service: setting(&layers, |w| &w.service).map(json),
        labels: keys(setting(&layers, |w| &w.labels), found),
        annotations: keys(setting(&layers, |w| &w.annotations), found),
        revision: setting(&layers, |w| &w.revision).map(|r| r.value),
        origin: Some(origin),
        ..Waypoint::named(name)
    })
}

/// What the first layer says that says anything.
fn setting<T: Clone>(
    layers: &[&spec::Waypoint],
    field: impl Fn(&spec::Waypoint) -> &spec::Setting<T>,
) -> Option<T> {
    layers.iter().find_map(|layer| match field(layer) {
        spec::Setting::Inherited => None,
        spec::Setting::Nothing => Some(None),
        spec::Setting::Value(value) => Some(Some(value.clone())),
    })?
}

/// Labels or annotations of what Istio makes of a waypoint's Gateway. It ignores keys of the Gateway
/// API's own group (facts/istio-ambient.md §3.6), and one key is ours.
fn keys(typed: Option<BTreeMap<String, Spanned<String>>>, found: &mut Vec<Diagnostic>) -> Labels {
    let mut kept = Labels::new();
    for (key, value) in typed.unwrap_or_default() {
        if !is_label_key(&key) {
            found.push(
                Diagnostic::error("invalid-name", format!("`{key}` is not a label's key"))
                    .at(value.span, "of this label")
                    .help(LABEL_KEY),
            );
        } else if key.starts_with("gateway.networking.k8s.io/") || key == "waypost.dev/managed" {
            found.push(
                Diagnostic::error(
                    "reserved-label",
                    format!("`{key}` cannot be set on what a waypoint's Gateway makes"),
                )
                .at(value.span, "")
                .help("remove it: Istio ignores keys of `gateway.networking.k8s.io`, and `waypost.dev/managed` is always there"),
            );
        } else {
            kept.insert(key, value.value);
        }
    }
    kept
}

fn workloads(
    typed: Vec<Spanned<spec::Workload>>,
    found: &mut Vec<Diagnostic>,
) -> BTreeMap<(WorkloadKind, ObjectName), Workload> {
    let mut workloads: BTreeMap<(WorkloadKind, ObjectName), Workload> = BTreeMap::new();
    for Spanned { value: typed, .. } in typed {
        let Some(kind) = workload_kind(&typed.kind) else {
            let message = format!("`{}` is not a kind of workload", typed.kind.value);
            found.push(Diagnostic::error("invalid-name", message).at(typed.kind.span, ""));
            continue;
        };
        let Some(name) = name::parse(&typed.name, ObjectName::parse, found) else { continue };
        let Ok(service_account) = ObjectName::parse("default") else { continue };
        let workload = Workload {
            kind,
            name: name.clone(),
            mode: typed.mode.map(|m| dataplane_mode(m.value)),
            selector: None,
            service_name: None,
            pod_labels: Labels::new(),
            service_account,
            replicas: None,
            pods: PodOptions::default(),
            origin: typed.name.span,
        };
        match workloads.get(&(kind, name.clone())) {
            Some(first) => found.push(name::duplicate(
                "workloads of one kind",
                name.as_str(),
                workload.origin,
                first.origin,
            )),
            None => {
                workloads.insert((kind, name), workload);
            }
        }
    }
    workloads
}

pub(super) fn workload_kind(text: &str) -> Option<WorkloadKind> {
    [WorkloadKind::DaemonSet, WorkloadKind::Deployment, WorkloadKind::StatefulSet]
        .into_iter()
        .find(|kind| kind.as_str() == text)
}

/// Labels by which Istio enrols and Kubernetes names a Namespace: other fields set them.
pub(super) fn is_mesh_label(key: &str) -> bool {
    key == "istio-injection"
        || key == "kubernetes.io/metadata.name"
        || key
            .split_once('/')
            .is_some_and(|(prefix, _)| prefix == "istio.io" || prefix.ends_with(".istio.io"))
}

const LABEL_KEY: &str = "a key is letters, digits, dashes, underscores and points, with a domain and a slash before it or none";

fn labels(
    typed: BTreeMap<String, Spanned<String>>,
    lifecycle: Lifecycle,
    found: &mut Vec<Diagnostic>,
) -> Labels {
    if let (Lifecycle::Adopt, Some(first)) = (lifecycle, typed.values().next()) {
        found.push(
            Diagnostic::warning("idle-labels", "labels of a Namespace that is not created here")
                .at(first.span, "nobody will set this")
                .help("set `lifecycle: create`, or remove `labels`"),
        );
    }
    let mut labels = Labels::new();
    for (key, value) in typed {
        if is_mesh_label(&key) {
            found.push(
                Diagnostic::error("reserved-label", format!("the label `{key}` is set by other fields"))
                    .at(value.span, "")
                    .help("remove it: `mode`, `revision` and `waypoint` say how the namespace is enrolled"),
            );
        } else if is_label_key(&key) {
            labels.insert(key, value.value);
        } else {
            found.push(
                Diagnostic::error("invalid-name", format!("`{key}` is not a label's key"))
                    .at(value.span, "of this label")
                    .help(LABEL_KEY),
            );
        }
    }
    labels
}

/// The principal behind `[cluster/]namespace/serviceAccount`. The namespace is a gateway's own,
/// and need not be one of ours; the cluster must be.
fn gateway(
    typed: &Spanned<String>,
    around: &Surroundings<'_>,
    found: &mut Vec<Diagnostic>,
) -> Option<Principal> {
    let parts: Vec<&str> = typed.split('/').collect();
    let (cluster, namespace, account) = match parts.as_slice() {
        [namespace, account] => (around.cluster.as_str(), *namespace, *account),
        [cluster, namespace, account] => (*cluster, *namespace, *account),
        _ => return None,
    };
    let Some(domain) = around.domains.get(cluster) else {
        let help = name::did_you_mean(cluster, around.domains.keys().map(String::as_str))
            .unwrap_or_else(|| "add it to `clusters`".to_owned());
        found.push(
            Diagnostic::error("unknown-cluster", format!("there is no cluster `{cluster}`"))
                .at(typed.span, "")
                .help(help),
        );
        return None;
    };
    let at = |text: &str| Spanned::new(text.to_owned(), typed.span);
    let namespace = name::parse(&at(namespace), NamespaceName::parse, found)?;
    Some(if account == "*" {
        Principal::Namespace(domain.clone(), namespace)
    } else {
        let account = name::parse(&at(account), ObjectName::parse, found)?;
        Principal::ServiceAccount(domain.clone(), namespace, account)
    })
}
